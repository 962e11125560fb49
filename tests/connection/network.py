# SPDX-License-Identifier: MIT
"""Two ends of a connection with a bad network between them, in simulated time.

Everything happens at its own moment: arrivals and timeouts are one queue. Each time
that an end was driven it is checked that it asks for nothing at a time that has passed,
because whoever drives it would loop without end.
"""

from __future__ import annotations

from heapq import heappop, heappush
from random import Random

from gamenet.connection import (
    Accept,
    Acceptor,
    Connection,
    ConnectionConfig,
    Event,
    Gate,
    Link,
    MessageReceived,
    Reply,
)
from gamenet.transport import Impairment

HASH = b"protocol"
ADDRESS = "192.0.2.1:5000"
QUIET = Impairment(latency=0.02)


def drain(connection: Connection) -> list[Event]:
    """Return all events that were not taken yet."""
    events = []
    while (event := connection.next_event()) is not None:
        events.append(event)
    return events


def messages(events: list[Event], channel: int) -> list[bytes]:
    """Return the payloads that came on a channel."""
    return [
        event.payload
        for event in events
        if isinstance(event, MessageReceived) and event.channel == channel
    ]


class Network:
    """A client, a server, and what lies between.

    Args:
        config: of both ends.
        link: what carries the packets; a stream neither loses nor reorders.
        up: what happens to packets to the server.
        down: what happens to packets to the client.
        seed: of salts and tags.
    """

    def __init__(
        self,
        config: ConnectionConfig | None = None,
        *,
        link: Link = Link.DATAGRAM,
        up: Impairment = QUIET,
        down: Impairment = QUIET,
        seed: int = 0,
    ) -> None:
        self.config = config or ConnectionConfig()
        self.now = 100.0
        self.random = Random(seed)
        self.up, self.down = up.reseeded(up.seed), down.reseeded(down.seed)
        gate = Gate(HASH, "the test's game")
        self.acceptor = Acceptor(
            self.config,
            gate,
            secret=self.random.randbytes(32),
            new_tag=lambda: self.random.getrandbits(64),
        )
        self.client = Connection.client(
            self.config,
            protocol_hash=HASH,
            salt=self.random.getrandbits(64),
            link=link,
            user_data=b"ada",
        )
        self.server: Connection | None = None
        if link is Link.STREAM:
            tag = self.random.getrandbits(64)
            self.server = Connection.server_stream(
                self.config, gate, tag=tag, now=self.now
            )
        self.n_accepted = 0
        self.client_events: list[Event] = []
        self.server_events: list[Event] = []
        self.sent_up: list[bytes] = []
        self.sent_down: list[bytes] = []
        self._serial = 0
        self._travelling: list[tuple[float, int, bool, bytes]] = []

    @property
    def peer(self) -> Connection:
        """Return the server's end, which must be there."""
        assert self.server is not None
        return self.server

    def connect(self, limit: float = 5.0) -> Network:
        """Do the handshake."""
        self.client.connect(now=self.now)
        self.run(limit, until=self.is_connected)
        return self

    def is_connected(self) -> bool:
        """Return whether both ends are connected."""
        ends = (self.client, self.server)
        return all(end is not None and end.state == "Connected" for end in ends)

    def run(self, seconds: float, until: object = None) -> bool:
        """Let time pass; return whether the condition came to hold."""
        target = self.now + seconds
        self.pump()
        while not (callable(until) and until()):
            moment = self._next_moment()
            if moment > target:
                self.now = target
                return until is None
            self.now = max(self.now, moment)
            self._arrive()
            self._wake()
            self.pump()
        return True

    def pump(self) -> None:
        """Take what both ends want to send, and what they have to tell."""
        for packet in self.client.datagrams_to_send(now=self.now):
            self.sent_up.append(packet)
            self._admit(self.up, packet, is_up=True)
        self.client_events += drain(self.client)
        if self.server is not None:
            for packet in self.server.datagrams_to_send(now=self.now):
                self._send_down(packet)
            self.server_events += drain(self.server)

    def _send_down(self, packet: bytes) -> None:
        self.sent_down.append(packet)
        self._admit(self.down, packet, is_up=False)

    def _admit(self, impairment: Impairment, packet: bytes, *, is_up: bool) -> None:
        for moment in impairment.admit(len(packet), now=self.now):
            self._serial += 1
            heappush(self._travelling, (moment, self._serial, is_up, packet))

    def _next_moment(self) -> float:
        moments = [self._travelling[0][0]] if self._travelling else []
        for end in (self.client, self.server):
            due = None if end is None else end.next_timeout()
            if due is not None:
                moments.append(due)
        return min(moments, default=float("inf"))

    def _arrive(self) -> None:
        while self._travelling and self._travelling[0][0] <= self.now:
            _, _, is_up, packet = heappop(self._travelling)
            if not is_up:
                self.client.receive_datagram(packet, now=self.now)
            elif self.server is not None:
                self.server.receive_datagram(packet, now=self.now)
            else:
                self._knock(packet)

    def _knock(self, packet: bytes) -> None:
        answer = self.acceptor.receive(packet, ADDRESS, now=self.now)
        if isinstance(answer, Accept):
            self.n_accepted += 1
            self.server = answer.connection
        elif isinstance(answer, Reply):
            for datagram in answer.datagrams:
                self._send_down(datagram)

    def _wake(self) -> None:
        for end in (self.client, self.server):
            due = None if end is None else end.next_timeout()
            if end is None or due is None or due > self.now:
                continue
            end.handle_timeout(now=self.now)
            sent = end.datagrams_to_send(now=self.now)
            for packet in sent:
                if end is self.client:
                    self.sent_up.append(packet)
                    self._admit(self.up, packet, is_up=True)
                else:
                    self._send_down(packet)
            after = end.next_timeout()
            assert after is None or after > self.now, "a loop without end"
