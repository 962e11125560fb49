# SPDX-License-Identifier: MIT
"""Tests of who is told when, where not everything can be told at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from gamenet.game import EntityId, GameClient, Interest, Player
from tests.game.games import Marker, Place
from tests.game.harbour import Harbour, HarbourTestCase, Tide, rough

RATE = 30
BANDWIDTH = 3000.0


class Narrow(Harbour):
    """More happens than fits into what a player may get."""

    bandwidth = BANDWIDTH

    def started(self) -> None:
        self.rocks = self.world.spawn_rows(200, Place(), Marker())

    def step(self, dt: float) -> None:
        place, marker = self.world.columns(Place), self.world.columns(Marker)
        place.x[self.rocks] = self.random.uniform(-500, 500, len(self.rocks))
        marker.number[self.rocks] += 1
        place.changed(self.rocks)
        marker.changed(self.rocks)


def count_updates(client: GameClient) -> tuple[Counter[int], dict[int, int]]:
    """Return how often each row is told from now on, and the longest wait of each."""
    counts: Counter[int] = Counter()
    last: dict[int, int] = {}
    waits: dict[int, int] = {}

    def hear(entity: EntityId, _: Any) -> None:
        row, tick = int(entity) & 0xFFFFFFFF, client.tick
        waits[row] = max(waits.get(row, 0), tick - last.get(row, tick))
        counts[row] += 1
        last[row] = tick

    client.watch(Marker.number, hear)
    return counts, waits


class BudgetTests(HarbourTestCase):
    """A player gets so many bytes a second, and what waits for long comes first."""

    game = Narrow

    def spent(self, seconds: int) -> list[float]:
        """Return the bytes a second that each player was sent."""
        outlooks = [player.outlook for player in self.players.values()]
        before = [each.bytes_sent for each in outlooks]
        self.stepper.tick(seconds * RATE)
        return [
            (each.bytes_sent - n) / seconds
            for each, n in zip(outlooks, before, strict=True)
        ]

    def test_budget_holds(self) -> None:
        """Over time nobody is sent more, nor much less."""
        self.spent(3)
        for rate in self.spent(6):
            self.assertLess(rate, 1.05 * BANDWIDTH)
            self.assertGreater(rate, 0.7 * BANDWIDTH)
        self.assertGreater(self.server.stats()["rows_left_out"], 1000)

    def test_nothing_starves(self) -> None:
        """Every entity is told again and again, and about equally often."""
        self.stepper.tick(3 * RATE)
        counts, waits = count_updates(self.one)
        self.stepper.tick(10 * RATE)
        rows = self.server.game.rocks.tolist()
        self.assertEqual(sorted(counts), rows)
        self.assertLess(max(waits.values()), 3 * RATE)
        self.assertLess(max(counts.values()), 2 * min(counts.values()))

    def test_catches_up(self) -> None:
        """Once it is quiet all that waited is told."""
        self.server.game.step = lambda dt: None
        self.stepper.tick(3 * RATE)
        self.assert_same()

    def test_a_newcomer(self) -> None:
        """Who joins within a budget has everything after some moments."""
        self.server.game.step = lambda dt: None
        late = self.stepper.join("late")
        self.stepper.tick(4 * RATE)
        self.assert_same(late)


class LossyBudgetTests(HarbourTestCase):
    """Loss takes away nobody's turn, and spends no more."""

    game = Narrow
    network = {"down": rough(1, 0.2), "up": rough(2, 0.2)}

    def test_under_loss(self) -> None:
        """The budget holds and nothing starves while a fifth is lost."""
        self.stepper.tick(3 * RATE)
        before = self.players[1].outlook.bytes_sent
        counts, waits = count_updates(self.one)
        self.stepper.tick(10 * RATE)
        sent = self.players[1].outlook.bytes_sent - before
        self.assertLess(sent / 10, 1.05 * BANDWIDTH)
        self.assertEqual(sorted(counts), self.server.game.rocks.tolist())
        self.assertLess(max(waits.values()), 6 * RATE)


class Judging(Narrow):
    """Says that its first rocks matter most."""

    def importance(self, player_id: int, rows: Any) -> Any:
        return np.where(rows < self.rocks[20], 8.0, 1.0)


class ImportanceTests(HarbourTestCase):
    """A game may say what is important to whom."""

    game = Judging

    def test_more_often(self) -> None:
        """What is important is told more often; nothing else is forgotten."""
        self.stepper.tick(3 * RATE)
        counts, _ = count_updates(self.one)
        self.stepper.tick(10 * RATE)
        numbers = [counts[row] for row in self.server.game.rocks.tolist()]
        self.assertGreater(np.mean(numbers[:20]), 2.5 * np.mean(numbers[20:]))
        self.assertGreater(min(numbers), 2)

    def test_raises(self) -> None:
        """A rule that raises, or answers nonsense, is logged; the match goes on."""
        for answer in (None, np.ones(1), "much"):
            self.server.replication._judge = lambda player, rows, it=answer: it
            tick = self.server.game.tick
            self.tick(5)
            self.assertEqual(self.server.game.tick, tick + 5)
            self.assertGreaterEqual(len(self.flushLoggedErrors()), 0)
        self.server.replication._judge = lambda player, rows: rows * np.nan
        self.tick(5)
        self.assertGreater(self.server.stats()["hook_errors"], 0)


class Nearness(Narrow):
    """Two captains far from each other, with rocks around both."""

    bandwidth = 800.0
    interest = Interest((Place, "x", "y"), radius=100, hysteresis=5)

    def player_joined(self, player: Player) -> None:
        super().player_joined(player)
        place = self.world[player.avatar, Place]
        place.x, place.y = 300 if player.id == 1 else -300, 0

    def started(self) -> None:
        super().started()
        place = self.world.columns(Place)
        half = len(self.rocks) // 2
        place.x[self.rocks[:half]], place.x[self.rocks[half:]] = 300, -300
        place.y[self.rocks[:half]] = place.y[self.rocks[half:]] = np.arange(half)

    def step(self, dt: float) -> None:
        marker = self.world.columns(Marker)
        marker.number[self.rocks] += 777
        marker.changed(self.rocks)


class NearnessTests(HarbourTestCase):
    """What is near is told more often than what is far, to each player."""

    game = Nearness

    def test_near_first(self) -> None:
        """The nearest rocks of each player come at least twice as often."""
        self.stepper.tick(3 * RATE)
        all_counts = [count_updates(client)[0] for client in self.stepper.clients]
        self.stepper.tick(10 * RATE)
        rocks = self.server.game.rocks.tolist()
        for counts, rows in zip(all_counts, (rocks[:100], rocks[100:]), strict=True):
            near = np.mean([counts[row] for row in rows[:20]])
            far = np.mean([counts[row] for row in rows[80:]])
            self.assertGreater(near, 2 * far)
            self.assertGreater(min(counts[row] for row in rows), 0)


class RateTests(HarbourTestCase):
    """A component may be told at a rate of its own."""

    def test_rate(self) -> None:
        """It is told five times a second, and at last as it is."""
        rock = self.world.spawn(Tide(), Marker())
        self.tick()
        levels: list[int] = []
        numbers: list[int] = []
        self.one.watch(Tide.level, lambda _, level: levels.append(level))
        self.one.watch(Marker.number, lambda _, number: numbers.append(number))

        def rise() -> None:
            self.world[rock, Tide].level += 1
            self.world[rock, Marker].number += 1

        self.stepper.tick(4 * RATE, rise)
        self.assertIn(len(levels), range(19, 22))
        self.assertGreaterEqual(len(numbers), 4 * RATE - 1)
        self.stepper.tick(10)
        self.assertEqual(levels[-1], 4 * RATE)
