# SPDX-License-Identifier: MIT
"""What the documentation shows is what is there.

The listing of the README is the file that it names, links lead somewhere, and every
Python listing of the how-to guides is a file that is run here.
"""

from __future__ import annotations

import re
import unittest
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from tools.write_time_lines import DRAWINGS
from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


def listings(path: Path, language: str) -> list[str]:
    """Return the listings of a page that are in a language."""
    return [body for tag, body in FENCE.findall(text(path)) if tag == language]


def suite_of(path: Path) -> unittest.TestSuite:
    """Return the tests that a file defines."""
    spec = spec_from_file_location(path.stem, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


class ReadmeTests(SynchronousTestCase):
    """The first page that anybody reads."""

    def test_drift(self) -> None:
        """The game shown is examples/drift.py, from its imports to its end."""
        source = text(ROOT / "examples" / "drift.py")
        start = source.index("from gamenet.game import")
        self.assertEqual(listings(ROOT / "README.md", "python"), [source[start:]])

    def test_drift_is_short(self) -> None:
        """The game fits on a screen."""
        (listing,) = listings(ROOT / "README.md", "python")
        self.assertLess(listing.count("\n"), 40)

    def test_commands(self) -> None:
        """The commands shown are a target of the Makefile, and a game that exists."""
        (commands,) = listings(ROOT / "README.md", "console")
        self.assertEqual(
            commands.splitlines(),
            [
                "$ make demo",
                "$ .venv/bin/twistd -n gamenet --game examples.drift:Drift",
            ],
        )
        self.assertIn("\ndemo: ", text(ROOT / "Makefile"))


class LinkTests(SynchronousTestCase):
    """Links between the files of this repository."""

    def test_links(self) -> None:
        """Every relative link of a page leads to a file or a folder."""
        pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
        broken = [
            f"{page.relative_to(ROOT)}: {target}"
            for page in pages
            if "_build" not in page.parts
            for target in LINK.findall(text(page))
            if not (page.parent / target).exists()
        ]
        self.assertEqual(broken, [])


class DrawingTests(SynchronousTestCase):
    """The drawn time lines of the concept pages."""

    def test_are_up_to_date(self) -> None:
        """`python -m tools.write_time_lines` would change nothing."""
        for name, draw in DRAWINGS.items():
            self.assertEqual(text(DOCS / "concepts" / name), draw().svg(), name)

    def test_are_shown(self) -> None:
        """Each of them is on a page."""
        pages = "".join(text(path) for path in (DOCS / "concepts").glob("*.md"))
        for name in DRAWINGS:
            self.assertIn(f"]({name})", pages)


class HowtoTests(SynchronousTestCase):
    """The listings of the how-to guides."""

    def test_listings_pass(self) -> None:
        """Each file beside the guides holds tests, and they pass."""
        files = sorted((DOCS / "howto").glob("*.py"))
        self.assertTrue(files)
        for path in files:
            result = unittest.TestResult()
            suite_of(path).run(result)
            problems = "\n".join(text for _, text in result.failures + result.errors)
            self.assertEqual(problems, "", path.name)
            self.assertTrue(result.testsRun, path.name)

    def test_listings_are_included(self) -> None:
        """Guides include their Python from those files, so that none is untested."""
        for path in (DOCS / "howto").glob("*.md"):
            self.assertEqual(listings(path, "python"), [], path.name)
