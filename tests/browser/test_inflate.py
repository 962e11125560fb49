# SPDX-License-Identifier: MIT
"""The browser inflates what zlib deflates, and refuses what zlib refuses."""

from __future__ import annotations

import zlib
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.browser.javascript import run_program

LIMIT = 100_000


def deflated(data: bytes, level: int = 9, strategy: int = 0) -> bytes:
    """Return raw DEFLATE."""
    made = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    return made.compress(data) + made.flush()


def by_zlib(data: bytes) -> bytes | str:
    """Return what zlib makes of it, or the reason with which it is to be refused."""
    reader = zlib.decompressobj(-15)
    try:
        out = reader.decompress(data, LIMIT + 1)
    except zlib.error:
        return "MALFORMED"
    if len(out) > LIMIT:
        return "MESSAGE_TOO_LARGE"
    return out if reader.eof and not reader.unused_data else "MALFORMED"


def by_browser(*compressed: bytes, limit: int = LIMIT) -> list[bytes | str]:
    """Return what the browser makes of each."""
    argument = {"compressed": [data.hex() for data in compressed], "limit": limit}
    answers = run_program("inflated.js", argument)
    return [a if isinstance(a, str) else bytes.fromhex(a["$bytes"]) for a in answers]


def texts(random: Random) -> list[bytes]:
    """Return bytes of many kinds: few and many different ones, short and long."""
    made = [b"", b"a", bytes(70_000), b"abc" * 20_000, random.randbytes(5000)]
    made += [bytes(random.choices(range(n), k=20_000)) for n in (2, 16, 100)]
    words = [random.randbytes(random.randrange(1, 9)) for _ in range(300)]
    return [*made, b"".join(random.choice(words) for _ in range(9000))]


class InflateTests(SynchronousTestCase):
    """inflate.js against zlib."""

    def test_equal(self) -> None:
        """Stored, fixed and dynamic blocks of all kinds of bytes come out again."""
        random = Random(1)
        data = texts(random)
        settings = [(0, 0), (1, 0), (9, 0), (9, zlib.Z_HUFFMAN_ONLY), (9, zlib.Z_FIXED)]
        made = [deflated(one, *setting) for one in data for setting in settings]
        wanted = [one for one in data for _ in settings]
        self.assertEqual(by_browser(*made), wanted)

    def test_flushed(self) -> None:
        """Several blocks, empty ones among them, are one message."""
        made = zlib.compressobj(9, zlib.DEFLATED, -15)
        parts = [made.compress(b"one " * 50), made.flush(zlib.Z_SYNC_FLUSH)]
        parts += [made.compress(b"two " * 50), made.flush(zlib.Z_FULL_FLUSH)]
        parts += [made.flush()]
        self.assertEqual(by_browser(b"".join(parts)), [b"one " * 50 + b"two " * 50])

    def test_limit(self) -> None:
        """As many bytes come out as the channel allows, and not one more."""
        for size in (0, 1, 1024, 5000):
            data = deflated(bytes(size + 1)), deflated(bytes(size))
            wanted = ["MESSAGE_TOO_LARGE", bytes(size)]
            self.assertEqual(by_browser(*data, limit=size), wanted)

    def test_bomb(self) -> None:
        """A thousandfold of what was sent is refused."""
        self.assertEqual(by_browser(deflated(bytes(1 << 24))), ["MESSAGE_TOO_LARGE"])

    def test_malformed(self) -> None:
        """Each way to be wrong is refused."""
        bits = {
            "nothing": "",
            "no such kind of block": "111",
            "cut in the head": "10",
            "cut in a code": "1 10 0011",
            "stored, two lengths": "1 00 00000" + "1000000000000000" * 2,
            "stored, cut": "1 00 00000" + "1" + "0" * 15 + "0" + "1" * 15,
            "too many lengths": "1 01 11111 00000 0000",
            "too many distances": "1 01 00000 11111 0000",
            "no code for code lengths": "1 01 00000 00000 0000" + "000" * 4,
            "too many codes": "1 01 00000 00000 0000" + "100" * 4,
            "nothing to repeat": "1 01 00000 00000 0000" + "100 000 000 100" + "0",
            "distance to before": "1 10 0000001 00000",
            "length that does not exist": "1 10 11000110",
            "distance that does not exist": "1 10 00110000 0000001 01111",
        }
        made = []
        for text in bits.values():
            plain = text.replace(" ", "")
            plain += "0" * (-len(plain) % 8)
            made.append(
                bytes(int(plain[n : n + 8][::-1], 2) for n in range(0, len(plain), 8))
            )
        made.append(deflated(b"whole") + b"\0")
        for data in made:
            self.assertEqual(by_zlib(data), "MALFORMED", data)
        self.assertEqual(by_browser(*made), ["MALFORMED"] * len(made))

    def test_damaged(self) -> None:
        """Whatever is changed or cut, the answer is zlib's."""
        random = Random(2)
        good = [
            deflated(text[:4000], level) for text in texts(random) for level in (1, 9)
        ]
        bad = []
        for n in range(1500):
            data = bytearray(good[n % len(good)])
            for _ in range(n % 4):
                # The beginning, where the codes are, is what matters most.
                at = min(random.randrange(1, 80), random.randrange(len(data)))
                data[at] ^= 1 << random.randrange(8)
            bad.append(
                bytes(data[: random.randrange(len(data) + 1) if n % 3 else None])
            )
        bad += [random.randbytes(n % 60) for n in range(1500)]
        wanted = [by_zlib(data) for data in bad]
        self.assertEqual(by_browser(*bad), wanted)
        self.assertGreater(sum(isinstance(one, bytes) for one in wanted), 100)
