# SPDX-License-Identifier: MIT
"""Imports only point down, and through a package's front door.

The packages of gamenet lie in layers. A module may import from lower layers only, also
inside functions and for type checking; packages on one layer do not import each other;
what another package offers is what its `__init__` lists in `__all__`. The packages of
the lower half are pure: no reactor, no I/O, no clock, no randomness of their own. The
global reactor is imported by `service` alone: everywhere else it is an argument.

The check walks syntax trees, so it sees an import that no test happens to run. Each
rule is tried on a source that breaks it, so that the check itself cannot fall silent.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

PACKAGE = Path(__file__).parent.parent / "gamenet"

#: Layer of each package; the modules at the root share the layer "" (0).
LAYERS = {
    "": 0,
    "wire": 1,
    "connection": 2,
    "world": 2,
    "replication": 3,
    "rpc": 3,
    "voice": 3,
    "prediction": 4,
    "authority": 4,
    "session": 5,
    "transport": 6,
    "persistence": 6,
    "game": 7,
    "cluster": 8,
    "service": 9,
    "testing": 10,
}
#: The highest layer without I/O.
PURE_UP_TO = 5
IMPURE = frozenset(
    {"asyncio", "os", "random", "socket", "threading", "time", "twisted"}
)
#: A transport carries packets: it must not know rooms, and so skips the layers between.
ALLOWED = {"transport": frozenset({"", "wire", "connection", "world"})}
REACTOR = "twisted.internet.reactor"
REACTOR_OWNER = "service"
#: Folders of gamenet without Python in them.
ASSETS = frozenset({"browser"})

Exports = Mapping[str, frozenset[str]]


class Import(NamedTuple):
    """One name that a module imports: `from module import name`, or a whole module."""

    line: int
    module: str
    name: str | None


def imports_of(tree: ast.AST, package: str) -> Iterator[Import]:
    """Yield every import of a syntax tree, relative ones resolved against `package`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, None)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                module = ".".join([*parts, module] if module else parts)
            for alias in node.names:
                yield Import(node.lineno, module, alias.name)


def normalized(found: Import, exports: Exports) -> Import:
    """Read `from gamenet import wire` as the import of the module gamenet.wire."""
    if found.module != "gamenet" or found.name in exports.get("", frozenset()):
        return found
    return Import(found.line, ".".join(filter(None, found[1:])), None)


def package_of(module: str) -> str:
    """Return the package of a dotted module name of gamenet, "" for a root module."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in LAYERS else ""


def broken_by(found: Import, package: str, exports: Exports) -> str | None:
    """Return what is wrong with one import made in `package`, or None."""
    top = found.module.split(".")[0]
    if top == "gamenet":
        return crossed(found, package, exports)
    if ".".join(filter(None, found[1:])).startswith(REACTOR):
        if package != REACTOR_OWNER:
            return f"imports the global reactor: only {REACTOR_OWNER} may"
    elif top in IMPURE and LAYERS[package] <= PURE_UP_TO:
        return f"is pure and imports {top}"
    return None


def crossed(found: Import, package: str, exports: Exports) -> str | None:
    """Return what is wrong with an import from gamenet itself, or None."""
    dotted = ".".join(filter(None, found[1:]))
    target = package_of(found.module)
    if target == package:
        return None
    if LAYERS[target] > LAYERS[package]:
        return f"imports upwards: {dotted}"
    if LAYERS[target] == LAYERS[package]:
        return f"imports its sibling: {dotted}"
    if target not in ALLOWED.get(package, LAYERS):
        return f"may not know {target or 'the root'}: {dotted}"
    return entered_badly(found, target, exports)


def entered_badly(found: Import, target: str, exports: Exports) -> str | None:
    """Return what is wrong if a package is not entered through its front door."""
    if not target:
        return None
    if found.module != f"gamenet.{target}":
        return f"goes round the __init__ of {target}: {found.module}"
    if found.name is not None and found.name not in exports.get(target, frozenset()):
        return f"takes {found.name}, which {target} does not list in __all__"
    return None


def violations(module: str, source: str, exports: Exports) -> list[str]:
    """Return one line for each import of a module that breaks a rule.

    Args:
        module: Dotted name; that of a package's `__init__` ends in `.__init__`.
        source: The text of the module.
        exports: The names in `__all__` of each package.
    """
    package = module.rpartition(".")[0]
    own = package_of(module)
    lines = []
    for found in imports_of(ast.parse(source), package):
        wrong = broken_by(normalized(found, exports), own, exports)
        if wrong is not None:
            lines.append(f"{module}:{found.line} {wrong}")
    return lines


def exports_of(source: str) -> frozenset[str]:
    """Return the names in the `__all__` of a source."""
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(name, ast.Name) and name.id == "__all__" for name in targets):
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def modules() -> dict[str, str]:
    """Return the source of every module of gamenet by dotted name."""
    return {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): (
            path.read_text(encoding="utf-8")
        )
        for path in sorted(PACKAGE.rglob("*.py"))
    }


class TreeTests(SynchronousTestCase):
    """The rules hold in the tree as it is."""

    def test_every_import(self) -> None:
        """No module of gamenet imports upwards, sideways or round an `__init__`."""
        sources = modules()
        exports = {
            package_of(name): exports_of(source)
            for name, source in sources.items()
            if name.endswith(".__init__")
        }
        broken = [
            line
            for name, source in sources.items()
            for line in violations(name, source, exports)
        ]
        self.assertEqual(broken, [], "\n" + "\n".join(broken))

    def test_every_package_has_a_layer(self) -> None:
        """A new package must be given its layer here before it can be tested."""
        folders = {
            path.name
            for path in PACKAGE.iterdir()
            if path.is_dir() and not path.name.startswith("_")
        }
        self.assertEqual(folders - ASSETS - set(LAYERS), set())

    def test_assets_hold_no_python(self) -> None:
        """An asset folder has no module that could import anything."""
        found = [path for name in ASSETS for path in (PACKAGE / name).rglob("*.py")]
        self.assertEqual(found, [])


class RuleTests(SynchronousTestCase):
    """Each rule finds the source that breaks it, and passes the one that does not."""

    EXPORTS: Exports = {
        "wire": frozenset({"Schema"}),
        "connection": frozenset({"Connection"}),
        "session": frozenset({"Room"}),
        "game": frozenset({"Game"}),
    }

    def broken(self, module: str, source: str) -> list[str]:
        """Return the violations of a source, each without its place."""
        found = violations(module, source, self.EXPORTS)
        return [line.split(" ", 1)[1] for line in found]

    def test_downwards(self) -> None:
        """Imports of lower packages and of root modules are what is wanted."""
        source = (
            "import gamenet.wire\n"
            "from gamenet import errors, wire\n"
            "from gamenet.errors import SchemaError\n"
            "from gamenet.wire import Schema\n"
            "from gamenet.connection.events import Closed\n"
            "import numpy\n"
        )
        self.assertEqual(self.broken("gamenet.connection.connection", source), [])

    def test_upwards(self) -> None:
        """A package that imports a higher one is found."""
        found = self.broken("gamenet.wire.schema", "from gamenet.game import Game")
        self.assertEqual(found, ["imports upwards: gamenet.game.Game"])

    def test_upwards_from_the_root(self) -> None:
        """The modules at the root import no package at all."""
        for module in ("gamenet.errors", "gamenet.__init__"):
            found = self.broken(module, "from gamenet.wire import Schema")
            self.assertEqual(found, ["imports upwards: gamenet.wire.Schema"])

    def test_inside_a_function(self) -> None:
        """An import hidden in a function or under TYPE_CHECKING counts like another."""
        for start in ("def f():", "if TYPE_CHECKING:", "class A:\n  def f(self):"):
            source = f"{start}\n    from gamenet.game import Game"
            self.assertEqual(
                self.broken("gamenet.wire.schema", source),
                ["imports upwards: gamenet.game.Game"],
            )

    def test_as_a_module(self) -> None:
        """`import gamenet.game` and `from gamenet import game` are imports of game."""
        for source in ("import gamenet.game as g", "from gamenet import game"):
            found = self.broken("gamenet.wire.schema", source)
            self.assertEqual(found, ["imports upwards: gamenet.game"])

    def test_relative(self) -> None:
        """A relative import is followed to where it leads."""
        found = self.broken("gamenet.wire.schema", "from ..game import Game")
        self.assertEqual(found, ["imports upwards: gamenet.game.Game"])
        found = self.broken("gamenet.wire.__init__", "from .schema import Schema")
        self.assertEqual(found, [])

    def test_siblings(self) -> None:
        """Packages on one layer do not import each other."""
        source = "from gamenet.connection import Connection"
        found = self.broken("gamenet.world.columns", source)
        self.assertEqual(found, ["imports its sibling: gamenet.connection.Connection"])

    def test_round_the_init(self) -> None:
        """Another package's module is not imported directly."""
        source = "from gamenet.wire.schema import Schema"
        found = self.broken("gamenet.world.columns", source)
        wrong = "goes round the __init__ of wire: gamenet.wire.schema"
        self.assertEqual(found, [wrong])

    def test_not_exported(self) -> None:
        """A name that another package does not list in `__all__` is not for taking."""
        source = "from gamenet.wire import schema"
        found = self.broken("gamenet.world.columns", source)
        self.assertEqual(found, ["takes schema, which wire does not list in __all__"])

    def test_transport_knows_no_rooms(self) -> None:
        """A transport imports wire, connection and world, and nothing between."""
        found = self.broken("gamenet.transport.udp", "from gamenet.session import Room")
        self.assertEqual(found, ["may not know session: gamenet.session.Room"])

    def test_pure(self) -> None:
        """A pure package imports none of the modules that touch the outside world."""
        for module in sorted(IMPURE):
            for source in (f"import {module}", f"def f():\n    from {module} import x"):
                found = self.broken("gamenet.session.room", source)
                self.assertEqual(found, [f"is pure and imports {module}"])

    def test_the_root_is_pure(self) -> None:
        """The modules at the root are pure too."""
        found = self.broken("gamenet.stats", "import time")
        self.assertEqual(found, ["is pure and imports time"])

    def test_shells_are_not_pure(self) -> None:
        """From transport upwards Twisted and the clock are allowed."""
        source = "import time\nfrom twisted.internet.defer import Deferred"
        self.assertEqual(self.broken("gamenet.transport.udp", source), [])

    def test_global_reactor(self) -> None:
        """The global reactor is imported by service alone."""
        for source in (
            "from twisted.internet import reactor",
            "import twisted.internet.reactor",
            "def f():\n    from twisted.internet.reactor import callLater",
        ):
            found = self.broken("gamenet.game.server", source)
            self.assertEqual(found, ["imports the global reactor: only service may"])
            self.assertEqual(self.broken("gamenet.service.tap", source), [])
