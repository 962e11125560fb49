# SPDX-License-Identifier: MIT
"""The browser opens what ChaCha20-Poly1305 has sealed, and nothing else."""

from __future__ import annotations

from random import Random

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from twisted.trial.unittest import SynchronousTestCase

from tests.browser.javascript import run_program

KEY = bytes(range(0x80, 0xA0))
SUNSCREEN = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
    b"the future, sunscreen would be it."
)


def opened(*boxes: tuple[bytes, bytes, bytes, bytes]) -> list[bytes | None]:
    """Return what the browser finds in each box: key, nonce, box, associated data."""
    names = ("key", "nonce", "box", "associated")
    given = [
        dict(zip(names, (part.hex() for part in box), strict=True)) for box in boxes
    ]
    answers = run_program("sealed.js", {"boxes": given})["opened"]
    return [a if a is None else bytes.fromhex(a["$bytes"]) for a in answers]


class VectorTests(SynchronousTestCase):
    """The examples of RFC 8439."""

    def test_stream(self) -> None:
        """Section 2.4.2: the cipher."""
        given = {
            "key": bytes(range(32)).hex(),
            "counter": 1,
            "nonce": "000000000000004a00000000",
            "bytes": SUNSCREEN.hex(),
        }
        wanted = (
            "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab"
            "8f593dabcd62b3571639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e"
            "52bc514d16ccf806818ce91ab77937365af90bbf74a35be6b40b8eedf2785e42874d"
        )
        answer = run_program("sealed.js", {"streams": [given]})["streams"]
        self.assertEqual(answer, [{"$bytes": wanted}])

    def test_tag(self) -> None:
        """Section 2.5.2, and cases of appendix A.3 in which numbers wrap."""
        key = "85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b"
        text = b"Cryptographic Forum Research Group".hex()
        two = "02" + "00" * 15
        one = "01" + "00" * 15
        full = "ff" * 16
        cases = [
            (key, text, "a8061dc1305136c6c22b8baf0c0127a9"),
            ("00" * 32, "00" * 64, "00" * 16),
            (two + "00" * 16, full, "03" + "00" * 15),
            (two + full, two, "03" + "00" * 15),
            (
                one + "00" * 16,
                full + "f0" + "ff" * 15 + "11" + "00" * 15,
                "05" + "00" * 15,
            ),
            (one + "00" * 16, full + "fb" + "fe" * 15 + "01" * 16, "00" * 16),
            (two + "00" * 16, "fd" + "ff" * 15, "fa" + "ff" * 15),
        ]
        given = [{"key": key, "bytes": data} for key, data, _ in cases]
        answer = run_program("sealed.js", {"tags": given})["tags"]
        self.assertEqual(answer, [{"$bytes": tag} for *_, tag in cases])

    def test_open(self) -> None:
        """Section 2.8.2: cipher and tag."""
        nonce = bytes.fromhex("070000004041424344454647")
        associated = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
        box = bytes.fromhex(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca96712"
            "82fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58"
            "fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116"
            "1ae10b594f09e26a7e902ecbd0600691"
        )
        self.assertEqual(opened((KEY, nonce, box, associated)), [SUNSCREEN])


class BoxTests(SynchronousTestCase):
    """Boxes of all sizes, sealed by the library that the server uses."""

    def test_sizes(self) -> None:
        """Whatever the sizes, what was sealed is found."""
        random = Random(5)
        boxes, wanted = [], []
        for n in range(150):
            plain = random.randbytes(n if n < 140 else 15 * n)
            key, nonce, associated = map(random.randbytes, (32, 12, n % 37))
            box = ChaCha20Poly1305(key).encrypt(nonce, plain, associated)
            boxes.append((key, nonce, box, associated))
            wanted.append(plain)
        self.assertEqual(opened(*boxes), wanted)

    def test_damaged(self) -> None:
        """Nothing is found in a box of which a bit, or all else, was changed."""
        random = Random(6)
        nonce, associated = bytes(12), b"with it"
        good = ChaCha20Poly1305(KEY).encrypt(nonce, b"plain text", associated)
        boxes = [(KEY, nonce, b"", associated), (KEY, nonce, good[:15], associated)]
        boxes += [(KEY, nonce, good[:-1], associated), (KEY, nonce, good + b"\0", b"")]
        for n in range(100):
            parts = [bytearray(part) for part in (KEY, nonce, good, associated)]
            changed = parts[n % 4]
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
            key, *rest = map(bytes, parts)
            boxes.append((key, *rest))
        self.assertEqual(opened(*boxes), [None] * len(boxes))
