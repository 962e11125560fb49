# SPDX-License-Identifier: MIT
"""How many bytes a sender is told to send on a stream whose reader is slow."""

from __future__ import annotations

import math

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import ProtocolWrapper
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason
from gamenet.testing import MemoryReactor
from gamenet.transport.tcp import room_in
from tests.transport.recorders import RELIABLE, UNRELIABLE, MemoryTestCase
from tests.transport.test_site import Page, Web, get
from tests.transport.test_tcp import Stream

SIZE = FileDescriptor.bufferSize
"""Bytes that Twisted's transports take before they pause who writes."""


class SlowWire(FileDescriptor):
    """A transport with Twisted's write buffer, whose reader reads when told to."""

    connected = 1

    def __init__(self):
        super().__init__(MemoryReactor())
        self._hunger = 0
        self._taken = bytearray()

    def startWriting(self):
        """Wait until the reader reads."""

    stopWriting = startWriting

    def setTcpNoDelay(self, enabled):
        """Take what every TCP transport takes."""

    def getPeer(self):
        return IPv4Address("TCP", "10.0.0.1", 5000)

    getHost = getPeer

    def writeSomeData(self, data):
        piece = bytes(data)[: self._hunger]
        self._taken += piece
        return len(piece)

    def read(self, n_bytes):
        """Let the reader take so many bytes at most."""
        self._hunger = n_bytes
        self.doWrite()

    def value(self):
        """Let the reader take all there is, and return what it has taken."""
        self.read(1 << 30)
        return bytes(self._taken)

    def clear(self):
        """Forget what was taken."""
        self._taken.clear()


class SlowStream(Stream):
    """A server's stream whose reader may be slow."""

    make_wire = SlowWire


class StreamBudgetTests(SynchronousTestCase):
    """A sender on a stream learns what the write buffer has room for."""

    def setUp(self):
        self.stream = SlowStream().connect()
        self.wire = self.stream.wire
        self.protocol = self.stream.protocol

    def send(self, n_bytes):
        """Send as many bytes, in one message that may be lost."""
        self.protocol.sendMessage(UNRELIABLE, bytes(n_bytes), flush=True)

    def fill(self):
        """Send what the budget allows, as often as it allows anything."""
        n_sent = 0
        while budget := self.protocol.sendBudget():
            n_sent += 1
            self.send(min(1000, int(budget)))
        return n_sent

    def n_dropped(self):
        """Return how many messages were dropped because nobody read."""
        return self.protocol.connection.stats().unreliable_dropped

    def test_empty(self):
        """With nothing to wait for, the whole buffer may be filled."""
        self.assertEqual(self.protocol.sendBudget(), SIZE)

    def test_what_waits(self):
        """What waits in the buffer is not offered again."""
        for _ in range(3):
            self.send(1000)
        budget = self.protocol.sendBudget()
        self.assertLess(budget, SIZE - 3000)
        self.assertEqual(budget, SIZE - len(self.wire.value()))

    def test_a_reader_that_stops(self):
        """A sender who asks first fills the buffer, and has nothing dropped."""
        self.assertGreater(self.fill(), SIZE // 1100)
        self.assertEqual(self.protocol.sendBudget(), 0.0)
        self.stream.factory.flush()
        self.assertEqual(self.n_dropped(), 0)

    def test_a_reader_that_goes_on(self):
        """The budget comes back when the buffer has drained, and is of use again."""
        self.fill()
        for _ in range(3):
            self.wire.value()
            self.assertEqual(self.protocol.sendBudget(), SIZE)
            self.fill()
        self.assertEqual(self.protocol.sendBudget(), 0.0)
        self.assertEqual(self.n_dropped(), 0)

    def test_blocked(self):
        """A stream that is blocked takes nothing until all of its buffer has left."""
        self.protocol.sendMessage(RELIABLE, bytes(SIZE), flush=True)
        self.assertTrue(self.stream.stream.is_blocked)
        self.assertEqual(self.protocol.sendBudget(), 0.0)
        for _ in range(3):
            self.wire.read(SIZE // 4)
            self.assertEqual(self.protocol.sendBudget(), 0.0)
        self.wire.read(SIZE)
        self.assertEqual(self.protocol.sendBudget(), SIZE)

    def test_more_than_the_buffer(self):
        """A buffer that took more than its size, in one write, has no room at all."""
        self.wire.producer = None  # or it would say that it is full
        self.wire.write(bytes(SIZE + 1))
        self.assertEqual(self.protocol.sendBudget(), 0.0)

    def test_some_has_left(self):
        """The budget is never more than the transport takes without a pause."""
        self.wire.write(bytes(SIZE // 2))
        self.wire.read(SIZE // 4)
        self.wire.write(bytes(int(self.protocol.sendBudget())))
        self.assertFalse(self.stream.stream.is_blocked)
        self.wire.write(b"1")
        self.assertTrue(self.stream.stream.is_blocked)

    def test_no_link(self):
        """A session without a link, or that has ended, takes nothing."""
        self.stream.end()
        self.assertEqual(self.protocol.sendBudget(), 0.0)
        self.stream.clock.advance(31)
        self.assertIs(self.protocol.reason(), CloseReason.LINK_LOST)
        self.assertEqual(self.protocol.sendBudget(), 0.0)

    def test_error_of_ours(self):
        """Nor does a connection that ends without a word, while it is told so."""
        budgets = []
        self.protocol.connectionLost = lambda reason, detail: budgets.append(
            self.protocol.sendBudget()
        )
        self.protocol.connection.receive_datagram = None
        self.stream.client.send(RELIABLE, b"x", now=self.stream.clock.seconds())
        self.stream.exchange()
        self.assertEqual(budgets, [0.0])
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)


class UnknownBufferTests(SynchronousTestCase):
    """A transport that tells nothing of its buffer still says when it is full."""

    def test_budget(self):
        """The budget is there, or it is not."""
        stream = Stream().connect()
        protocol = stream.protocol
        before = protocol.sendBudget()
        self.assertGreater(before, SIZE)
        stream.wire.producer.pauseProducing()
        self.assertEqual(protocol.sendBudget(), 0.0)
        stream.wire.producer.resumeProducing()
        self.assertEqual(protocol.sendBudget(), before)

    def test_room(self):
        """Its room has no end."""
        self.assertEqual(room_in(StringTransport()), math.inf)


class OtherCarrierTests(MemoryTestCase):
    """What is true of TCP is true of what is built upon it, and of nothing else."""

    def test_tls(self):
        """A layer above a stream, as TLS is, has the room of the stream."""
        wire = SlowWire()
        layer = ProtocolWrapper(None, None)
        layer.transport = wire
        wire.write(bytes(100))
        self.assertEqual(room_in(layer), SIZE - 100)

    def test_websocket(self):
        """A WebSocket has the room of the stream that it took over."""
        web = Web(Page())
        channel = web.site.buildProtocol(IPv4Address("TCP", "10.0.0.1", 5000))
        wire = SlowWire()
        wire.protocol = channel
        channel.makeConnection(wire)
        channel.dataReceived(
            get(
                b"/ws",
                b"Upgrade: websocket",
                b"Connection: Upgrade",
                b"Sec-WebSocket-Version: 13",
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            )
        )
        self.assertIn(b"101 Switching Protocols", wire.value())
        (carrier,) = web.listener._sockets
        self.assertEqual(carrier.room(), SIZE)
        carrier.send([bytes(100)])
        self.assertEqual(carrier.room(), SIZE - 102)

    def test_datagrams(self):
        """Datagrams wait in no buffer: congestion control alone says what may leave."""
        client = self.connect()
        client.sendMessage(UNRELIABLE, bytes(1000), flush=True)
        now = self.clock.seconds()
        self.assertEqual(client.sendBudget(), client.connection.budget(now=now))
        self.assertGreater(client.sendBudget(), 0)
