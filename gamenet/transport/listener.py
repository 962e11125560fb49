# SPDX-License-Identifier: MIT
"""Hold the peers that came in by one listening address, until it closes.

The listener owns its peers on the factory's behalf: it lets them in within the
factory's limits, has the factory build their protocols, and knows which of them, and
which open sockets, there are to close when listening stops.

A stream beyond the limits is let in as a visitor, if there are not too many of those:
its handshake succeeds and it is told at once why it cannot stay, so that its user reads
"the server is full" and not "the connection broke".
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed

from gamenet.connection import Connection
from gamenet.errors import CloseReason
from gamenet.transport.addresses import show_address
from gamenet.transport.admission import Admission
from gamenet.transport.factories import GameServerFactory
from gamenet.transport.protocol import GameProtocol
from gamenet.transport.shell import Carrier, Peer

__all__ = ["Listener", "Socket"]


class Socket(Protocol):
    """An open socket, whether or not a peer was ever made of it."""

    def close(self) -> None:
        """Close it when what is buffered is sent."""

    def cut(self) -> None:
        """Close it at once, whatever is buffered."""


class Listener:
    """Let peers in by one address.

    Args:
        factory: builds their protocols; its limits hold.
        transport_name: "udp", "tcp" and so on.
    """

    def __init__(self, factory: GameServerFactory, transport_name: str) -> None:
        self.factory = factory
        self.peers = factory.peers
        self.transport_name = transport_name
        self._places: dict[Peer, Admission] = {}
        self._sockets: dict[Socket, None] = {}
        self._is_closing = False
        self._drained: list[Deferred[None]] = []

    def reason_against(self, host: str) -> CloseReason | None:
        """Return why a host may not come in, None if it may."""
        if self._is_closing:
            return CloseReason.SERVER_SHUTDOWN
        return self.factory.admission.reason_against(host)

    def has_room(self, host: str) -> bool:
        """Return whether a stream of a host may come in, be it as a visitor."""
        if self.reason_against(host) is None:
            return True
        reason = self.factory.visitors.reason_against(host)
        if reason is None and not self._is_closing:
            return True
        self.peers.tally.refused["TURNED_AWAY"] += 1
        return False

    def let_in(
        self,
        connection: Connection,
        carrier: Carrier,
        host: str,
        port: int,
        deadline: float = math.inf,
    ) -> Peer:
        """Make a peer of a connection, and give it a place."""
        refusal = self.reason_against(host)
        places = self.factory.visitors if refusal else self.factory.admission
        peer = Peer(
            self,
            connection,
            carrier,
            transport_name=self.transport_name,
            host=host,
            address=show_address(host, port),
            deadline=deadline,
            refusal=refusal,
        )
        places.enter(host)
        self._places[peer] = places
        return peer

    def let_in_stream(self, carrier: Any) -> Peer:
        """Make a peer of a stream that was just opened."""
        factory, now = self.factory, self.peers.seconds()
        address = carrier.transport.getPeer()
        connection = Connection.server_stream(
            factory.config, factory.gate, tag=factory.newNumber(), now=now
        )
        deadline = now + factory.limits.handshake_timeout
        peer = self.let_in(connection, carrier, address.host, address.port, deadline)
        peer.pump()
        return peer

    def opened(self, socket: Socket) -> None:
        """Note an open socket."""
        self._sockets[socket] = None

    def closed(self, socket: Socket) -> None:
        """Note that a socket is closed."""
        self._sockets.pop(socket, None)
        if not self._sockets:
            drained, self._drained = self._drained, []
            for waiting in drained:
                waiting.callback(None)

    def close(self, reason: CloseReason, detail: str) -> Deferred[None]:
        """Let nobody in any more, and tell every peer why it has to leave.

        Returns:
            A Deferred that fires when every socket is closed.
        """
        self._is_closing = True
        for peer in tuple(self._places):
            peer.close(reason, detail)
        self.peers.flush()
        for socket in tuple(self._sockets):
            socket.close()
        if not self._sockets:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._drained.append(waiting)
        return waiting

    def cut(self) -> None:
        """Close every socket that is still open, at once."""
        for socket in tuple(self._sockets):
            socket.cut()

    # ---------------------------------------------------------- asked by the peers

    def protocolFor(self, peer: Peer) -> GameProtocol | None:
        """Return the protocol of an accepted peer; a visitor gets none."""
        return None if peer.refusal else self.factory.protocolFor(peer)

    def peerBegan(self, peer: Peer) -> None:
        """Note that a protocol has been told of its connection."""

    def peerEnded(self, peer: Peer, reason: CloseReason, detail: str) -> None:
        """Count a peer that is gone and give its place back."""
        self._places.pop(peer).leave(peer.host)
        tally = self.peers.tally
        counter = tally.refused if peer.protocol is None else tally.closed
        counter[reason.name] += 1
