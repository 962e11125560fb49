# SPDX-License-Identifier: MIT
"""What is in the tree is in the wheel.

setup.cfg lists packages by hand, because automatic discovery drops `twisted/plugins`
without a word. So a new package or a new kind of asset could be forgotten: not here.
"""

from __future__ import annotations

import re
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parent.parent
EXAMPLES = "gamenet.examples"


def setup() -> ConfigParser:
    """Return setup.cfg."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def listed(text: str) -> list[str]:
    """Return the entries of a value that is a list, without comments."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def mapping(text: str) -> dict[str, str]:
    """Return the entries of a value that is a list of `name = value`."""
    pairs = (line.split("=", 1) for line in listed(text))
    return {name.strip(): value.strip() for name, value in pairs}


def packages() -> dict[str, Path]:
    """Return the folder of each package that the tree holds, by dotted name.

    Each folder of gamenet is one, `browser` without Python included; of the examples
    those with an `__init__`.
    """
    found = {"twisted.plugins": ROOT / "twisted" / "plugins"}
    for folder in (ROOT / "gamenet", *(ROOT / "gamenet").rglob("*")):
        if folder.is_dir() and folder.name != "__pycache__":
            found[".".join(folder.relative_to(ROOT).parts)] = folder
    for init in (ROOT / "examples").rglob("__init__.py"):
        inner = init.parent.relative_to(ROOT / "examples").parts
        found[".".join((EXAMPLES, *inner))] = init.parent
    return found


def assets(folder: Path, folders: set[Path]) -> set[Path]:
    """Return the files of a package, not of one within it, that are not Python."""
    return {
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix not in {".py", ".pyc"}
        and path.name != "dropin.cache"
        and next(parent for parent in path.parents if parent in folders) == folder
    }


class PackagingTests(SynchronousTestCase):
    """setup.cfg says what the tree says."""

    def test_packages(self) -> None:
        """Every package of the tree is listed, and nothing else."""
        options = setup()["options"]
        self.assertEqual(listed(options["packages"]), sorted(packages()))

    def test_package_folders(self) -> None:
        """The examples are mapped to the name that they have in a wheel."""
        wanted = {
            name: str(folder.relative_to(ROOT))
            for name, folder in packages().items()
            if name.startswith(EXAMPLES)
        }
        self.assertEqual(mapping(setup()["options"]["package_dir"]), wanted)

    def test_assets(self) -> None:
        """Every file in a package that is not Python is shipped with it."""
        data = setup()["options.package_data"]
        found = packages()
        forgotten = set()
        for name, folder in found.items():
            patterns = listed(data["*"]) + listed(data.get(name, ""))
            shipped = {path for pattern in patterns for path in folder.glob(pattern)}
            forgotten |= assets(folder, set(found.values())) - shipped
        self.assertEqual(sorted(map(str, forgotten)), [])

    def test_examples_import_themselves_relatively(self) -> None:
        """An example never says `examples`: in a wheel it is `gamenet.examples`."""
        named = re.compile(r"^\s*(from|import) examples\b", re.MULTILINE)
        wrong = [
            str(path.relative_to(ROOT))
            for path in (ROOT / "examples").rglob("*.py")
            if named.search(path.read_text(encoding="utf-8"))
        ]
        self.assertEqual(wrong, [], "write `from .game import Arena`")

    def test_no_init_over_twisted(self) -> None:
        """`twisted` and `twisted/plugins` stay without `__init__`.

        With one, the folder would shadow Twisted itself, or its plugins.
        """
        self.assertEqual(list((ROOT / "twisted").rglob("__init__.py")), [])

    def test_console_script(self) -> None:
        """The command `gamenet` leads to a function that exists."""
        scripts = mapping(setup()["options.entry_points"]["console_scripts"])
        self.assertEqual(list(scripts), ["gamenet"])
        module, _, name = scripts["gamenet"].partition(":")
        self.assertTrue(callable(getattr(import_module(module), name)))

    def test_typed(self) -> None:
        """The package tells type checkers that it is annotated."""
        self.assertTrue((ROOT / "gamenet" / "py.typed").is_file())
