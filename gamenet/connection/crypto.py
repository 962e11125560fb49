# SPDX-License-Identifier: MIT
"""The few primitives of cryptography that connections stand on.

Everything is OpenSSL's, through the package `cryptography`. It has no XChaCha20, whose
nonce is long enough to be drawn at random: ChaCha20-Poly1305 under a key that HChaCha20
makes of the first 16 bytes of that nonce. HChaCha20 is a block of ChaCha20 without the
addition at its end; so one block of OpenSSL's key stream will do, with that addition
taken back.

Source: RFC 8439 (ChaCha20-Poly1305), draft-irtf-cfrg-xchacha-03 (HChaCha20, XChaCha20),
RFC 5869 (HKDF), RFC 7748 (X25519).
"""

from __future__ import annotations

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gamenet.errors import RemoteProtocolError

__all__ = [
    "KEY",
    "TAG",
    "hchacha20",
    "hkdf_sha256",
    "open_sealed",
    "open_x",
    "public_key",
    "seal",
    "seal_x",
    "shared_secret",
]

KEY = 32
"""Bytes of every key here, secret or public."""
TAG = 16
"""Bytes by which sealing makes a text longer."""

_BLOCK = struct.Struct("<4I32x4I")
_OUTER = struct.Struct("<8I")
_NONCE = struct.Struct("<4I")
_CONSTANT = _NONCE.unpack(b"expand 32-byte k")  # RFC 8439 s2.3
_ZEROS = bytes(64)


def seal(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """Return a text encrypted, with its tag behind it (ChaCha20-Poly1305).

    Args:
        key: 32 bytes.
        nonce: 12 bytes, never used before with this key.
        plain: what to encrypt.
        associated: what the tag vouches for besides; not part of the result.
    """
    return ChaCha20Poly1305(key).encrypt(nonce, plain, associated)


def open_sealed(
    key: bytes, nonce: bytes, box: bytes, associated: bytes
) -> bytes | None:
    """Return the text that `seal` sealed, or None if anything of it was changed."""
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, box, associated)
    except InvalidTag:
        return None


def seal_x(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """Return a text encrypted with a nonce of 24 bytes (XChaCha20-Poly1305)."""
    return seal(hchacha20(key, nonce[:16]), _rest(nonce), plain, associated)


def open_x(key: bytes, nonce: bytes, box: bytes, associated: bytes) -> bytes | None:
    """Return the text that `seal_x` sealed, or None if anything of it was changed."""
    return open_sealed(hchacha20(key, nonce[:16]), _rest(nonce), box, associated)


def _rest(nonce: bytes) -> bytes:
    return b"\0\0\0\0" + nonce[16:]


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """Return the key that XChaCha20 derives from a key and 16 bytes of nonce."""
    cipher = Cipher(algorithms.ChaCha20(key, nonce), mode=None)
    block = _BLOCK.unpack(cipher.encryptor().update(_ZEROS))
    initial = _CONSTANT + _NONCE.unpack(nonce)
    return _OUTER.pack(*map(_difference, block, initial))


def _difference(word: int, other: int) -> int:
    return (word - other) & 0xFFFFFFFF


def hkdf_sha256(ikm: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """Return `size` bytes of key derived from keying material, salt and purpose."""
    return HKDF(algorithm=SHA256(), length=size, salt=salt, info=info).derive(ikm)


def public_key(secret: bytes) -> bytes:
    """Return the public key of an X25519 secret, which is any 32 random bytes."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def shared_secret(secret: bytes, public: bytes) -> bytes:
    """Return the X25519 secret that the owners of two key pairs share.

    Raises:
        RemoteProtocolError: If the peer's public key is none, or one of the few that
            make the secret zero whoever uses them (RFC 7748, section 6.1).
    """
    own = X25519PrivateKey.from_private_bytes(secret)
    try:
        return own.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise RemoteProtocolError(
            f"no secret can be shared with the public key {public.hex()}: it must be "
            "32 bytes, a point of large order on Curve25519"
        ) from None
