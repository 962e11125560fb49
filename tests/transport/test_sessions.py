# SPDX-License-Identifier: MIT
"""A connection outlives its links, and keeps its place."""

from __future__ import annotations

from gamenet.errors import CloseReason, ConnectError
from gamenet.transport import Limits
from tests.transport.links import SessionTestCase
from tests.transport.recorders import (
    RELIABLE,
    UNORDERED,
    UNRELIABLE,
    WATCHED,
    Recorder,
    light_up,
)


class ResumeTests(SessionTestCase):
    """A client whose link is lost finds another by itself."""

    def test_resumed(self):
        """Both ends are told, in order, and both have what was said meanwhile."""
        client, server = self.connect_both()
        self.lose_link()
        for protocol in (client, server):
            self.assertEqual(protocol.happened[-1], ("dropped", CloseReason.TIMED_OUT))
        client.sendMessage(RELIABLE, b"up")
        server.sendMessage(RELIABLE, b"down")
        self.find_link()
        for protocol, said in ((client, b"down"), (server, b"up")):
            self.assertEqual(
                self.told(protocol, "made", "dropped", "resumed", "message", "lost"),
                [
                    ("made",),
                    ("dropped", CloseReason.TIMED_OUT),
                    ("resumed", "memory"),
                    ("message", RELIABLE, said),
                ],
            )
        self.assertEqual(len(self.factory.built), 1, "no other protocol is built")
        self.assertEqual(server.peerAddress, f"memory:{self.network._n_clients}")
        stats = self.factory.stats()
        self.assertEqual(stats.dropped_links, {"TIMED_OUT": 1})
        self.assertEqual((stats.resumed, stats.accepted, stats.connections), (1, 1, 1))
        self.assertEqual(client.connection.stats().resumes, 1)

    def test_nothing_lost_nothing_twice(self):
        """Of a thousand messages on their way none is lost, none comes twice."""
        client, server = self.connect_both()
        sent = 0
        for _ in range(3):
            for _ in range(400):
                for protocol in (client, server):
                    protocol.sendMessage(RELIABLE, b"%d" % sent)
                    protocol.sendMessage(UNORDERED, b"%d" % sent)
                sent += 1
                if sent % 20 == 0:
                    self.advance(0.01)
            self.lose_link()
            self.find_link()
        expected = [b"%d" % i for i in range(sent)]
        for protocol in (client, server):
            heard = self.told(protocol, "message")
            self.assertEqual([m for _, c, m in heard if c == RELIABLE], expected)
            unordered = [m for _, c, m in heard if c == UNORDERED]
            self.assertEqual(sorted(unordered, key=int), expected)
            self.assertEqual(protocol.count("acked"), 2 * sent)
            self.assertEqual(protocol.count("resumed"), 3)

    def test_unreliable_is_not_kept(self):
        """What is unreliable is stale after a while, and is not sent any more."""
        client, server = self.connect_both()
        self.lose_link()
        client.sendMessage(UNRELIABLE, b"stale")
        watched = client.sendMessage(WATCHED, b"stale")
        self.advance(0.1)
        self.assertIn(("missed", watched), client.happened)
        self.find_link()
        client.sendMessage(UNRELIABLE, b"fresh")
        self.advance(0.1)
        self.assertEqual(server.payloads(), [b"fresh"])

    def test_a_short_silence(self):
        """A link that was only silent is the same link again."""
        client, server = self.connect_both()
        send = client._peer._carrier.send
        client._peer._carrier.send = lambda packets: None
        self.advance(5.0)
        self.assertEqual(server.happened[-1], ("dropped", CloseReason.TIMED_OUT))
        self.assertEqual(client.count("dropped"), 0)
        client._peer._carrier.send = send
        self.advance(0.3)
        self.assertEqual(server.happened[-1], ("resumed", "memory"))
        client.sendMessage(RELIABLE, b"here")
        server.sendMessage(RELIABLE, b"there")
        self.advance(0.5)
        self.assertEqual(server.payloads(), [b"here"])
        self.assertEqual(client.payloads(), [b"there"])
        self.assertEqual(client.count("dropped"), 0)

    def test_client_comes_first(self):
        """A client may resume before the server has noticed that it was away."""
        client, server = self.connect_both()
        client._peer.unreachable("the cable is out")
        self.assertEqual(client.count("dropped"), 0, "not inside a call")
        self.clock.advance(0)
        self.assertEqual(client.happened[-1], ("dropped", CloseReason.UNREACHABLE))
        self.assertEqual(server.count("dropped"), 0)
        self.advance(2)
        self.assertEqual(client.happened[-1], ("resumed", "memory"))
        self.assertEqual(
            server.happened[1:],
            [("dropped", CloseReason.LINK_LOST), ("resumed", "memory")],
        )

    def test_refused_attempts(self):
        """A ticket that is refused is no end: the next attempt tries another one."""
        client, server = self.connect_both()
        server.connection.session.spend(2)
        client._peer.unreachable("the cable is out")
        self.advance(5)
        self.assertEqual(self.factory.stats().refused, {"TOKEN_USED": 1})
        self.assertEqual(client.happened[-1], ("resumed", "memory"))

    def test_no_ticket_is_good(self):
        """When every ticket was refused, it is over."""
        client, server = self.connect_both()
        for generation in (1, 2):
            server.connection.session.spend(generation)
        client._peer.unreachable("the cable is out")
        self.advance(5)
        self.assertIs(client.reason(), CloseReason.TOKEN_USED)

    def test_lost_while_away(self):
        """A carrier that is lost while no attempt is made has one made."""
        client, _ = self.connect_both()
        self.lose_link()
        dialer = client._peer._owner
        light_up(self.network)
        dialer._stop_dialling()
        client.connection.abandon()
        client._peer.lost(CloseReason.LINK_LOST, "")
        self.advance(5)
        self.assertEqual(client.happened[-1], ("resumed", "memory"))

    def test_banned(self):
        """Who was banned meanwhile does not come back, and is told."""
        client, _ = self.connect_both()
        self.lose_link()
        self.factory.reasonAgainst = lambda pass_: CloseReason.KICKED
        self.find_link()
        self.assertIs(client.reason(), CloseReason.KICKED)

    def test_the_game_closes_while_away(self):
        """A protocol may end what is dropped; the other end finds it gone."""
        client, server = self.connect_both()
        self.lose_link()
        server.loseConnection(CloseReason.KICKED, "enough")
        self.advance(0.1)
        self.assertEqual(server.happened[-1], ("lost", CloseReason.KICKED, "enough"))
        self.find_link()
        self.assertIs(client.reason(), CloseReason.KICKED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_gone(self):
        """Who was not sent away learns no more than that the session is over."""
        client, server = self.connect_both()
        self.lose_link()
        server.loseConnection(CloseReason.NORMAL)
        self.find_link()
        self.assertIs(client.reason(), CloseReason.SESSION_GONE)

    def test_endings(self):
        """Why sessions ended is not remembered for ever."""
        for number in range(600):
            session = number.to_bytes(16, "little")
            self.factory.sessions[session] = None
            self.factory.endSession(session, CloseReason.KICKED)
        self.assertEqual(len(self.factory.endings), 256)
        self.assertIn((599).to_bytes(16, "little"), self.factory.endings)

    def test_the_client_closes_while_away(self):
        """A client that gives up leaves nothing behind, and the server in time."""
        client, server = self.connect_both()
        self.lose_link()
        client.loseConnection()
        self.advance(0.1)
        self.assertIs(client.reason(), CloseReason.NORMAL)
        light_up(self.network)
        self.advance(31, step=0.1)
        self.assertIs(server.reason(), CloseReason.TIMED_OUT)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_callbacks_may_close(self):
        """A protocol may end the connection in any of the callbacks."""

        class Strict(Recorder):
            def connectionDropped(self, reason):
                super().connectionDropped(reason)
                self.loseConnection(CloseReason.KICKED)

        self.factory.protocol = Strict
        _, server = self.connect_both()
        self.lose_link()
        self.assertIs(server.reason(), CloseReason.KICKED)
        self.assertEqual(len(self.factory.admission), 0)

    def test_callbacks_that_raise(self):
        """An exception in either callback ends that connection alone."""
        for callback in ("connectionDropped", "connectionResumed"):

            def broken(self, *arguments):
                raise ZeroDivisionError

            self.factory.protocol = type("Broken", (Recorder,), {callback: broken})
            _, server = self.connect_both()
            self.lose_link()
            self.find_link()
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertIs(server.reason(), CloseReason.INTERNAL_ERROR)
        self.assertEqual(self.factory.stats().callback_errors, 2)
        server = self.network._servers["server"]
        self.assertEqual((server._by_id, server._by_address), ({}, {}))


class FullTests(SessionTestCase):
    """A session keeps its place."""

    def serve(self, **limits):
        """Listen with other limits."""
        self.successResultOf(self.listening.stop())
        self.factory = self.server_factory(limits=Limits(**limits))
        self.listening = self.listen(self.factory)

    def test_full(self):
        """On a server that is full one may resume, and nobody else may come."""
        self.serve(max_connections=2)
        client, _ = self.connect_both()
        self.connect_both()
        self.lose_link()
        light_up(self.network)
        late = self.begin(self.client_factory())
        self.advance(5)
        error = self.failureResultOf(late, ConnectError).value
        self.assertIs(error.reason, CloseReason.SERVER_FULL)
        self.assertEqual(client.happened[-1], ("resumed", "memory"))
        self.assertEqual(len(self.factory.admission), 2)

    def test_too_many_from_one_address(self):
        """Nor does it count against its address twice."""
        self.serve(max_per_address=1)
        client, _ = self.connect_both()
        self.lose_link()
        self.find_link()
        self.assertEqual(client.happened[-1], ("resumed", "memory"))
        self.assertEqual(self.factory.admission._by_host, {"memory": 1})

    def test_memory(self):
        """When all have gone, nothing of them is kept, however they went."""
        clients = [self.connect_both()[0] for _ in range(4)]
        for _ in range(3):
            self.lose_link()
            self.find_link()
        clients[0].loseConnection()
        self.factory.built[1].loseConnection()
        self.advance(0.5)
        self.lose_link()
        clients[2].loseConnection()
        self.advance(31, step=0.1)
        server = self.network._dark["server"]
        self.assertEqual([each.count("lost") for each in clients], [1, 1, 1, 1])
        self.assertEqual(server._by_id, {})
        self.assertEqual(server._by_address, {})
        self.assertEqual(self.factory.sessions, {})
        self.assertEqual(list(self.factory.peers), [])
        self.assertEqual(self.factory.slots._by_holder, {})
        self.assertEqual(len(self.factory.admission), 0)
        self.assertEqual(dict(self.factory.admission._by_host), {})
        self.assertEqual(self.factory.places, {})
        self.assertEqual(self.network._clients, {})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_slots(self):
        """A place has a number, which is free again when its holder has gone."""
        first, _ = self.connect_both()
        self.connect_both()
        self.assertEqual(self.factory.slots.preview(), 2)
        self.lose_link()
        self.assertEqual(self.factory.slots.preview(), 2)
        self.find_link()
        first.loseConnection()
        self.advance(0.1)
        self.assertEqual(self.factory.slots.preview(), 0)
