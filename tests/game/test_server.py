# SPDX-License-Identifier: MIT
"""Tests of the authoritative server, played in simulated time."""

from __future__ import annotations

from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectionConfig
from gamenet.errors import CloseReason, ConfigError, LocalProtocolError
from gamenet.game import GameServer
from gamenet.prediction import Frame, InputCodec
from gamenet.testing import Clock, Stepper
from gamenet.transport import Impairment
from tests.game.games import Marker, Meadow, Place, Push, Say, Wave
from tests.game.harbour import Harbour, Splash
from tests.transport.recorders import go_dark, light_up

CONTROL, SNAPSHOTS, INPUTS = 0, 1, 2


class MatchTests(SynchronousTestCase):
    """Players come, act, talk and go."""

    def setUp(self) -> None:
        """Play a match of two."""
        self.stepper = Stepper.of(Meadow, n_clients=2, seed=5)
        self.server = self.stepper.server
        self.game = self.server.game
        self.one, self.two = self.stepper.clients

    def test_hooks_in_order(self) -> None:
        """The world is filled before anybody joins, and ticks count from one."""
        hooks = [call[0] for call in self.game.calls]
        self.assertEqual(hooks[0], "started")
        self.assertEqual(
            self.game.heard("player_joined"),
            [("player_joined", 1, "player 1"), ("player_joined", 2, "player 2")],
        )
        ticks = [tick for _, tick in self.game.heard("step")]
        self.assertEqual(ticks, list(range(1, len(ticks) + 1)))

    def test_everybody_sees_everybody(self) -> None:
        """Each client has every player's entity where the server has it."""
        self.stepper.tick(2)
        for client in self.stepper.clients:
            for player in self.server.players.values():
                self.assertEqual(client.world[player.avatar, Place].x, player.id)
                row = client.world.row_of(player.avatar)
                self.assertEqual(client.world.owner[row], player.id)
            self.assertEqual(client.players, {1: "player 1", 2: "player 2"})

    def test_input_moves(self) -> None:
        """An input reaches the game once, before its step, and all see the result."""
        self.one.send_input(Push(x=20))
        self.stepper.until(lambda: self.game.heard("input_received"))
        self.stepper.tick(20)
        avatar = self.server.players[self.one.player_id].avatar
        self.assertEqual(
            self.game.heard("input_received"),
            [
                ("input_received", self.one.player_id, Push(x=20)),
            ],
        )
        expected = self.one.player_id + 20
        self.assertEqual(self.two.world[avatar, Place].x, expected)

    def test_inputs_do_not_speed_up(self) -> None:
        """Of many inputs at once, one of a kind is taken in a tick, few others kept."""
        self.stepper.tick(2)
        for _ in range(50):
            self.one.send_input(Push(x=1))
            self.one.send_input(Wave(hand=1))
        self.stepper.until(lambda: self.game.heard("input_received"))
        self.stepper.tick(30)
        self.assertGreaterEqual(len(self.game.heard("input_received")), 2)
        self.assertLessEqual(len(self.game.heard("input_received")), 8 + 2)

    def test_messages_both_ways(self) -> None:
        """A message reaches the game, and a broadcast reaches all, in order."""
        heard: list[object] = []
        self.two.on_message = heard.append
        for i in range(5):
            self.one.send(Say(words=f"{i}"))
        self.stepper.tick(3)
        self.assertEqual(heard, [Say(words=f"{i}") for i in range(5)])
        self.assertEqual(len(self.game.heard("message_received")), 5)

    def test_spawn_despawn_reshape(self) -> None:
        """Clients follow who exists and what they are made of."""
        entity = self.game.world.spawn(Place(x=7))
        self.stepper.tick(2)
        self.assertEqual(self.one.world[entity, Place].x, 7)
        self.game.world.add(entity, Marker(number=9))
        self.stepper.tick(2)
        self.assertEqual(self.one.world[entity, Marker].number, 9)
        self.game.world.remove(entity, Marker)
        self.stepper.tick(2)
        self.assertFalse(self.one.world.has(entity, Marker))
        gone: list[int] = []
        self.one.on_despawned = gone.append
        self.game.world.despawn(entity)
        self.stepper.tick(2)
        self.assertNotIn(entity, self.one.world)
        self.assertEqual(gone, [entity])

    def test_late_joiner(self) -> None:
        """Who joins late has the whole state with the first snapshot."""
        for i in range(100):
            self.game.world.spawn(Place(x=i), Marker(number=i))
        self.stepper.tick(10)
        late = self.stepper.join("late")
        self.stepper.tick(2)
        self.assertEqual(len(late.world), len(self.game.world))
        self.assertEqual(late.players[1], "player 1")

    def test_leaving(self) -> None:
        """Who leaves takes the avatar along, and the others are told."""
        went: list[tuple[int, str]] = []
        self.two.on_player_exited = lambda number, name: went.append((number, name))
        self.one.close()
        self.stepper.tick(3)
        self.assertEqual(went, [(1, "player 1")])
        self.assertEqual(
            self.game.heard("player_left"), [("player_left", 1, CloseReason.NORMAL)]
        )
        self.assertEqual(len(self.two.world), 1)
        self.assertEqual(self.server.stats()["players"], 1)

    def test_kick(self) -> None:
        """A kicked player is told why."""
        closed: list[tuple[CloseReason, str]] = []
        self.one.on_closed = lambda reason, detail: closed.append((reason, detail))
        self.server.players[1].kick("manners")
        self.stepper.tick(3)
        self.assertEqual(closed, [(CloseReason.KICKED, "manners")])
        self.assertNotIn(1, self.server.players)

    def test_stop_tells_everybody(self) -> None:
        """Stopping ends every connection with its reason, once, and ends the game."""
        closed: list[CloseReason] = []
        for client in self.stepper.clients:
            client.on_closed = lambda reason, detail: closed.append(reason)
        self.server.stop()
        self.server.stop()
        self.stepper.clock.advance(1)
        self.assertEqual(closed, [CloseReason.SERVER_SHUTDOWN] * 2)
        self.assertEqual(len(self.game.heard("stopped")), 1)
        self.assertFalse(self.server.ticker.is_running)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_full(self) -> None:
        """More players than the game has places are refused with that reason."""
        self.stepper.join("three")
        self.stepper.join("four")
        failed = self.failureResultOf(self._connecting())
        self.assertEqual(failed.value.reason, CloseReason.SERVER_FULL)
        self.assertEqual(len(self.server.players), 4)

    def _connecting(self):
        client = self.stepper.begin_joining("five")
        self.stepper.tick(10)
        return client._joining.deferred


class HookErrorTests(SynchronousTestCase):
    """A game's mistakes are its own: the server goes on."""

    def test_each_hook(self) -> None:
        """An exception in any hook is logged and counted, and the match goes on."""
        for hook in (
            "player_joined",
            "input_received",
            "message_received",
            "step",
            "player_dropped",
            "player_resumed",
            "player_left",
        ):
            stepper = Stepper.of(Meadow, n_clients=2, seed=1)
            stepper.server.game.broken.add(hook)
            stepper.join("third")
            one = stepper.clients[0]
            one.send_input(Push(x=1))
            one.send(Say(words="hi"))
            stepper.tick(3)
            go_dark(stepper.network)
            stepper.tick(160)
            light_up(stepper.network)
            stepper.tick(90)
            one.close()
            stepper.tick(3)
            errors = self.flushLoggedErrors(RuntimeError)
            self.assertGreaterEqual(len(errors), 1, hook)
            n_errors = stepper.server.stats()["hook_errors"]
            self.assertGreaterEqual(n_errors, len(errors), hook)
            before = stepper.server.game.tick
            stepper.tick(5)
            self.assertEqual(stepper.server.game.tick, before + 5)
            self.flushLoggedErrors(RuntimeError)

    def test_report(self) -> None:
        """The log names the hook and the player, once a second and not each time."""
        stepper = Stepper.of(Meadow, n_clients=1, seed=1)
        game = stepper.server.game
        game.broken.add("input_received")
        reports: list[str] = []
        globalLogPublisher.addObserver(
            observer := lambda event: reports.append(formatEvent(event))
        )
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        client = stepper.clients[0]
        stepper.tick(60, lambda: client.send_input(Push(x=1)))
        self.flushLoggedErrors(RuntimeError)
        raised = [text for text in reports if "raised" in text]
        self.assertEqual(len(raised), 2)
        self.assertIn("input_received raised for <Player 1 'player 1'>", raised[0])
        self.assertGreater(stepper.server.stats()["hook_errors"], 50)


class LogTests(SynchronousTestCase):
    """What players do is in the log, but they cannot flood it."""

    def setUp(self) -> None:
        """Play a match of one, and read the log."""
        self.lines: list[str] = []
        globalLogPublisher.addObserver(
            observer := lambda event: self.lines.append(formatEvent(event))
        )
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.stepper = Stepper.of(Meadow, n_clients=1, seed=1)
        self.server = self.stepper.server
        (self.player,) = self.server.players.values()

    def test_lines(self) -> None:
        """Each line says who it is, and what happened."""
        self.server.drop(self.player, CloseReason.TIMED_OUT)
        self.server.resume(self.player)
        self.assertEqual(
            [line.partition("> ")[2] for line in self.lines if "Player 1" in line],
            [
                f"joined over memory from {self.player.address}",
                "is away: TIMED_OUT",
                f"is back over memory from {self.player.address}",
            ],
        )

    def test_many(self) -> None:
        """A player whose link comes and goes fills no disk."""
        for _ in range(50):
            self.server.drop(self.player, CloseReason.TIMED_OUT)
            self.server.resume(self.player)
        self.assertLess(len(self.lines), 15)
        self.stepper.tick(60)
        self.server.drop(self.player, CloseReason.TIMED_OUT)
        self.assertIn("is away: TIMED_OUT (held back before this: ", self.lines[-1])

    def test_last_words(self) -> None:
        """What a player says on leaving stays within its line."""
        self.server.leave(self.player, CloseReason.NORMAL, "\x1b[2Jbye\nroot joined")
        self.assertTrue(self.lines[-1].endswith("left: NORMAL [2Jbye root joined"))


class OrderTests(SynchronousTestCase):
    """What is told in a tick comes in an order that makes sense."""

    def setUp(self) -> None:
        """Play a match of two."""
        self.stepper = Stepper.of(Meadow, n_clients=2, seed=6)
        self.server = self.stepper.server
        self.client = self.stepper.clients[0]

    def test_events_after_spawns(self) -> None:
        """An event may speak of an entity that spawned in the same tick."""
        stepper = Stepper.of(Harbour, n_clients=1, seed=6)
        (client,) = stepper.clients
        known: list[bool] = []
        client.on_event = lambda event, _: known.append(event.ship in client.world)
        for _ in range(20):
            entity = stepper.server.world.spawn(Place(x=1))
            stepper.server.game.emit(Splash(ship=entity))
            stepper.tick()
        stepper.tick(3)
        self.assertEqual(known, [True] * 20)

    def test_events_without_what_they_name(self) -> None:
        """Events are never early, although snapshots are late and reordered."""
        jitter = Impairment(latency=0.02, jitter=0.1, seed=1)
        stepper = Stepper.of(Harbour, n_clients=1, seed=6, down=jitter)
        (client,) = stepper.clients
        heard: list[tuple[int, int]] = []
        client.on_event = lambda event, tick: heard.append((tick, client.tick))
        for _ in range(50):
            stepper.server.game.emit(Splash(ship=0))
            stepper.tick()
        stepper.tick(10)
        self.assertEqual(len(heard), 50)
        self.assertTrue(all(tick <= world for tick, world in heard))

    def test_too_large(self) -> None:
        """A message too large is the sender's error, at once, and costs no tick."""
        player = self.server.players[1]
        large = Say(words="x" * 70_000)
        error = self.assertRaises(LocalProtocolError, player.send, large)
        self.assertIn("the limit is 65536", str(error))
        self.assertRaises(LocalProtocolError, self.server.broadcast, large)
        before = self.client.tick
        self.stepper.tick(5)
        self.assertEqual(self.client.tick, before + 5)

    def test_last_words(self) -> None:
        """What was said before a kick arrives before it."""
        heard: list[object] = []
        self.client.on_message = heard.append
        self.client.on_closed = lambda reason, detail: heard.append(reason)
        self.server.players[1].send(Say(words="bye"))
        self.server.players[1].kick()
        self.stepper.tick(3)
        self.assertEqual(heard, [Say(words="bye"), CloseReason.KICKED])

    def test_whole_snapshots(self) -> None:
        """The world is told as new when all parts of a tick are there, once a tick."""
        world = self.server.world
        world.spawn_rows(200, Place(), Marker())
        self.stepper.tick(5)
        seen: list[tuple[int, int]] = []

        def look(tick: int) -> None:
            markers = self.client.world.columns(Marker).number
            rows = self.client.world.query(Marker)
            seen.append((tick, len(set(markers[rows].tolist()))))

        def count_up() -> None:
            # So large a difference in each row that they need several messages.
            rows = world.query(Marker)
            world.columns(Marker).number[:] += 1000
            place = world.columns(Place)
            place.x[rows], place.y[rows] = 400 - place.x[rows], 400 - place.y[rows]
            for columns in (world.columns(Marker), place):
                columns.changed(rows)

        self.client.on_snapshot = look
        n_parts = self.server.replication.n_parts
        self.stepper.tick(10, count_up)
        self.assertGreater(self.server.replication.n_parts - n_parts, 2 * 10)
        self.assertEqual([n_values for _, n_values in seen], [1] * 10)
        ticks = [tick for tick, _ in seen]
        self.assertEqual(ticks, list(range(ticks[0], ticks[0] + 10)))

    def test_nobody_joins_a_stopped_match(self) -> None:
        """After stop nobody comes in, and the Deferred fires when the last has gone."""
        stopped = self.server.stop()
        late = self.stepper.begin_joining("late")
        self.stepper.clock.advance(1)
        self.assertIsNone(self.successResultOf(stopped))
        self.assertIsNone(self.successResultOf(self.server.stop()))
        self.assertFalse(late.is_connected)
        self.failureResultOf(late._joining.deferred)


class HostileTests(SynchronousTestCase):
    """What a player sends is counted, bounded, and never raised."""

    def setUp(self) -> None:
        """Play a match with one player whose bytes we write ourselves."""
        self.stepper = Stepper.of(Meadow, n_clients=2, seed=2)
        self.server = self.stepper.server
        self.link = self.stepper.clients[0]._link

    def test_malformed(self) -> None:
        """Malformed messages are counted; too many of them end the connection."""
        junk = [
            (CONTROL, b""),
            (CONTROL, b"\xff\xff\xff"),
            (CONTROL, b"\x01" + bytes(16)),
            (CONTROL, b"\x10\xff"),
            (SNAPSHOTS, bytes(40)),
            (INPUTS, b""),
            (INPUTS, b"\1\0\0\0\0\0\0\0\1\xff\1\0a"),
        ]
        for i in range(17):
            channel, payload = junk[i % len(junk)]
            self.link.sendMessage(channel, payload)
        self.stepper.tick(4)
        self.assertEqual(self.server.stats()["malformed"], 17)
        self.assertEqual(list(self.server.players), [2])
        self.assertEqual(
            self.server.game.heard("player_left"),
            [("player_left", 1, CloseReason.MALFORMED)],
        )
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_flood_of_inputs(self) -> None:
        """Packets of inputs beyond any honest rate are not even decoded."""
        codec = InputCodec(self.server.protocol.inputs)
        packet = codec.encode([Frame(self.server.game.tick + 1, (Push(x=1),), None)], 1)
        for _ in range(2000):
            self.server.hearing.hear(self.server.players[1], INPUTS, packet)
        self.stepper.tick(2)
        self.assertIn(1, self.server.players)
        self.assertGreater(self.server.stats()["rate_limited"], 1500)

    def test_unknown_message(self) -> None:
        """A message of a newer client is no reason to stumble."""
        self.link.sendMessage(CONTROL, b"\x7f" + b"new")
        self.stepper.tick(3)
        self.assertIn(1, self.server.players)

    def test_flood_of_messages(self) -> None:
        """Who sends more messages in a tick than anybody would is disconnected."""
        for _ in range(250):
            self.stepper.clients[0].send(Say(words="x"))
        self.stepper.tick(60)
        self.assertEqual(list(self.server.players), [1, 2])
        for _ in range(400):
            self.stepper.clients[0].send(Say(words="x"))
        self.stepper.tick(4)
        self.assertEqual(list(self.server.players), [2])
        self.assertEqual(self.server.stats()["rate_limited"], 1)

    def test_names(self) -> None:
        """A name is cut, cleaned, and never empty."""
        stepper = Stepper.of(Meadow, seed=3)
        for name in ("", "a\nb\x07c", "\u202eevil", "é" * 100):
            stepper.join(name)
        names = [player.name for player in stepper.server.players.values()]
        self.assertEqual(names, ["player 1", "a b c", "evil", "é" * 32])


class StartTests(SynchronousTestCase):
    """A game that cannot be served says so at once."""

    def test_bad_games(self) -> None:
        """Wrong lists and numbers are errors that name the game and the value."""
        cases = [
            ({"components": [Push]}, "components"),
            ({"inputs": [Place]}, "inputs"),
            ({"messages": [Say, Say]}, "messages"),
            ({"max_players": 0}, "max_players"),
            ({"tick_rate": 0}, "tick_rate"),
            ({"tick_rate": float("nan")}, "tick_rate"),
            ({"max_entities": 1 << 21}, "max_entities"),
        ]
        for attributes, expected in cases:
            bad = type("Bad", (Meadow,), attributes)
            error = self.assertRaises(ConfigError, GameServer, bad, Clock())
            self.assertIn(expected, str(error))
        small = ConnectionConfig(max_message=1000)
        self.assertRaises(ConfigError, GameServer, Meadow, Clock(), connection=small)
