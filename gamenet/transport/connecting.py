# SPDX-License-Identifier: MIT
"""Connect to a server, and stay connected: one call for every transport.

`connect` returns a Deferred of the `GameProtocol`, which fires after its
`connectionMade`. What goes wrong before is a `ConnectError` with a close reason, whose
`advice` is for the user, and a detail, which is for whoever reads the log.

Several ways to a server are tried in their order: so UDP may be blocked where WebSocket
is not. When a link is lost later, they are tried again, with waits that grow and are
drawn at random, until the session is resumed or over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail

from gamenet.connection import Backoff, Connection, ConnectToken, Link
from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.transport.addresses import ConnectSpec, parse_connect, show_address
from gamenet.transport.factories import GameClientFactory
from gamenet.transport.impaired_carriers import ImpairedLinks
from gamenet.transport.impairments import AnyImpairment, Impairments
from gamenet.transport.memory import MemoryNetwork, required
from gamenet.transport.openers import Call
from gamenet.transport.protocol import GameProtocol
from gamenet.transport.quiet import printable
from gamenet.transport.shell import Carrier, Peer

__all__ = ["connect"]

_PATIENCE = 2.0
"""Seconds for a handshake if there is another way to try."""
_ELSEWHERE = frozenset(
    {
        CloseReason.UNREACHABLE,
        CloseReason.HANDSHAKE_TIMED_OUT,
        CloseReason.LINK_LOST,
    }
)
"""Failures after which another way may be better."""

Spec = ConnectSpec | str


def connect(
    reactor: Any,
    spec: Spec | Sequence[Spec] | None,
    factory: GameClientFactory,
    *,
    tls_trust: str | Path | None = None,
    memory: MemoryNetwork | None = None,
    impairment: AnyImpairment | None = None,
) -> Deferred[Any]:
    """Connect to a server.

    Args:
        reactor: opens the socket.
        spec: a connect string such as "udp:127.0.0.1:7777", a WebSocket's URL, or what
            `parse_connect` made of one; several of them are tried in turn. None tries
            the addresses in the token, over udp.
        factory: builds the protocol, and has the token.
        tls_trust: on tls and wss, PEM file with the certificates to trust instead of
            the system's; it goes before `trust=` in the string.
        memory: the network of "memory:NAME".
        impairment: a bad network to simulate on our side, such as "lte".

    Returns:
        A Deferred of the protocol. Cancel it to give up; the socket is closed then. It
        fails with `ConnectError`, or with `ConfigError` if the string or the file is
        wrong.
    """
    try:
        specs = _ways(spec, factory)
        trust = str(tls_trust or "")
        dialer = Dialer(reactor, specs, factory, trust, memory, impairment)
        dialer.begin()
    except (ConfigError, ConnectError):
        return fail()
    return dialer.result


class Dialer:
    """One call of `connect`: from nothing to a peer, and again when its link is lost.

    It stays the owner of the peer, on the factory's behalf.

    Args:
        reactor: opens sockets.
        specs: ways to the server, the best first.
        factory: builds the protocol, and has the token.
        trust: PEM file with the certificates to trust, if not that of the spec.
        memory: the network of "memory:NAME".
        impairment: a bad network to simulate.
    """

    def __init__(
        self,
        reactor: Any,
        specs: Sequence[ConnectSpec],
        factory: GameClientFactory,
        trust: str,
        memory: MemoryNetwork | None,
        impairment: AnyImpairment | None,
    ) -> None:
        self.factory = factory
        self.peers = factory.peers
        self.result: Deferred[GameProtocol] = Deferred(self._cancel)
        self._reactor = reactor
        self._specs = specs
        self._trust = trust
        self._memory = memory
        self._links: ImpairedLinks | None = None
        if impairment is not None:
            impairments = Impairments.of(impairment)
            self._links = ImpairedLinks(impairments, reactor, is_server=False)
        self._token = self._find_token()
        self._is_over = False  # the result is known
        self._index = 0
        self._n_tries = 0
        self._call: Call | None = None
        self._peer: Peer | None = None
        self._redial: Any = None
        self._backoff = Backoff(factory.random.random)

    def _find_token(self) -> ConnectToken:
        if self.factory.token is not None:
            return self.factory.token
        spec = self._specs[0]
        if spec.transport == "memory":
            return required(self._memory, spec).token(spec.host)
        reason = CloseReason.NO_TOKEN
        msg = f"cannot connect to {spec}: there is no token. {reason.advice}"
        raise ConnectError(msg, reason)

    def begin(self) -> None:
        """Try the first way."""
        self._dial()

    def _dial(self) -> None:
        spec = self._specs[self._index]
        on_open: Any = self._opened
        if self._links is not None:
            is_stream = _link_of(spec) is Link.STREAM
            on_open = self._links.before(on_open, is_stream=is_stream)
        self._call = Call(
            self._reactor,
            spec,
            self.factory,
            trust=self._trust or str(spec.trust),
            memory=self._memory,
            on_open=on_open,
            on_failed=self._failed,
        )
        self._call.begin()

    # ------------------------------------------------------------- from the call

    def _opened(self, carrier: Carrier) -> Peer | None:
        if self._peer is None:
            return self._introduce(carrier)
        return self._reconnect(self._peer, carrier)

    def _introduce(self, carrier: Carrier) -> Peer:
        """Make the peer of the first carrier, and begin the handshake."""
        factory, spec = self.factory, self._specs[self._index]
        now = self.peers.seconds()
        connection = Connection.client(
            factory.config,
            token=self._token,
            protocol_hash=factory.protocolHash,
            secret=factory.newSecret(),
            link=_link_of(spec),
            is_plain=factory.isPlain,
            attempt=self._n_tries,
            shared=factory.sharedLimit,
        )
        is_last = self._index == len(self._specs) - 1
        self._peer = Peer(
            self,
            connection,
            carrier,
            transport_name=spec.transport,
            host=spec.host,
            address=_shown(spec),
            deadline=math.inf if is_last else now + _PATIENCE,
        )
        self._n_tries += 1
        connection.connect(now=now)
        self.peers.mark(self._peer)
        return self._peer

    def _reconnect(self, peer: Peer, carrier: Carrier) -> Peer | None:
        """Ask to resume the session over a new carrier."""
        spec, connection = self._specs[self._index], peer.connection
        if connection.is_connected:
            if connection.connection_id and _link_of(spec) is Link.DATAGRAM:
                # The keys still hold: packets from a new place are known by them.
                return self._move(peer, carrier)
            # The old link was heard again meanwhile: this one is of no use.
            carrier.close()
            return None
        if not connection.reconnect(
            _link_of(spec),
            secret=self.factory.newSecret(),
            now=self.peers.seconds(),
            patience=_PATIENCE if len(self._specs) > 1 else None,
        ):
            carrier.close()
            peer.close(CloseReason.SESSION_GONE, "")
            return None
        return self._move(peer, carrier)

    def _move(self, peer: Peer, carrier: Carrier) -> Peer | None:
        """Have a carrier take the place of the one before."""
        spec = self._specs[self._index]
        if _link_of(spec) is not peer.connection.link:
            carrier.close()
            return None
        # The carrier must know its peer first: the answer may come at once.
        self._reactor.callLater(0, self._attach, peer, carrier, spec)
        return peer

    def _attach(self, peer: Peer, carrier: Carrier, spec: ConnectSpec) -> None:
        if peer.is_ended:
            carrier.close()
            return
        peer.connection.move(now=self.peers.seconds())
        peer.attach(
            carrier,
            transport_name=spec.transport,
            address=_shown(spec),
        )

    def _failed(self, reason: CloseReason, detail: str) -> None:
        if self._peer is not None:
            self._dial_later()
        elif self._has_another_way():
            self._dial()
        else:
            self._fail(reason, detail)

    def _has_another_way(self) -> bool:
        if self._is_over or self._index + 1 >= len(self._specs):
            return False
        self._index += 1
        return True

    def _dial_later(self) -> None:
        """Try the next way after a while."""
        if self._redial is None and self._peer is not None:
            self._index = (self._index + 1) % len(self._specs)
            self._redial = self._reactor.callLater(self._backoff.wait(), self._again)

    def _is_dialling(self) -> bool:
        return self._call is not None and not self._call.is_over

    def _again(self) -> None:
        self._redial = None
        peer = self._peer
        if peer is not None and peer.connection.state == "Dropped":
            self._dial()

    def _fail(self, reason: CloseReason, detail: str) -> None:
        """Fail, if the result is not known yet."""
        if self._is_over:
            return
        self._is_over = True
        try:
            self.factory.clientConnectionFailed(reason, detail)
        except Exception:  # noqa: BLE001 - an author's code raises anything
            self.factory.log.failure("clientConnectionFailed raised an exception")
        because = f" ({printable(detail)})" if detail else ""
        spec = self._specs[self._index]
        msg = f"cannot connect to {spec}: {reason.name}{because}. {reason.advice}"
        self.result.errback(ConnectError(msg, reason, detail))

    # ---------------------------------------------------------- asked by the peer

    def protocolFor(self, peer: Peer) -> GameProtocol | None:
        """Return the protocol: the server has accepted us."""
        return self.factory.protocolFor(peer)

    def peerBegan(self, peer: Peer) -> None:
        """Succeed: the protocol knows that it is connected."""
        if not self._is_over and peer.protocol is not None:
            self._is_over = True
            self.peers.tally.accepted += 1
            self.result.callback(peer.protocol)

    def peerDropped(self, peer: Peer) -> None:
        """Look for another link: the last is lost, or was not to be had."""
        if self._redial is not None or self._is_dialling():
            return
        # The way that worked last is the first to be tried again.
        self._index -= 1 if self._backoff.n_attempts == 0 else 0
        self._dial_later()

    def rebind(self, peer: Peer) -> None:
        """Open another socket, and go on there with the keys that we have."""
        if peer.connection.connection_id:
            self._dial()

    def peerResumed(self, peer: Peer) -> None:
        """Note that the session goes on."""
        self._backoff.succeed()
        self._stop_dialling()

    def peerEnded(self, peer: Peer, reason: CloseReason, detail: str) -> None:
        """Count the end of the connection; try another way if it never was one."""
        self._stop_dialling()
        tally = self.peers.tally
        counter = tally.refused if peer.protocol is None else tally.closed
        counter[reason.name] += 1
        if (
            peer.protocol is None
            and reason in _ELSEWHERE
            and not self._is_over
            and self._has_another_way()
        ):
            self._peer = None
            self._dial()
        else:
            self._fail(reason, detail)

    def _stop_dialling(self) -> None:
        if self._redial is not None:
            self._redial.cancel()
            self._redial = None
        if self._call is not None:
            self._call.cancel()

    def _cancel(self, _: Deferred[Any]) -> None:
        self._is_over = True
        self._stop_dialling()
        if self._peer is not None:
            self._peer.abort(CloseReason.NORMAL, "")


def _ways(
    spec: Spec | Sequence[Spec] | None, factory: GameClientFactory
) -> list[ConnectSpec]:
    """Return the ways to a server, the best first.

    Raises:
        ConfigError: there is none, or one is malformed.
    """
    if spec is None:
        addresses = () if factory.token is None else factory.token.addresses
        given: list[Spec] = [ConnectSpec("udp", x.host, x.port) for x in addresses]
    else:
        given = [spec] if isinstance(spec, ConnectSpec | str) else list(spec)
    if not given:
        raise ConfigError("connect() has no address: give one, or a token with some")
    return [parse_connect(each) if isinstance(each, str) else each for each in given]


def _link_of(spec: ConnectSpec) -> Link:
    return Link.DATAGRAM if spec.transport in ("udp", "memory") else Link.STREAM


def _shown(spec: ConnectSpec) -> str:
    return show_address(spec.host, spec.port) if spec.port else spec.host
