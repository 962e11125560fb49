# SPDX-License-Identifier: MIT
"""Carry packets in UDP datagrams.

Twisted's `DatagramProtocol` reads up to 256 KiB of datagrams each time that the reactor
wakes it, which makes it as fast as a bare socket. Two of its edges are taken off here:
its `write` raises when the kernel's send buffer is full, which is counted and dropped
(https://github.com/twisted/twisted/issues/2790), and it looks at every address again
for each datagram, so a real socket is written to directly.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import ISystemHandle
from twisted.internet.protocol import DatagramProtocol

from gamenet.errors import CloseReason
from gamenet.transport.counters import Tally
from gamenet.transport.datagrams import Address, DatagramServer, Write
from gamenet.transport.listener import Listener
from gamenet.transport.shell import Peer

__all__ = ["DATAGRAM_LIMIT", "UdpClient", "UdpServer"]

DATAGRAM_LIMIT = 2048
"""Bytes that are read of a datagram: above every packet size, so that one that is too
large is seen to be, and is not mistaken for one that fits."""

_REFUSALS_TO_BELIEVE = 3
"""A refusal (ICMP port unreachable) is not authenticated. One ends an attempt to
connect; an established connection ends when this many come with no packet between."""


class UdpServer(DatagramProtocol):
    """Serve the peers of a listener on one UDP socket."""

    noisy = False
    transport: Any

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.server: DatagramServer | None = None

    def startProtocol(self) -> None:
        """Begin to serve: the socket is bound."""
        limits = self._listener.factory.limits
        enlarge_receive_buffer(self.transport, limits.receive_buffer)
        self.server = DatagramServer(self._listener, self.writer())
        # The reactor calls the server without a detour through a method of ours.
        self.datagramReceived = self.server.receive  # type: ignore[assignment]

    def writer(self) -> Write:
        """Return what the server writes by."""
        return socket_writer(self.transport)

    def stopProtocol(self) -> None:
        """Let go of every peer: the socket is closed."""
        if self.server is not None:
            self.server.lost()


class UdpClient(DatagramProtocol):
    """Carry the packets of one client connection.

    Args:
        address: of the server, numeric.
        receive_buffer: bytes to ask of the kernel.
        tally: counts what the kernel refuses.
        make_peer: makes the peer when the socket is open.
    """

    noisy = False
    is_blocked = False
    transport: Any

    def __init__(
        self,
        address: Address,
        receive_buffer: int,
        tally: Tally,
        make_peer: Callable[[UdpClient], Peer | None],
    ) -> None:
        self._address = address
        self._receive_buffer = receive_buffer
        self._tally = tally
        self._make_peer = make_peer
        self.receiver: Peer | None = None
        self._refusals = 0

    def startProtocol(self) -> None:
        """Connect the socket, so that the kernel reports refusals, and begin."""
        enlarge_receive_buffer(self.transport, self._receive_buffer)
        self.transport.connect(*self._address)
        self.receiver = self._make_peer(self)

    def stopProtocol(self) -> None:
        """Note that the socket is closed, by us or by an error of the network."""
        if self.receiver is not None:
            self.receiver.lost(
                CloseReason.UNREACHABLE, "the network refused a datagram"
            )

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Take a datagram of the server in."""
        self._refusals = 0
        if self.receiver is not None:
            self.receiver.receive(datagram)

    def connectionRefused(self) -> None:
        """Note that nothing listens at the server's address."""
        self._refusals += 1
        peer = self.receiver
        if peer is None:
            return
        if peer.protocol is None or self._refusals >= _REFUSALS_TO_BELIEVE:
            peer.unreachable("nothing listens there")

    def send(self, packets: list[bytes]) -> None:
        """Send each packet as a datagram."""
        for packet in packets:
            try:
                self.transport.write(packet)
            except BlockingIOError:
                self._tally.write_blocked += 1
            except OSError:
                self._tally.write_failed += 1

    def close(self) -> None:
        """Close the socket."""
        self.receiver = None
        # Twisted takes the transport away before it tells that the socket is closed.
        if self.transport is not None:
            self.transport.stopListening()


def enlarge_receive_buffer(transport: Any, size: int) -> None:
    """Ask for a large receive buffer and take what the kernel gives."""
    handle = socket_of(transport)
    if handle is not None:
        with contextlib.suppress(OSError):
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def socket_writer(transport: Any) -> Write:
    """Return what sends a datagram: the socket's own method where there is a socket."""
    handle = socket_of(transport)
    write: Write = transport.write if handle is None else handle.sendto
    return write


def socket_of(transport: Any) -> Any:
    """Return the socket of a transport, None if it is one in memory."""
    return transport.getHandle() if ISystemHandle.providedBy(transport) else None
