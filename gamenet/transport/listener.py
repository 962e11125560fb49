# SPDX-License-Identifier: MIT
"""Hold the peers that came in by one listening address, until it closes.

The listener owns its peers on the factory's behalf: it lets them in within the
factory's limits, has the factory build their protocols, and knows which of them, and
which open sockets, there are to close when listening stops.

A stream beyond the limits is let in as a visitor, if there are not too many of those:
so that its user reads "the server is full" and not "the connection broke", and so that
one who has a place already can resume on it.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed

from gamenet.connection import (
    Admitted,
    Connection,
    DatagramServerHandshake,
    Link,
    Pass,
    ServerAddress,
)
from gamenet.errors import CloseReason
from gamenet.transport.addresses import show_address
from gamenet.transport.admission import Admission
from gamenet.transport.arrivals import Arrival
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
        self._arrivals: dict[Arrival, Admission] = {}
        self._sockets: dict[Socket, None] = {}
        self._is_closing = False
        self._drained: list[Deferred[None]] = []
        self._address: ServerAddress | None = None

    def bound(self, address: ServerAddress) -> None:
        """Note where we listen: tokens are good that name it."""
        self._address = address
        self.factory.addresses.append(address)

    def unbound(self) -> None:
        """Note that we listen no more."""
        if self._address in self.factory.addresses:
            self.factory.addresses.remove(self._address)

    # ------------------------------------------------------------- who may come in

    def reason_against(
        self, host: str, pass_: Pass | None = None
    ) -> CloseReason | None:
        """Return why a new peer of a host may not come in, None if it may."""
        if self._is_closing:
            return CloseReason.SERVER_SHUTDOWN
        reason = self.factory.admission.reason_against(host)
        if reason is None and pass_ is not None:
            reason = self.reason_against_client(pass_)
        return reason

    def reason_against_client(self, pass_: Pass) -> CloseReason | None:
        """Return why a client who has a place may not come in, None if it may."""
        if self._is_closing:
            return CloseReason.SERVER_SHUTDOWN
        return self.factory.reasonAgainst(pass_)

    def reason_against_resuming(self, pass_: Pass) -> CloseReason | None:
        """Return why a session may not be resumed, None if it may."""
        if self._is_closing:
            return CloseReason.SERVER_SHUTDOWN
        peer = self.factory.sessions.get(pass_.session)
        if peer is None:
            return self.factory.endings.get(pass_.session, CloseReason.SESSION_GONE)
        if not peer.connection.can_resume(pass_.generation):
            return CloseReason.TOKEN_USED
        return self.factory.reasonAgainst(pass_)

    def has_room(self, host: str) -> bool:
        """Return whether a stream of a host may come in, be it as a visitor."""
        if self.reason_against(host) is None:
            return True
        reason = self.factory.visitors.reason_against(host)
        if reason is None and not self._is_closing:
            return True
        self.peers.tally.refused["TURNED_AWAY"] += 1
        return False

    # ---------------------------------------------------------------- letting in

    def let_in(
        self, connection: Connection, carrier: Carrier, host: str, port: int
    ) -> Peer:
        """Make a peer of a connection, and give it a place."""
        peer = Peer(
            self,
            connection,
            carrier,
            transport_name=self.transport_name,
            host=host,
            address=show_address(host, port),
        )
        self.factory.admission.enter(host)
        self.factory.slots.take(peer)
        self.factory.places[peer] = self
        if connection.session.id:
            self.factory.sessions[connection.session.id] = peer
        return peer

    def let_in_stream(self, carrier: Any) -> Arrival:
        """Wait for the token of a stream that was just opened."""
        address = carrier.transport.getPeer()
        is_visitor = self.reason_against(address.host) is not None
        places = self.factory.visitors if is_visitor else self.factory.admission
        places.enter(address.host)
        deadline = self.peers.seconds() + self.factory.limits.handshake_timeout
        arrival = Arrival(
            self,
            carrier,
            address.host,
            address.port,
            deadline,
            is_visitor=is_visitor,
        )
        self._arrivals[arrival] = places
        return arrival

    def arrived(self, arrival: Arrival, reason: CloseReason | None) -> None:
        """Take back the place of an arrival, which has become a peer or is gone."""
        self._arrivals.pop(arrival).leave(arrival.host)
        if reason is not None:
            self.peers.tally.refused[reason.name] += 1

    def resume(
        self,
        admitted: Admitted,
        carrier: Carrier,
        address: tuple[str, int],
        link: Link,
        handshake: DatagramServerHandshake | None,
        now: float,
    ) -> Peer | None:
        """Give the peer of a session another carrier; None if it is gone after all."""
        pass_ = admitted.pass_
        assert pass_ is not None
        peer = self.factory.sessions.get(pass_.session)
        if peer is None or peer.is_ended:
            carrier.close()
            return None
        # It may have come in by another address, which may close from now on.
        self.factory.places[peer] = self
        connection = peer.connection
        path = address if link is Link.DATAGRAM else None
        connection.attach(admitted, link=link, now=now, handshake=handshake, path=path)
        peer.attach(
            carrier,
            transport_name=self.transport_name,
            address=show_address(*address),
        )
        return peer

    # ------------------------------------------------------------------- closing

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
        self.unbound()
        for arrival in tuple(self._arrivals):
            arrival.close(reason, detail)
        for peer, listener in tuple(self.factory.places.items()):
            if listener is self:
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
        """Return the protocol of an accepted peer."""
        return self.factory.protocolFor(peer)

    def peerBegan(self, peer: Peer) -> None:
        """Note that a protocol has been told of its connection."""

    def peerDropped(self, peer: Peer) -> None:
        """Note that a session waits to be resumed: it is for the client to come."""

    def peerResumed(self, peer: Peer) -> None:
        """Note that a session has a link again."""

    def rebind(self, peer: Peer) -> None:
        """Do nothing: a server has one socket for all."""

    def peerEnded(self, peer: Peer, reason: CloseReason, detail: str) -> None:
        """Count a peer that is gone and give its place back."""
        del self.factory.places[peer]
        self.factory.admission.leave(peer.host)
        self.factory.slots.give_back(peer)
        self.factory.endSession(peer.connection.session.id, reason)
        tally = self.peers.tally
        counter = tally.refused if peer.protocol is None else tally.closed
        counter[reason.name] += 1
