# SPDX-License-Identifier: MIT
"""A door with its acceptor, and clients before it, for tests of the handshake."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.acceptor import Accept, Acceptor, Reply
from gamenet.connection.config import Link
from gamenet.connection.door import Door
from gamenet.connection.handshake import Admitted, ClientHandshake
from gamenet.connection.outcomes import Pass
from gamenet.connection.tokens import ConnectToken, ServerAddress
from gamenet.errors import CloseReason

KEY = bytes(range(32))
PROTOCOL_ID = 0x1122334455667788
HASH = b"protocol"
NUMBER = int.from_bytes(HASH, "little")
UNIX = 1_800_000_000
SERVER = ServerAddress("192.0.2.9", 40000)
HOME = "192.0.2.1:7777"
AWAY = "192.0.2.2:7777"


class Entrance:
    """A server before its first connection.

    Args:
        seed: of everything random.
        changes: other arguments for the door.
    """

    def __init__(self, seed: int = 0, **changes: Any) -> None:
        self.random = Random(seed)
        self.unix = float(UNIX)
        self.addresses: Collection[ServerAddress] = [SERVER]
        arguments: dict[str, Any] = {
            "key": KEY,
            "protocol_id": PROTOCOL_ID,
            "protocol_hash": HASH,
            "summary": "arena 1",
            "addresses": lambda: self.addresses,
            "unix_time": lambda: self.unix,
            "random_bytes": self.random.randbytes,
            "max_clients": 32,
        }
        self.door = Door(**(arguments | changes))
        self.reason: CloseReason | None = None
        self.asked: list[tuple[str, Pass]] = []
        self.n_slots = 0
        self.acceptor = self.new_acceptor()

    def new_acceptor(self) -> Acceptor:
        """Return the acceptor of one more socket."""
        return Acceptor(
            self.door,
            admit=self.admit,
            new_secret=lambda: self.random.randbytes(32),
            new_id=lambda: self.random.getrandbits(32),
            slot_for=self.slot_for,
        )

    def admit(self, source: str, pass_: Pass) -> CloseReason | None:
        """Answer the acceptor, and note what it asked."""
        self.asked.append((source, pass_))
        return self.reason

    def slot_for(self, pass_: Pass) -> int:
        """Return a new slot."""
        self.n_slots += 1
        return self.n_slots - 1

    def token(self, client_id: int = 7, **changes: Any) -> ConnectToken:
        """Return a new token."""
        arguments: dict[str, Any] = {
            "client_id": client_id,
            "user_data": b"ada",
            "timeout": 5,
            "expires_in": 30,
            "addresses": [SERVER],
        }
        return self.door.issue(**(arguments | changes))

    def client(
        self,
        token: ConnectToken | None = None,
        *,
        link: Link = Link.DATAGRAM,
        is_plain: bool = False,
        protocol_hash: bytes = HASH,
        now: float = 1.0,
    ) -> ClientHandshake:
        """Return a client that has begun to ask."""
        handshake = ClientHandshake(
            token or self.token(),
            link=link,
            protocol_hash=protocol_hash,
            secret=self.random.randbytes(32),
            is_plain=is_plain,
        )
        handshake.begin(now=now)
        return handshake

    def receive(
        self, data: bytes, source: str = HOME, *, now: float = 1.0
    ) -> Reply | Accept | None:
        """Give a datagram to the acceptor; no reply may be larger than it."""
        answer = self.acceptor.receive(data, source, now=now)
        if isinstance(answer, Reply):
            assert sum(map(len, answer.datagrams)) <= len(data)
        return answer

    def answer(
        self, client: ClientHandshake, source: str = HOME, *, now: float = 1.0
    ) -> Reply | Accept | None:
        """Give the server what a client sends now."""
        [data] = client.packets_due(now=now)
        return self.receive(data, source, now=now)

    def challenge(
        self, client: ClientHandshake, source: str = HOME, *, now: float = 1.0
    ) -> bytes:
        """Do a client's request; return its Response or Join."""
        reply = self.answer(client, source, now=now)
        assert isinstance(reply, Reply)
        for datagram in reply.datagrams:
            client.receive(datagram, now=now)
        [answer] = client.packets_due(now=now)
        return answer


def kinds(reply: Reply | Accept | None) -> list[int]:
    """Return the kinds of the packets in a reply."""
    assert isinstance(reply, Reply)
    return [datagram[0] & 15 for datagram in reply.datagrams]


def assert_talk(client: Admitted, server: Admitted) -> None:
    """Check that both ends have the same keys, and agree on the place."""
    assert client.slot == server.slot
    for ours, theirs in ((client, server), (server, client)):
        opened = theirs.envelope.open(ours.envelope.seal(b"body"))
        assert opened[1] == b"body", opened


class AcceptorTestCase(SynchronousTestCase):
    """What the tests of an acceptor share."""

    def setUp(self) -> None:
        self.entrance = Entrance()
        self.receive = self.entrance.receive

    @property
    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return what was dropped, and who was refused."""
        acceptor = self.entrance.acceptor
        return dict(acceptor.dropped), dict(acceptor.refused)

    def join(self, client: ClientHandshake, source: str = HOME) -> Accept:
        """Bring a client in."""
        answer = self.receive(self.entrance.challenge(client, source), source)
        assert isinstance(answer, Accept)
        return answer

    def finish(self, client: ClientHandshake, accept: Accept) -> Admitted:
        """Tell a client that it is in."""
        [packet] = accept.handshake.packets_due(now=1.0)
        admitted = client.receive(packet, now=1.0)
        assert isinstance(admitted, Admitted), admitted
        return admitted
