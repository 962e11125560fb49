# SPDX-License-Identifier: MIT
"""What goes wrong is put right: writes taken back, rules that raise, values unknown."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import Component, EntityId, Game, Sync, enum, fixed, uint16
from gamenet.testing import Stepper
from gamenet.transport import Impairment


class Throttle(Component):
    """What its owner sets, up to 100."""

    sync = Sync(owner_writes=True)
    power: float = fixed(0, 1000, step=1)


class Kind(IntEnum):
    """What a crate may be."""

    WOOD = 3
    IRON = 4


class Crate(Component):
    """Something with a value that numpy does not check."""

    kind: Kind = enum(Kind)
    mass: int = uint16()


class Engine(Game):
    """The step takes back what is too much."""

    components = [Throttle]

    def player_joined(self, player: Any) -> None:
        """Give the player an engine."""
        player.avatar = self.world.spawn(Throttle(power=5), owner=player)

    def step(self, dt: float) -> None:
        """Write back what was there before."""
        columns = self.world.columns(Throttle)
        rows = self.world.query(Throttle)
        wrong = rows[columns.power[rows] > 100]
        columns.power[wrong] = 5
        columns.changed(wrong)


class TakenBackTests(SynchronousTestCase):
    """A write that the game undoes in the same tick is undone at its writer, too."""

    def setUp(self) -> None:
        self.stepper = Stepper.of(Engine, 2)
        self.stepper.tick(5)
        self.client = self.stepper.clients[0]
        player = self.stepper.server.players[self.client.player_id]
        assert player.avatar is not None
        self.engine: EntityId = player.avatar
        self.refused: list[tuple[Any, ...]] = []
        self.client.on_write_refused = lambda *what: self.refused.append(what)

    def power(self) -> float:
        """Return what the writer shows."""
        power: float = self.client.world[self.engine, Throttle].power
        return power

    def test_taken_back(self) -> None:
        """The writer is told, and shows what is true."""
        self.client.write(self.engine, Throttle(power=500))
        self.assertEqual(self.power(), 500)
        self.stepper.tick(5)
        self.assertEqual(self.power(), 5)
        self.assertEqual(self.refused, [(self.engine, Throttle, 4)])

    def test_kept(self) -> None:
        """What the game leaves alone is not refused."""
        self.client.write(self.engine, Throttle(power=50))
        self.stepper.tick(5)
        self.assertEqual((self.power(), self.refused), (50, []))

    def test_again_and_again(self) -> None:
        """However often it is tried, the last answer comes."""
        for power in range(200, 400):
            self.client.write(self.engine, Throttle(power=power))
            self.stepper.tick()
        self.stepper.tick(90)
        self.assertEqual(self.power(), 5)
        self.assertLess(len(self.refused), 60)

    def test_rounded(self) -> None:
        """What shows at once is what the wire carries."""
        self.client.write(self.engine, Throttle(power=41.4))
        self.assertEqual(self.power(), 41)
        self.stepper.tick(5)
        self.assertEqual(self.power(), 41)


class Yard(Game):
    """Many crates, and few bytes."""

    components = [Crate]
    bandwidth = 3000

    def started(self) -> None:
        """Put them there."""
        self.rows = self.world.spawn_rows(300, Crate())

    def step(self, dt: float) -> None:
        """Change all of them."""
        columns = self.world.columns(Crate)
        columns.mass[self.rows] += 37
        columns.changed(self.rows)


class Moody(Yard):
    """A rule of the author's that raises."""

    def importance(self, player_id: int, rows: Any) -> Any:
        """Raise."""
        raise RuntimeError("moody")


class RuleTests(SynchronousTestCase):
    """A rule that raises is logged, and costs nobody their snapshots."""

    def test_importance(self) -> None:
        """All are as important as if there were no rule."""
        stepper = Stepper.of(Moody, 1)
        stepper.tick(90)
        client, server = stepper.clients[0], stepper.server
        self.assertEqual(len(client.world), 300)
        self.assertGreater(client.tick, server.game.tick - 10)
        self.assertGreater(server.stats()["hook_errors"], 0)
        self.assertTrue(self.flushLoggedErrors(RuntimeError))


class LateRoomsTests(SynchronousTestCase):
    """A game may use rooms for the first time in mid-match."""

    def test_despawned_meanwhile(self) -> None:
        """What ended in that tick, or before but was not told yet, is told to end."""
        for loss in (0.0, 0.5):
            bad = Impairment(latency=0.03, loss=loss, seed=3)
            stepper = Stepper.of(Yard, 1, down=bad, up=Impairment(latency=0.03))
            stepper.tick(60)
            game, client = stepper.server.game, stepper.clients[0]
            gone = [game.world.id_of(row) for row in (0, 1, 2)]
            game.rows = game.rows[3:]
            game.world.despawn(gone[0])
            stepper.tick()
            game.world.despawn(gone[1])
            game.rooms.enter(game.world.id_of(9), "cellar")
            game.world.despawn(gone[2])
            stepper.tick(120)
            there = [entity in client.world for entity in gone]
            self.assertEqual(there, [False] * 3)
            self.assertEqual(len(client.world), 296)


class UnknownMemberTests(SynchronousTestCase):
    """A number that is no member of an enum is told as one, and harms nobody else."""

    def test_unknown(self) -> None:
        """The row takes the smallest member; the others are told as they are."""
        stepper = Stepper.of(Plain, 1)
        stepper.tick(5)
        columns = stepper.server.world.columns(Crate)
        columns.kind[0], columns.mass[1] = 77, 9
        columns.changed(np.array([0, 1]))
        stepper.tick(10)
        copy = stepper.clients[0].world.columns(Crate)
        self.assertEqual((copy.kind[0], copy.mass[1]), (Kind.WOOD, 9))
        self.assertEqual(stepper.clients[0].errors, 0)


class Plain(Game):
    """Four crates."""

    components = [Crate]

    def started(self) -> None:
        """Put them there."""
        self.world.spawn_rows(4, Crate(kind=Kind.IRON))


class SyncedTests(SynchronousTestCase):
    """`Player.synced` fires however much goes on, and however far the player is."""

    def test_busy_and_far(self) -> None:
        """Every row changes every tick, and the way takes longer than the history."""
        far = Impairment(latency=0.7)
        stepper = Stepper.of(Busy, 1, down=far, up=far)
        stepper.tick(120)
        synced = next(iter(stepper.server.players.values())).synced()
        stepper.tick(120)
        self.successResultOf(synced)


class Busy(Yard):
    """As many bytes as it takes."""

    bandwidth = 0
