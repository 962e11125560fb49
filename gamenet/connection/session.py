# SPDX-License-Identifier: MIT
"""What of a connection outlives its links: who it is, and with what it is resumed."""

from __future__ import annotations

import math
from collections.abc import Callable

from gamenet.connection.config import ConnectionConfig
from gamenet.connection.tickets import TicketIssuer, Tickets
from gamenet.connection.tokens import ConnectToken
from gamenet.errors import CloseReason, RemoteProtocolError

__all__ = ["Session"]

RENEW_AFTER = 12 * 3600
"""Seconds after which tickets are replaced: half of what they are good for."""


class Session:
    """One side's part in a session that may be resumed.

    Args:
        config: says how long a lost session waits.
    """

    __slots__ = (
        "_give_up_at",
        "_issuer",
        "_renew_at",
        "_tickets",
        "_window",
        "attempt_until",
        "client_id",
        "id",
        "n_attempts",
        "netcode_timeout",
        "reason",
        "resumes",
        "user_data",
    )

    def __init__(self, config: ConnectionConfig) -> None:
        self.id = b""
        """What names it to the server, 16 bytes; empty where it cannot be resumed."""
        self.user_data = b""
        """What the token said of the client, for the server."""
        self.client_id = 0
        """The backend's number of the client, for the server."""
        self.netcode_timeout: float | None = None
        """Seconds of silence that the token grants a plain netcode peer."""
        self.resumes = 0
        """Times that it went on over a new link."""
        self.reason = CloseReason.LINK_LOST
        """Why the link was lost."""
        self.attempt_until: float | None = None
        """When the attempt to resume has taken too long; None if there is none."""
        self.n_attempts = 0
        self._window = config.resume_window
        self._give_up_at: float | None = None
        self._issuer: TicketIssuer | None = None
        self._renew_at = math.inf
        self._tickets: Tickets | None = None

    def keep_tickets(self, key: bytes) -> None:
        """Be the client's side, which collects tickets sealed with a key."""
        self._tickets = Tickets(key)

    def issue_tickets(
        self, session: bytes, key: bytes, issue: Callable[[bytes, int], ConnectToken]
    ) -> None:
        """Be the server's side, which issues tickets sealed with a key."""
        self.id = session
        self._issuer = TicketIssuer(key, lambda number: issue(session, number))

    # -- lost and found -------------------------------------------------------

    @property
    def can_resume(self) -> bool:
        """Return whether it can go on without its link."""
        if not self._window:
            return False
        return self._issuer is not None or bool(self._tickets)

    @property
    def has_tickets(self) -> bool:
        """Return whether there is a ticket left (client side)."""
        return bool(self._tickets)

    def lose_link(self, reason: CloseReason, now: float) -> None:
        """Wait from now on."""
        self.reason = reason
        self._give_up_at = now + self._window

    def find_link(self) -> None:
        """Wait no longer."""
        self._give_up_at = self.attempt_until = None

    def is_given_up(self, now: float) -> bool:
        """Return whether it has waited long enough."""
        return self._give_up_at is not None and now >= self._give_up_at

    def next_timeout(self) -> float | None:
        """Return when something of it is over."""
        times = (self._give_up_at, self.attempt_until)
        return min((each for each in times if each is not None), default=None)

    # -- tickets --------------------------------------------------------------

    def next_ticket(self) -> ConnectToken | None:
        """Return the ticket to try next (client side)."""
        return None if self._tickets is None else self._tickets.next()

    def discard(self, ticket: ConnectToken) -> None:
        """Forget a ticket that was used (client side)."""
        if self._tickets is not None:
            self._tickets.discard(ticket)

    def receive(self, message: bytes) -> None:
        """Take a message on gamenet's own channel.

        Raises:
            RemoteProtocolError: it is malformed, or from a client.
        """
        if self._tickets is None:
            raise RemoteProtocolError("a client has nothing to say on this channel")
        self._tickets.receive(message)

    def messages(self, now: float) -> list[bytes]:
        """Return messages with the tickets that the client lacks (server side)."""
        if self._issuer is None:
            return []
        if now >= self._renew_at:
            self._issuer.renew()
        messages = self._issuer.messages()
        if messages:
            self._renew_at = now + RENEW_AFTER
        return messages

    def must_renew(self, now: float) -> bool:
        """Return whether the client's tickets are about to expire (server side)."""
        return now >= self._renew_at

    def has_ticket(self, generation: int) -> bool:
        """Return whether a ticket is good (server side)."""
        return self._issuer is not None and self._issuer.has(generation)

    def spend(self, generation: int) -> None:
        """Let a ticket be good no more (server side)."""
        if self._issuer is not None:
            self._issuer.use(generation)
