# SPDX-License-Identifier: MIT
"""A reactor in simulated time whose UDP ports reach one another.

Twisted's `MemoryReactorClock` has no `listenUDP`; this one has, and its datagrams go
through a seeded impairment, so that code written for real sockets can be tested
without one.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock

from gamenet.testing.clock import Clock
from gamenet.transport import Impairment

__all__ = ["MemoryReactor", "MemoryUdpPort"]

FIRST_FREE_PORT = 49152  # RFC 6335, section 6: dynamic ports


class MemoryUdpPort:
    """The transport of a `DatagramProtocol` on a `MemoryReactor`."""

    def __init__(
        self, reactor: MemoryReactor, protocol: Any, host: str, port: int
    ) -> None:
        self._reactor = reactor
        self.protocol = protocol
        self.host = host
        self.port = port
        self._connected: tuple[str, int] | None = None
        self._is_open = True
        protocol.makeConnection(self)

    def getHost(self) -> IPv4Address:
        """Return the bound address."""
        return IPv4Address("UDP", self.host, self.port)

    def connect(self, host: str, port: int) -> None:
        """Send to and receive from one address only."""
        self._connected = (host, port)

    def write(self, datagram: bytes, addr: tuple[str, int] | None = None) -> None:
        """Send a datagram."""
        target = addr or self._connected
        if self._is_open and target is not None:
            self._reactor.carry(bytes(datagram), (self.host, self.port), target)

    def receive(self, datagram: bytes, source: tuple[str, int]) -> None:
        """Take a datagram that arrives."""
        if self._is_open and self._connected in (None, source):
            self.protocol.datagramReceived(datagram, source)

    def stopListening(self) -> None:
        """Close the port."""
        if self._is_open:
            self._is_open = False
            self._reactor.forget(self)
            self.protocol.doStop()


class MemoryReactor(Clock, MemoryReactorClock):
    """Twisted's memory reactor, with UDP ports and exact time.

    Args:
        impairment: of every datagram; nothing happens to them if left out.
    """

    def __init__(self, impairment: Impairment | None = None) -> None:
        super().__init__()
        self._impairment = impairment or Impairment()
        self._udp_ports: dict[int, MemoryUdpPort] = {}

    def listenUDP(
        self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192
    ) -> MemoryUdpPort:
        """Open a UDP port; 0 takes a free one.

        Raises:
            CannotListenError: the port is taken.
        """
        if port in self._udp_ports:
            raise CannotListenError(interface, port, OSError("address in use"))
        number = port or max([FIRST_FREE_PORT - 1, *self._udp_ports]) + 1
        opened = MemoryUdpPort(self, protocol, "127.0.0.1", number)
        self._udp_ports[number] = opened
        return opened

    def carry(
        self, datagram: bytes, source: tuple[str, int], target: tuple[str, int]
    ) -> None:
        """Bring a datagram to its port, as the impairment decides."""
        now = self.seconds()
        for moment in self._impairment.admit(len(datagram), now=now):
            self.callLater(
                max(0.0, moment - now), self._arrive, datagram, source, target[1]
            )

    def forget(self, port: MemoryUdpPort) -> None:
        """Free the number of a port that was closed."""
        self._udp_ports.pop(port.port, None)

    def _arrive(self, datagram: bytes, source: tuple[str, int], number: int) -> None:
        port = self._udp_ports.get(number)
        if port is not None:
            port.receive(datagram, source)
