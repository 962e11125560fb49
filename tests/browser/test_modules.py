# SPDX-License-Identifier: MIT
"""The modules are what a page may rely on: plain, self-contained, without markup."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason
from tests.browser.javascript import BROWSER, run_program

MODULES = sorted(BROWSER.glob("*.js"))
#: What turns text into markup or code: player names are anybody's to choose.
FORBIDDEN = (
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "new Function",
    "http://",
    "https://",
)
MAX_LINES = 300
#: What a module offers by name, in JavaScript and in its types.
EXPORT = r"^export (?:async )?(?:class|function) (\w+)"
#: The end of an import, not of one that a comment shows.
IMPORT = r'^(?! \*).*\bfrom "([^"]+)";$'


def text_of(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


class ModuleTests(SynchronousTestCase):
    """Every file of gamenet/browser."""

    def test_header(self) -> None:
        """Each says its licence, and what it is for, at the top."""
        for path in MODULES:
            head = text_of(path).splitlines()[:2]
            self.assertEqual(head[0], "// SPDX-License-Identifier: MIT", path.name)
            self.assertTrue(head[1].startswith("/**"), path.name)

    def test_size(self) -> None:
        """Each can be read in one sitting."""
        large = [path.name for path in MODULES if text_of(path).count("\n") > MAX_LINES]
        self.assertEqual(large, [])

    def test_no_markup(self) -> None:
        """None makes markup or code from text, or loads from another host."""
        for path in MODULES:
            found = [word for word in FORBIDDEN if word in text_of(path)]
            self.assertEqual(found, [], path.name)

    def test_imports(self) -> None:
        """Each imports only its neighbours."""
        for path in MODULES:
            imported = re.findall(IMPORT, text_of(path), re.MULTILINE)
            for name in imported:
                self.assertTrue((BROWSER / name).is_file(), f"{path.name}: {name}")
            has_imports = "\nimport " in text_of(path)
            self.assertEqual(bool(imported), has_imports, path.name)

    def test_page(self) -> None:
        """The default page has no script or style in it: its policy forbids them."""
        page = text_of(BROWSER / "index.html")
        self.assertEqual(re.findall(r"<script(?![^>]*\bsrc=)", page), [])
        self.assertEqual(re.findall(r"<style|\sstyle=|\son\w+=", page), [])
        for address in re.findall(r'(?:src|href)="/gamenet/([^"]+)"', page):
            self.assertTrue((BROWSER / address).is_file(), address)

    def test_declarations(self) -> None:
        """What gamenet.js exports, and a client offers, has its TypeScript types."""
        types = text_of(BROWSER / "gamenet.d.ts")
        exported = re.findall(EXPORT, text_of(BROWSER / "gamenet.js"), re.MULTILINE)
        self.assertEqual(sorted(exported), ["ConnectError", "connect", "describeGame"])
        offered = re.findall(
            r"^  (\w+)\(.*\) \{$", text_of(BROWSER / "client.js"), re.MULTILINE
        )
        inner = {"constructor", "receive", "closed"}
        for name in {*exported, "GameClient", *offered} - inner:
            self.assertRegex(types, rf"\b{name}\b[(<]?")

    def test_graph_declarations(self) -> None:
        """What the graphs export has its types beside it, and nothing else has."""
        for name in ("netgraph", "foresight_graph"):
            exported, declared = (
                set(re.findall(EXPORT, text_of(BROWSER / file), re.MULTILINE))
                for file in (f"{name}.js", f"{name}.d.ts")
            )
            self.assertEqual(declared, exported, name)
            self.assertIn(f"// Types of {name}.js", text_of(BROWSER / f"{name}.d.ts"))


class WordsTests(SynchronousTestCase):
    """What the player is told, and may be called."""

    def test_reasons(self) -> None:
        """Each way to end has a headline; another version calls for a reload."""
        closed = [
            {"reason": reason.name, "advice": reason.advice, "detail": "why"}
            for reason in CloseReason
        ]
        explained = run_program("explain.js", {"closed": closed, "names": []})[
            "explained"
        ]
        by_name = dict(zip(CloseReason.__members__, explained, strict=True))
        for reason in CloseReason:
            self.assertTrue(by_name[reason.name]["title"])
            self.assertEqual(by_name[reason.name]["text"], f"{reason.advice} (why)")
        reload = {name for name, told in by_name.items() if told["reload"]}
        self.assertLessEqual({"VERSION_MISMATCH", "PROTOCOL_MISMATCH"}, reload)
        self.assertFalse(by_name["KICKED"]["automatic"])
        self.assertTrue(by_name["LINK_LOST"]["automatic"])

    def test_names(self) -> None:
        """A name has no spaces around it, and at most 64 bytes of whole characters."""
        names = ["  Ada ", "", "x" * 70, "é" * 40, "🚀" * 20, "a" + "🚀" * 20]
        trimmed = run_program("explain.js", {"closed": [], "names": names})["names"]
        wanted = ["Ada", "", "x" * 64, "é" * 32, "🚀" * 16, "a" + "🚀" * 15]
        self.assertEqual(trimmed, wanted)
