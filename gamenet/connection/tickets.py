# SPDX-License-Identifier: MIT
"""Tickets with which a session is resumed: the server issues, the client keeps them.

A ticket is a connect token like any other, made for this session. Each is good once.
The client holds two, so that one may be spent on an attempt that fails; a used one is
replaced over the new link. It travels in a box of its own, sealed with the key of the
token that the session began with: so it is secret on a stream without TLS, too.

    kind u8 | generation u32 | box(the token's 2,048 bytes without trailing zeros)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gamenet.connection.crypto import open_sealed, seal
from gamenet.connection.tokens import ConnectToken
from gamenet.errors import RemoteProtocolError

__all__ = ["RESUME", "TicketIssuer", "Tickets"]

RESUME = 1
"""First byte of a message that brings a ticket."""
OUTSTANDING = 2
_ASSOCIATED = b"gamenet 1 resume"


def _nonce(generation: int) -> bytes:
    # Packets under this key have four zeros first, and no generation comes twice.
    return b"GNRS" + generation.to_bytes(8, "little")


class TicketIssuer:
    """The server's side: make tickets, and know which are unused.

    Args:
        key: of the token that the session began with, to the client.
        issue: makes the token of a generation.
    """

    __slots__ = ("_issue", "_key", "_next", "_unused")

    def __init__(self, key: bytes, issue: Callable[[int], ConnectToken]) -> None:
        self._key = key
        self._issue = issue
        self._next = 1
        self._unused: set[int] = set()

    def messages(self) -> list[bytes]:
        """Return messages with as many tickets as the client lacks."""
        return [self._message() for _ in range(OUTSTANDING - len(self._unused))]

    def _message(self) -> bytes:
        generation = self._next
        self._next += 1
        self._unused.add(generation)
        plain = self._issue(generation).encode().rstrip(b"\0")
        box = seal(self._key, _nonce(generation), plain, _ASSOCIATED)
        return bytes((RESUME,)) + generation.to_bytes(4, "little") + box

    def renew(self) -> None:
        """Let every ticket be good no more: they are about to expire."""
        self._unused.clear()

    def has(self, generation: int) -> bool:
        """Return whether a ticket is unused."""
        return generation in self._unused

    def use(self, generation: int) -> None:
        """Let a ticket be used."""
        self._unused.discard(generation)


class Tickets:
    """The client's side: keep the tickets that have come.

    The newest is the first to be tried, and again when all have been.

    Args:
        key: of the token that the session began with, to the client.
    """

    __slots__ = ("_key", "_n_tried", "_tokens")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._tokens: deque[ConnectToken] = deque(maxlen=OUTSTANDING)
        self._n_tried = 0

    def __len__(self) -> int:
        return len(self._tokens)

    def receive(self, message: bytes) -> None:
        """Take a ticket.

        Raises:
            RemoteProtocolError: it is malformed, or not sealed for us.
        """
        if len(message) < 5 or message[0] != RESUME:
            raise RemoteProtocolError("a message on gamenet's own channel is unknown")
        generation = int.from_bytes(message[1:5], "little")
        plain = open_sealed(self._key, _nonce(generation), message[5:], _ASSOCIATED)
        if plain is None:
            raise RemoteProtocolError("a ticket to resume is not sealed for us")
        self._tokens.append(ConnectToken.decode(plain))
        self._n_tried = 0

    def next(self) -> ConnectToken | None:
        """Return the ticket to try, and try another one next time."""
        if not self._tokens:
            return None
        self._n_tried += 1
        return self._tokens[-(self._n_tried % len(self._tokens) or len(self._tokens))]

    def discard(self, token: ConnectToken) -> None:
        """Forget a ticket that was used."""
        if token in self._tokens:
            self._tokens.remove(token)
