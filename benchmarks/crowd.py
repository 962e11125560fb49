# SPDX-License-Identifier: MIT
"""Many clients in one process: bare cores on bare sockets, as light as they can be.

Each has a socket of its own, because a server tells clients apart by their addresses.
"""

from __future__ import annotations

import resource
import secrets
import selectors
import socket
import time
from collections.abc import Callable

from benchmarks.serving import PROTOCOL_HASH
from gamenet.connection import (
    Closed,
    Connected,
    Connection,
    ConnectionConfig,
    ConnectToken,
    Link,
    MessageReceived,
)
from gamenet.errors import CloseReason, ConnectError

__all__ = ["Crowd", "Member"]

LARGEST = 2048
GLANCE = 0.1
AT_ONCE = 16
"""Clients that connect at a time."""

Hear = Callable[[bytes], None]


class Member:
    """One client, which begins to connect when it is made.

    Args:
        port: of the server on this machine.
        token: what lets the client in.
        config: of the connection.
        hear: takes every message.
    """

    def __init__(
        self, port: int, token: bytes, config: ConnectionConfig, hear: Hear
    ) -> None:
        self.connected_in: float | None = None
        """Seconds that it took to connect; None before."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self._hear = hear
        self._began = time.monotonic()
        self.core = Connection.client(
            config,
            token=ConnectToken.decode(token),
            protocol_hash=PROTOCOL_HASH,
            secret=secrets.token_bytes(32),
            link=Link.DATAGRAM,
        )
        self.core.connect(now=self._began)
        self.pump()

    def send(self, channel: int, payload: bytes) -> None:
        """Queue a message; `pump` sends it."""
        self.core.send(channel, payload, now=time.monotonic())

    def pump(self) -> None:
        """Do what is due, and send what is to be sent."""
        now = time.monotonic()
        due = self.core.next_timeout()
        if due is not None and due <= now:
            self.core.handle_timeout(now=now)
        for packet in self.core.datagrams_to_send(now=now):
            self.socket.send(packet)

    def take(self) -> None:
        """Read what the server sent."""
        while True:
            try:
                data = self.socket.recv(LARGEST)
            except BlockingIOError:
                break
            self.core.receive_datagram(data, now=time.monotonic())
        was_connected = self.connected_in is not None
        self._drain()
        if not was_connected:
            self.pump()

    def leave(self) -> None:
        """Say goodbye, and close the socket."""
        self.core.close(CloseReason.NORMAL, now=time.monotonic())
        self.pump()
        self.socket.close()

    def _drain(self) -> None:
        while (event := self.core.next_event()) is not None:
            if isinstance(event, MessageReceived):
                self._hear(event.payload)
            elif isinstance(event, Connected):
                self.connected_in = time.monotonic() - self._began
            elif isinstance(event, Closed):
                raise ConnectError("a client was cut off", event.reason, event.detail)


class Crowd:
    """Clients of one server that are driven together.

    Args:
        port: of the server on this machine.
        tokens: one for each client.
        config: of the connections.
        hear: takes every message of every client.
    """

    def __init__(
        self,
        port: int,
        tokens: list[bytes],
        config: ConnectionConfig | None = None,
        hear: Hear = lambda payload: None,
    ) -> None:
        self.members: list[Member] = []
        self._port = port
        self._tokens = tokens
        self._config = config or ConnectionConfig()
        self._hear = hear
        self._selector = selectors.DefaultSelector()
        _allow_sockets(len(tokens))

    def connect(self, at_once: int = AT_ONCE) -> list[float]:
        """Connect all, so many at a time; return the seconds that each took."""
        for start in range(0, len(self._tokens), at_once):
            fresh = [self._add(t) for t in self._tokens[start : start + at_once]]
            while any(member.connected_in is None for member in fresh):
                self._read(GLANCE)
                for member in fresh:
                    member.pump()
        return [member.connected_in or 0.0 for member in self.members]

    def play(self, seconds: float, rate: float, act: Callable[[Member], None]) -> None:
        """Let every client act and send so often a second, evenly spread."""
        start, pace = time.monotonic(), rate * len(self.members)
        for turn in range(int(seconds * pace)):
            self._listen(start + turn / pace)
            member = self.members[turn % len(self.members)]
            act(member)
            member.pump()

    def idle(self) -> None:
        """Read for a moment, and let every client do what is due."""
        self._listen(time.monotonic() + GLANCE)
        for member in self.members:
            member.pump()

    def leave(self) -> None:
        """Let all say goodbye."""
        for member in self.members:
            self._selector.unregister(member.socket)
            member.leave()
        self._selector.close()

    def _add(self, token: bytes) -> Member:
        member = Member(self._port, token, self._config, self._hear)
        self.members.append(member)
        self._selector.register(member.socket, selectors.EVENT_READ, member)
        return member

    def _listen(self, until: float) -> None:
        left = until - time.monotonic()
        while True:
            self._read(max(left, 0.0))
            left = until - time.monotonic()
            if left <= 0:
                return

    def _read(self, patience: float) -> None:
        for key, _ in self._selector.select(patience):
            key.data.take()


def _allow_sockets(n: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n + 100
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
