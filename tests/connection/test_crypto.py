# SPDX-License-Identifier: MIT
"""Tests of the primitives, on the vectors published with them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.crypto import (
    KEY,
    TAG,
    hchacha20,
    hkdf_sha256,
    open_sealed,
    open_x,
    public_key,
    seal,
    seal_x,
    shared_secret,
)
from gamenet.errors import RemoteProtocolError
from tests.vectors import netcode_vectors as independent

SUNSCREEN = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
    b"the future, sunscreen would be it."
)
SUNSCREEN_KEY = bytes(range(0x80, 0xA0))
SUNSCREEN_ASSOCIATED = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
keys = st.binary(min_size=KEY, max_size=KEY)
nonces = st.binary(min_size=12, max_size=12)
nonces_x = st.binary(min_size=24, max_size=24)


class SealTests(SynchronousTestCase):
    """ChaCha20-Poly1305 is that of RFC 8439."""

    NONCE = bytes.fromhex("070000004041424344454647")
    BOX = bytes.fromhex(
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
        "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
        "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
        "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"
    )

    def test_published(self) -> None:
        """The example of section 2.8.2 is sealed and opened."""
        made = seal(SUNSCREEN_KEY, self.NONCE, SUNSCREEN, SUNSCREEN_ASSOCIATED)
        self.assertEqual(made.hex(), self.BOX.hex())
        opened = open_sealed(SUNSCREEN_KEY, self.NONCE, made, SUNSCREEN_ASSOCIATED)
        self.assertEqual(opened, SUNSCREEN)

    @given(keys, nonces, st.binary(max_size=200), st.binary(max_size=40))
    def test_independent(self, key, nonce, plain, associated) -> None:
        """It makes what the RFC's text makes, written out in Python."""
        made = seal(key, nonce, plain, associated)
        self.assertEqual(made, independent.seal(key, nonce, plain, associated))
        self.assertEqual(len(made), len(plain) + TAG)

    @given(st.integers(0, 8 * len(BOX) - 1))
    def test_one_bit(self, bit: int) -> None:
        """One changed bit anywhere, and it does not open."""
        box = bytearray(self.BOX)
        box[bit // 8] ^= 1 << bit % 8
        opened = open_sealed(
            SUNSCREEN_KEY, self.NONCE, bytes(box), SUNSCREEN_ASSOCIATED
        )
        self.assertIsNone(opened)

    def test_bound(self) -> None:
        """Another key, nonce or associated data does not open it."""
        for key, nonce, associated in (
            (bytes(32), self.NONCE, SUNSCREEN_ASSOCIATED),
            (SUNSCREEN_KEY, bytes(12), SUNSCREEN_ASSOCIATED),
            (SUNSCREEN_KEY, self.NONCE, b""),
        ):
            self.assertIsNone(open_sealed(key, nonce, self.BOX, associated))

    @given(st.binary(max_size=40))
    def test_any_bytes(self, box: bytes) -> None:
        """Arbitrary bytes are no box, also those shorter than a tag."""
        self.assertIsNone(open_sealed(SUNSCREEN_KEY, self.NONCE, box, b""))


class SealXTests(SynchronousTestCase):
    """XChaCha20-Poly1305 is that of draft-irtf-cfrg-xchacha-03."""

    NONCE = bytes(range(0x40, 0x58))
    BOX = bytes.fromhex(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"
    )

    def test_derived_key(self) -> None:
        """HChaCha20 makes the key of the example in section 2.2.1."""
        made = hchacha20(
            bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927")
        )
        expected = "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
        self.assertEqual(made.hex(), expected)

    @given(keys, st.binary(min_size=16, max_size=16))
    def test_derived_keys(self, key: bytes, nonce: bytes) -> None:
        """It makes what the draft's text makes, written out in Python."""
        self.assertEqual(hchacha20(key, nonce), independent.hchacha20(key, nonce))

    def test_derived_key_extremes(self) -> None:
        """A block counter at its end changes nothing, though OpenSSL counts it on."""
        for nonce in (bytes(16), b"\xff" * 16, b"\xff" * 4 + bytes(12)):
            expected = independent.hchacha20(b"\xff" * 32, nonce)
            self.assertEqual(hchacha20(b"\xff" * 32, nonce), expected)

    def test_published(self) -> None:
        """The example of appendix A.3.1 is sealed and opened."""
        made = seal_x(SUNSCREEN_KEY, self.NONCE, SUNSCREEN, SUNSCREEN_ASSOCIATED)
        self.assertEqual(made.hex(), self.BOX.hex())
        opened = open_x(SUNSCREEN_KEY, self.NONCE, made, SUNSCREEN_ASSOCIATED)
        self.assertEqual(opened, SUNSCREEN)

    @given(nonces_x, st.binary(max_size=200), st.binary(max_size=40))
    def test_round_trip(self, nonce, plain, associated) -> None:
        """What was sealed is opened, with this nonce and associated data alone."""
        box = seal_x(SUNSCREEN_KEY, nonce, plain, associated)
        self.assertEqual(
            box, independent.seal_x(SUNSCREEN_KEY, nonce, plain, associated)
        )
        self.assertEqual(open_x(SUNSCREEN_KEY, nonce, box, associated), plain)
        self.assertIsNone(open_x(SUNSCREEN_KEY, nonce, box, associated + b"\0"))
        for at in (0, 23):
            other = bytearray(nonce)
            other[at] ^= 1
            self.assertIsNone(open_x(SUNSCREEN_KEY, bytes(other), box, associated))


class IndependentTests(SynchronousTestCase):
    """The ciphers that the vectors are made with are the published ones themselves."""

    def test_block(self) -> None:
        """The block of RFC 8439, section 2.3.2."""
        nonce = bytes.fromhex("000000090000004a00000000")
        block = independent.chacha20_block(bytes(range(32)), 1, nonce)
        expected = (
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
            "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
        )
        self.assertEqual(block.hex(), expected)

    def test_tag(self) -> None:
        """The tag of RFC 8439, section 2.5.2."""
        key = bytes.fromhex(
            "85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b"
        )
        tag = independent.poly1305(key, b"Cryptographic Forum Research Group")
        self.assertEqual(tag.hex(), "a8061dc1305136c6c22b8baf0c0127a9")

    def test_sealed(self) -> None:
        """The examples of RFC 8439 and of the draft."""
        common = SUNSCREEN, SUNSCREEN_ASSOCIATED
        made = independent.seal(SUNSCREEN_KEY, SealTests.NONCE, *common)
        self.assertEqual(made, SealTests.BOX)
        made = independent.seal_x(SUNSCREEN_KEY, SealXTests.NONCE, *common)
        self.assertEqual(made, SealXTests.BOX)


class HkdfTests(SynchronousTestCase):
    """Derived keys are those of RFC 5869 with SHA-256."""

    def test_published(self) -> None:
        """Test case 1 of appendix A."""
        made = hkdf_sha256(b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)), 42)
        expected = (
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
            "34007208d5b887185865"
        )
        self.assertEqual(made.hex(), expected)

    def test_published_empty(self) -> None:
        """Test case 3: neither salt nor purpose."""
        expected = (
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
            "9d201395faa4b61a96c8"
        )
        self.assertEqual(hkdf_sha256(b"\x0b" * 22, b"", b"", 42).hex(), expected)


class ExchangeTests(SynchronousTestCase):
    """Shared secrets are those of RFC 7748."""

    ALICE = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
    BOB = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
    ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    BOB_PUBLIC = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    SHARED = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"

    def test_published(self) -> None:
        """The example of section 6.1, from either side."""
        alice, bob = bytes.fromhex(self.ALICE), bytes.fromhex(self.BOB)
        self.assertEqual(public_key(alice).hex(), self.ALICE_PUBLIC)
        self.assertEqual(public_key(bob).hex(), self.BOB_PUBLIC)
        self.assertEqual(shared_secret(alice, public_key(bob)).hex(), self.SHARED)
        self.assertEqual(shared_secret(bob, public_key(alice)).hex(), self.SHARED)

    def test_published_points(self) -> None:
        """The examples of section 5.2; the second point has a bit to be ignored."""
        for scalar, point, expected in (
            (
                "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
            ),
            (
                "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
            ),
        ):
            made = shared_secret(bytes.fromhex(scalar), bytes.fromhex(point))
            self.assertEqual(made.hex(), expected)

    @given(keys, keys)
    def test_agree(self, secret: bytes, other: bytes) -> None:
        """Any 32 bytes are a secret, and both sides share the same."""
        shared = shared_secret(secret, public_key(other))
        self.assertEqual(shared, shared_secret(other, public_key(secret)))

    def test_points_of_small_order(self) -> None:
        """A public key that makes the secret zero is the peer's fault."""
        p = 2**255 - 19
        for point in (0, 1, p - 1, p, p + 1, 2**255, 2**255 + 1):
            public = point.to_bytes(32, "little")
            with self.assertRaisesRegex(RemoteProtocolError, public.hex()):
                shared_secret(bytes(range(32)), public)

    def test_wrong_size(self) -> None:
        """So is one of another size."""
        for size in (0, 31, 33):
            with self.assertRaisesRegex(RemoteProtocolError, "32 bytes"):
                shared_secret(bytes(range(32)), b"\x09" * size)
