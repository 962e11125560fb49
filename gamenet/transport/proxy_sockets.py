# SPDX-License-Identifier: MIT
"""The sockets of a UDP proxy: one that faces all clients, one for each to the server.

They move bytes between the kernel and the paths of the proxy, and tell it what the
kernel says.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any, Protocol

from twisted.internet.error import MessageLengthError
from twisted.internet.protocol import DatagramProtocol

from gamenet.transport.datagrams import Address, Write
from gamenet.transport.paths import Path

__all__ = ["ClientSocket", "FrontSocket"]

_BUFFER = 1 << 22
"""Bytes of a socket's receive buffer: a burst should be lost on purpose only."""


class Proxy(Protocol):
    """What a socket tells its proxy."""

    def count(self, name: str, n: int = 1) -> None:
        """Count what the socket saw."""

    def send_up(self, datagram: bytes, source: Address) -> None:
        """Take a datagram of a client in."""

    def heard(self, source: Address, size: int, counter: str) -> None:
        """Note that the server was heard of, for a client."""

    def ended(self, source: Address) -> None:
        """Note that a client's socket is closed."""


class _Socket(DatagramProtocol):
    """What both kinds of sockets have in common."""

    noisy = False
    transport: Any

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    def startProtocol(self) -> None:
        """Ask for a large receive buffer and take what the kernel gives."""
        handle = getattr(self.transport, "socket", None)
        if handle is not None:
            with contextlib.suppress(OSError):
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)

    def write(self, datagram: bytes, address: Address | None = None) -> None:
        """Send a datagram; never raise for what the network does."""
        try:
            self.transport.write(datagram, address)
        except (OSError, MessageLengthError):
            self._proxy.count("write_failed")


class FrontSocket(_Socket):
    """The socket that all clients send to."""

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Take a datagram of a client in."""
        self._proxy.send_up(datagram, addr)


class ClientSocket(_Socket):
    """The socket that stands for one client before the server.

    Args:
        proxy: that it belongs to.
        source: address of the client.
        target: address of the server.
        answer: sends a datagram to a client.
    """

    down: Path
    up: Path
    port: Any
    heard_at = 0.0

    def __init__(
        self, proxy: Proxy, source: Address, target: Address, answer: Write
    ) -> None:
        super().__init__(proxy)
        self._source = source
        self._target = target
        self._answer = answer

    def startProtocol(self) -> None:
        """Hear nobody but the server, and hear of its absence."""
        super().startProtocol()
        self.transport.connect(*self._target)

    def stopProtocol(self) -> None:
        """Note that the socket is closed."""
        self._proxy.ended(self._source)

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Take a datagram of the server in."""
        self._proxy.heard(self._source, len(datagram), "bytes_down")
        self.down.send(datagram)

    def connectionRefused(self) -> None:
        """Note that nothing listens at the server's address; it may yet come."""
        self._proxy.count("unreachable")

    def arrive_down(self, datagram: bytes) -> None:
        """Give a client what has travelled down."""
        self._answer(datagram, self._source)

    def arrive_up(self, datagram: bytes) -> None:
        """Give the server what has travelled up."""
        self.write(datagram)
