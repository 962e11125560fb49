# SPDX-License-Identifier: MIT
"""Tests that docs/STANDARD.md says what the code does."""

from __future__ import annotations

from tools.write_standard import TARGET, standard
from twisted.trial.unittest import SynchronousTestCase

from gamenet.wire import Schema, blob, flag, nbits, uint8, uint16
from gamenet.wire.standard import hex_dump, schema_table


class StandardTests(SynchronousTestCase):
    """The document is generated, and up to date."""

    maxDiff = None

    def test_up_to_date(self) -> None:
        """`python tools/write_standard.py` would change nothing."""
        self.assertEqual(TARGET.read_text(), standard())

    def test_nothing_left_open(self) -> None:
        """Every place of the template was filled in."""
        self.assertNotIn("{{", standard())


class TableTests(SynchronousTestCase):
    """The tables show where each field is."""

    def test_schema_table(self) -> None:
        """Offsets run on until something varies; bits show their places."""

        class Sample(Schema):
            first: int = uint16()
            up: bool = flag()
            kind: int = nbits(3)
            data: bytes = blob(9)
            last: int = uint8()
            late: int = uint8(appended=True)

        self.assertEqual(
            schema_table(Sample).splitlines()[2:],
            [
                "| 0 | `first` | 2 | uint16 |",
                "| 2 | `up`, `kind` | 1 | uint8: bit 0, bits 1-3 |",
                "| 3 | `data` | varies | varint length, then at most 9 bytes |",
                "|  | `last` | 1 | uint8 |",
                "| tail | `late` | varies | appended: uint8 |",
            ],
        )

    def test_hex_dump(self) -> None:
        """Sixteen bytes to a line, each line with its offset."""
        self.assertEqual(
            hex_dump(bytes(range(17))).splitlines()[1:-1],
            ["0000  " + bytes(range(16)).hex(" "), "0010  10"],
        )
