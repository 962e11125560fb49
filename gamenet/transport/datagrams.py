# SPDX-License-Identifier: MIT
"""Serve many peers on one datagram socket.

The socket is shared. A packet of a gamenet peer says which connection it belongs to,
wherever it comes from; one of a plain netcode peer belongs to the connection of its
address. All others go to the connection layer's `Acceptor`, which keeps no state for
strangers, and never answers with more bytes than it was sent.

UDP sockets and the network in memory share this; they differ in `write`.
"""

from __future__ import annotations

from collections.abc import Callable

from gamenet.connection import (
    PACKET,
    Accept,
    Acceptor,
    Connection,
    Link,
    Pass,
    Reply,
)
from gamenet.errors import CloseReason
from gamenet.transport.addresses import show_address
from gamenet.transport.counters import Tally
from gamenet.transport.listener import Listener
from gamenet.transport.shell import Peer

__all__ = ["Address", "DatagramServer", "Write", "guarded"]

_FIRST_OF_NETCODE, _LAST_OF_NETCODE = 4, 6  # kinds of a connected plain peer
_ANSWERS = frozenset({3, 7})  # kinds with which a client answers a challenge

Address = tuple[str, int]
Write = Callable[[bytes, Address], object]


def guarded(write: Write, tally: Tally) -> Write:
    """Return a `write` that counts and drops what the socket will not have."""

    def guarded_write(data: bytes, address: Address) -> None:
        try:
            write(data, address)
        except BlockingIOError:
            tally.write_blocked += 1
        except OSError:
            # The address became unreachable, or a firewall refused; the peer times out.
            tally.write_failed += 1

    return guarded_write


class DatagramServer:
    """Find the peer of each datagram, and make new ones.

    Args:
        listener: lets peers in.
        write: sends a datagram to an address; it may raise OSError.
    """

    def __init__(self, listener: Listener, write: Write) -> None:
        self.write = guarded(write, listener.peers.tally)
        self._listener = listener
        self._seconds = listener.peers.seconds
        self._tally = listener.peers.tally
        self._by_id: dict[bytes, Peer] = {}
        # Where the handshake was made: plain peers, and copies of answers.
        self._by_address: dict[Address, Peer] = {}
        self._asking: Address = ("", 0)
        self._acceptor = Acceptor(
            listener.factory.door,
            admit=self._reason_against,
            new_secret=listener.factory.newSecret,
            new_id=self._new_id,
            slot_for=listener.factory.slots.preview,
        )
        # What it counts is counted for the factory, over all its sockets.
        self._acceptor.dropped = self._tally.dropped
        self._acceptor.refused = self._tally.refused

    def receive(self, data: bytes, address: Address) -> None:
        """Take a datagram in; never raise for what it holds."""
        kind = data[0] & 15 if data else -1
        if kind == PACKET:
            peer = self._by_id.get(data[1:5])
            if peer is None:
                self._tally.dropped["unconnected"] += 1
            else:
                peer.receive(data, address)
            return
        peer = self._by_address.get(address)
        if peer is not None:
            if _FIRST_OF_NETCODE <= kind <= _LAST_OF_NETCODE:
                peer.receive(data, address)
                return
            if kind in _ANSWERS and peer.connection.repeats(data):
                peer.pump()
                return
        self._receive_handshake(data, address)

    def forget(self, carrier: DatagramCarrier) -> None:
        """Treat packets of a peer as unknown again: it is gone from here."""
        peer = carrier.peer
        if peer is None:
            return
        if self._by_id.get(carrier.label) is peer:
            del self._by_id[carrier.label]
        if self._by_address.get(carrier.address) is peer:
            del self._by_address[carrier.address]

    def lost(self) -> None:
        """Note that the socket is closed: no peer can be reached any more."""
        # Each once, in the order in which they came.
        for peer in dict.fromkeys([*self._by_id.values(), *self._by_address.values()]):
            peer.lost(CloseReason.LINK_LOST, "the server's socket was closed")

    def _receive_handshake(self, data: bytes, address: Address) -> None:
        self._asking = address
        source = show_address(*address)
        answer = self._acceptor.receive(data, source, now=self._seconds())
        if isinstance(answer, Accept):
            self._accept(answer, address)
        elif isinstance(answer, Reply):
            for datagram in answer.datagrams:
                self.write(datagram, address)

    def _new_id(self) -> int:
        while True:
            number = self._listener.factory.newNumber() & 0xFFFFFFFF
            if number and number.to_bytes(4, "little") not in self._by_id:
                return number

    def _reason_against(self, _: str, pass_: Pass) -> CloseReason | None:
        """Answer the acceptor whether one more peer may come in."""
        if pass_.session:
            return self._listener.reason_against_resuming(pass_)
        known = self._by_address.get(self._asking)
        if known is not None and known.connection.connection_id == 0:
            # A plain peer begins again, in the place that it has.
            return self._listener.reason_against_client(pass_)
        return self._listener.reason_against(self._asking[0], pass_)

    def _accept(self, accept: Accept, address: Address) -> None:
        admitted, handshake = accept.admitted, accept.handshake
        listener, now = self._listener, self._seconds()
        before = self._by_address.get(address)
        if before is not None and before.connection.connection_id == 0:
            before.abort(CloseReason.LINK_LOST, "the client began again")
        carrier = DatagramCarrier(self, address)
        assert admitted.pass_ is not None
        session = admitted.pass_.session
        if session:
            peer = listener.resume(
                admitted, carrier, address, Link.DATAGRAM, handshake, now
            )
        else:
            connection = listener.factory.newConnection(
                admitted, Link.DATAGRAM, now, handshake, address
            )
            peer = listener.let_in(connection, carrier, *address)
        if peer is None or peer.is_ended:
            return
        carrier.bind(peer)
        self._by_address[address] = peer
        if carrier.label != _NO_LABEL:
            self._by_id[carrier.label] = peer
        peer.pump()


_NO_LABEL = bytes(4)


class DatagramCarrier:
    """Take the packets of one peer to wherever it is.

    Args:
        server: whose socket it is.
        address: where the handshake was made.
    """

    is_blocked = False

    def __init__(self, server: DatagramServer, address: Address) -> None:
        self.address = address
        self.label = _NO_LABEL
        self.peer: Peer | None = None
        self._server = server
        self._connection: Connection | None = None

    def bind(self, peer: Peer) -> None:
        """Know whose packets these are."""
        self.peer = peer
        self._connection = peer.connection
        self.label = peer.connection.connection_id.to_bytes(4, "little")

    def send(self, packets: list[bytes]) -> None:
        """Send each packet as a datagram."""
        connection = self._connection
        address = self.address if connection is None else connection.path
        write = self._server.write
        for packet in packets:
            write(packet, address)

    def close(self) -> None:
        """Let packets of the peer be unknown again."""
        self._server.forget(self)
