# SPDX-License-Identifier: MIT
"""Two connected connection cores, with nothing between them but a test."""

from __future__ import annotations

import random

from gamenet.connection import (
    Accept,
    Acceptor,
    Connection,
    ConnectionConfig,
    Gate,
    Link,
)

__all__ = ["Pair"]

PROTOCOL_HASH = b"testing!"


class Pair:
    """A client's and a server's end; packets move when the test says so.

    Args:
        config: of both ends.
        link: what kind of carrier to play.
        seed: of salts and tags.
        user_data: what the client says of itself.
    """

    def __init__(
        self,
        config: ConnectionConfig | None = None,
        *,
        link: Link = Link.DATAGRAM,
        seed: int = 0,
        user_data: bytes = b"",
    ) -> None:
        self.config = config or ConnectionConfig()
        self.now = 0.0
        """Seconds; the test moves it on by `advance`."""
        self._link = link
        self._random = random.Random(seed)
        gate = Gate(PROTOCOL_HASH, "testing")
        self.acceptor = Acceptor(
            self.config,
            gate,
            secret=self._random.randbytes(32),
            new_tag=lambda: self._random.getrandbits(64),
        )
        self.client = Connection.client(
            self.config,
            protocol_hash=PROTOCOL_HASH,
            salt=self._random.getrandbits(64),
            link=link,
            user_data=user_data,
        )
        self.server: Connection | None = None
        if link is Link.STREAM:
            tag = self._random.getrandbits(64)
            self.server = Connection.server_stream(self.config, gate, tag=tag, now=0.0)
        self.client.connect(now=0.0)

    def connect(self) -> Connection:
        """Do the whole handshake; return the server's end."""
        for _ in range(4):
            self.exchange()
        assert self.server is not None
        return self.server

    def exchange(self, loss: float = 0.0) -> None:
        """Carry what both ends want to send, losing a share of it."""
        for packet in self._surviving(
            self.client.datagrams_to_send(now=self.now), loss
        ):
            self._to_server(packet, loss)
        if self.server is not None:
            packets = self.server.datagrams_to_send(now=self.now)
            for packet in self._surviving(packets, loss):
                self.client.receive_datagram(packet, now=self.now)

    def advance(self, seconds: float) -> None:
        """Move time on, and let both ends do what is due."""
        self.now += seconds
        for end in (self.client, self.server):
            due = None if end is None else end.next_timeout()
            if end is not None and due is not None and due <= self.now:
                end.handle_timeout(now=self.now)

    def _surviving(self, packets: list[bytes], loss: float) -> list[bytes]:
        return [p for p in packets if not loss or self._random.random() >= loss]

    def _to_server(self, packet: bytes, loss: float) -> None:
        if self.server is not None:
            self.server.receive_datagram(packet, now=self.now)
            return
        answer = self.acceptor.receive(packet, "client", now=self.now)
        if isinstance(answer, Accept):
            self.server = answer.connection
        elif answer is not None:
            for reply in self._surviving(answer.datagrams, loss):
                self.client.receive_datagram(reply, now=self.now)
