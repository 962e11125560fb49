# SPDX-License-Identifier: MIT
"""Make `reliable.json`: headers and fragments as the text of reliable 1.0 has them.

This follows the sentences of the standard one by one, and imports nothing of gamenet:
where the two disagree, one has misread it. Run it to write the file again.

Source: reliable 1.0, STANDARD.md, "Packet Header", "Canonical encoding is mandatory",
"Fragments".
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

FILE = Path(__file__).with_name("reliable.json")

SEQUENCES = (0, 1, 2, 254, 255, 256, 257, 32767, 32768, 65279, 65280, 65534, 65535)
BEHIND = (0, 1, 2, 127, 128, 254, 255, 256, 257, 32768, 65535)
BITS = (0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 0, 1, 0xFFFF00FF, 0x00FFFFFF, 0x12345678)


def spell(sequence: int, ack: int, bits: int) -> bytes:
    """Write a packet header field by field."""
    difference = sequence - ack
    if difference < 0:
        difference += 65536
    prefix = 0
    tail = []
    for number in range(4):
        byte = bits // 256**number % 256
        if byte != 255:
            prefix += 2 ** (number + 1)
            tail.append(byte)
    if difference <= 255:
        prefix += 2**5
        middle = [difference]
    else:
        middle = [ack % 256, ack // 256]
    return bytes([prefix, sequence % 256, sequence // 256, *middle, *tail])


def cut(header: bytes, sequence: int, body: bytes, size: int) -> list[bytes]:
    """Write a packet as fragments of a size."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    fragments = []
    for number, piece in enumerate(pieces):
        head = bytes(
            [1, sequence % 256, sequence // 256, number, len(pieces) - 1],
        )
        fragments.append(head + (header if number == 0 else b"") + piece)
    return fragments


def headers() -> list[list[Any]]:
    """Return sequence, ack, bits and bytes of headers at every edge, and of others."""
    random = Random(1)
    triples = [
        (sequence, (sequence - behind) % 65536, BITS[(row + column) % len(BITS)])
        for row, sequence in enumerate(SEQUENCES)
        for column, behind in enumerate(BEHIND)
    ]
    triples += [(500, 498, bits) for bits in BITS]
    for _ in range(100):
        missing = random.getrandbits(32) & random.getrandbits(32)
        triples.append(
            (random.randrange(65536), random.randrange(65536), 0xFFFFFFFF - missing)
        )
    return [
        [sequence, ack, bits, spell(sequence, ack, bits).hex()]
        for sequence, ack, bits in triples
    ]


def refused_headers() -> list[list[str]]:
    """Return what is wrong with a header, and its bytes."""
    return [
        ["empty", ""],
        ["only a prefix", "20"],
        ["no ack", "20f401"],
        ["half of an ack", "00881301"],
        ["no ack bits, though the prefix has them", "22f40102"],
        ["one of four bytes of ack bits lacking", "3ef40102000000"],
        ["first byte of the ack bits is 0xff", "22f40102ff"],
        ["second byte of the ack bits is 0xff", "24f40102ff"],
        ["third byte of the ack bits is 0xff", "28f40102ff"],
        ["fourth byte of the ack bits is 0xff", "30f40102ff"],
        ["one of two bytes of ack bits is 0xff", "26f4010200ff"],
        ["two bytes of ack for a difference of 2", "00f401f201"],
        ["two bytes of ack for a difference of 255", "00f401f500"],
        ["two bytes of ack for a difference of 0", "00f401f401"],
        ["bit 6 of the prefix", "60f40102"],
        ["bit 7 of the prefix", "a0f40102"],
        ["a fragment", "01f4010003"],
        ["bit 0 beside others", "21f40102"],
    ]


def fragmented() -> list[dict[str, Any]]:
    """Return packets and their fragments."""
    random = Random(2)
    packets = []
    for sequence, ack, bits, n_bytes, size in (
        (0, 65535, 0, 1025, 1024),
        (65535, 65534, 0xFFFFFFFF, 2048, 1024),
        (4660, 4000, 0xFFFFFF00, 2049, 512),
        (300, 299, 0x12345678, 256, 1),
        (300, 299, 0xFFFFFFFF, 7, 100),
    ):
        header, body = spell(sequence, ack, bits), random.randbytes(n_bytes)
        packets.append(
            {
                "packet": (header + body).hex(),
                "fragments": [f.hex() for f in cut(header, sequence, body, size)],
            }
        )
    return packets


def refused_fragments() -> list[list[str]]:
    """Return what is wrong with a fragment, and its bytes."""
    return [
        ["no piece", "01f4010103"],
        ["cut in its own header", "01f401"],
        ["prefix other than 1", "03f40101035a"],
        ["number 4 of 4", "01f40104035a"],
        ["number 255 of 1", "01f401ff005a"],
        ["fragment 0 without a packet header", "01f40100035a"],
        ["fragment 0 without a piece", "01f401000320f40102"],
        ["packet header of another sequence", "01f401000320f501025a"],
        ["packet header that is not canonical", "01f401000322f40102ff5a"],
        ["packet header with bit 6", "01f401000360f401025a"],
        ["packet header that is a fragment's", "01f401000301f401025a5a"],
    ]


def make() -> dict[str, Any]:
    """Return all vectors."""
    return {
        "headers": headers(),
        "refused_headers": refused_headers(),
        "fragmented": fragmented(),
        "refused_fragments": refused_fragments(),
    }


def to_text(vectors: dict[str, Any]) -> str:
    """Return the vectors as JSON, one to a line."""
    blocks = []
    for name, rows in vectors.items():
        lines = ",\n  ".join(json.dumps(row) for row in rows)
        blocks.append(f'"{name}": [\n  {lines}\n]')
    return "{\n" + ",\n".join(blocks) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(to_text(make()), encoding="utf-8")
