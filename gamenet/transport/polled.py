# SPDX-License-Identifier: MIT
"""Carry a client's packets without a reactor, for a loop that has its own clock.

A game loop such as pygame's calls `poll` once a frame. It reads what has come, lets the
connection core do what is due, sends what it wants to send, and returns the events. The
core is the one that the reactor's transports drive; only the socket is plain. When the
link is lost a new socket is opened, after a while, and the session resumed on it. The
names of hosts are looked up at the beginning and never again: that would hold the loop.

This module imports no Twisted.
"""

from __future__ import annotations

import contextlib
import errno
import random as random_module
import socket
from collections.abc import Sequence
from typing import Any

from gamenet.connection import Backoff, Connection, Event, Link, Resumed
from gamenet.errors import CloseReason, ConfigError, ConnectError, RemoteProtocolError
from gamenet.transport.addresses import ConnectSpec, parse_connect, show_address
from gamenet.transport.framing import FrameBuffer, frame

__all__ = ["Found", "PolledTransport"]

_PATIENCE = 2.0
"""Seconds for a handshake if there is another way to try."""
Spec = ConnectSpec | str
Found = tuple[int, tuple[Any, ...]]
"""The family of an address, and the address as sockets take it."""

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
        spec: a udp or tcp connect string, or what `parse_connect` made of one; of
            several the first is taken now, and all in turn when the link is lost.
        connection: the client's core, idle, made for the link of the transport.
        max_frame: bytes of the largest packet of a stream.
        write_buffer: bytes that may wait for a slow stream before unreliable messages
            are dropped.
        random: source of keys and of waits; the operating system's unless a test wants
            repeatable ones.
        found: addresses of hosts that were looked up before; takes in others.

    Raises:
        ConfigError: a transport is neither udp nor tcp, or the core is for another
            kind of link.
        ConnectError: no address is known for the host. Looking it up blocks; an address
            in numbers does not.

    Example:
        >>> from gamenet.connection import (
        ...     Connection, ConnectionConfig, Link, ServerAddress, issue_token)
        >>> token = issue_token(bytes(32), protocol_id=1, client_id=1, timeout=5,
        ...     addresses=[ServerAddress("127.0.0.1", 9)], expires_in=30, user_data=b"",
        ...     unix_now=0, random_bytes=bytes)
        >>> core = Connection.client(ConnectionConfig(), token=token, secret=bytes(32),
        ...                          protocol_hash=b"example1", link=Link.DATAGRAM)
        >>> transport = PolledTransport("udp:127.0.0.1:9", core)
        >>> transport.poll(now=0.0)
        []
        >>> transport.close()
    """

    def __init__(
        self,
        spec: Spec | Sequence[Spec],
        connection: Connection,
        *,
        max_frame: int = 66560,
        write_buffer: int = 262144,
        random: random_module.Random | None = None,
        found: dict[str, Found] | None = None,
    ) -> None:
        given = [spec] if isinstance(spec, ConnectSpec | str) else spec
        self._ways = [parse_connect(x) if isinstance(x, str) else x for x in given]
        self._index = 0
        self.connection = connection
        self._check()
        self._found = {} if found is None else found
        self._look_up()
        self._max_frame = max_frame
        self._frames = FrameBuffer(max_frame)
        self._write_buffer = write_buffer
        self._random = random or random_module.SystemRandom()
        self._backoff = Backoff(self._random.random)
        self._retry_at: float | None = None
        self._unsent = bytearray()
        self._is_open = False
        self._has_begun = False
        self._refusals = 0
        self._socket: socket.socket | None = self._open()

    @property
    def spec(self) -> ConnectSpec:
        """Return the way to the server that is taken now."""
        return self._ways[self._index]

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
        if connection.state == "Dropped":
            self._stay(now)
        self.flush(now=now)
        events = []
        while (event := connection.next_event()) is not None:
            events.append(event)
            if isinstance(event, Resumed):
                self._backoff.succeed()
                self._retry_at = None
        if connection.is_closed and not self._unsent:
            self.close()
        return events

    def _stay(self, now: float) -> None:
        """Open a new socket for the session, whose link is lost, after a while."""
        connection = self.connection
        if connection.is_reconnecting:
            return
        if self._retry_at is None:
            self._retry_at = now + self._backoff.wait()
        elif now >= self._retry_at:
            self._retry_at = None
            self._reconnect(now)

    def _reconnect(self, now: float) -> None:
        """Ask to resume the session, by another way if the last has failed."""
        if self._backoff.n_attempts > 1:
            self._index = (self._index + 1) % len(self._ways)
        self.close()
        self._frames = FrameBuffer(self._max_frame)
        self._is_open = False
        if self.connection.reconnect(
            self._link(),
            secret=self._random.randbytes(32),
            now=now,
            patience=_PATIENCE if len(self._ways) > 1 else None,
        ):
            self._socket = self._open()
        else:
            self.connection.close(CloseReason.SESSION_GONE, now=now)

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
        for way in self._ways:
            if way.transport not in ("udp", "tcp"):
                raise ConfigError(
                    f"connect string {str(way)!r}: without a reactor there are udp and "
                    "tcp only"
                )
        link = self._link()
        if self.connection.link is not link:
            raise ConfigError(
                f"the connection is for a {self.connection.link.value} link, but "
                f"{self.spec.transport} is a {link.value}: make it with link={link}"
            )

    def _look_up(self) -> None:
        for way in self._ways:
            if way.host not in self._found:
                self._found[way.host] = _address_of(way)

    @property
    def _is_stream(self) -> bool:
        return self.spec.transport == "tcp"

    def _link(self) -> Link:
        return Link.STREAM if self._is_stream else Link.DATAGRAM

    def _open(self) -> socket.socket:
        """Return a socket that is connected, or about to be."""
        kind = socket.SOCK_STREAM if self._is_stream else socket.SOCK_DGRAM
        family, host = self._found[self.spec.host]
        opened = socket.socket(family, kind)
        opened.setblocking(False)
        if self._is_stream:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        opened.connect_ex((host[0], self.spec.port, *host[2:]))
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
            self.connection.close(error.reason, str(error), now=now)
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
        """Go without a link: the socket is of no use any more."""
        connection = self.connection
        if connection.is_connected:
            connection.drop(reason, now=now)
        elif connection.is_reconnecting:
            connection.abandon()
        elif connection.state != "Dropped" and not connection.is_closed:
            connection.close(reason, detail, now=now)
        self.close()


def _address_of(way: ConnectSpec) -> Found:
    try:
        found = socket.getaddrinfo(way.host, way.port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise ConnectError(
            f"cannot connect to {way}: no address is known for this host",
            CloseReason.UNREACHABLE,
            str(error),
        ) from None
    # IPv4 first: that is what servers bind unless told otherwise.
    family, *_, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, address
