# SPDX-License-Identifier: MIT
"""Tests of clients that write what is theirs, and of what becomes of it."""

from __future__ import annotations

from typing import Any

from gamenet.errors import LocalProtocolError, StaleEntityError
from gamenet.game import Component, EntityId, Player, Refusal
from gamenet.game.messages import WriteRefused, Written
from gamenet.game.protocol import CONTROL
from tests.game.games import Marker, Place, Say
from tests.game.harbour import Harbour, HarbourTestCase, Helm, rough


class Listening(Harbour):
    """Writes down which writes were refused."""

    def started(self) -> None:
        self.refused: list[tuple[int, int, type[Component], Refusal]] = []

    def write_refused(
        self, player: Player, row: int, component: type[Component], refusal: Refusal
    ) -> None:
        self.refused.append((player.id, row, component, refusal))


class WritingTests(HarbourTestCase):
    """An owner's client writes a component; others do not."""

    game = Listening

    def setUp(self) -> None:
        super().setUp()
        self.ship = self.ships[1]
        self.told: list[tuple[EntityId, type[Component], int]] = []
        self.one.on_write_refused = lambda *refused: self.told.append(refused)

    def written(self, entity: EntityId, **changes: Any) -> None:
        """Have the first client send a write, as a client of another make might."""
        write = Written(
            row=self.world.row_of(entity),
            generation=int(entity) >> 32,
            component=self.one.world.components.index(Helm),
            tick=self.one.tick,
            body=Helm(angle=5).encode(),
        )
        for name, value in changes.items():
            setattr(write, name, value)
        packet = self.server.protocol.registry.encode(write)
        self.one._link.sendMessage(CONTROL, packet)
        self.tick()

    def test_taken(self) -> None:
        """It shows at once, then at the server, then everywhere."""
        self.one.write(self.ship, Helm(angle=7))
        self.assertEqual(self.one.world[self.ship, Helm].angle, 7)
        self.assertEqual(self.world[self.ship, Helm].angle, 0)
        self.tick()
        self.assertEqual(self.world[self.ship, Helm].angle, 7)
        self.assertEqual(self.two.world[self.ship, Helm].angle, 7)
        self.assertEqual(self.one.world[self.ship, Helm].angle, 7)
        stats = self.server.stats()
        self.assertEqual((stats["writes"], stats["writes_refused"]), (1, {}))
        self.assertEqual((self.told, self.server.game.refused), ([], []))

    def test_many(self) -> None:
        """A write in each tick is taken in each tick."""
        for angle in range(1, 61):
            self.one.write(self.ship, Helm(angle=angle))
            self.stepper.tick()
        self.tick()
        self.assertEqual(self.server.stats()["writes"], 60)
        self.assertEqual(self.two.world[self.ship, Helm].angle, 60)

    def test_known_to_be_wrong(self) -> None:
        """What would be refused for certain is not even sent."""
        other, gone = self.ships[2], self.world.spawn(Helm())
        self.tick()
        self.world.despawn(gone)
        self.tick()
        for entity, component in (
            (other, Helm()),
            (self.ship, Place()),
            (self.ship, Marker()),
            (self.ship, Helm(angle=99_999)),
        ):
            self.assertRaises(LocalProtocolError, self.one.write, entity, component)
        self.assertRaises(StaleEntityError, self.one.write, gone, Helm())
        self.assertEqual(self.one.world[self.ship, Helm].angle, 0)
        late = self.stepper.begin_joining("late")
        self.assertRaises(LocalProtocolError, late.write, self.ship, Helm())
        self.tick(10)
        self.assertEqual(self.server.stats()["writes_refused"], {})

    def test_each_reason(self) -> None:
        """Each reason reaches the game, the client, and the statistics."""
        self.world.add(self.ship, Marker())
        bare = self.world.spawn(Place(), owner=1)
        self.tick()
        self.written(self.ships[2])
        self.written(self.ship, component=0, body=Place().encode())
        self.written(bare)
        self.written(self.ship, generation=9)
        self.written(self.ship, body=b"")
        self.written(self.ship, tick=self.one.tick + 1000)
        row, bare_row = self.world.row_of(self.ship), self.world.row_of(bare)
        expected = [
            (1, self.world.row_of(self.ships[2]), Helm, Refusal.NOT_YOURS),
            (1, row, Place, Refusal.NOT_WRITABLE),
            (1, bare_row, Helm, Refusal.NO_SUCH),
            (1, row, Helm, Refusal.NO_SUCH),
            (1, row, Helm, Refusal.MALFORMED),
            (1, row, Helm, Refusal.MALFORMED),
        ]
        self.assertEqual(self.server.game.refused, expected)
        self.assertEqual(
            [(kind, reason) for _, kind, reason in self.told],
            [(kind, reason) for _, _, kind, reason in expected],
        )
        self.assertEqual(
            self.server.stats()["writes_refused"],
            {"not_yours": 1, "not_writable": 1, "no_such": 2, "malformed": 2},
        )
        self.assertEqual(self.world[self.ship, Helm].angle, 0)

    def test_no_such_component(self) -> None:
        """A component that there is not is counted, and not worth an answer."""
        self.written(self.ship, component=200)
        self.assertEqual(self.server.stats()["writes_refused"], {"no_such": 1})
        self.assertEqual((self.server.game.refused, self.told), ([], []))

    def test_hook_raises(self) -> None:
        """What the game's hook raises is logged and counted."""
        self.server.game.write_refused = None
        self.written(self.ships[2])
        self.assertEqual(self.server.stats()["hook_errors"], 1)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)


class OverruledTests(WritingTests):
    """Where both wrote the server's word stands, and the client shows it."""

    network = {"down": rough(1, 0.0), "up": rough(2, 0.0)}

    def tick(self, n_ticks: int = 20) -> None:
        """Play on, for as long as this network needs."""
        super().tick(n_ticks)

    def test_overruled(self) -> None:
        """The client sees its own value, and then the server's."""
        self.world[self.ship, Helm].angle = 40
        self.one.write(self.ship, Helm(angle=7))
        self.assertEqual(self.one.world[self.ship, Helm].angle, 7)
        self.tick()
        self.assertEqual(self.world[self.ship, Helm].angle, 40)
        self.assertEqual(self.one.world[self.ship, Helm].angle, 40)
        self.assertEqual(self.two.world[self.ship, Helm].angle, 40)
        self.assertEqual(self.told, [(self.ship, Helm, Refusal.OVERRULED)])
        self.one.write(self.ship, Helm(angle=8))
        self.tick()
        self.assertEqual(self.two.world[self.ship, Helm].angle, 8)

    def test_given_away(self) -> None:
        """A write that crosses the change of owner is refused and undone."""
        self.world.set_owner(self.ship, 2)
        self.one.write(self.ship, Helm(angle=7))
        self.tick()
        self.assertEqual(self.told, [(self.ship, Helm, Refusal.NOT_YOURS)])
        self.assertEqual(self.one.world[self.ship, Helm].angle, 0)
        self.two.write(self.ship, Helm(angle=9))
        self.tick()
        self.assertEqual(self.one.world[self.ship, Helm].angle, 9)

    def test_gone(self) -> None:
        """A write that crosses the end of its entity is told to be in vain."""
        self.world.despawn(self.ship)
        self.one.write(self.ship, Helm(angle=7))
        self.tick()
        self.assertEqual(self.told, [(self.ship, Helm, Refusal.NO_SUCH)])
        self.assertNotIn(self.ship, self.one.world)


class FloodTests(HarbourTestCase):
    """Who floods the server with writes gains nothing by it."""

    game = Listening

    def test_answers_are_few(self) -> None:
        """Refusals are counted, each, but answered only now and then."""
        told: list[int] = []
        self.one.on_write_refused = lambda *_: told.append(1)
        player = self.players[1]
        packet = self.server.protocol.registry.encode(
            Written(row=1, generation=77, component=2, tick=0, body=b"")
        )
        for _ in range(200):
            self.server.hearing.hear(player, CONTROL, packet)
        self.tick(10)
        self.assertEqual(self.server.stats()["writes_refused"], {"no_such": 200})
        self.assertEqual(len(self.server.game.refused), 200)
        self.assertLessEqual(len(told), 20)

    def test_too_many(self) -> None:
        """Beyond the allowance writes are not even looked at."""
        player = self.players[1]
        write = Written(
            row=self.world.row_of(self.ships[1]),
            generation=1,
            component=self.one.world.components.index(Helm),
            tick=self.one.tick,
            body=Helm(angle=1).encode(),
        )
        packet = self.server.protocol.registry.encode(write)
        for _ in range(255):
            self.server.hearing.hear(player, CONTROL, packet)
        refused = self.server.stats()["writes_refused"]
        self.assertEqual(list(refused), ["too_many"])
        self.assertGreaterEqual(refused["too_many"], 10)
        self.assertGreater(self.server.stats()["writes"], 200)


class OftenTests(HarbourTestCase):
    """Writes have an allowance of their own, beside that of messages."""

    def write(self, n_times: int) -> None:
        """Have the first client write so many times in this tick."""
        for angle in range(n_times):
            self.one.write(self.ships[1], Helm(angle=angle))

    def test_every_frame(self) -> None:
        """Who writes 180 times a second, and talks, stays and is heard."""

        def play() -> None:
            self.write(6)
            self.one.send(Say(words="x"))

        self.stepper.tick(20 * 30, play)
        self.tick()
        self.assertIn(1, self.players)
        self.assertEqual(self.server.stats()["writes"], 20 * 180)
        self.assertEqual(self.two.world[self.ships[1], Helm].angle, 5)

    def test_flood(self) -> None:
        """Who writes without any measure is sent away, and that is counted."""
        self.stepper.tick(3 * 30, lambda: self.write(40))
        self.stepper.until(lambda: 1 not in self.players)
        self.assertGreaterEqual(self.server.stats()["rate_limited"], 1)
        self.assertLess(self.server.stats()["writes"], 4 * 240)


class HostileServerTests(HarbourTestCase):
    """Refusals that make no sense end a connection, and harm no world."""

    def test_no_such_component(self) -> None:
        """A component that there is not is malformed."""
        self.n_errors = 1
        packet = self.server.protocol.registry.encode(WriteRefused(0, 1, 99, 1))
        self.players[1].send_bytes(CONTROL, packet)
        self.tick()
        self.assertNotIn(1, self.players)

    def test_no_such_entity(self) -> None:
        """An entity that is not there is nothing to be shown again."""
        packet = self.server.protocol.registry.encode(WriteRefused(77, 5, 0, 1))
        self.players[1].send_bytes(CONTROL, packet)
        self.tick()
        self.assertIn(1, self.players)
