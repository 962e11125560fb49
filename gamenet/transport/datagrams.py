# SPDX-License-Identifier: MIT
"""Serve many peers on one datagram socket.

The socket is shared, so an address leads to a peer. Datagrams of unknown addresses go
to the connection layer's `Acceptor`, which keeps no state for them until the handshake
has shown that the sender receives what is sent there. It is never answered with more
bytes than it sent, so that nobody can aim our answers at somebody else.

UDP sockets and the network in memory share this; they differ in `write`.
"""

from __future__ import annotations

from collections.abc import Callable

from gamenet.connection import Accept, Acceptor, Connection, Reply
from gamenet.errors import CloseReason
from gamenet.transport.addresses import show_address
from gamenet.transport.counters import Tally
from gamenet.transport.listener import Listener
from gamenet.transport.shell import Peer

__all__ = ["Address", "DatagramServer", "Write", "guarded"]

_FIRST_CONNECTED_TYPE = b"\x04"
"""Packets whose first byte is below this belong to a handshake (docs/STANDARD.md)."""

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
        self._peers: dict[Address, Peer] = {}
        self._asking: Address = ("", 0)
        factory = listener.factory
        self._acceptor = Acceptor(
            factory.config,
            factory.gate,
            secret=factory.secret,
            new_tag=factory.newNumber,
            admit=self._reason_against,
        )
        # What it counts is counted for the factory, over all its sockets.
        self._acceptor.dropped = self._tally.dropped
        self._acceptor.refused = self._tally.refused

    def receive(self, data: bytes, address: Address) -> None:
        """Take a datagram in; never raise for what it holds."""
        peer = self._peers.get(address)
        if peer is None or data[:1] < _FIRST_CONNECTED_TYPE:
            self._receive_handshake(data, address, peer)
        else:
            peer.receive(data)

    def forget(self, address: Address) -> None:
        """Treat an address as unknown again: its peer is gone."""
        self._peers.pop(address, None)

    def lost(self) -> None:
        """Note that the socket is closed: no peer can be reached any more."""
        for peer in tuple(self._peers.values()):
            peer.lost(CloseReason.LINK_LOST, "the server's socket was closed")

    def _receive_handshake(
        self, data: bytes, address: Address, peer: Peer | None
    ) -> None:
        self._asking = address
        answer = self._acceptor.receive(
            data, show_address(*address), now=self._seconds()
        )
        if isinstance(answer, Accept):
            connection = answer.connection
            if peer is None:
                self._accept(connection, address)
            elif peer.connection.client_salt == connection.client_salt:
                # Our answer was lost, or this is a copy of what it answered.
                peer.receive(data)
            else:
                peer.lost(CloseReason.LINK_LOST, "the client began again")
                self._accept(connection, address)
        elif isinstance(answer, Reply):
            if sum(map(len, answer.datagrams)) > len(data):
                self._tally.dropped["amplifying"] += 1
                return
            for datagram in answer.datagrams:
                self.write(datagram, address)

    def _reason_against(self, _: str) -> CloseReason | None:
        """Answer the acceptor whether one more peer may come in."""
        if self._asking in self._peers:
            return None
        return self._listener.reason_against(self._asking[0])

    def _accept(self, connection: Connection, address: Address) -> None:
        carrier = DatagramCarrier(self, address)
        peer = self._listener.let_in(connection, carrier, *address)
        self._peers[address] = peer
        peer.pump()


class DatagramCarrier:
    """Take the packets of one peer to its address."""

    is_blocked = False

    def __init__(self, server: DatagramServer, address: Address) -> None:
        self._server = server
        self._address = address

    def send(self, packets: list[bytes]) -> None:
        """Send each packet as a datagram."""
        write, address = self._server.write, self._address
        for packet in packets:
            write(packet, address)

    def close(self) -> None:
        """Let the address be unknown again."""
        self._server.forget(self._address)
