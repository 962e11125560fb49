# SPDX-License-Identifier: MIT
"""The bytes of a connection on streams, built by hand from docs/STANDARD.md.

Nothing here uses gamenet's own codec of packets: what the browser's connection is held
against must not share its mistakes, nor those of the Python connection.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from random import Random

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

VERSION = b"NETCODE 1.02\0"
RESUME_BIT = 1 << 63
OWN = 31
ALL_BITS = 0xFFFFFFFF


def header(sequence: int, ack: int = 0xFFFF, bits: int = 0) -> bytes:
    """Return the header of a packet; by default one that acknowledges nothing."""
    spelled = [byte for byte in struct.pack("<I", bits) if byte != 0xFF]
    prefix = 0
    for n, byte in enumerate(struct.pack("<I", bits)):
        if byte != 0xFF:
            prefix |= 1 << (1 + n)
    behind = (sequence - ack) % 65536
    if behind < 256:
        return struct.pack("<BHB", prefix | 32, sequence, behind) + bytes(spelled)
    return struct.pack("<BHH", prefix, sequence, ack) + bytes(spelled)


def packet(sequence: int, *frames: bytes, ack: int = 0xFFFF, bits: int = 0) -> bytes:
    """Return a packet of a stream."""
    return b"\x0a" + header(sequence, ack, bits) + b"".join(frames)


def sized(payload: bytes) -> bytes:
    """Return a payload with its size before it."""
    n = len(payload)
    size = bytes([n]) if n < 128 else bytes([128 + n % 128, n // 128])
    return size + payload


def message(channel: int, payload: bytes) -> bytes:
    """Return the frame of an unreliable message."""
    return bytes([channel]) + sized(payload)


def sequenced(channel: int, sequence: int, payload: bytes) -> bytes:
    """Return the frame of a message of which only the newest counts."""
    return struct.pack("<BH", channel + 32, sequence) + sized(payload)


def run(channel: int, sequence: int, *payloads: bytes) -> bytes:
    """Return the frame of reliable messages in a row."""
    head = struct.pack("<BHB", channel + 64, sequence, len(payloads))
    return head + b"".join(map(sized, payloads))


def piece(channel: int, sequence: int, index: int, count: int, part: bytes) -> bytes:
    """Return the frame of a piece of a large message."""
    return struct.pack("<BHHH", channel + 96, sequence, index, count) + sized(part)


def cancelled(channel: int, sequence: int, index: int) -> bytes:
    """Return the frame that says that no more pieces come."""
    return struct.pack("<BHH", channel + 128, sequence, index)


def close(reason: int, detail: str = "") -> bytes:
    """Return the frame that ends a connection."""
    return bytes([224 + 1, reason]) + sized(detail.encode())


def path_challenge(challenge: bytes) -> bytes:
    """Return the frame that asks for the same eight bytes."""
    return bytes([224 + 2]) + challenge


def path_response(challenge: bytes) -> bytes:
    """Return the frame that answers with the same eight bytes."""
    return bytes([224 + 3]) + challenge


def ack_delay(seconds: float) -> bytes:
    """Return the frame that says how long the acknowledged packet has waited."""
    return struct.pack("<BH", 224 + 4, round(seconds * 16000))


PING = bytes([224 + 5])


def accepted(slot: int = 0, max_clients: int = 64) -> bytes:
    """Return the answer that lets a client in."""
    return struct.pack("<BII", 8, slot, max_clients)


def refused(reason: int, detail: str = "") -> bytes:
    """Return the answer that does not."""
    return bytes([9, reason]) + detail.encode()


@dataclass
class Token:
    """A connect token, as a backend would issue it; nobody opens its private part."""

    protocol_id: int
    nonce: bytes
    private: bytes
    server_key: bytes
    addresses: tuple[bytes, ...] = (b"\x01\x7f\0\0\1\x1e\x61",)
    created: int = 1_700_000_000
    expires: int = 1_700_000_030

    @classmethod
    def random(cls, random: Random, *, is_resume: bool = False) -> Token:
        """Return a token of which everything that is secret is random."""
        protocol_id = 0x1122334455667788 ^ (RESUME_BIT if is_resume else 0)
        parts = (random.randbytes(n) for n in (24, 1024, 32))
        return cls(protocol_id, *parts)

    def encode(self) -> bytes:
        """Return the 2,048 bytes."""
        head = VERSION + struct.pack(
            "<QQQ", self.protocol_id, self.created, self.expires
        )
        servers = struct.pack("<iI", 5, len(self.addresses)) + b"".join(self.addresses)
        keys = bytes(range(32)) + self.server_key
        return (head + self.nonce + self.private + servers + keys).ljust(2048, b"\0")

    def request(self, protocol_hash: bytes, version: int = 1) -> bytes:
        """Return the first packet of a client that presents it on a stream."""
        ids = struct.pack("<QQ", self.protocol_id, self.expires)
        head = b"\0" + VERSION + ids + self.nonce + self.private
        claim = head + struct.pack("<H", version) + protocol_hash
        key, nonce = bytes(range(32)), b"GNST" + bytes(8)
        return claim + ChaCha20Poly1305(key).encrypt(nonce, b"", claim)


def ticket(token: Token, generation: int, key: bytes) -> bytes:
    """Return the message in which a server sends a token that resumes the session."""
    plain = token.encode().rstrip(b"\0")
    nonce = b"GNRS" + struct.pack("<Q", generation)
    box = ChaCha20Poly1305(key).encrypt(nonce, plain, b"gamenet 1 resume")
    return b"\x01" + struct.pack("<I", generation) + box
