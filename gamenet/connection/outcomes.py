# SPDX-License-Identifier: MIT
"""What a handshake can come to, and what a good token says of who shows it."""

from __future__ import annotations

from dataclasses import dataclass

from gamenet.connection.envelopes import Envelope
from gamenet.connection.tokens import ServerAddress
from gamenet.errors import CloseReason

__all__ = [
    "Admitted",
    "Challenged",
    "Outcome",
    "Pass",
    "Refused",
]


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody may not come in."""

    reason: CloseReason
    detail: str


@dataclass(frozen=True, slots=True)
class Pass:
    """What a good token says of who shows it."""

    client_id: int
    user_data: bytes
    """Of the backend, without trailing zeros."""
    timeout: int
    """Seconds of silence after which the connection is lost; negative: never."""
    addresses: tuple[ServerAddress, ...]
    client_to_server: bytes
    server_to_client: bytes
    mac: bytes
    """16 bytes that tell this token from every other."""
    expires: int
    """Until when the token is good, in seconds of unix time."""
    protocol_id: int
    """With which the packets of this client are sealed."""
    session: bytes = b""
    """The session to resume, 16 bytes; empty for a client who is new."""
    generation: int = 0
    """Which of the session's tokens this is."""

    @property
    def token_keys(self) -> bytes:
        """Return both keys, the one to the server first."""
        return self.client_to_server + self.server_to_client


@dataclass(frozen=True, slots=True)
class Challenged:
    """The server wants its challenge back."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The handshake is done."""

    envelope: Envelope
    """Packs and unpacks what is said from now on."""
    pass_: Pass | None
    """Who the client is (server side)."""
    protocol_hash: int
    """Which protocol the client asked for; 0: describe it, or a plain netcode peer."""
    slot: int
    """Which place the client has."""
    max_clients: int
    """How many places there are."""


Outcome = Challenged | Admitted | Refused | str
"""A step forward, the end, or in a word why a packet was dropped."""
