# SPDX-License-Identifier: MIT
"""Carry a client's packets without a reactor, for a loop that has its own clock.

A game loop such as pygame's calls `poll` once a frame. It reads what has come, lets the
connection core do what is due, sends what it wants to send, and returns the events. The
core is the one that the reactor's transports drive; only the socket is plain.

This module imports no Twisted.
"""

from __future__ import annotations

import contextlib
import errno
import socket

from gamenet.connection import Connection, Event, Link
from gamenet.errors import CloseReason, ConfigError, ConnectError, RemoteProtocolError
from gamenet.transport.addresses import ConnectSpec, parse_connect, show_address
from gamenet.transport.framing import FrameBuffer, frame

__all__ = ["PolledTransport"]

_READ_SIZE = 65536
_RECEIVE_BUFFER = 1 << 20
_MAX_READS = 1024
"""Datagrams or pieces of a stream read in one poll, so that a flood cannot hold it."""
_REFUSALS_TO_BELIEVE = 3
"""Refusals of datagrams (ICMP, not authenticated) that end an established connection
if no packet comes between them; an attempt to connect ends with the first."""


class PolledTransport:
    """Drive one client connection over a plain non-blocking socket.

    Args:
        spec: a udp or tcp connect string, or what `parse_connect` made of one.
        connection: the client's core, idle, made for the link of the transport.
        max_frame: bytes of the largest packet of a stream.
        write_buffer: bytes that may wait for a slow stream before unreliable messages
            are dropped.

    Raises:
        ConfigError: the transport is neither udp nor tcp, or the core is for another
            kind of link.
        ConnectError: no address is known for the host. Looking it up blocks; an address
            in numbers does not.

    Example:
        >>> from gamenet.connection import Connection, ConnectionConfig, Link
        >>> core = Connection.client(ConnectionConfig(), protocol_hash=b"example1",
        ...                          salt=1, link=Link.DATAGRAM)
        >>> transport = PolledTransport("udp:127.0.0.1:9", core)
        >>> transport.poll(now=0.0)
        []
        >>> transport.close()
    """

    def __init__(
        self,
        spec: ConnectSpec | str,
        connection: Connection,
        *,
        max_frame: int = 66560,
        write_buffer: int = 262144,
    ) -> None:
        self.spec = parse_connect(spec) if isinstance(spec, str) else spec
        self.connection = connection
        self._check()
        self._is_stream = self.spec.transport == "tcp"
        self._frames = FrameBuffer(max_frame)
        self._write_buffer = write_buffer
        self._unsent = bytearray()
        self._is_open = False
        self._has_begun = False
        self._refusals = 0
        self._socket: socket.socket | None = self._open()

    @property
    def address(self) -> str:
        """Return the server's address, for people."""
        return show_address(self.spec.host, self.spec.port)

    def fileno(self) -> int:
        """Return the socket's descriptor, for `select`; -1 when it is closed."""
        return self._socket.fileno() if self._socket is not None else -1

    def poll(self, *, now: float) -> list[Event]:
        """Read, let the core do what is due, send, and return what happened.

        Args:
            now: monotonic seconds, never decreasing.
        """
        connection = self.connection
        if self._socket is not None:
            self._begin(now)
            self._receive(now)
        timeout = connection.next_timeout()
        if timeout is not None and now >= timeout:
            connection.handle_timeout(now=now)
        self.flush(now=now)
        events = []
        while (event := connection.next_event()) is not None:
            events.append(event)
        if connection.is_closed and not self._unsent:
            self.close()
        return events

    def flush(self, *, now: float) -> None:
        """Send what is queued, without reading; `poll` does it too."""
        if self._socket is None or not self._is_open:
            return
        try:
            self._send(now)
        except OSError as error:
            self._lose(error, now)

    def close(self) -> None:
        """Close the socket at once; close the connection first to tell the server."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._unsent.clear()

    def _check(self) -> None:
        if self.spec.transport not in ("udp", "tcp"):
            raise ConfigError(
                f"connect string {str(self.spec)!r}: without a reactor there are udp "
                "and tcp only"
            )
        link = Link.STREAM if self.spec.transport == "tcp" else Link.DATAGRAM
        if self.connection.link is not link:
            raise ConfigError(
                f"the connection is for a {self.connection.link.value} link, but "
                f"{self.spec.transport} is a {link.value}: make it with link={link}"
            )

    def _open(self) -> socket.socket:
        """Return a socket that is connected, or about to be."""
        kind = socket.SOCK_STREAM if self._is_stream else socket.SOCK_DGRAM
        try:
            found = socket.getaddrinfo(self.spec.host, self.spec.port, type=kind)
        except OSError as error:
            raise ConnectError(
                f"cannot connect to {self.spec}: no address is known for this host",
                CloseReason.UNREACHABLE,
                str(error),
            ) from None
        # IPv4 first: that is what servers bind unless told otherwise.
        family, _, protocol, _, address = min(
            found, key=lambda each: each[0] != socket.AF_INET
        )
        opened = socket.socket(family, kind, protocol)
        opened.setblocking(False)
        if self._is_stream:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        opened.connect_ex(address)
        return opened

    def _begin(self, now: float) -> None:
        """Begin the handshake, and notice when a stream's connection stands."""
        if not self._has_begun:
            self._has_begun = True
            self.connection.connect(now=now)
        if self._is_open or self._socket is None:
            return
        problem = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            self._lose(OSError(problem, errno.errorcode.get(problem, "")), now)
            return
        try:
            self._socket.getpeername()
        except OSError:
            return
        self._is_open = True

    def _receive(self, now: float) -> None:
        for _ in range(_MAX_READS):
            if self._socket is None or not self._is_open:
                return
            try:
                data = self._socket.recv(_READ_SIZE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._lose(error, now)
                return
            if not self._is_stream:
                self._refusals = 0
                self.connection.receive_datagram(data, now=now)
            elif not self._receive_stream(data, now):
                return

    def _receive_stream(self, data: bytes, now: float) -> bool:
        """Take a piece of the stream in; return whether there may be more."""
        if not data:
            self._end(CloseReason.LINK_LOST, "the server closed the stream", now)
            return False
        try:
            packets = self._frames.feed(data)
        except RemoteProtocolError as error:
            self._end(error.reason, str(error), now)
            return False
        for packet in packets:
            self.connection.receive_datagram(packet, now=now)
        return True

    def _send(self, now: float) -> None:
        if self._socket is None:
            return
        if not self._is_stream:
            for packet in self.connection.datagrams_to_send(now=now):
                # A full send buffer loses a datagram, as the network may.
                with contextlib.suppress(BlockingIOError):
                    self._socket.send(packet)
            return
        if len(self._unsent) >= self._write_buffer:
            self.connection.drop_unreliable()
        else:
            self._unsent += frame(self.connection.datagrams_to_send(now=now))
        while self._unsent:
            try:
                n_sent = self._socket.send(self._unsent)
            except (BlockingIOError, InterruptedError):
                return
            del self._unsent[:n_sent]

    def _lose(self, error: OSError, now: float) -> None:
        """Close for an error of the socket, unless it may be somebody's forgery."""
        refused = error.errno == errno.ECONNREFUSED
        self._refusals += refused
        is_datagram = not self._is_stream and self.connection.state == "Connected"
        if refused and is_datagram and self._refusals < _REFUSALS_TO_BELIEVE:
            return
        reason = CloseReason.UNREACHABLE if refused else CloseReason.LINK_LOST
        self._end(reason, error.strerror or str(error), now)

    def _end(self, reason: CloseReason, detail: str, now: float) -> None:
        """Close: the socket is of no use any more."""
        if not self.connection.is_closed:
            self.connection.close(reason, detail, now=now)
        self.close()
