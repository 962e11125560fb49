# SPDX-License-Identifier: MIT
"""A bad network between any carrier and its peer."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason
from gamenet.transport import Impairment, Impairments
from gamenet.transport.impaired_carriers import ImpairedLinks


class Transport:
    """Write down whether it was told to read."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")


class Carrier:
    """Write down what it is told, with the time."""

    def __init__(self, clock: Clock) -> None:
        self.is_blocked = False
        self.transport = Transport()
        self.told: list[Any] = []
        self._clock = clock

    def send(self, packets: list[bytes]) -> None:
        moment = round(self._clock.seconds(), 6)
        self.told += [(moment, packet) for packet in packets]

    def close(self) -> None:
        self.told.append("close")


class Peer:
    """Write down what it is told, with the time."""

    address = "192.0.2.1:7777"

    def __init__(self, carrier: Any, clock: Clock) -> None:
        self.carrier = carrier
        self.told: list[Any] = []
        self._clock = clock

    def receive_all(self, packets: list[bytes]) -> None:
        moment = round(self._clock.seconds(), 6)
        self.told += [(moment, packet) for packet in packets]

    def lost(self, reason: CloseReason, detail: str) -> None:
        self.told.append(("lost", reason, detail))

    def blocked(self) -> None:
        self.told.append("blocked")

    def pump(self) -> None:
        self.told.append("pump")


class CarrierCase(SynchronousTestCase):
    """A case with a peer on a carrier, and a bad network between them."""

    def begin(
        self, text: str, *, is_stream: bool = False, is_server: bool = False
    ) -> None:
        self.clock = Clock()
        self.carrier = Carrier(self.clock)

        def make_peer(carrier: Any) -> Peer:
            self.peer = Peer(carrier, self.clock)
            return self.peer

        bad = Impairments.from_text(text)
        links = ImpairedLinks(bad, self.clock, is_server=is_server)
        self.near = links.before(make_peer, is_stream=is_stream)(self.carrier)
        self.far = self.peer.carrier

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 1000)):
            self.clock.advance(0.001)


class DatagramTests(CarrierCase):
    """Datagrams are delayed, lost, doubled and reordered."""

    def test_client(self):
        """What a client sends goes up, and what it receives came down."""
        self.begin("down: latency=0.25; up: latency=0.5")
        self.far.send([b"a", b"b"])
        self.near.receive(b"c")
        self.near.receive_all([b"d", b"e"])
        self.pass_time(1)
        self.assertEqual(self.carrier.told, [(0.5, b"a"), (0.5, b"b")])
        expected = [(0.25, b"c"), (0.25, b"d"), (0.25, b"e")]
        self.assertEqual(self.peer.told, expected)

    def test_server(self):
        """What a server sends goes down, and what it receives came up."""
        self.begin("down: latency=0.25; up: latency=0.5", is_server=True)
        self.far.send([b"a"])
        self.near.receive(b"b")
        self.pass_time(1)
        self.assertEqual(self.carrier.told, [(0.25, b"a")])
        self.assertEqual(self.peer.told, [(0.5, b"b")])

    def test_loss(self):
        """Packets are lost, and counted each way."""
        self.begin("down: loss=50%; up: loss=1")
        self.far.send([b"a"] * 10)
        self.near.receive_all([b"b"] * 100)
        self.pass_time(0.01)
        out, back = self.far.stats()
        self.assertEqual((out.offered, out.lost), (10, 10))
        self.assertEqual(self.carrier.told, [])
        self.assertEqual(len(self.peer.told), 100 - back.lost)
        self.assertTrue(20 < back.lost < 80)

    def test_overflow_blocks_nobody(self):
        """A slow link drops datagrams, and does not make anybody wait."""
        self.begin("rate=1000 queue=100ms")
        self.far.send([bytes(100)] * 10)
        self.near.receive_all([bytes(100)] * 10)
        self.assertFalse(self.far.is_blocked)
        self.assertEqual(self.carrier.transport.told, [])
        self.pass_time(1)
        self.assertEqual(len(self.carrier.told), 2)
        self.assertEqual(len(self.peer.told), 2)

    def test_close(self):
        """The farewell of a peer is out before its carrier is closed."""
        self.begin("latency=0.25")
        self.near.receive(b"late")
        self.far.send([b"farewell"])
        self.far.close()
        self.near.receive(b"later")
        self.assertEqual(self.carrier.told, [(0.0, b"farewell"), "close"])
        self.pass_time(0.5)
        self.assertEqual(self.peer.told, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lost(self):
        """What travels is lost with the carrier."""
        self.begin("latency=0.25")
        self.near.receive(b"late")
        self.far.send([b"late"])
        self.near.lost(CloseReason.UNREACHABLE, "why")
        self.assertEqual(self.peer.told, [("lost", CloseReason.UNREACHABLE, "why")])
        self.assertEqual(self.carrier.told, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_another_peer(self):
        """A peer may put another in its place, which gets what is still on its way."""
        self.begin("latency=0.25")
        self.near.receive(b"a")
        other = Peer(self.far, self.clock)
        self.far.receiver = other
        self.pass_time(0.5)
        self.near.lost(CloseReason.LINK_LOST, "")
        self.assertEqual(self.peer.told, [])
        expected = [(0.25, b"a"), ("lost", CloseReason.LINK_LOST, "")]
        self.assertEqual(other.told, expected)

    def test_no_peer(self):
        """A carrier that nobody wants has no peer."""
        links = ImpairedLinks(Impairments(), Clock(), is_server=True)
        make = links.before(lambda _: None, is_stream=False)
        self.assertIsNone(make(Carrier(Clock())))

    def test_everything_else(self):
        """Either side finds at the other what it looks for."""
        self.begin("latency=0.25")
        self.assertIs(self.far.transport, self.carrier.transport)
        self.assertEqual(self.near.address, "192.0.2.1:7777")
        self.assertRaises(AttributeError, lambda: self.far.colour)


class StreamTests(CarrierCase):
    """On a stream everything becomes delay, and a slow link pushes back."""

    def test_nothing_is_lost(self):
        """Everything arrives once, in order, both ways."""
        text = "latency=10ms jitter=30ms loss=30% dup=30% reorder=10% seed=3"
        self.begin(text, is_stream=True)
        packets = [b"%d" % number for number in range(200)]
        for packet in packets:
            self.far.send([packet])
            self.near.receive_all([packet])
            self.pass_time(0.001)
        self.clock.advance(10_000)
        self.assertEqual([packet for _, packet in self.carrier.told], packets)
        self.assertEqual([packet for _, packet in self.peer.told], packets)

    def test_slow_writer(self):
        """A peer is blocked while the link is busy, and pumped when it is not."""
        self.begin("rate=1000 queue=200ms", is_stream=True)
        self.far.send([bytes(100)] * 2)
        self.assertFalse(self.far.is_blocked)
        self.far.send([bytes(100)] * 2)
        self.assertTrue(self.far.is_blocked)
        self.far.send([bytes(100)])
        self.assertEqual(self.peer.told, ["blocked"])
        self.pass_time(0.29)
        self.assertTrue(self.far.is_blocked)
        self.pass_time(0.03)
        self.assertFalse(self.far.is_blocked)
        self.assertEqual(self.peer.told, ["blocked", "pump"])
        self.pass_time(0.2)
        self.assertEqual(len(self.carrier.told), 5)

    def test_slow_from_the_start(self):
        """A peer that fills the link while it is made is pumped like any other."""
        clock = Clock()

        def make_peer(carrier: Any) -> Peer:
            carrier.send([bytes(100)])
            return Peer(carrier, clock)

        bad = Impairments.from_text("rate=1000 queue=0")
        links = ImpairedLinks(bad, clock, is_server=True)
        near = links.before(make_peer, is_stream=True)(Carrier(clock))
        clock.advance(0.2)
        clock.advance(0.2)
        self.assertEqual(near.told, ["pump"])

    def test_slow_reader(self):
        """A transport stops reading while the link is busy with what it has read."""
        self.begin("rate=1000 queue=200ms", is_stream=True)
        self.near.receive_all([bytes(100)] * 5)
        self.assertEqual(self.carrier.transport.told, ["pause"])
        self.pass_time(0.45)
        self.assertEqual(self.carrier.transport.told, ["pause", "resume"])
        self.pass_time(0.1)
        self.assertEqual(len(self.peer.told), 5)

    def test_blocked_carrier(self):
        """A carrier that is blocked itself blocks its peer."""
        self.begin("latency=10ms", is_stream=True)
        self.carrier.is_blocked = True
        self.near.blocked()
        self.assertTrue(self.far.is_blocked)
        self.carrier.is_blocked = False
        self.near.pump()
        self.assertFalse(self.far.is_blocked)
        self.assertEqual(self.peer.told, ["blocked", "pump"])

    def test_blocked_twice(self):
        """A peer is pumped when neither the carrier nor the link is full."""
        self.begin("rate=1000 queue=200ms", is_stream=True)
        self.far.send([bytes(300)])
        self.carrier.is_blocked = True
        self.near.blocked()
        self.pass_time(0.3)
        self.assertEqual(self.peer.told, ["blocked", "blocked"])
        self.carrier.is_blocked = False
        self.near.pump()
        self.assertEqual(self.peer.told[2:], ["pump"])
        self.assertFalse(self.far.is_blocked)

    def test_drained_while_full(self):
        """A carrier that drains does not pump a peer whose link is full."""
        self.begin("rate=1000 queue=200ms", is_stream=True)
        self.far.send([bytes(300)])
        self.near.pump()
        self.assertEqual(self.peer.told, ["blocked"])

    def test_lost(self):
        """What a stream has brought before it broke arrives before the news."""
        self.begin("latency=0.25", is_stream=True)
        self.near.receive_all([b"a", b"b"])
        self.far.send([b"c"])
        self.near.lost(CloseReason.LINK_LOST, "")
        expected = [(0.0, b"a"), (0.0, b"b"), ("lost", CloseReason.LINK_LOST, "")]
        self.assertEqual(self.peer.told, expected)
        self.assertEqual(self.carrier.told, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_close(self):
        """A stream that waits for room is read to its end when it is closed."""
        self.begin("rate=1000 queue=200ms", is_stream=True)
        self.near.receive_all([bytes(100)] * 5)
        self.far.send([bytes(100)] * 5)
        self.far.close()
        self.assertEqual(self.carrier.transport.told, ["pause", "resume"])
        self.assertEqual(len(self.carrier.told), 6)
        self.assertEqual(self.carrier.told[-1], "close")
        self.assertEqual(self.clock.getDelayedCalls(), [])


class LinkTests(SynchronousTestCase):
    """Every carrier has a link of its own."""

    def test_chance(self):
        """Two carriers do not lose the same packets, and another run does."""
        runs = [self.fates() for _ in range(2)]
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0][0], runs[0][1])

    def fates(self) -> list[list[Any]]:
        """Return what arrives at two carriers of one run."""
        clock, peers = Clock(), []

        def make_peer(carrier: Any) -> Peer:
            peers.append(Peer(carrier, clock))
            return peers[-1]

        bad = Impairments.of(Impairment(loss=0.5))
        links = ImpairedLinks(bad, clock, is_server=False)
        make = links.before(make_peer, is_stream=False)
        carriers = [Carrier(clock) for _ in range(2)]
        for carrier in carriers:
            make(carrier)
            peers[-1].carrier.send([b"%d" % number for number in range(50)])
        clock.advance(1)
        return [carrier.told for carrier in carriers]
