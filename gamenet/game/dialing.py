# SPDX-License-Identifier: MIT
"""Find the way from an address to a connection: ask for a token, then dial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail

from gamenet.connection import Channel, ConnectToken
from gamenet.errors import ConfigError, ConnectError, RemoteProtocolError
from gamenet.game.client_link import ServerFactory
from gamenet.game.match import Match
from gamenet.game.player import user_data_of
from gamenet.game.protocol import channels_of
from gamenet.transport import (
    AnyImpairment,
    ConnectSpec,
    Invitation,
    MemoryNetwork,
    connect,
    fetch_invitation,
    is_web,
    parse_connect,
)

__all__ = ["TRANSPORT_ORDER", "Dialing"]

TRANSPORT_ORDER = ("udp", "tcp", "tls", "wss", "ws")


@dataclass(frozen=True, slots=True)
class Dialing:
    """How a client reaches its server; see `GameClient.connect` for what it means."""

    token: ConnectToken | bytes | None = None
    transports: Sequence[str] = TRANSPORT_ORDER
    tls_trust: str | Path | None = None
    memory: MemoryNetwork | None = None
    impairment: AnyImpairment | None = None
    secret: str = ""

    def dial(
        self,
        reactor: Any,
        address: str,
        name: str,
        match: Match,
        factory: ServerFactory,
    ) -> Deferred[Any]:
        """Connect; the Deferred fails as that of `GameClient.connect` does."""
        if not is_web(address):
            return self._dial(reactor, address, self.token, name, match, factory)
        asked = fetch_invitation(
            reactor,
            address,
            name=name,
            secret=self.secret,
            trust=str(self.tls_trust or ""),
        )
        asked.addCallback(self._invited, reactor, name, match, factory)
        return asked

    def _invited(
        self,
        invitation: Invitation,
        reactor: Any,
        name: str,
        match: Match,
        factory: ServerFactory,
    ) -> Deferred[Any]:
        specs = invitation.ordered(self.transports)
        if match.protocol is None:
            _take_channels(match, factory, channels_of(invitation.raw))
        return self._dial(reactor, specs, invitation.token, name, match, factory)

    def _dial(
        self,
        reactor: Any,
        address: str | list[ConnectSpec],
        token: ConnectToken | bytes | None,
        name: str,
        match: Match,
        factory: ServerFactory,
    ) -> Deferred[Any]:
        memory = self.memory
        try:
            if token is None and memory is not None and isinstance(address, str):
                spec = parse_connect(address)
                token = memory.token(spec.host, user_data_of(name))
                if match.protocol is None:
                    _take_channels(match, factory, memory.channels(spec.host))
            if isinstance(token, bytes):
                token = ConnectToken.decode(token)
        except (ConfigError, ConnectError, RemoteProtocolError):
            return fail()
        factory.token = token
        return connect(
            reactor,
            address,
            factory,
            tls_trust=self.tls_trust,
            memory=memory,
            impairment=self.impairment,
        )


def _take_channels(
    match: Match, factory: ServerFactory, channels: tuple[Channel, ...]
) -> None:
    """Use the channels of a server whose game we do not know."""
    factory.config = replace(factory.config, channels=channels)
    match.channels = channels
