# SPDX-License-Identifier: MIT
"""The server's door for datagrams: who is not connected yet talks to this.

It keeps nothing about anybody until a cookie has come back; see `cookie`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from gamenet.connection.config import ConnectionConfig
from gamenet.connection.connection import Connection
from gamenet.connection.cookie import CookieJar
from gamenet.connection.handshake import Gate, Refused
from gamenet.connection.packets import (
    REQUEST,
    REQUEST_SIZE,
    RESPONSE,
    Challenge,
    Denied,
    Request,
    Response,
    packet_registry,
    read_packet,
)
from gamenet.errors import CloseReason, RemoteProtocolError

__all__ = ["Accept", "Acceptor", "Reply"]


@dataclass(frozen=True, slots=True)
class Reply:
    """Send these datagrams back, and forget the peer."""

    datagrams: list[bytes]


@dataclass(frozen=True, slots=True)
class Accept:
    """A peer has proved its address: here is its connection."""

    connection: Connection


class Acceptor:
    """Answer handshake datagrams of peers that have no connection.

    Args:
        config: of the connections to make.
        gate: refuses peers that cannot be understood.
        secret: 32 random bytes for the cookies.
        new_tag: returns 64 random bits for each connection.
        admit: says why a peer from an address may not join, or None.
    """

    def __init__(
        self,
        config: ConnectionConfig,
        gate: Gate,
        *,
        secret: bytes,
        new_tag: Callable[[], int],
        admit: Callable[[str], CloseReason | None] = lambda _address: None,
    ) -> None:
        self._config = config
        self._gate = gate
        self._cookies = CookieJar(secret, config.handshake_timeout)
        self._new_tag = new_tag
        self._admit = admit
        self.dropped: Counter[str] = Counter()
        """Datagrams dropped, by reason."""
        self.refused: Counter[str] = Counter()
        """Requests refused, by the name of the close reason."""

    def receive(
        self, data: bytes, address: str, *, now: float
    ) -> Reply | Accept | None:
        """Take a datagram of an unconnected address; None means it was dropped."""
        kind = data[0] if data else -1
        if kind == REQUEST and len(data) == REQUEST_SIZE:
            other_version = self._gate.foreign_version(data)
            if other_version is not None:
                self.refused[CloseReason.VERSION_MISMATCH.name] += 1
                return Reply([other_version])
        elif kind != RESPONSE:
            return self._drop("unconnected" if kind > REQUEST else "request_size")
        try:
            packet = read_packet(data)
        except RemoteProtocolError:
            return self._drop("malformed")
        if isinstance(packet, Request):
            return self._challenge(packet, address, now)
        assert isinstance(packet, Response)
        return self._accept(packet, address, now)

    def _challenge(self, request: Request, address: str, now: float) -> Reply | None:
        refused = self._refusal(request, address)
        if refused is not None:
            return self._deny(request, refused)
        cookie = self._cookies.bake(address, request.client_salt, now=now)
        challenge = Challenge(request.client_salt, *cookie)
        return Reply([packet_registry.encode(challenge)])

    def _accept(
        self, response: Response, address: str, now: float
    ) -> Reply | Accept | None:
        salt = response.client_salt
        cookie = (response.cookie_time, response.cookie_low, response.cookie_high)
        if not self._cookies.is_good(cookie, address, salt, now=now):
            return self._drop("bad_cookie")
        refused = self._refusal(response, address)
        if refused is not None:
            return self._deny(response, refused)
        return Accept(
            Connection.accepted(self._config, response, self._new_tag(), now=now)
        )

    def _refusal(self, request: Request | Response, address: str) -> Refused | None:
        refused = self._gate.check(request)
        if refused is not None:
            return refused
        reason = self._admit(address)
        return None if reason is None else Refused(reason, "")

    def _deny(self, request: Request | Response, refused: Refused) -> Reply | None:
        if refused.reason is CloseReason.MALFORMED:
            return self._drop("malformed")
        self.refused[refused.reason.name] += 1
        denied = Denied(request.client_salt, refused.reason, refused.detail)
        return Reply([packet_registry.encode(denied)])

    def _drop(self, reason: str) -> Reply | None:
        self.dropped[reason] += 1
        return None
