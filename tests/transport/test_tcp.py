# SPDX-License-Identifier: MIT
"""Streams: silence, large frames and slow readers have their limits."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Connection, Link, MessageReceived, ServerAddress
from gamenet.errors import CloseReason, LocalProtocolError
from gamenet.transport import Limits
from gamenet.transport.framing import FrameBuffer, frame
from gamenet.transport.listener import Listener
from gamenet.transport.tcp import CLOSE_GRACE, StreamProtocol
from tests.transport.recorders import (
    HASH,
    RELIABLE,
    UNRELIABLE,
    Echo,
    ServerFactory,
    config,
)


class Wire(StringTransport):
    """A transport whose buffer fills up when told to."""

    is_cut = False

    def setTcpNoDelay(self, enabled):
        """Take what every TCP transport takes."""

    def abortConnection(self):
        self.is_cut = True
        self.abort()

    def abort(self):
        """Take the reader away."""


class Stream:
    """A server's stream and a client's core at its other end."""

    make_wire = Wire

    def __init__(self, protocol=Echo, **limits):
        self.clock = Clock()
        self.clock.advance(100)
        self.factory = ServerFactory(
            self.clock, HASH, limits=Limits(**limits), random=random.Random(1)
        )
        self.factory.protocol = protocol
        self.listener = Listener(self.factory, "tcp")
        self.listener.bound(ServerAddress("127.0.0.1", 7777))
        self.open()
        self.client = Connection.client(
            config(),
            token=self.factory.issueToken(),
            protocol_hash=HASH,
            secret=random.Random(2).randbytes(32),
            link=Link.STREAM,
        )

    def open(self):
        """Open a stream, the first or another."""
        self.wire = self.make_wire()
        self.stream = StreamProtocol(
            self.clock,
            self.factory.limits.max_frame,
            self.listener.let_in_stream,
            self.listener.closed,
        )
        self.listener.opened(self.stream)
        self.stream.makeConnection(self.wire)
        self._frames = FrameBuffer(1 << 20)

    @property
    def protocol(self):
        """Return the protocol of the server."""
        return self.factory.built[0]

    def exchange(self, rounds=3):
        """Carry packets to and fro."""
        for _ in range(rounds):
            now = self.clock.seconds()
            packets = self.client.datagrams_to_send(now=now)
            if packets:
                self.stream.dataReceived(frame(packets))
            self.clock.advance(0.02)
            for packet in self._frames.feed(self.wire.value()):
                self.client.receive_datagram(packet, now=self.clock.seconds())
            self.wire.clear()

    def connect(self):
        """Shake hands."""
        self.client.connect(now=self.clock.seconds())
        self.exchange()
        return self

    def end(self):
        """Close the stream, as the network does."""
        self.stream.connectionLost(Failure(ConnectionDone()))

    def events(self):
        """Return the events of the client."""
        events = []
        while (event := self.client.next_event()) is not None:
            events.append(event)
        return events

    def payloads(self):
        """Return the messages that have come to the client."""
        return [e.payload for e in self.events() if isinstance(e, MessageReceived)]


class StreamTests(SynchronousTestCase):
    """A stream carries packets both ways."""

    def test_echo(self):
        """Messages go to and fro."""
        stream = Stream().connect()
        stream.client.send(RELIABLE, b"hello", now=stream.clock.seconds())
        stream.exchange()
        self.assertEqual(stream.protocol.payloads(), [b"hello"])
        self.assertEqual(stream.payloads(), [b"hello"])

    def test_packets_of_a_turn_leave_in_one_write(self):
        """Many packets are one write."""
        stream = Stream().connect()
        writes = []
        stream.wire.write = writes.append
        for _ in range(20):
            stream.protocol.sendMessage(UNRELIABLE, b"x" * 1000)
        stream.factory.flush()
        self.assertEqual(len(writes), 1)

    def test_link_lost(self):
        """A session whose stream ends waits a while, and then is lost."""
        stream = Stream().connect()
        stream.end()
        self.assertEqual(
            stream.protocol.happened[-1], ("dropped", CloseReason.LINK_LOST)
        )
        self.assertEqual(stream.factory.stats().dropped_links, {"LINK_LOST": 1})
        stream.clock.advance(29)
        self.assertEqual(stream.protocol.count("lost"), 0)
        self.assertEqual(len(stream.factory.admission), 1, "the place is kept")
        stream.clock.advance(2)
        self.assertEqual(stream.protocol.reason(), CloseReason.LINK_LOST)
        self.assertEqual(stream.factory.stats().closed, {"LINK_LOST": 1})
        self.assertEqual(len(stream.factory.admission), 0)
        self.assertEqual(stream.clock.getDelayedCalls(), [])

    def test_resumed(self):
        """Another stream takes the place of one that ended, or still seems to be."""
        for is_noticed in (True, False):
            stream = Stream().connect()
            old, place = stream.stream, stream.protocol._peer
            if is_noticed:
                stream.end()
            stream.open()
            now = stream.clock.seconds()
            self.assertTrue(
                stream.client.reconnect(Link.STREAM, secret=bytes(32), now=now)
            )
            stream.client.send(RELIABLE, b"again", now=now)
            stream.exchange()
            self.assertEqual(stream.client.state, "Connected")
            self.assertIs(stream.stream.receiver, place)
            self.assertIsNone(old.receiver)
            old.connectionLost(Failure(ConnectionDone()))
            stream.exchange()
            self.assertEqual(stream.protocol.payloads(), [b"again"])
            self.assertEqual(
                [event[0] for event in stream.protocol.happened if event[0] != "acked"],
                ["made", "dropped", "resumed", "message"],
            )
            self.assertEqual(stream.factory.stats().resumed, 1)
            self.assertEqual(len(stream.factory.admission), 1)
            self.assertEqual(stream.payloads(), [b"again"])

    def test_lost_before_the_handshake(self):
        """A stream that ends before its handshake was never anybody's."""
        stream = Stream()
        stream.end()
        self.assertEqual(stream.factory.built, [])
        self.assertEqual(stream.factory.stats().refused, {"LINK_LOST": 1})
        self.assertEqual(stream.clock.getDelayedCalls(), [])

    def test_close(self):
        """A stream is closed when what was written before is sent."""
        stream = Stream().connect()
        stream.protocol.sendMessage(RELIABLE, b"bye")
        stream.protocol.loseConnection(CloseReason.KICKED, "go")
        stream.exchange(1)
        self.assertTrue(stream.wire.disconnecting)
        self.assertEqual(stream.payloads(), [b"bye"])
        self.assertEqual(stream.client.state, "Closed")
        stream.end()
        self.assertEqual(stream.clock.getDelayedCalls(), [])

    def test_close_that_does_not_end(self):
        """A stream whose reader does not read is cut when its grace is over."""
        stream = Stream().connect()
        stream.protocol.loseConnection()
        stream.clock.advance(0)
        self.assertFalse(stream.wire.is_cut)
        stream.clock.advance(CLOSE_GRACE)
        self.assertTrue(stream.wire.is_cut)
        stream.end()
        self.assertEqual(stream.clock.getDelayedCalls(), [])


class LimitTests(SynchronousTestCase):
    """A stream cannot take more than its limits."""

    def test_silence(self):
        """A stream on which nothing is said is closed in time."""
        stream = Stream(handshake_timeout=2)
        stream.clock.advance(1.9)
        self.assertFalse(stream.wire.disconnecting)
        stream.clock.pump([0.05] * 4)
        self.assertTrue(stream.wire.disconnecting)
        self.assertEqual(stream.factory.stats().refused, {"HANDSHAKE_TIMED_OUT": 1})
        self.assertEqual(stream.factory.built, [])

    def test_a_byte_now_and_then(self):
        """A handshake that trickles in is closed in time, too."""
        stream = Stream(handshake_timeout=2)
        for _ in range(21):
            stream.stream.dataReceived(b"\x20"[:1])
            stream.clock.advance(0.1)
            if stream.wire.disconnecting:
                break
        self.assertTrue(stream.wire.disconnecting)

    def test_silence_when_the_last_player_leaves(self):
        """That nobody is left to be woken does not let a silent stream stay."""
        stream = Stream(handshake_timeout=2).connect()
        (_, player), silent = (stream.stream, stream.protocol), stream
        silent.open()
        player.loseConnection()
        stream.clock.advance(0)
        self.assertEqual(stream.factory.stats().connections, 0)
        stream.clock.pump([0.5] * 5)
        self.assertTrue(silent.wire.disconnecting)
        self.assertEqual(stream.factory.stats().refused, {"HANDSHAKE_TIMED_OUT": 1})

    def test_large_frame(self):
        """A frame above the limit ends the connection, and says why."""
        stream = Stream(max_frame=2000).connect()
        stream.stream.dataReceived(frame([b"x" * 2001]))
        stream.exchange(1)
        self.assertEqual(stream.protocol.reason(), CloseReason.MESSAGE_TOO_LARGE)
        (closed,) = [e for e in stream.events() if hasattr(e, "reason")]
        self.assertIs(closed.reason, CloseReason.MESSAGE_TOO_LARGE)
        self.assertIn("2001 bytes came; the limit is 2000", closed.detail)

    def test_large_frame_before_the_handshake(self):
        """A frame above the limit ends a stream that is nobody's yet."""
        stream = Stream(max_frame=2000)
        stream.stream.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
        self.assertTrue(stream.wire.disconnecting)
        self.assertEqual(stream.factory.stats().refused, {"MESSAGE_TOO_LARGE": 1})

    def test_nothing_is_read_after_the_end(self):
        """What comes after the end of a connection is thrown away."""
        stream = Stream(max_frame=2000).connect()
        stream.stream.dataReceived(frame([b"x" * 2001]))
        stream.stream.dataReceived(frame([b"x" * 2001]) * 100)
        self.assertEqual(stream.stream._frames._held, 2005)

    @given(st.lists(st.binary(max_size=100), max_size=20), st.booleans())
    def test_hostile_bytes(self, data, is_connected):
        """Any bytes end in a connection that is open or closed for a reason."""
        stream = Stream()
        if is_connected:
            stream.connect()
        for piece in data:
            stream.stream.dataReceived(piece)
            stream.stream.dataReceived(frame([piece]))
            stream.clock.advance(0)
        for seconds in (10, 30):
            stream.clock.advance(seconds)
        self.assertTrue(stream.wire.disconnecting)
        stream.end()
        self.assertEqual(stream.factory.stats().connections, 0)
        self.assertEqual(stream.factory.stats().callback_errors, 0)
        self.assertEqual(stream.clock.getDelayedCalls(), [])


class BackpressureTests(SynchronousTestCase):
    """A reader that does not read costs a bounded amount."""

    def setUp(self):
        self.stream = Stream().connect()
        self.wire = self.stream.wire
        self.protocol = self.stream.protocol

    def block(self):
        """Fill the write buffer."""
        self.wire.producer.pauseProducing()

    def test_nothing_is_written(self):
        """While the buffer is full nothing more is written."""
        self.block()
        for _ in range(50):
            self.protocol.sendMessage(RELIABLE, b"x" * 1000)
            self.stream.clock.advance(0.1)
        self.assertEqual(self.wire.value(), b"")
        self.assertEqual(self.stream.factory.stats().paused, 1)

    def test_unreliable_is_dropped(self):
        """Unreliable messages that cannot leave are thrown away, not kept."""
        self.block()
        for _ in range(1000):
            self.protocol.sendMessage(UNRELIABLE, b"x" * 1000)
            self.stream.factory.flush()
        stats = self.protocol.connection.stats()
        self.assertEqual(stats.unreliable_dropped, 1000)
        self.wire.producer.resumeProducing()
        self.assertLess(len(self.wire.value()), 100)

    def test_reliable_waits(self):
        """Reliable messages wait, and leave when the buffer has drained."""
        self.block()
        self.protocol.sendMessage(RELIABLE, b"late")
        self.stream.exchange()
        self.wire.producer.resumeProducing()
        self.stream.exchange()
        self.assertEqual(self.stream.payloads(), [b"late"])

    def test_overflow(self):
        """Reliable messages without end close the connection, and then the stream."""
        self.block()
        with self.assertRaises(LocalProtocolError):
            for _ in range(3000):
                self.protocol.sendMessage(RELIABLE, b"x" * 1000)
        self.stream.clock.advance(0)
        self.assertEqual(self.protocol.reason(), CloseReason.SEND_QUEUE_OVERFLOW)
        self.assertEqual(self.wire.value(), b"")
        self.stream.clock.advance(CLOSE_GRACE)
        self.assertTrue(self.wire.is_cut)

    def test_patience(self):
        """A full buffer does not keep the reactor busy."""
        self.block()
        self.protocol.sendMessage(RELIABLE, b"x")
        fired = []
        peer = self.protocol._peer
        wake = peer.wake
        peer.wake = lambda *, now: (fired.append(now), wake(now=now))
        for _ in range(1000):
            self.stream.clock.advance(0.001)
        self.assertLess(len(fired), 15)
