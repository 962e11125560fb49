# SPDX-License-Identifier: MIT
"""The bytes that gamenet's handshake has beyond netcode's.

    join          challenge 308 B | extension version | protocol hash | client's key
    accepted      server's key | connection id | slot | places
    refused       close reason | text to the end
    on a stream   request 1,078 B | extension version | protocol hash | proof 16 B
                  0x08 | slot | places    or    0x09 | close reason | text to the end

A client tells a gamenet server from another netcode server by the sequence of its
challenge, which the challenge's tag vouches for: bit 63, as netcode wants it, then the
letters GN in bits 40 to 54, then 40 bits that count up from a random start.
"""

from __future__ import annotations

import struct

from gamenet.connection.crypto import seal
from gamenet.connection.netcode import REQUEST_SIZE, TAG
from gamenet.connection.outcomes import Refused
from gamenet.errors import CloseReason

__all__ = [
    "ACCEPTED_BODY",
    "ANY_PROTOCOL",
    "EXTENSION_VERSION",
    "JOIN_TAIL",
    "MAX_DETAIL",
    "RANDOM_BITS",
    "STREAM_ACCEPTED",
    "STREAM_REQUEST_SIZE",
    "STREAM_TAIL",
    "is_from_gamenet",
    "marked_sequence",
    "read_refusal",
    "shortened",
    "stream_proof",
    "write_refusal",
]

EXTENSION_VERSION = 1
ANY_PROTOCOL = 0
"""Hash of a client that wants the protocol described."""
MAX_DETAIL = 1000
"""Bytes of the text that says why."""
RANDOM_BITS = 40

JOIN_TAIL = struct.Struct("<HQ32s")
ACCEPTED_BODY = struct.Struct("<32sIII")
STREAM_TAIL = struct.Struct("<HQ")
STREAM_REQUEST_SIZE = REQUEST_SIZE + STREAM_TAIL.size + TAG
STREAM_ACCEPTED = struct.Struct("<BII")

# Packets under this key have four zeros first.
_PROOF_NONCE = b"GNST" + bytes(8)
_MARK = 1 << 23 | int.from_bytes(b"GN", "big")


def marked_sequence(number: int) -> int:
    """Return the sequence that says: this is a gamenet server."""
    return _MARK << RANDOM_BITS | number & ((1 << RANDOM_BITS) - 1)


def is_from_gamenet(sequence: int) -> bool:
    """Return whether a challenge with this sequence is of a gamenet server."""
    return sequence >> RANDOM_BITS == _MARK


def shortened(text: str, size: int = MAX_DETAIL) -> bytes:
    """Return a text cut to so many bytes, never inside a character."""
    encoded = text.encode(errors="replace")
    return encoded[: max(0, size)].decode(errors="ignore").encode()


def stream_proof(key: bytes, frame: bytes) -> bytes:
    """Return the 16 bytes behind a stream's request that prove that a token is ours.

    The request alone does not: it travels in clear on udp, where others can see it.

    Args:
        key: of the token, to the server.
        frame: what comes before the proof.
    """
    return seal(key, _PROOF_NONCE, b"", frame)


def write_refusal(refused: Refused, size: int) -> bytes:
    """Return the body that says why somebody is refused, of `size` bytes at most."""
    return bytes((refused.reason,)) + shortened(refused.detail, size - 1)


def read_refusal(body: bytes) -> Refused:
    """Return what `write_refusal` wrote; there is one byte at least."""
    detail = body[1:].decode(errors="replace")
    return Refused(CloseReason.from_wire(body[0]), detail)
