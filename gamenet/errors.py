# SPDX-License-Identifier: MIT
"""Every error that gamenet raises, and every reason for which a connection ends.

    GamenetError
    +-- LocalProtocolError      we did something that the protocol does not allow
    |   +-- StaleEntityError    an entity id whose entity is gone
    |   +-- WorldFullError      no free row for another entity
    +-- RemoteProtocolError     the peer did something that the protocol does not allow
    +-- SchemaError             a declaration that cannot be compiled
    +-- ConfigError             a setting unknown, of a wrong type or out of range
    +-- ListenError             an address on which we cannot listen
    +-- ConnectError            a connection that could not be made

A message says what happened, the value seen, the limit, and what to do about it.
`CloseReason` is one byte on the wire; the browser's table is generated from it.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "CloseReason",
    "ConfigError",
    "ConnectError",
    "GamenetError",
    "ListenError",
    "LocalProtocolError",
    "RemoteProtocolError",
    "SchemaError",
    "StaleEntityError",
    "WorldFullError",
]


class CloseReason(IntEnum):
    """Say why a connection ended: one number on the wire, one advice for the user."""

    NORMAL = 0
    SERVER_SHUTDOWN = 1
    KICKED = 2
    SERVER_FULL = 16
    TOO_MANY_FROM_ADDRESS = 17
    VERSION_MISMATCH = 18
    PROTOCOL_MISMATCH = 19
    HANDSHAKE_TIMED_OUT = 20
    UNREACHABLE = 21
    TOKEN_INVALID = 22
    TOKEN_EXPIRED = 23
    TOKEN_USED = 24
    TOKEN_FOREIGN = 25
    SESSION_GONE = 26
    NO_TOKEN = 27
    TIMED_OUT = 32
    LINK_LOST = 33
    MALFORMED = 48
    MESSAGE_TOO_LARGE = 49
    SEND_QUEUE_OVERFLOW = 50
    RATE_LIMITED = 51
    INTERNAL_ERROR = 64

    @property
    def advice(self) -> str:
        """Tell the user, in one sentence, what happened and what to do."""
        return _ADVICE[self]

    @classmethod
    def from_wire(cls, number: int) -> CloseReason:
        """Name the reason of a number that a peer sent; unknown ones are NORMAL."""
        try:
            return cls(number)
        except ValueError:
            return cls.NORMAL


_ADVICE = {
    CloseReason.NORMAL: "The connection was closed. Join again whenever you like.",
    CloseReason.SERVER_SHUTDOWN: "The server is shutting down. Try again in a moment.",
    CloseReason.KICKED: "You were removed from the game by the server.",
    CloseReason.SERVER_FULL: "The server is full. Try again when somebody has left.",
    CloseReason.TOO_MANY_FROM_ADDRESS: (
        "Too many players are connected from your address. Close one of them first."
    ),
    CloseReason.VERSION_MISMATCH: (
        "The server runs another version of gamenet. Reload or update the game."
    ),
    CloseReason.PROTOCOL_MISMATCH: (
        "The server runs another version of this game. Reload or update the game."
    ),
    CloseReason.HANDSHAKE_TIMED_OUT: (
        "The server did not answer in time. Check the address, then try again."
    ),
    CloseReason.UNREACHABLE: (
        "Nothing answers at this address. Check that the server runs, then try again."
    ),
    CloseReason.TOKEN_INVALID: (
        "The server did not recognise your ticket. Ask for a new one and join again."
    ),
    CloseReason.TOKEN_EXPIRED: (
        "Your ticket to the server has expired. Ask for a new one and join again."
    ),
    CloseReason.TOKEN_USED: (
        "Your ticket to the server was used before. Ask for a new one and join again."
    ),
    CloseReason.TOKEN_FOREIGN: (
        "Your ticket is for another server. Ask this server for one and join again."
    ),
    CloseReason.SESSION_GONE: (
        "You were away for too long, and your place is gone. Join again."
    ),
    CloseReason.NO_TOKEN: (
        "The server takes players with a ticket only. Join by its web address."
    ),
    CloseReason.TIMED_OUT: (
        "The connection went silent. Check your network, then join again."
    ),
    CloseReason.LINK_LOST: "The connection broke. Check your network, then join again.",
    CloseReason.MALFORMED: (
        "A message could not be understood. Reload or update the game."
    ),
    CloseReason.MESSAGE_TOO_LARGE: (
        "A message was larger than the limit. Reload or update the game."
    ),
    CloseReason.SEND_QUEUE_OVERFLOW: (
        "The network was too slow to keep up. Join again on a better connection."
    ),
    CloseReason.RATE_LIMITED: (
        "Too many messages were sent. Slow down, then join again."
    ),
    CloseReason.INTERNAL_ERROR: (
        "The server had an error of its own. Try again; its log says more."
    ),
}


class GamenetError(Exception):
    """Base of every error that gamenet raises."""


class LocalProtocolError(GamenetError):
    """Raised when our own side does what the protocol does not allow."""


class StaleEntityError(LocalProtocolError):
    """Raised when an entity id is used whose entity is gone."""


class WorldFullError(LocalProtocolError):
    """Raised when a world has no free row for another entity."""


class RemoteProtocolError(GamenetError):
    """Raised inside a core when the peer's bytes break the protocol.

    Receivers catch it, count it, and drop the packet or close the connection: it
    never leaves the connection.

    Args:
        message: what was wrong, the value seen and the limit.
        reason: the close reason that the peer is told if the connection ends.
    """

    def __init__(
        self, message: str, reason: CloseReason = CloseReason.MALFORMED
    ) -> None:
        super().__init__(message)
        self.reason = reason


class SchemaError(GamenetError):
    """Raised when a schema is declared in a way that cannot be compiled."""


class ConfigError(GamenetError):
    """Raised when a setting is unknown, of a wrong type or out of range."""


class ListenError(GamenetError):
    """Raised when we cannot listen: one line that names the port and the option."""


class ConnectError(GamenetError):
    """Raised when a connection could not be made.

    Args:
        message: what happened, and where.
        reason: the close reason, as the user's client shows it.
        detail: what the server said, if it said anything.
    """

    def __init__(self, message: str, reason: CloseReason, detail: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.detail = detail
