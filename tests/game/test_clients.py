# SPDX-License-Identifier: MIT
"""Tests of the facades: the reactor's client and the polled one."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ServerAddress, issue_token
from gamenet.errors import (
    CloseReason,
    ConnectError,
    LocalProtocolError,
    RemoteProtocolError,
)
from gamenet.game import GameClient, PolledClient
from gamenet.testing import Clock, Stepper
from gamenet.transport import Impairment
from tests.game.games import Meadow, Place, Push, Say

ADDRESS = "memory:match"
CONTROL, SNAPSHOTS = 0, 1
TOKEN = issue_token(
    bytes(32),
    protocol_id=1,
    client_id=1,
    addresses=[ServerAddress("127.0.0.1", 9)],
    timeout=5,
    expires_in=30,
    user_data=b"",
    unix_now=0,
    random_bytes=bytes,
)


class JoiningTests(SynchronousTestCase):
    """One Deferred tells how joining went."""

    def setUp(self) -> None:
        """Serve a match without players."""
        self.stepper = Stepper.of(Meadow, seed=1)

    def _client(self, game: type[Meadow] | None = Meadow) -> GameClient:
        return GameClient(self.stepper.clock, game, "ada")

    def test_joined(self) -> None:
        """The Deferred fires with the client once the world is there."""
        client = self._client()
        joined = client.connect(ADDRESS, memory=self.stepper.network)
        self.assertNoResult(joined)
        self.assertRaises(LocalProtocolError, lambda: client.world)
        self.assertRaises(LocalProtocolError, client.send_input, Push(x=1))
        self.stepper.tick(4)
        self.assertIs(self.successResultOf(joined), client)
        self.assertEqual(client.player_id, 1)
        self.assertTrue(client.is_connected)
        self.assertGreater(client.stats().rtt, 0)

    def test_learns_the_game(self) -> None:
        """A client without the game's class learns it, and can play."""
        client = self._client(None)
        joined = client.connect(ADDRESS, memory=self.stepper.network)
        self.stepper.tick(4)
        self.successResultOf(joined)
        protocol = client.match.protocol
        assert protocol is not None
        push = protocol.inputs[0](x=7)
        client.send_input(push)
        self.stepper.tick(2)
        avatar = self.stepper.server.players[1].avatar
        self.assertEqual(client.world[avatar, protocol.components[0]].x, 8)

    def test_mismatch(self) -> None:
        """Another game is refused, and the error names what differs."""
        other = type("Other", (Meadow,), {"inputs": [Push]})
        client = self._client(other)
        joined = client.connect(ADDRESS, memory=self.stepper.network)
        self.stepper.tick(4)
        error = self.failureResultOf(joined, ConnectError).value
        self.assertEqual(error.reason, CloseReason.PROTOCOL_MISMATCH)
        self.assertIn("unknown here: input Wave", str(error))
        self.assertEqual(self.stepper.server.players, {})

    def test_cancel(self) -> None:
        """A cancelled join leaves nothing behind, whenever it is cancelled."""
        for n_ticks in (0, 1, 2):
            client = self._client()
            joined = client.connect(ADDRESS, memory=self.stepper.network)
            self.stepper.tick(n_ticks)
            joined.cancel()
            if n_ticks < 2 and not client.player_id:
                self.failureResultOf(joined, CancelledError, ConnectError)
            client.close()
            self.stepper.tick(400)
            self.assertEqual(self.stepper.server.players, {})

    def test_nobody_there(self) -> None:
        """Where nobody listens the error says so."""
        client = self._client()
        joined = client.connect("memory:elsewhere", memory=self.stepper.network)
        error = self.failureResultOf(joined, ConnectError).value
        self.assertEqual(error.reason, CloseReason.UNREACHABLE)

    def test_no_token(self) -> None:
        """Without a token the error says where they are to be had."""
        client = self._client()
        joined = client.connect("udp:127.0.0.1:9")
        error = self.failureResultOf(joined, ConnectError).value
        self.assertEqual(error.reason, CloseReason.NO_TOKEN)
        self.assertIn("Join by its web address", str(error))

    def test_bad_token(self) -> None:
        """Bytes that are no token are an error, told by the Deferred."""
        client = self._client()
        joined = client.connect("udp:127.0.0.1:9", token=b"nonsense")
        self.failureResultOf(joined, RemoteProtocolError)

    def test_name(self) -> None:
        """The name that a player wishes travels in the token."""
        self.stepper.join("Grace")
        (player,) = self.stepper.server.players.values()
        self.assertEqual(player.name, "Grace")

    def test_silence(self) -> None:
        """A network that loses everything ends in a time-out, not in waiting."""
        stepper = Stepper.of(Meadow, seed=1, up=Impairment(loss=1.0, seed=1))
        client = GameClient(stepper.clock, Meadow)
        joined = client.connect(ADDRESS, memory=stepper.network)
        stepper.tick(30 * 6)
        error = self.failureResultOf(joined, ConnectError).value
        self.assertEqual(error.reason, CloseReason.HANDSHAKE_TIMED_OUT)
        self.assertEqual(stepper.clock.getDelayedCalls()[1:], [])

    def test_close_while_connecting(self) -> None:
        """Leaving before the handshake is done gives it up."""
        client = self._client()
        joined = client.connect(ADDRESS, memory=self.stepper.network)
        client.close()
        self.failureResultOf(joined)
        self.stepper.tick(10)
        self.assertFalse(client.is_connected)
        self.assertEqual(self.stepper.server.players, {})

    def test_broken_hooks(self) -> None:
        """An author's mistake is logged by name; the match goes on, and ends well."""
        client = self.stepper.join("ada")

        def broken(*arguments: object) -> None:
            msg = "mine"
            raise RuntimeError(msg)

        client.on_snapshot = client.on_closed = broken
        self.stepper.tick(5)
        self.assertTrue(client.is_connected)
        left = client.close()
        self.stepper.tick(3)
        self.assertIsNone(self.successResultOf(left))
        self.assertGreaterEqual(len(self.flushLoggedErrors(RuntimeError)), 4)

    def test_ticks_of_an_empty_world(self) -> None:
        """Time goes on where nothing lives, and a client begins at the right tick."""
        self.stepper.tick(100)
        client = self.stepper.join("ada")
        self.assertGreaterEqual(client.tick, 100)
        self.stepper.server.world.despawn_rows(self.stepper.server.world.query())
        before = client.tick
        self.stepper.tick(10)
        self.assertGreaterEqual(client.tick, before + 9)

    def test_close(self) -> None:
        """Leaving is over when the server was told."""
        client = self.stepper.join("ada")
        first, second = client.close(), client.close()
        self.assertNoResult(first)
        self.stepper.tick(3)
        self.assertIsNone(self.successResultOf(first))
        self.assertIsNone(self.successResultOf(second))
        self.assertIsNone(self.successResultOf(client.close()))
        self.assertEqual(self.stepper.server.players, {})

    def test_once_only(self) -> None:
        """A client is for one match."""
        client = self._client()
        client.connect(ADDRESS, memory=self.stepper.network)
        self.assertRaises(LocalProtocolError, client.connect, ADDRESS)
        self.stepper.tick(4)


class HostileServerTests(SynchronousTestCase):
    """What a server sends costs a client a counted error, never its world."""

    def setUp(self) -> None:
        """Play a match of one."""
        self.stepper = Stepper.of(Meadow, n_clients=1, seed=4)
        self.stepper.tick(2)
        self.client = self.stepper.clients[0]

    def test_snapshots(self) -> None:
        """Malformed snapshots are counted, and the world stays."""
        player = self.stepper.server.players[1]
        before = self.client.world[player.avatar, Place].x
        for payload in (b"", bytes(5), bytes(60), b"\xff" * 80):
            player.send_bytes(SNAPSHOTS, payload)
        self.stepper.tick(3)
        self.assertEqual(self.client.errors, 4)
        self.assertTrue(self.client.is_connected)
        self.assertEqual(self.client.world[player.avatar, Place].x, before)

    def test_control(self) -> None:
        """A malformed reliable message ends the connection, with its reason."""
        closed: list[CloseReason] = []
        self.client.on_closed = lambda reason, detail: closed.append(reason)
        self.stepper.server.players[1].send_bytes(CONTROL, b"\x04\xff")
        self.stepper.tick(3)
        self.assertEqual(self.client.errors, 1)
        self.assertEqual(closed, [CloseReason.MALFORMED])


class PolledClientTests(SynchronousTestCase):
    """The polled client, as far as it goes without a server."""

    def test_before_joining(self) -> None:
        """Before it has joined it says what is missing."""
        client = PolledClient(Meadow, "ada")
        self.assertEqual(client.poll(), [])
        self.assertFalse(client.is_joined)
        self.assertRaises(LocalProtocolError, lambda: client.world)
        self.assertRaises(LocalProtocolError, client.send_input, Push(x=1))
        self.assertRaises(LocalProtocolError, client.send, Say(words="x"))

    def test_nobody_there(self) -> None:
        """Where nobody listens, `Closed` tells so in time."""
        clock = Clock()
        client = PolledClient(Meadow, seconds=clock.seconds)
        client.connect("udp:127.0.0.1:9", token=TOKEN)
        events: list[object] = []
        for _ in range(100):
            events += client.poll()
            clock.advance(0.1)
        self.assertEqual(len(events), 1)
        self.assertTrue(client.is_closed)
        self.assertEqual(client.poll(), [])
