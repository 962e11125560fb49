# SPDX-License-Identifier: MIT
"""Tests that docs/STANDARD.md says what the code does.

The examples are read here as somebody would who has nothing but the document: with
`struct`, a library of cryptography and a pencil, not with the codecs that wrote them.
"""

from __future__ import annotations

import re
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tools.write_standard import TARGET, standard
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason
from gamenet.replication import Refusal
from gamenet.wire import Schema, blob, declare, flag, nbits, uint8, uint16
from gamenet.wire.standard import hex_dump, schema_table
from tests.vectors.netcode_vectors import seal_x

DUMP = re.compile(r"```text\n(.*?)```", re.DOTALL)
VERSION = b"NETCODE 1.02\0"
PROTOCOL_ID, EXPIRES = 0x1122334455667788, 1_800_000_030
UP, DOWN, NONCE = b"\x02" * 32, b"\x03" * 32, b"\x04" * 24
HASH = bytes.fromhex("2d9b97c2de81ec69")
FIRST = bytes.fromhex("3e00000100000000")
"""The header of the first packet of a link, before anything came."""


def text() -> str:
    """Return the document."""
    return TARGET.read_text(encoding="utf-8")


def example(words: str, n: int = 0) -> bytes:
    """Return the bytes of the n-th example after some words."""
    after = text().split(words, 1)[1]
    lines = DUMP.findall(after)[n].splitlines()
    return b"".join(bytes.fromhex(line[4:]) for line in lines)


def public(secret: bytes) -> bytes:
    """Return the public key of 32 times a byte."""
    own = X25519PrivateKey.from_private_bytes(secret * 32)
    return own.public_key().public_bytes_raw()


def session_keys() -> bytes:
    """Return the keys of the example, to the server and to the client."""
    client = X25519PrivateKey.from_private_bytes(b"\x11" * 32)
    server = X25519PrivateKey.from_private_bytes(b"\x22" * 32)
    purpose = b"gamenet 1 keys" + public(b"\x11") + public(b"\x22")
    shared = client.exchange(server.public_key())
    return HKDF(algorithm=SHA256(), length=64, salt=UP + DOWN, info=purpose).derive(
        shared
    )


KEYS = session_keys()

GROUPS = ((32, 32), (1,), (17, 17))
"""Bits of the lanes of the README's game: identity, shape, Position."""


class Pencil:
    """Read bytes and bits one after the other."""

    def __init__(self, data: bytes) -> None:
        """Begin with the first of some bytes."""
        self.data, self.at = data, 0

    def number(self, size: int) -> int:
        """Read a number of so many bytes."""
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "little")

    def bits(self, n_bits: int) -> list[int]:
        """Read a bitmap."""
        number = self.number((n_bits + 7) // 8)
        assert number >> n_bits == 0
        return [number >> i & 1 for i in range(n_bits)]


def rows_of(pencil: Pencil, form: int) -> list[int]:
    """Read a row list."""
    first, count = pencil.number(3), pencil.number(2)
    if form == 0:
        return [first + i for i, there in enumerate(pencil.bits(count)) if there]
    rows = [first]
    rows += [0] * (count - 1)
    for i in range(1, count):
        rows[i] = rows[i - 1] + 1 + pencil.number(form)
    return rows


def cells_of(pencil: Pencil, n_rows: int) -> list[list[list[int]]]:
    """Read cells: what is to be added to each lane, by row and group."""
    named = [g for g, there in enumerate(pencil.bits(len(GROUPS))) if there]
    sizes = [pencil.number(1) for _ in named]
    places = [(g, row) for g in range(len(named)) for row in range(n_rows)]
    changed = pencil.bits(len(places))
    cells = [place for place, there in zip(places, changed, strict=True) if there]
    large = pencil.bits(len(cells))
    full = iter(pencil.bits(sum(large)))
    told = [[[0] * len(group) for group in GROUPS] for _ in range(n_rows)]
    for (g, row), is_large in zip(cells, large, strict=True):
        group = GROUPS[named[g]]
        size = sizes[g] >> 3 & 7 if is_large else sizes[g] & 7
        size = -(-sum(group) // 8) if is_large and next(full) else size + 1
        told[row][named[g]] = lanes_of(pencil.number(size), group, size)
    return told


def lanes_of(cell: int, group: tuple[int, ...], size: int) -> list[int]:
    """Return what a cell says of each lane."""
    fitting = [w for w in range(33) if sum(min(b, w) for b in group) <= 8 * size]
    moved = []
    for bits in group:
        width = min(bits, 32 if size == -(-sum(group) // 8) else fitting[-1])
        z = cell & (1 << width) - 1
        cell >>= width
        moved.append(-(z + 1) // 2 if z % 2 else z // 2)
    return moved


def follow(data: bytes, samples: dict[int, dict[int, list[list[int]]]]) -> str:
    """Take a snapshot into samples of rows; return a bit for each row that is gone."""
    pencil = Pencil(data)
    tick, part, n_parts = pencil.number(4), pencil.number(1), pencil.number(1)
    assert part < n_parts
    nothing = [[0] * len(group) for group in GROUPS]
    gone = ""
    while pencil.at < len(data):
        flags = pencil.number(1)
        rows = rows_of(pencil, flags & 3)
        if flags >> 2 == 2:
            gone += "".join(map(str, pencil.bits(len(rows))))
            continue
        ages = [pencil.number(1) for _ in (rows if flags >> 2 else rows[:1])]
        ages = ages if flags >> 2 else ages * len(rows)
        for row, age, told in zip(rows, ages, cells_of(pencil, len(rows)), strict=True):
            base = samples[row][tick - age] if age else nothing
            samples.setdefault(row, {})[tick] = [
                [
                    (b + m) % (1 << w)
                    for b, m, w in zip(lanes, moved, group, strict=True)
                ]
                for lanes, moved, group in zip(base, told, GROUPS, strict=True)
            ]
    assert pencil.at == len(data)
    return gone


def opened(
    packet: bytes, kind: int, key: bytes, label: bytes = b""
) -> tuple[int, bytes]:
    """Return sequence and body of a sealed packet."""
    n_bytes = packet[0] >> 4
    assert packet[0] & 15 == kind
    assert packet[1 : 1 + len(label)] == label
    begin = 1 + len(label)
    box = packet[begin + n_bytes :]
    sequence = int.from_bytes(packet[begin : begin + n_bytes], "little")
    associated = VERSION + struct.pack("<Q", PROTOCOL_ID) + packet[:1] + label
    nonce = bytes(4) + struct.pack("<Q", sequence)
    return sequence, ChaCha20Poly1305(key).decrypt(nonce, box, associated)


def header_of(data: bytes) -> tuple[int, int, int]:
    """Return sequence, ack and bits of a packet header."""
    prefix, sequence = struct.unpack_from("<BH", data)
    if prefix & 0x20:
        ack, rest = (sequence - data[3]) & 0xFFFF, data[4:]
    else:
        ack, rest = struct.unpack_from("<H", data, 3)[0], data[5:]
    there = list(rest)
    places = [there.pop(0) if prefix & (2 << n) else 0xFF for n in range(4)]
    assert not there
    return sequence, ack, int.from_bytes(bytes(places), "little")


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


class TokenTests(SynchronousTestCase):
    """The token and the handshake, opened with nothing but the text."""

    def test_private_part(self) -> None:
        """The private part holds client, server, keys and user data."""
        plain = example("The private part of a token")
        wanted = struct.pack("<QiIB4sH", 7, 5, 1, 1, bytes((127, 0, 0, 1)), 40000)
        self.assertEqual(plain, wanted + UP + DOWN + b"ada")
        self.assertIn(f"{1008 - len(plain)} zeros follow:", text())

    def test_sealed(self) -> None:
        """It is sealed as the text says: made by other code, the bytes are the same."""
        plain = example("The private part of a token").ljust(1008, b"\0")
        associated = VERSION + struct.pack("<QQ", PROTOCOL_ID, EXPIRES)
        box = seal_x(bytes(range(32)), NONCE, plain, associated)
        self.assertEqual(example("The private part of a token", 1), box[:32])
        self.assertEqual(example("The private part of a token", 2), box[-16:])

    def test_request(self) -> None:
        """A request: prefix, version, protocol id, expiry, nonce."""
        head = struct.pack("<B13sQQ24s", 0, VERSION, PROTOCOL_ID, EXPIRES, NONCE)
        self.assertEqual(example("The request:"), head)
        self.assertIn(f"The request: {1078 - len(head):,} bytes of private", text())

    def test_join(self) -> None:
        """A challenge opens with the token's key, and comes back in the Join."""
        challenge = example("The challenge:")
        sequence, body = opened(challenge, 2, DOWN)
        self.assertEqual((sequence >> 40, len(body)), (0x80474E, 308))
        _, join = opened(example("The Join, of"), 7, UP)
        wanted = body + struct.pack("<H8s32s", 1, HASH, public(b"\x11"))
        self.assertEqual(join, wanted)

    def test_accepted(self) -> None:
        """Accepted brings the server's public key, from which the keys come."""
        sequence, body = opened(example("Accepted, by"), 8, DOWN)
        self.assertEqual(sequence >> 40, 0x80474E)
        self.assertEqual(body, public(b"\x22") + struct.pack("<III", 0x01020304, 3, 64))
        self.assertEqual(example("The keys, to"), KEYS[:32])
        self.assertEqual(example("The keys, to", 1), KEYS[32:])

    def test_packet(self) -> None:
        """A packet opens with the new keys; its body is header and frame."""
        packet = example("The client's first packet")
        label = struct.pack("<I", 0x01020304)
        sequence, body = opened(packet, 10, KEYS[:32], label)
        self.assertEqual((sequence, body), (0, example("and its body:")))
        self.assertEqual(body, FIRST + b"\x01\x05hello")

    def test_stream(self) -> None:
        """A stream has a version and a hash behind its request, and a clear answer."""
        words = "The end of the first packet on a stream"
        end = example(words)
        self.assertEqual(end[:10], struct.pack("<H8s", 1, HASH))
        self.assertEqual(len(end), 26)
        self.assertEqual(example("The answer (slot"), struct.pack("<BII", 8, 0, 64))
        self.assertIn(f"Its hash is `{HASH.hex()}`", text())

    def test_resume(self) -> None:
        """The box of a ticket opens to a token, under a nonce of its own."""
        message = example("The RESUME message")
        self.assertEqual(message[:5], struct.pack("<BI", 1, 1))
        head = struct.pack("<13sQQQ", VERSION, PROTOCOL_ID, EXPIRES - 30, EXPIRES)
        nonce = b"GNRS" + struct.pack("<Q", 1)
        # The start of the text is enough to see; the tag is not in the document.
        stream = ChaCha20Poly1305(DOWN).encrypt(nonce, head, None)
        self.assertEqual(message[5 : 5 + 32], stream[:32])


class ExampleTests(SynchronousTestCase):
    """The examples mean what the tables say."""

    def test_frames(self) -> None:
        """Each form of frame, behind the first header of a link."""
        run = b"\x40\0\0\x02" + b"\x03one" + b"\x03two"
        self.assertEqual(example("Two messages `one`"), FIRST + run)
        self.assertEqual(example("`hello` on channel 1, unr"), FIRST + b"\x01\x05hello")
        self.assertEqual(example("`now` on channel 8"), FIRST + b"\x28\0\0\x03now")
        piece = example("The first piece")
        self.assertEqual(piece[:8], FIRST)
        head, sequence, index, count = struct.unpack_from("<BHHH", piece, 8)
        self.assertEqual((head, sequence, index, count), (0x60, 0, 0, 5))
        self.assertEqual(piece[15] & 0x7F | piece[16] << 7, 1136)
        gone = example("The same message given up")
        self.assertEqual(gone[8:], struct.pack("<BHH", 0x80, 3, 3))
        self.assertEqual(example("A close,")[8:], b"\xe1\0\x03bye")

    def test_headers(self) -> None:
        """The headers of the table can be read with the table above it."""
        rows = re.findall(
            r"^\| (\d+) \| (\d+) \| 0x(\w{8}) \| `([\w ]+)` \|$", text(), re.MULTILINE
        )
        self.assertEqual(len(rows), 7)
        for sequence, ack, bits, header in rows:
            wanted = int(sequence), int(ack), int(bits, 16)
            self.assertEqual(header_of(bytes.fromhex(header)), wanted, header)

    def test_welcome(self) -> None:
        """A welcome: id and fields; its packet has a run of one on channel 0."""
        welcome = struct.pack("<BIIfI", 1, 1, 90, 30.0, 4096)
        self.assertEqual(example("A welcome ("), welcome)
        frame = struct.pack("<BHBB", 0x40, 0, 1, len(welcome)) + welcome
        self.assertEqual(example("A welcome (", 1), b"\x0a" + FIRST + frame)

    def test_snapshots(self) -> None:
        """Snapshots tell differences: against nothing, a tick ago, two ticks ago."""
        samples: dict[int, dict[int, list[list[int]]]] = {}
        self.assertEqual(follow(example("The two entities of the game"), samples), "")
        here = [(512 + x) * 64 for x in (1.0, -1.0, 2.5, 0.0, 2.75, 3.0)]
        self.assertEqual(
            samples,
            {
                0: {90: [[1, 1], [1], here[:2]]},
                1: {90: [[1, 1], [1], here[2:4]]},
            },
        )
        self.assertEqual(follow(example("At tick 91 the second"), samples), "")
        self.assertEqual(samples[1][91], [[1, 1], [1], [here[4], here[3]]])
        del samples[1][91]
        self.assertEqual(follow(example("At tick 92 the first"), samples), "0")
        self.assertEqual(samples[1][92], [[1, 1], [1], [here[5], here[3]]])

    def test_event(self) -> None:
        """An event: tick, id, length, and the words of its fields."""
        words = struct.pack("<2I", (512 + 1) * 64, (512 - 1) * 64)
        self.assertEqual(
            example("An explosion at (1, -1)"), struct.pack("<IBB", 90, 0, 8) + words
        )

    def test_refusals(self) -> None:
        """Every reason why a write is refused is explained."""
        for refusal in Refusal:
            self.assertIn(f"| {refusal.value} {refusal.name} | ", text())

    def test_inputs(self) -> None:
        """Inputs: newest tick, clock, steady, and two frames; the older is the same."""
        head = struct.pack("<IIBB", 95, 1_000_000, 1, 2)
        # Both views are 5.25 ticks behind, in the first tick of a span of two.
        newest = struct.pack("<BHBBBBbb", 0, 672, 0x02, 1, 0, 2, 127, -1)
        older = struct.pack("<BHB", 0x40 | 1, 672, 0x02)
        words = "The first two frames of a player"
        self.assertEqual(example(words), head + newest + older)

    def test_feedback(self) -> None:
        """Feedback: echo, held, server time, ack, slack, wanted and counts."""
        wanted = struct.pack(
            "<IHIHIhHBBB", 1_000_000, 500, 93, 32768, 95, 192, 160, 0, 0, 2
        )
        self.assertEqual(example("Feedback to it"), wanted)

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
