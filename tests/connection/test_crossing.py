# SPDX-License-Identifier: MIT
"""Tests of both sides of the handshake, with a bad network between them."""

from __future__ import annotations

from heapq import heappop, heappush
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.acceptor import Accept, Reply
from gamenet.connection.handshake import Admitted, ClientHandshake, Refused
from tests.connection.doors import HOME, Entrance, assert_talk


class Crossing:
    """Clients at one address, one after the other, and a server, on a bad network.

    Args:
        seed: of losses and delays, and of all keys.
        loss: share of packets lost, each way.
        copies: share of packets that come twice.
        delay: longest time on the way; packets overtake each other.
    """

    def __init__(self, seed: int, loss: float, copies: float, delay: float) -> None:
        self.entrance = Entrance(seed)
        self.random = Random(seed)
        self.loss, self.copies, self.delay = loss, copies, delay
        self.now = 1.0
        self.clients: list[ClientHandshake] = []
        self.outcomes: list[Admitted | Refused | None] = []
        self.accepts: list[Accept] = []
        self.travelling: list[tuple[float, int, bool, bytes]] = []
        self.n_sent = 0

    def begin(self, *, is_plain: bool) -> None:
        """Let another client begin where the one before it was."""
        if self.clients:
            self.clients[-1].stop()
        token = self.entrance.token(len(self.clients))
        self.clients.append(
            self.entrance.client(token, is_plain=is_plain, now=self.now)
        )
        self.outcomes.append(None)

    def run(self, seconds: float) -> None:
        """Let time pass, a hundredth of a second at a time."""
        end = self.now + seconds
        while self.now < end:
            self.now += 0.01
            for data in self.clients[-1].packets_due(now=self.now):
                self.send(data, is_up=True)
            if self.accepts:
                for data in self.accepts[-1].handshake.packets_due(now=self.now):
                    self.send(data, is_up=False)
            while self.travelling and self.travelling[0][0] <= self.now:
                _, _, is_up, data = heappop(self.travelling)
                self.knock(data) if is_up else self.tell(data)

    def send(self, data: bytes, *, is_up: bool) -> None:
        """Give a packet to the network."""
        for _ in range(2 if self.random.random() < self.copies else 1):
            if self.random.random() >= self.loss:
                moment = self.now + self.random.random() * self.delay
                self.n_sent += 1
                heappush(self.travelling, (moment, self.n_sent, is_up, data))

    def knock(self, data: bytes) -> None:
        """Give the server a packet."""
        if self.accepts and self.accepts[-1].handshake.receive(data) == "":
            return
        answer = self.entrance.receive(data, HOME, now=self.now)
        if isinstance(answer, Accept):
            self.accepts.append(answer)
        elif isinstance(answer, Reply):
            for datagram in answer.datagrams:
                self.send(datagram, is_up=False)

    def tell(self, data: bytes) -> None:
        """Give the newest client a packet."""
        outcome = self.clients[-1].receive(data, now=self.now)
        if isinstance(outcome, Admitted | Refused):
            assert self.outcomes[-1] is None
            self.outcomes[-1] = outcome


class CrossingTests(SynchronousTestCase):
    """Whatever the network does, both ends agree, or there is no connection."""

    @given(
        st.integers(0, 2**32),
        st.sampled_from([0.0, 0.1, 0.3, 0.7]),
        st.sampled_from([0.0, 0.3, 1.0]),
        st.sampled_from([0.0, 0.05, 0.5]),
        st.lists(st.tuples(st.booleans(), st.floats(0.0, 0.6)), max_size=2),
        st.booleans(),
    )
    def test_agree(
        self,
        seed: int,
        loss: float,
        copies: float,
        delay: float,
        earlier: list[tuple[bool, float]],
        is_plain: bool,
    ) -> None:
        """The last client comes in whatever is still under way of those before it."""
        crossing = Crossing(seed, loss, copies, delay)
        for is_plain_too, seconds in earlier:
            crossing.begin(is_plain=is_plain_too)
            crossing.run(seconds)
        crossing.begin(is_plain=is_plain)
        crossing.run(4.5)
        self.assert_once(crossing)
        outcome = crossing.outcomes[-1]
        if loss <= 0.3:
            self.assertIsInstance(outcome, Admitted)
        if isinstance(outcome, Admitted):
            assert_talk(outcome, crossing.accepts[-1].admitted)
            self.assertEqual(outcome.envelope.is_extended, not is_plain)

    def test_times_out(self) -> None:
        """Where nothing arrives the client goes on asking, and nothing is kept."""
        crossing = Crossing(0, 1.0, 0.0, 0.0)
        crossing.begin(is_plain=False)
        crossing.run(5.0)
        self.assertEqual((crossing.outcomes, crossing.accepts), ([None], []))
        self.assertIsNotNone(crossing.clients[0].next_timeout())

    def assert_once(self, crossing: Crossing) -> None:
        """Check that no client was let in twice."""
        ids = [accept.admitted.pass_ for accept in crossing.accepts]
        numbers = [pass_.client_id for pass_ in ids if pass_ is not None]
        self.assertEqual(len(set(numbers)), len(crossing.accepts))
