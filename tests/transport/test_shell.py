# SPDX-License-Identifier: MIT
"""What a `GameProtocol` is promised, whatever carries its packets."""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import CancelledError
from twisted.logger import globalLogPublisher

from gamenet.connection import ConnectionConfig
from gamenet.errors import CloseReason, ConnectError, LocalProtocolError
from gamenet.transport import GameProtocol
from tests.transport.recorders import (
    RELIABLE,
    UNRELIABLE,
    Echo,
    MemoryTestCase,
    Recorder,
    go_dark,
)


class CallbackTests(MemoryTestCase):
    """Callbacks come in order, each as often as promised."""

    def test_connected(self):
        """Both ends learn that they are connected, once, before anything else."""
        token = self.factory.issueToken(client_id=77, user_data=b"me")
        client = self.connect(self.client_factory(token=token))
        (server,) = self.factory.built
        self.assertEqual(client.happened, [("made",)])
        self.assertEqual(server.happened, [("made",)])
        self.assertEqual(server.userData, b"me")
        self.assertEqual(server.clientId, 77)
        self.assertEqual((client.userData, client.clientId), (b"", 0))
        self.assertEqual(server.peerProtocolHash, b"testhash")
        self.assertEqual(server.transportName, "memory")
        self.assertEqual(server.peerAddress, "memory:1")
        self.assertEqual(client.peerAddress, "server")
        self.assertIs(server.factory, self.factory)
        self.assertEqual(self.factory.connections, [server])

    def test_description_is_asked_for(self):
        """A client that knows no protocol is let in, and shows it."""
        self.connect(self.client_factory(protocolHash=bytes(8)))
        self.assertEqual(self.factory.built[0].peerProtocolHash, bytes(8))

    def test_messages(self):
        """Messages arrive whole and in order, and reliable ones are acknowledged."""
        client = self.connect()
        (server,) = self.factory.built
        numbers = [client.sendMessage(RELIABLE, b"%d" % i) for i in range(5)]
        client.sendMessage(UNRELIABLE, b"quick")
        self.advance(0.2)
        self.assertEqual(
            [event for event in server.happened if event[1:2] == (RELIABLE,)],
            [("message", RELIABLE, b"%d" % i) for i in range(5)],
        )
        self.assertIn(("message", UNRELIABLE, b"quick"), server.happened)
        self.assertEqual(
            [event[1] for event in client.happened if event[0] == "acked"], numbers
        )

    def test_close(self):
        """Both ends learn why a connection ended, once, after everything else."""
        client = self.connect()
        (server,) = self.factory.built
        client.sendMessage(RELIABLE, b"last words")
        client.loseConnection(CloseReason.KICKED, "cheat")
        self.assertEqual(client.count("lost"), 0, "not inside loseConnection")
        client.loseConnection(CloseReason.NORMAL)
        self.advance(0.2)
        self.assertEqual(client.happened[-1], ("lost", CloseReason.KICKED, "cheat"))
        self.assertEqual(
            server.happened[1:],
            [
                ("message", RELIABLE, b"last words"),
                ("lost", CloseReason.KICKED, "cheat"),
            ],
        )
        self.assertEqual(self.factory.connections, [])
        self.assertEqual(self.factory.stats().closed, {"KICKED": 1})

    def test_close_in_a_callback(self):
        """A connection that `messageReceived` closes ends after it has returned."""

        class Impatient(Recorder):
            def messageReceived(self, channel, payload):
                self.loseConnection(CloseReason.KICKED)
                self.happened.append(("returned",))

        self.factory.protocol = Impatient
        client = self.connect()
        client.sendMessage(RELIABLE, b"x")
        self.advance(0.1)
        self.assertEqual(
            self.factory.built[0].happened,
            [("made",), ("returned",), ("lost", CloseReason.KICKED, "")],
        )
        self.assertEqual(client.reason(), CloseReason.KICKED)

    def test_close_in_connection_made(self):
        """A connection may be closed as soon as it is made."""

        class Unfriendly(Recorder):
            def connectionMade(self):
                super().connectionMade()
                self.loseConnection(CloseReason.KICKED, "not you")

        self.factory.protocol = Unfriendly
        client = self.connect()
        self.assertEqual(
            client.happened, [("made",), ("lost", CloseReason.KICKED, "not you")]
        )
        (server,) = self.factory.built
        self.assertEqual((server.count("made"), server.count("lost")), (1, 1))

    def test_send_after_the_end(self):
        """Sending on a connection that ended is the caller's error."""
        client = self.connect()
        client.loseConnection()
        self.advance(0.1)
        self.assertRaises(LocalProtocolError, client.sendMessage, RELIABLE, b"x")
        client.loseConnection()
        self.advance(0.1)
        self.assertEqual(client.count("lost"), 1)

    def test_silence(self):
        """A peer that vanishes is given up when its session has waited long enough."""
        client = self.connect()
        (server,) = self.factory.built
        go_dark(self.network)
        self.advance(4.8)
        self.assertEqual((server.count("dropped"), client.count("dropped")), (0, 0))
        self.advance(0.3)
        for protocol in (client, server):
            self.assertEqual(protocol.happened[-1], ("dropped", CloseReason.TIMED_OUT))
        self.advance(31, step=0.1)
        for protocol in (client, server):
            self.assertEqual(protocol.happened[-1], ("lost", CloseReason.TIMED_OUT, ""))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_refused_by_the_factory(self):
        """A factory that builds no protocol refuses the peer."""
        self.factory.buildProtocol = lambda address: None
        factory = self.client_factory()
        client = self.connect(factory)
        self.advance(0.5)
        self.assertEqual(client.reason(), CloseReason.KICKED)
        self.assertEqual(self.factory.stats().refused, {"KICKED": 1})
        self.assertEqual(self.factory.stats().accepted, 0)


class ErrorTests(MemoryTestCase):
    """An exception in a callback harms its own connection alone."""

    def setUp(self):
        super().setUp()
        self.other = self.connect()

    def check(self, protocol, callback, act=lambda client: None):
        """Connect a client to a protocol whose callback raises, and look around."""
        logged = []
        globalLogPublisher.addObserver(logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, logged.append)
        self.factory.protocol = protocol
        result = self.begin(self.client_factory())
        self.advance(0.1)
        clients = []
        result.addCallbacks(clients.append, lambda failure: None)
        for client in clients:
            act(client)
        self.advance(0.5)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        (event,) = [event for event in logged if "callback" in event]
        self.assertEqual(event["callback"], callback)
        self.assertEqual(event["address"], "memory:2")
        self.assertEqual(self.factory.stats().callback_errors, 1)
        self.assertEqual(self.other.count("lost"), 0)
        self.other.sendMessage(RELIABLE, b"still here")
        self.advance(0.1)
        self.assertEqual(self.factory.built[0].payloads(), [b"still here"])
        return clients

    def test_message_received(self):
        """After an exception in `messageReceived` no further message is delivered."""

        class Broken(Recorder):
            def messageReceived(self, channel, payload):
                super().messageReceived(channel, payload)
                raise ZeroDivisionError

        def act(client):
            client.sendMessage(RELIABLE, b"one")
            client.sendMessage(RELIABLE, b"two")

        (client,) = self.check(Broken, "messageReceived", act)
        server = self.factory.built[1]
        self.assertEqual(server.payloads(), [b"one"])
        self.assertEqual(server.reason(), CloseReason.INTERNAL_ERROR)
        self.assertEqual(client.reason(), CloseReason.INTERNAL_ERROR)

    def test_connection_made(self):
        """After an exception in `connectionMade` the connection is lost."""

        class Broken(Recorder):
            def connectionMade(self):
                raise ZeroDivisionError

        self.check(Broken, "makeConnection")
        self.assertEqual(
            self.factory.built[1].happened, [("lost", CloseReason.INTERNAL_ERROR, "")]
        )

    def test_message_acked(self):
        """After an exception in `messageAcked` the connection is lost."""

        class Broken(Recorder):
            def connectionMade(self):
                self.sendMessage(RELIABLE, b"x")

            def messageAcked(self, messageId):
                raise ZeroDivisionError

        self.check(Broken, "messageAcked")
        self.assertEqual(self.factory.built[1].reason(), CloseReason.INTERNAL_ERROR)

    def test_connection_lost(self):
        """After an exception in `connectionLost` there is nothing more to lose."""

        class Broken(Recorder):
            def connectionLost(self, reason, detail):
                super().connectionLost(reason, detail)
                raise ZeroDivisionError

        self.check(Broken, "connectionLost", lambda client: client.loseConnection())
        self.assertEqual(self.factory.built[1].count("lost"), 1)

    def test_build_protocol(self):
        """After an exception in `buildProtocol` the peer is refused."""

        def broken(address):
            raise ZeroDivisionError

        build = self.factory.buildProtocol
        self.factory.buildProtocol = broken
        result = self.begin(self.client_factory())
        self.advance(0.5)
        client = self.successResultOf(result)
        self.assertEqual(client.reason(), CloseReason.INTERNAL_ERROR)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.factory.buildProtocol = build
        self.connect()

    def test_many(self):
        """A peer that has a callback raise again and again does not fill the log."""

        class Broken(Recorder):
            def messageReceived(self, channel, payload):
                raise ZeroDivisionError

        self.factory.protocol = Broken
        for _ in range(30):
            client = self.connect()
            client.sendMessage(RELIABLE, b"x")
            self.advance(0.1)
        n_seconds = 30 * 0.6
        n_logged = len(self.flushLoggedErrors(ZeroDivisionError))
        self.assertEqual(self.factory.stats().callback_errors, 30)
        self.assertLess(n_logged, 30)
        self.assertLessEqual(n_logged, 10 + n_seconds)


class CrashTests(MemoryTestCase):
    """An error inside gamenet, should there be one, stays with its connection."""

    def setUp(self):
        super().setUp()
        self.other = self.connect()
        self.client = self.connect()
        self.server = self.factory.built[1]

    def check(self):
        """Check that one connection is gone, and that all else goes on."""
        self.advance(0.5)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.server.reason(), CloseReason.INTERNAL_ERROR)
        self.assertEqual(self.factory.stats().connections, 1)
        self.other.sendMessage(RELIABLE, b"still here")
        self.advance(0.2)
        self.assertEqual(self.factory.built[0].payloads(), [b"still here"])
        self.assertEqual(self.other.count("acked"), 1)

    def crash(self, *arguments, **keywords):
        raise ZeroDivisionError

    def test_receiving(self):
        """An error in the core while it receives."""
        self.server.connection.receive_datagram = self.crash
        self.client.sendMessage(RELIABLE, b"x")
        self.check()

    def test_sending(self):
        """An error in the core while it makes packets."""
        self.server.connection.datagrams_to_send = self.crash
        self.server.sendMessage(RELIABLE, b"x")
        self.check()

    def test_time(self):
        """An error in the core when it is woken."""
        self.server.connection.handle_timeout = self.crash
        self.check()

    def test_stream(self):
        """An error in the core amid packets that came together."""
        self.server.connection.receive_datagram = self.crash
        self.server._peer.receive_all([b"a", b"b", b"c"])
        self.check()


class FlushTests(MemoryTestCase):
    """Messages leave together: at the end of the turn, or when the game says so."""

    def setUp(self):
        super().setUp()
        self.client = self.connect()
        self.sent = []
        carrier = self.client._peer._carrier
        send = carrier.send

        def record(packets):
            self.sent += packets
            send(packets)

        carrier.send = record

    def test_end_of_turn(self):
        """Messages of one reactor turn share a packet."""
        for i in range(10):
            self.client.sendMessage(UNRELIABLE, b"%d" % i)
        self.assertEqual(self.sent, [])
        self.clock.advance(0)
        self.assertEqual(len(self.sent), 1)

    def test_factory_flush(self):
        """`factory.flush()` sends at once; the end of the turn has nothing to add."""
        self.client.sendMessage(UNRELIABLE, b"a")
        self.client.sendMessage(UNRELIABLE, b"b")
        self.client.factory.flush()
        self.assertEqual(len(self.sent), 1)
        self.clock.advance(0)
        self.assertEqual(len(self.sent), 1)

    def test_turns(self):
        """Each flush begins with another peer: nobody is always the last one."""
        servers = [self.factory.built[0]]
        for _ in range(2):
            self.connect()
            servers.append(self.factory.built[-1])
        order = []
        for server in servers:
            server._peer.pump = partial(order.append, server)
        for _ in range(3):
            for server in servers:
                server.sendMessage(UNRELIABLE, b"x")
            self.factory.flush()
        rounds = [order[i : i + 3] for i in (0, 3, 6)]
        self.assertCountEqual([each[0] for each in rounds], servers)
        for each in rounds:
            self.assertCountEqual(each, servers)

    def test_flush_now(self):
        """A message that must not wait takes along what waited before it."""
        self.client.sendMessage(UNRELIABLE, b"a")
        self.client.sendMessage(UNRELIABLE, b"b", flush=True)
        self.assertEqual(len(self.sent), 1)

    def test_one_call_later_for_many_messages(self):
        """However many messages are sent in a turn, one delayed call sends them."""
        before = len(self.clock.getDelayedCalls())
        for _ in range(100):
            self.client.sendMessage(UNRELIABLE, b"x")
        self.assertEqual(len(self.clock.getDelayedCalls()), before + 1)

    def test_overflow(self):
        """A queue of reliable messages that grows for ever ends the connection."""
        with self.assertRaises(LocalProtocolError):
            for _ in range(100):
                self.client.sendMessage(RELIABLE, b"x" * 65000)
        self.assertEqual(self.client.count("lost"), 0)
        self.advance(0.1)
        self.assertEqual(self.client.reason(), CloseReason.SEND_QUEUE_OVERFLOW)

    def test_wrong_message(self):
        """A message that cannot be sent is an error, and the connection goes on."""
        self.assertRaises(LocalProtocolError, self.client.sendMessage, 9, b"x")
        too_large = b"x" * 70000
        self.assertRaises(
            LocalProtocolError, self.client.sendMessage, RELIABLE, too_large
        )
        self.client.sendMessage(RELIABLE, b"fine")
        self.advance(0.1)
        self.assertEqual(self.factory.built[0].payloads(), [b"fine"])


class TimerTests(MemoryTestCase):
    """All connections of a factory share one delayed call."""

    def test_one_delayed_call(self):
        """However many connections there are, one delayed call wakes them."""
        self.factory.protocol = Echo
        factory = self.client_factory()
        for _ in range(20):
            self.begin(factory)
        self.advance(1)
        self.assertEqual(len(factory.connections), 20)
        calls = [
            call
            for call in self.clock.getDelayedCalls()
            if "TimerSet" in repr(call.func)
        ]
        self.assertEqual(
            len(calls), 2, "one of the server's factory, one of the client's"
        )

    def test_nothing_is_left_behind(self):
        """When everybody has gone, no delayed call is left."""
        client = self.connect()
        client.loseConnection()
        self.advance(0.1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_received_packets_make_no_delayed_call(self):
        """A burst of packets makes no delayed call but the shared one."""
        client = self.connect()
        (server,) = self.factory.built
        packets = []
        client._peer._carrier.send = packets.extend
        for _ in range(50):
            client.sendMessage(UNRELIABLE, b"x", flush=True)
        made = []
        call_later = self.clock.callLater
        self.clock.callLater = lambda *args: made.append(args) or call_later(*args)
        for packet in packets:
            server._peer.receive(packet)
        self.assertEqual(server.payloads(), [b"x"] * 50)
        self.assertLessEqual(len(made), 1)

    def test_acknowledged_in_time(self):
        """What is received is acknowledged within 40 ms, even if nothing is said."""
        client = self.connect()
        client.sendMessage(RELIABLE, b"x", flush=True)
        self.advance(0.04, step=0.001)
        self.assertEqual(client.count("acked"), 1)


class ConnectTests(MemoryTestCase):
    """`connect` succeeds or says why not."""

    def fail(self, result):
        """Return the error of an attempt."""
        return self.failureResultOf(result, ConnectError).value

    def test_nobody_listens(self):
        """A name under which nobody listens is unreachable."""
        error = (
            super()
            .failureResultOf(self.begin(self.client_factory(), "other"), ConnectError)
            .value
        )
        self.assertIs(error.reason, CloseReason.UNREACHABLE)

    def test_no_answer(self):
        """A server that does not answer times out, and nothing is left behind."""
        factory = self.client_factory()
        result = self.begin(factory)
        self.network._servers["server"].receive = lambda data, address: None
        self.advance(4.9)
        self.assertNoResult(result)
        self.advance(0.2)
        error = self.failureResultOf(result, ConnectError).value
        self.assertIs(error.reason, CloseReason.HANDSHAKE_TIMED_OUT)
        self.assertIn("memory:server: HANDSHAKE_TIMED_OUT", str(error))
        self.assertIn(CloseReason.HANDSHAKE_TIMED_OUT.advice, str(error))
        self.assertEqual(factory.failures, [CloseReason.HANDSHAKE_TIMED_OUT])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_another_protocol(self):
        """A client of another game is told what the server speaks."""
        factory = self.server_factory(protocolSummary="drift, 3 components")
        self.listen(factory, "drift")
        result = self.begin(self.client_factory(protocolHash=b"other..."), "drift")
        self.advance(0.5)
        error = self.failureResultOf(result, ConnectError).value
        self.assertIs(error.reason, CloseReason.PROTOCOL_MISMATCH)
        self.assertEqual(error.detail, "drift, 3 components")
        self.assertEqual(factory.stats().refused, {"PROTOCOL_MISMATCH": 1})

    def test_cancel(self):
        """A cancelled attempt leaves nothing behind, and is no failure."""
        factory = self.client_factory()
        result = self.begin(factory)
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.advance(0.1)
        self.assertEqual(factory.failures, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.advance(1)
        self.assertEqual(self.factory.built, [])

    def test_cancel_too_late(self):
        """Cancelling what has succeeded changes nothing."""
        client = self.connect()
        self.assertEqual(client.count("lost"), 0)

    def test_the_deferred_fires_after_connection_made(self):
        """Whoever waits for `connect` finds the protocol connected."""
        result = self.begin(self.client_factory())
        seen = []
        result.addCallback(lambda protocol: seen.append(list(protocol.happened)))
        self.advance(0.5)
        self.assertEqual(seen, [[("made",)]])

    def test_broken_factory(self):
        """An exception in `clientConnectionFailed` does not hide the failure."""
        factory = self.client_factory(protocolHash=b"other...")
        factory.clientConnectionFailed = lambda reason, detail: 1 / 0
        result = self.begin(factory)
        self.advance(0.5)
        self.failureResultOf(result, ConnectError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_broken_client(self):
        """An exception in the client's `connectionMade` fails the attempt."""

        class Broken(GameProtocol):
            def connectionMade(self):
                raise ZeroDivisionError

        factory = self.client_factory()
        factory.protocol = Broken
        result = self.begin(factory)
        self.advance(0.5)
        error = self.failureResultOf(result, ConnectError).value
        self.assertIs(error.reason, CloseReason.INTERNAL_ERROR)
        self.flushLoggedErrors(ZeroDivisionError)


class StopTests(MemoryTestCase):
    """A listener that stops tells its peers why they have to leave."""

    def test_stop(self):
        """Peers are told, nobody gets in any more, and the name is free again."""
        client = self.connect()
        self.successResultOf(self.listening.stop(detail="back at nine"))
        self.advance(0.1)
        self.assertEqual(
            client.happened[-1], ("lost", CloseReason.SERVER_SHUTDOWN, "back at nine")
        )
        self.assertEqual(self.factory.built[0].count("lost"), 1)
        self.failureResultOf(self.begin(self.client_factory()), ConnectError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.successResultOf(self.listening.stop())
        self.listen(self.factory)

    def test_stop_one_of_two(self):
        """Stopping one listener leaves the peers of another alone."""
        second = self.listen(self.factory, "second")
        first = self.connect()
        result = self.begin(self.client_factory(), "second")
        self.advance(0.5)
        other = self.successResultOf(result)
        second.stop()
        self.advance(0.1)
        self.assertEqual((first.count("lost"), other.count("lost")), (0, 1))

    def test_close_all(self):
        """`closeAll` ends every connection of a factory."""
        clients = [self.connect() for _ in range(3)]
        self.factory.closeAll(detail="the end")
        self.assertEqual([s.count("lost") for s in self.factory.built], [1, 1, 1])
        self.advance(0.1)
        for client in clients:
            self.assertEqual(
                client.happened[-1], ("lost", CloseReason.SERVER_SHUTDOWN, "the end")
            )

    def test_close_all_in_a_callback(self):
        """`closeAll` may be called from a callback of one of the connections."""
        factory = self.factory

        class Bomb(Recorder):
            def messageReceived(self, channel, payload):
                factory.closeAll()

        factory.protocol = Bomb
        clients = [self.connect() for _ in range(3)]
        clients[1].sendMessage(RELIABLE, b"x")
        self.advance(0.2)
        for protocol in [*clients, *factory.built]:
            self.assertEqual(protocol.reason(), CloseReason.SERVER_SHUTDOWN)


class StatsTests(MemoryTestCase):
    """A factory counts over all its connections, past and present."""

    def test_counts(self):
        """Packets and bytes of ended connections stay counted."""
        client = self.connect(self.client_factory(config=ConnectionConfig()))
        client.sendMessage(RELIABLE, b"x" * 1000)
        self.advance(0.1)
        before = self.factory.stats()
        self.assertEqual((before.accepted, before.connections), (1, 1))
        self.assertGreater(before.bytes_received, 1000)
        self.assertGreater(before.packets_sent, 0)
        client.loseConnection()
        self.advance(0.1)
        after = self.factory.stats()
        self.assertEqual((after.accepted, after.connections), (1, 0))
        self.assertGreaterEqual(after.bytes_received, before.bytes_received)
        self.assertEqual(after.closed, {"NORMAL": 1})
