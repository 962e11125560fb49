# SPDX-License-Identifier: MIT
"""Proof that a client receives at the address it sends from, without remembering it.

The server seals what its reply must bring back and forgets it. Only who receives at
that address can return the token, so a forged address never becomes a connection.

Source: netcode 1.02, "Challenge Token".
"""

from __future__ import annotations

import struct

from gamenet.connection.crypto import TAG, open_sealed, seal

__all__ = ["CHALLENGE_SIZE", "ChallengeTokens"]

CHALLENGE_SIZE = 300
_PLAIN = struct.Struct("<Q256s20x")
assert _PLAIN.size + TAG == CHALLENGE_SIZE


class ChallengeTokens:
    """Make and read the challenge tokens of one server.

    Args:
        key: 32 random bytes, new at each start.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._next = 0

    def seal(self, client_id: int, user_data: bytes) -> tuple[int, bytes]:
        """Return the sequence and the 300 bytes of a new token.

        Args:
            client_id: who asked.
            user_data: up to 256 bytes; `open` returns them filled up with zeros.
        """
        sequence = self._next
        self._next = sequence + 1
        plain = _PLAIN.pack(client_id, user_data)
        return sequence, seal(self._key, _nonce(sequence), plain, b"")

    def open(self, sequence: int, data: bytes) -> tuple[int, bytes] | None:
        """Return client id and user data (256 bytes), or None if it is none of ours."""
        if len(data) != CHALLENGE_SIZE or not 0 <= sequence < self._next:
            return None
        plain = open_sealed(self._key, _nonce(sequence), data, b"")
        if plain is None:
            return None
        client_id, user_data = _PLAIN.unpack(plain)
        return client_id, user_data


def _nonce(sequence: int) -> bytes:
    return (sequence << 32).to_bytes(12, "little")
