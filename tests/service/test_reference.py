# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.reference."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gamenet.service import ServerConfig, configuration_table
from gamenet.service.keys import keys_of

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "configuration.md"


class ReferenceTests(SynchronousTestCase):
    """The reference of the configuration."""

    def test_up_to_date(self) -> None:
        """The page in docs is what the record says.

        If this fails, write what `configuration_table()` returns to the file.
        """
        page = PAGE.read_text(encoding="utf-8")
        self.assertEqual(page, configuration_table())

    def test_complete(self) -> None:
        """Every key is there, with a text of its own, its range and its option."""
        sections = configuration_table().split("\n### ")[1:]
        keys = list(keys_of(ServerConfig))
        self.assertEqual(len(sections), len(keys))
        for key, section in zip(keys, sections, strict=True):
            heading, text, facts = section.split("\n\n", 2)
            self.assertEqual(heading, f"`{key.name}`")
            self.assertGreater(len(text), 20, key.name)
            self.assertIn(key.allowed, facts)
            self.assertIn(key.option, facts)
