# SPDX-License-Identifier: MIT
"""Tests of sessions that go on over another link."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Closed,
    Connected,
    ConnectionConfig,
    Dropped,
    Link,
    MessageAcked,
    MessageLost,
    MessageReceived,
    Resumed,
)
from gamenet.errors import CloseReason, LocalProtocolError
from gamenet.transport import Impairment
from tests.connection.network import (
    LATEST,
    ORDERED,
    RECEIPTS,
    SIX,
    UNORDERED,
    UNRELIABLE,
    Network,
    messages,
)
from tests.connection.strategies import impairments, seeds

LOST = Impairment(loss=1.0)
CONFIG = ConnectionConfig(channels=SIX, max_queue=1 << 24)
PATIENT = {"timeout": 60.0, "handshake_timeout": 60.0, "resume_window": 300.0}
WAYS = [(before, after) for before in Link for after in Link]


def talked(link: Link = Link.DATAGRAM, seed: int = 0, **changes: float) -> Network:
    """Return a network in which the client has its tickets."""
    config = ConnectionConfig(**{"channels": SIX, "max_queue": 1 << 24, **changes})
    network = Network(config, link=link, seed=seed).connect()
    network.run(0.5)
    assert network.client.session.has_tickets
    return network


def stages(events: list) -> list:
    """Return the events that are no messages and no receipts."""
    kinds = Connected, Dropped, Resumed, Closed
    return [event for event in events if isinstance(event, kinds)]


class ResumeTests(SynchronousTestCase):
    """Whatever the next link is, nothing is lost and nothing comes twice."""

    def burst(self, network: Network, begin: int) -> None:
        """Have both ends send 1,000 messages on each reliable channel."""
        for n in range(begin, begin + 1000):
            for end in network.ends:
                for channel in (ORDERED, UNORDERED):
                    end.send(channel, b"%d" % n, now=network.now)
                end.send(LATEST, b"%d" % n, now=network.now)

    def check(self, network: Network, count: int) -> None:
        """Check that both ends have all messages, once, and in order."""
        for events in (network.client_events, network.server_events):
            expected = [b"%d" % n for n in range(count)]
            self.assertEqual(messages(events, ORDERED), expected)
            self.assertEqual(sorted(messages(events, UNORDERED)), sorted(expected))
            self.assertEqual(messages(events, LATEST)[-1], expected[-1])
            receipts = [e.message_id for e in events if isinstance(e, MessageAcked)]
            self.assertEqual(len(receipts), len(set(receipts)))

    def test_every_way(self) -> None:
        """From each kind of link to each, with 1,000 messages in flight each way."""
        for before, after in WAYS:
            network = talked(before)
            self.burst(network, 0)
            network.pump()
            network.run(0.01)
            if before is Link.STREAM:
                network.cut()
            self.burst(network, 1000)
            self.assertTrue(network.resume(after))
            network.run(5.0)
            self.assertTrue(network.is_connected())
            self.check(network, 2000)
            for end, events in zip(
                network.ends,
                (network.client_events, network.server_events),
                strict=True,
            ):
                self.assertIs(end.link, after)
                self.assertEqual(end.session.resumes, 1)
                self.assertEqual(end.stats().resumes, 1)
                expected = [Connected(), Dropped(CloseReason.LINK_LOST), Resumed()]
                self.assertEqual(stages(events), expected)

    def test_many_times(self) -> None:
        """A session outlives many links, and always has two tickets left."""
        network = talked()
        for n in range(12):
            self.burst(network, 1000 * n)
            network.run(0.02)
            link = (Link.DATAGRAM, Link.STREAM)[n // 2 % 2]
            self.assertTrue(network.resume(link))
            network.run(3.0)
            self.assertTrue(network.is_connected())
            self.assertEqual(len(network.client.session._tickets), 2)
        self.check(network, 12_000)
        self.assertEqual(network.n_resumed, 12)

    def test_large_messages(self) -> None:
        """A large message that is half on its way goes on over the next link."""
        for before, after in WAYS:
            network = talked(before, bandwidth=300_000.0)
            payload = bytes(range(256)) * 200
            for end in network.ends:
                end.send(ORDERED, payload, now=network.now)
                end.send(UNORDERED, payload, now=network.now)
            network.run(0.1)
            self.assertEqual(messages(network.server_events, ORDERED), [])
            network.resume(after)
            network.run(5.0)
            for events in (network.client_events, network.server_events):
                for channel in (ORDERED, UNORDERED):
                    self.assertEqual(messages(events, channel), [payload])

    def test_cable_pulled(self) -> None:
        """After ten seconds without a network the session goes on."""
        network = talked()
        up, down = network.up, network.down
        network.up = network.down = LOST
        self.burst(network, 0)
        network.run(6.0)
        dropped = [Connected(), Dropped(CloseReason.TIMED_OUT)]
        self.assertEqual(stages(network.client_events), dropped)
        self.assertEqual(stages(network.server_events), dropped)
        self.burst(network, 1000)
        network.run(4.0)
        network.up, network.down = up, down
        self.assertTrue(network.resume())
        network.run(5.0)
        self.check(network, 2000)

    def test_gap(self) -> None:
        """Coming back over a new port takes the time of a handshake, and one way."""
        network = talked()
        network.peer.send(ORDERED, b"first", now=network.now)
        begin = network.now
        network.resume()
        network.run(1.0, until=lambda: bool(messages(network.client_events, ORDERED)))
        self.assertLess(network.now - begin, 0.13)

    def test_while_dropped(self) -> None:
        """In the meantime reliable messages wait, and unreliable ones are lost."""
        network = talked()
        up, down = network.up, network.down
        network.up = network.down = LOST
        network.run(0.1)
        for end in network.ends:
            end.drop(CloseReason.LINK_LOST, now=network.now)
        numbers = [
            network.client.send(channel, b"%d" % channel, now=network.now)
            for channel in range(6)
        ]
        network.run(1.0)
        self.assertEqual(network.client.budget(now=network.now), 0.0)
        network.up, network.down = up, down
        network.resume()
        network.run(1.0)
        came = [messages(network.server_events, channel) for channel in range(6)]
        self.assertEqual(came, [[], [], [], [b"3"], [b"4"], [b"5"]])
        lost = [e for e in network.client_events if isinstance(e, MessageLost)]
        self.assertEqual(lost, [MessageLost(numbers[RECEIPTS])])

    def test_receipts_across_links(self) -> None:
        """Of what was in flight unreliably when the link was lost, each is lost."""
        network = talked()
        numbers = [
            network.client.send(RECEIPTS, b"%d" % n, now=network.now) for n in range(10)
        ]
        network.pump()
        network.resume(Link.STREAM)
        network.run(2.0)
        lost = [e.message_id for e in network.client_events if type(e) is MessageLost]
        acked = [e.message_id for e in network.client_events if type(e) is MessageAcked]
        self.assertEqual(sorted(lost + acked), numbers)

    def test_overflow_while_dropped(self) -> None:
        """What waits for a link that does not come is bounded, too."""
        network = talked(max_queue=10_000)
        network.client.drop(CloseReason.LINK_LOST, now=network.now)
        network.client.send(ORDERED, bytes(11_000), now=network.now)
        network.pump()
        closed = Closed(CloseReason.SEND_QUEUE_OVERFLOW, "")
        self.assertEqual(network.client_events[-1], closed)

    @settings(max_examples=25)
    @given(
        impairments,
        impairments,
        st.lists(st.sampled_from(Link), min_size=1, max_size=4),
        seeds,
    )
    def test_bad_networks(
        self, up: Impairment, down: Impairment, links: list[Link], seed: int
    ) -> None:
        """Over the worst of networks, however often it comes back, nothing is lost."""
        network = talked(seed=seed, **PATIENT)
        network.up, network.down = up, down
        n_sent = 0
        for link in links:
            for _ in range(20):
                for end in network.ends:
                    end.send(ORDERED, b"%d" % n_sent, now=network.now)
                    end.send(UNORDERED, b"%d" % n_sent, now=network.now)
                    end.send(LATEST, b"%d" % n_sent, now=network.now)
                n_sent += 1
                network.run(0.02)
            self.come_back(network, link)
        network.run(180.0, until=self.is_quiet(network))
        network.run(0.5)
        self.check(network, n_sent)

    def come_back(self, network: Network, link: Link) -> None:
        """Come back when it has tickets, and is not in the midst of it."""
        tickets = network.client.session._tickets
        network.run(60.0, until=lambda: len(tickets) >= 2)
        self.assertTrue(network.resume(link), "no ticket left")
        network.run(60.0, until=network.is_connected)
        self.assertTrue(network.is_connected(), "it did not come back")

    def is_quiet(self, network: Network) -> Callable[[], bool]:
        """Return what tells whether everything was acknowledged."""
        return lambda: not any(end.stats().queued_bytes for end in network.ends)


class AttemptTests(SynchronousTestCase):
    """An attempt may fail, be overtaken by another, or come too late."""

    def test_during_resume(self) -> None:
        """An attempt whose answer is lost is overtaken by the next one."""
        for link in Link:
            network = talked()
            network.client.send(ORDERED, b"one", now=network.now)
            network.down = LOST
            network.resume(link)
            network.run(0.2)
            if link is Link.STREAM:
                network.cut()
            network.client.send(ORDERED, b"two", now=network.now)
            network.down = Impairment(latency=0.02)
            self.assertTrue(network.resume(Link.DATAGRAM))
            network.run(2.0)
            self.assertTrue(network.is_connected())
            received = messages(network.server_events, ORDERED)
            self.assertEqual(received, [b"one", b"two"])
            self.assertGreaterEqual(len(network.client.session._tickets), 2)

    def test_times_out(self) -> None:
        """An attempt that meets with silence ends, and another one can be made."""
        network = talked(handshake_timeout=1.0, resume_window=30.0)
        network.up = LOST
        network.resume()
        self.assertTrue(network.client.is_reconnecting)
        network.run(1.1)
        self.assertFalse(network.client.is_reconnecting)
        self.assertEqual(network.client.state, "Dropped")
        network.up = Impairment(latency=0.02)
        self.assertTrue(network.resume())
        network.run(1.0)
        self.assertTrue(network.is_connected())

    def test_patience(self) -> None:
        """Where there is another way to try, an attempt may be given less time."""
        network = talked()
        network.up = LOST
        network.client.reconnect(
            Link.STREAM, secret=bytes(32), now=network.now, patience=0.5
        )
        network.run(0.49)
        self.assertTrue(network.client.is_reconnecting)
        network.run(0.02)
        self.assertFalse(network.client.is_reconnecting)

    def test_abandoned(self) -> None:
        """An attempt can be given up, and says nothing more."""
        network = talked()
        network.resume()
        network.client.abandon()
        self.assertFalse(network.client.is_reconnecting)
        sent = len(network.sent_up)
        network.run(1.0)
        self.assertEqual(len(network.sent_up), sent)

    def test_window_over(self) -> None:
        """After the window the session is over, on both sides, for the first reason."""
        network = talked(resume_window=3.0)
        network.up = network.down = LOST
        network.run(4.9 + 0.4 + 3.0)
        for events in (network.client_events, network.server_events):
            expected = [
                Connected(),
                Dropped(CloseReason.TIMED_OUT),
                Closed(CloseReason.TIMED_OUT, ""),
            ]
            self.assertEqual(stages(events), expected)
        self.assertFalse(network.resume())
        self.assertRaises(
            LocalProtocolError, network.client.send, ORDERED, b"", now=network.now
        )

    def test_server_gave_up_first(self) -> None:
        """A client that comes back too late is told that its session is gone."""
        for link in Link:
            network = talked(link)
            network.peer.close(CloseReason.SERVER_SHUTDOWN, now=network.now)
            network.server_carrier.is_cut = True
            network.resume(link)
            network.run(2.0)
            closed = stages(network.client_events)[-1]
            self.assertIs(closed.reason, CloseReason.SESSION_GONE)

    def test_used_ticket(self) -> None:
        """A ticket that was used is refused, and the next one is tried."""
        for link in Link:
            network = talked(link)
            for generation in (1, 2, 3):
                network.peer.session.spend(generation)
            network.resume(link)
            network.run(1.0)
            self.assertEqual(network.client.state, "Dropped")
            self.assertFalse(network.client.is_reconnecting)
            self.assertTrue(network.client.session.has_tickets)
            network.resume(link)
            network.run(1.0)
            closed = stages(network.client_events)[-1]
            self.assertIsInstance(closed, Closed)
            self.assertIs(closed.reason, CloseReason.TOKEN_USED)

    def test_replayed_ticket(self) -> None:
        """What a client has shown does not let another in, on any link."""
        network = talked()
        network.resume(Link.STREAM)
        network.pump()
        first_frame = network.sent_up[-1]
        network.run(1.0)
        self.assertEqual(network.n_resumed, 1)
        for link in Link:
            stranger = Network(CONFIG, link=link)
            stranger.carrier.address = "203.0.113.5:5"
            if link is Link.STREAM:
                network._open_stream(first_frame, stranger.carrier)
            else:
                network.arrive(first_frame[:1078], "203.0.113.5:5", stranger.carrier)
        network.run(1.0)
        self.assertEqual(network.n_resumed, 1)
        self.assertTrue(network.is_connected())
        self.assertEqual(network.refused["TOKEN_USED"], 1)

    def test_replayed_handshake(self) -> None:
        """The packets of a handshake, played again later, do not move the session."""
        network = talked()
        begin = len(network.sent_up)
        network.resume()
        network.run(0.5)
        handshake = [p for p in network.sent_up[begin:] if p[0] & 15 in (0, 7)]
        self.assertEqual({packet[0] & 15 for packet in handshake}, {0, 7})
        address = network.peer.path
        for source in (address, "203.0.113.5:5"):
            for packet in handshake * 2:
                network.arrive(packet, source)
        network.run(1.0)
        self.assertEqual((network.n_resumed, network.peer.path), (1, address))
        self.assertTrue(network.is_connected())

    def test_without_a_ticket(self) -> None:
        """A client that has had no ticket yet cannot come back."""
        network = Network(CONFIG)
        network.client.connect(now=network.now)
        network.run(1.0, until=lambda: network.client.state == "Connected")
        network.client.session._tickets._tokens.clear()
        self.assertFalse(network.resume())
        self.assertEqual(network.client.state, "Closed")

    def test_without_sessions(self) -> None:
        """Without a window the link is the session."""
        network = Network(ConnectionConfig(channels=SIX, resume_window=0.0)).connect()
        network.run(0.5)
        self.assertFalse(network.resume())
        network.pump()
        closed = Closed(CloseReason.LINK_LOST, "")
        self.assertEqual(network.client_events[-1], closed)

    def test_heard_again(self) -> None:
        """A link that was given up and then heard again is good again."""
        network = talked()
        network.peer.drop(CloseReason.TIMED_OUT, now=network.now)
        network.client.send(ORDERED, b"still here", now=network.now)
        network.run(1.0)
        expected = [Connected(), Dropped(CloseReason.TIMED_OUT), Resumed()]
        self.assertEqual(stages(network.server_events), expected)
        self.assertEqual(messages(network.server_events, ORDERED), [b"still here"])

    def test_old_link(self) -> None:
        """Packets of the old link that come late do nothing on the new one."""
        for link in Link:
            network = talked()
            network.client.send(UNRELIABLE, b"late", now=network.now)
            late = network.client.datagrams_to_send(now=network.now)
            network.resume(link)
            network.run(1.0)
            for packet in late:
                network.arrive(packet)
            network.run(1.0)
            self.assertTrue(network.is_connected())
            self.assertEqual(messages(network.server_events, UNRELIABLE), [])

    def test_secrecy(self) -> None:
        """Tickets cannot be read from a stream in clear."""
        network = talked(Link.STREAM)
        wire = b"".join(network.sent_down)
        for ticket in network.client.session._tickets._tokens:
            self.assertNotIn(ticket.client_to_server, wire)
            self.assertNotIn(ticket.private[:32], wire)

    def test_not_the_whole_queue_at_once(self) -> None:
        """What waited goes over the new link as fast as that allows, no faster."""
        network = talked()
        network.client.drop(CloseReason.LINK_LOST, now=network.now)
        for _ in range(200):
            network.client.send(ORDERED, bytes(1000), now=network.now)
        network.resume()
        network.run(0.09)
        self.assertTrue(network.is_connected())
        packets = [p for p in network.sent_up if p[0] & 15 == 10 and len(p) > 1000]
        self.assertLess(len(packets), 50)

    def test_events_are_of_messages_too(self) -> None:
        """What came before the link was lost is told before it is."""
        network = talked()
        network.peer.send(ORDERED, b"before", now=network.now)
        network.run(0.1)
        network.resume()
        network.run(1.0)
        kinds = [type(event) for event in network.client_events]
        self.assertEqual(kinds, [Connected, MessageReceived, Dropped, Resumed])
