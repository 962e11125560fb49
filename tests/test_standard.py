# SPDX-License-Identifier: MIT
"""Tests that docs/STANDARD.md says what the code does.

The examples are read here as somebody would who has nothing but the document: with
`struct` and a pencil, not with the codecs that wrote them.
"""

from __future__ import annotations

import re
import struct

from tools.write_standard import TARGET, standard
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason
from gamenet.wire import Schema, blob, declare, flag, nbits, uint8, uint16
from gamenet.wire.standard import hex_dump, schema_table

DUMP = re.compile(r"```text\n(.*?)```", re.DOTALL)
SALT, TAG = 0x1122334455667788, 0x0102030405060708
HASH = bytes.fromhex("d68798aba89d6144")


def text() -> str:
    """Return the document."""
    return TARGET.read_text(encoding="utf-8")


def example(words: str, n: int = 0) -> bytes:
    """Return the bytes of the n-th example after some words."""
    after = text().split(words, 1)[1]
    lines = DUMP.findall(after)[n].splitlines()
    return b"".join(bytes.fromhex(line[4:]) for line in lines)


class StandardTests(SynchronousTestCase):
    """The document is generated, and up to date."""

    maxDiff = None

    def test_up_to_date(self) -> None:
        """`python tools/write_standard.py` would change nothing."""
        self.assertEqual(text(), standard())

    def test_nothing_left_open(self) -> None:
        """Every place of the template was filled in."""
        self.assertNotIn("{{", text())

    def test_complete(self) -> None:
        """Every kind of field and every close reason is explained."""
        for kind in declare.__all__:
            stem = re.sub(r"\d+$", "", kind)
            self.assertRegex(text(), rf"\| .*{stem}.* \|")
        for reason in CloseReason:
            self.assertIn(f"| {reason.value} | {reason.name} | ", text())


class ExampleTests(SynchronousTestCase):
    """The examples mean what the tables say."""

    def test_request(self) -> None:
        """A request: type, magic, version, hash, salt, and a name behind its length."""
        wanted = struct.pack("<B4sH8sQH3s", 0, b"GNET", 1, HASH, SALT, 3, b"ada")
        self.assertEqual(example("The same request on a stream:"), wanted)
        datagram = example("as a datagram:")
        self.assertEqual(datagram, wanted.ljust(32, b"\0"))
        self.assertIn(f"and {1078 - 32:,} further zeros", text())
        self.assertIn(f"Its hash is `{HASH.hex()}`", text())

    def test_handshake(self) -> None:
        """The response is the request with the cookie of the challenge in it."""
        kind, salt, cookie = struct.unpack("<BQ24s", example("The challenge:"))
        self.assertEqual((kind, salt), (2, SALT))
        wanted = struct.pack(
            "<B4sH8sQ24sH3s", 3, b"GNET", 1, HASH, SALT, cookie, 3, b"ada"
        )
        self.assertEqual(example("The response:"), wanted)
        self.assertEqual(example("The answer:"), struct.pack("<BQQ", 4, SALT, TAG))

    def test_payload(self) -> None:
        """A payload packet: header, then one unreliable frame, or none."""
        head = struct.pack("<BQHHI", 5, TAG, 0, 0, 0)
        self.assertEqual(example("message `hello`"), head + b"\1\5\0hello")
        head = struct.pack("<BQHHI", 5, TAG, 0, 65535, 0)
        self.assertEqual(example("A heartbeat:"), head)

    def test_welcome(self) -> None:
        """A welcome: id and fields; its packet has one reliable frame on channel 0."""
        welcome = struct.pack("<BIIfI", 1, 1, 90, 30.0, 4096)
        self.assertEqual(example("A welcome ("), welcome)
        frame = struct.pack("<BHH", 0x20, 0, len(welcome)) + welcome
        self.assertEqual(example("A welcome (", 1)[17:], frame)

    def test_snapshot(self) -> None:
        """A snapshot: tick, part, rows, 16 bits of generation, planes of words."""
        data = example("The same two entities at tick 90:")
        self.assertEqual(struct.unpack_from("<IBB", data), (90, 0, 1))
        self.assertEqual(struct.unpack_from("<IHB", data, 6), (0, 2, 0b11))
        self.assertEqual(struct.unpack_from("<2H", data, 13), (1, 1))
        n_components, component, length, present = struct.unpack_from("<BBIB", data, 17)
        self.assertEqual((n_components, component, present), (1, 0, 0b11))
        words = struct.unpack_from("<4I", data, 24)
        self.assertEqual(length, 1 + 16)
        self.assertEqual(len(data), 24 + 16)
        self.assertEqual([-512 + w / 64 for w in words], [1.0, 2.5, -1.0, 0.0])

    def test_spawned(self) -> None:
        """A spawned: id, tick, and a block with whole generations and owners."""
        data = example("the message, and the block inside it.")
        block = example("the message, and the block inside it.", 1)
        self.assertEqual(data, struct.pack("<BIB", 4, 90, len(block)) + block)
        self.assertEqual(struct.unpack_from("<IHB", block), (0, 2, 0b11))
        self.assertEqual(struct.unpack_from("<4I", block, 7), (1, 1, 1, 1))
        self.assertEqual(block[23:], example("The same two entities at tick 90:")[17:])

    def test_inputs(self) -> None:
        """Inputs: the newest number, the tick seen, and the last ones, newest first."""
        first = struct.pack("<BHbb", 0, 2, 127, -1)
        second = struct.pack("<BHbb", 0, 2, 0, 1)
        words = "The first input of a player"
        self.assertEqual(example(words), struct.pack("<IIB", 1, 90, 1) + first)
        both = struct.pack("<IIB", 2, 90, 2) + second + first
        self.assertEqual(example(words, 1), both)

    def test_state_update(self) -> None:
        """A state update: header, count, and a component behind its lengths."""
        wanted = struct.pack("<QQBIHH6sI2H", 1, 2, 3, 4, 1, 6, b"health", 4, 75, 100)
        self.assertEqual(example("An update with one component"), wanted)


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

    def test_lead(self) -> None:
        """What stands before a schema moves its offsets."""

        class Sample(Schema):
            first: int = uint16()
            last: int = uint8()

        self.assertEqual(
            schema_table(Sample, lead=("type", 1, "uint8: 5")).splitlines()[2:],
            [
                "| 0 | type | 1 | uint8: 5 |",
                "| 1 | `first` | 2 | uint16 |",
                "| 3 | `last` | 1 | uint8 |",
            ],
        )

    def test_hex_dump(self) -> None:
        """Sixteen bytes to a line, each line with its offset."""
        self.assertEqual(
            hex_dump(bytes(range(17))).splitlines()[1:-1],
            ["0000  " + bytes(range(16)).hex(" "), "0010  10"],
        )
