# SPDX-License-Identifier: MIT
"""Get each bot the token that lets it in: from the server, or made with its key.

A token lets in one player, once, so that each bot needs its own. A server that is asked
too often is asked again a second later.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import DNSLookupError
from twisted.internet.task import deferLater

from gamenet.connection import ConnectToken, ServerAddress, issue_token
from gamenet.errors import CloseReason, ConnectError
from gamenet.game import GameClient
from gamenet.service.bots import Join
from gamenet.service.impair import parse_host_port
from gamenet.transport import (
    ConnectSpec,
    Impairments,
    Invitation,
    fetch_invitation,
    parse_connect,
)

__all__ = ["Crowd", "Tickets"]

_PAUSE = 1.0
"""Seconds before a server is asked again that was asked too often."""
_EXPIRES_IN = 30
_TIMEOUT = 5


@dataclass(frozen=True)
class Crowd:
    """How many bots play where, and for how long."""

    n: int
    """Number of bots."""
    seconds: float
    """Time to play after the last one has joined."""
    seed: int = 0
    """Seed of all inputs."""
    server: str = ""
    """Web address of the server; empty if `connect` says where to."""
    secret: str = ""
    """The server's `connect_secret`, where its web address asks for one."""
    connect: str = ""
    """Connect string of one listener."""
    key: bytes = b""
    """The server's key, to issue tokens for `connect` with."""
    address: str = ""
    """HOST:PORT of the server itself, where `connect` names a proxy before it."""
    protocol_id: int = 1
    """Number of the game that those tokens are for."""
    transport: str = "udp"
    """Which of the server's transports to join by."""
    trust: str = ""
    """PEM file of certificates to trust; empty for the system's."""
    impair: str = ""
    """A bad network between each bot and the server; empty for none."""


class Tickets:
    """Find out how each bot of a crowd joins.

    Args:
        reactor: carries requests.
        crowd: says which server.
    """

    def __init__(self, reactor: Any, crowd: Crowd) -> None:
        self._reactor = reactor
        self._crowd = crowd
        self._spec = parse_connect(crowd.connect) if crowd.connect else None
        self._addresses: tuple[ServerAddress, ...] = ()
        self._first: Invitation | None = None

    @property
    def transport(self) -> str:
        """Return the transport by which all of them join."""
        return self._spec.transport if self._spec else self._crowd.transport

    async def open(self) -> None:
        """Find the server, so that whatever is wrong with it is said once.

        Raises:
            ConnectError: nothing answers, or not by the transport that is wanted.
        """
        if self._spec is None:
            self._first = await self._fetch("bot 1")
            self._first.spec(self._crowd.transport)
            return
        where = [(self._spec.host, self._spec.port)]
        if self._crowd.address:
            where.append(parse_host_port("--address", self._crowd.address))
        self._addresses = tuple(
            [ServerAddress(await self._resolve(host), port) for host, port in where]
        )

    def invite(self, name: str) -> Deferred[Join]:
        """Return how a player of a name joins."""
        return ensureDeferred(self._invite(name))

    async def _invite(self, name: str) -> Join:
        if self._spec is not None:
            return partial(self._join, self._spec, self._issue(name))
        invitation, self._first = self._first, None
        if invitation is None or name != "bot 1":
            invitation = await self._fetch(name)
        spec = invitation.spec(self._crowd.transport)
        return partial(self._join, spec, invitation.token)

    def _join(
        self, spec: ConnectSpec, token: ConnectToken, client: GameClient
    ) -> Deferred[GameClient]:
        impair, trust = self._crowd.impair, self._crowd.trust
        return client.connect(
            str(spec),
            token=token,
            tls_trust=trust or None,
            impairment=Impairments.from_text(impair) if impair else None,
        )

    async def _fetch(self, name: str) -> Invitation:
        crowd = self._crowd
        while True:
            try:
                return await fetch_invitation(
                    self._reactor,
                    crowd.server,
                    name=name,
                    secret=crowd.secret,
                    trust=crowd.trust,
                )
            except ConnectError as error:
                if error.reason is not CloseReason.RATE_LIMITED:
                    raise
            await deferLater(self._reactor, _PAUSE)

    def _issue(self, name: str) -> ConnectToken:
        return issue_token(
            self._crowd.key,
            protocol_id=self._crowd.protocol_id,
            client_id=secrets.randbits(64),
            addresses=self._addresses,
            timeout=_TIMEOUT,
            expires_in=_EXPIRES_IN,
            user_data=name.encode(),
            unix_now=int(time.time()),
            random_bytes=secrets.token_bytes,
        )

    async def _resolve(self, host: str) -> str:
        if isIPAddress(host) or isIPv6Address(host):
            return host
        try:
            return str(await self._reactor.resolve(host))
        except DNSLookupError:
            raise ConnectError(
                f"no address is known for the host {host!r}",
                CloseReason.UNREACHABLE,
            ) from None
