# SPDX-License-Identifier: MIT
"""Two connected connection cores, with nothing between them but a test."""

from __future__ import annotations

import random

from gamenet.connection import (
    Accept,
    Acceptor,
    Admitted,
    Connection,
    ConnectionConfig,
    ConnectToken,
    DatagramServerHandshake,
    Door,
    Link,
    Pass,
    ServerAddress,
    StreamServerHandshake,
)

__all__ = ["Pair"]

PROTOCOL_HASH = b"testing!"
ADDRESS = ServerAddress("127.0.0.1", 7777)
UNIX_TIME = 1_700_000_000


class Pair:
    """A client's and a server's end; packets move when the test says so.

    Args:
        config: of both ends.
        link: what kind of carrier to play.
        seed: of all keys.
        user_data: what the token says of the client.
        is_plain: whether the client speaks netcode alone.
    """

    def __init__(
        self,
        config: ConnectionConfig | None = None,
        *,
        link: Link = Link.DATAGRAM,
        seed: int = 0,
        user_data: bytes = b"",
        is_plain: bool = False,
    ) -> None:
        self.config = config or ConnectionConfig()
        self.now = 0.0
        """Seconds; the test moves it on by `advance`."""
        self.link = link
        """What carries packets now; `reconnect` takes it for the next link."""
        self.random = random.Random(seed)
        self.door = Door(
            key=self.random.randbytes(32),
            protocol_id=1,
            protocol_hash=PROTOCOL_HASH,
            summary="testing",
            addresses=lambda: [ADDRESS],
            unix_time=lambda: UNIX_TIME + self.now,
            random_bytes=self.random.randbytes,
            max_clients=64,
        )
        self.acceptor = Acceptor(
            self.door,
            admit=lambda _source, _pass: None,
            new_secret=lambda: self.random.randbytes(32),
            new_id=lambda: self.random.getrandbits(32),
            slot_for=lambda _pass: 0,
        )
        self.client = Connection.client(
            self.config,
            token=self.door.issue(
                client_id=1,
                user_data=user_data,
                timeout=5,
                expires_in=30,
                addresses=[ADDRESS],
            ),
            protocol_hash=PROTOCOL_HASH,
            secret=self.random.randbytes(32),
            link=link,
            is_plain=is_plain,
        )
        self.server: Connection | None = None
        self._is_joining = True
        self.client.connect(now=0.0)

    def connect(self) -> Connection:
        """Do the whole handshake; return the server's end."""
        for _ in range(4):
            self.exchange()
        assert self.server is not None
        return self.server

    def reconnect(self, link: Link | None = None) -> bool:
        """Lose the link, and have the client ask for another one.

        Returns:
            Whether it had a ticket.
        """
        self.link = link or self.link
        self._is_joining = True
        secret = self.random.randbytes(32)
        return self.client.reconnect(self.link, secret=secret, now=self.now)

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
        return [p for p in packets if not loss or self.random.random() >= loss]

    def _to_server(self, packet: bytes, loss: float) -> None:
        server = self.server
        if server is not None and server.repeats(packet):
            return
        if not self._is_joining:
            assert server is not None
            server.receive_datagram(packet, now=self.now)
        elif self.link is Link.STREAM:
            self._to_stream(packet)
        else:
            self._to_acceptor(packet, loss)

    def _to_acceptor(self, packet: bytes, loss: float) -> None:
        answer = self.acceptor.receive(packet, "client", now=self.now)
        if isinstance(answer, Accept):
            self._admit(answer.admitted, answer.handshake)
        elif answer is not None:
            for reply in self._surviving(answer.datagrams, loss):
                self.client.receive_datagram(reply, now=self.now)

    def _to_stream(self, frame: bytes) -> None:
        handshake = StreamServerHandshake(self.door)
        outcome = handshake.receive(frame, f"stream {self.now}", now=self.now)
        if isinstance(outcome, Admitted) and handshake.accept(0) is None:
            self._admit(outcome, None)
        for reply in handshake.packets_due(now=self.now):
            self.client.receive_datagram(reply, now=self.now)

    def _admit(
        self, admitted: Admitted, handshake: DatagramServerHandshake | None
    ) -> None:
        self._is_joining = False
        pass_ = admitted.pass_
        assert pass_ is not None
        if pass_.session and self.server is not None:
            self.server.attach(
                admitted, link=self.link, now=self.now, handshake=handshake
            )
            return
        self.server = Connection.accepted(
            self.config,
            admitted,
            link=self.link,
            now=self.now,
            handshake=handshake,
            random_bytes=self.random.randbytes,
            issue=lambda session, number: self._ticket(session, number, pass_),
        )

    def _ticket(self, session: bytes, number: int, like: Pass) -> ConnectToken:
        return self.door.issue_resume(session, number, like)
