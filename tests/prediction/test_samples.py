# SPDX-License-Identifier: MIT
"""Properties of the view over any network: nothing pops, nothing leaves its bounds."""

from __future__ import annotations

import math
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction import View
from gamenet.prediction.blend import Kind, distance
from gamenet.replication import Sender
from gamenet.world import EntityId, World
from tests.connection.strategies import seeds
from tests.prediction.watching import (
    TICK_RATE,
    Heading,
    Health,
    Place,
    Turn,
    Watching,
)
from tests.replication.worlds import client_of

N_ROWS = 6
SPEED = 1.0
"""What a row goes in a tick."""


class Way:
    """Rows that walk with a speed of `SPEED`, and turn, back and forth."""

    def __init__(self, random: Random, n_ticks: int) -> None:
        self.random = random
        self.xs = self._walk(n_ticks, SPEED)
        self.angles = self._walk(n_ticks, 0.3)

    def _walk(self, n_ticks: int, speed: float) -> np.ndarray:
        """Return where the rows are at each tick: (n_ticks + 1, n_rows)."""
        n_steps = (n_ticks + 1) * N_ROWS
        steps = [self.random.choice((-speed, 0.0, speed)) for _ in range(n_steps)]
        return np.cumsum(np.reshape(steps, (n_ticks + 1, N_ROWS)), axis=0)

    def values(self, tick: int, row: int) -> list[tuple[int, object]]:
        """Return what a row is at a tick."""
        half = self.angles[tick, row] / 2
        return [
            (row, Place(x=float(self.xs[tick, row]))),
            (row, Heading(angle=float(self.angles[tick, row]))),
            (row, Turn(turn=(0.0, math.sin(half), 0.0, math.cos(half)))),
        ]


class Run:
    """A walk, told over a network, and what is drawn of it.

    Args:
        random: what decides.
        n_ticks: how long it is.
        loss: share of snapshots that never come.
        delay: ticks that a snapshot may be late.
        left_out: share of rows that a snapshot does not tell.
    """

    def __init__(
        self,
        random: Random,
        n_ticks: int,
        *,
        loss: float = 0.0,
        delay: int = 0,
        left_out: float = 0.0,
    ) -> None:
        self.random, self.n_ticks = random, n_ticks
        self.way = Way(random, n_ticks)
        self.watching = Watching()
        self.watching.world.spawn_rows(N_ROWS, Place(), Heading(), Turn())
        self.told = np.zeros(N_ROWS, int)
        self.samples: list[set[float]] = [set() for _ in range(N_ROWS)]
        self.at: dict[int, list[tuple[int, list[int]]]] = {}
        for tick in range(1, n_ticks + 1):
            if tick > 1 and random.random() < loss:
                continue
            rows = [
                row for row in range(N_ROWS) if tick == 1 or random.random() >= left_out
            ]
            arrival = tick + (random.randint(0, delay) if tick > 1 else 0)
            self.at.setdefault(arrival, []).append((tick, rows))

    def arrive(self, now: int) -> None:
        """Let come what comes at a tick, as a receiver would take it."""
        for tick, rows in self.at.get(now, ()):
            newer = [row for row in rows if self.told[row] < tick]
            values = []
            for row in newer:
                self.told[row] = tick
                self.samples[row].add(float(self.way.xs[tick, row]))
                values += self.way.values(tick, row)
            self.watching.tell(tick, *values)

    def drawn(self, tick: float) -> np.ndarray:
        """Return where the rows are drawn at a moment."""
        self.watching.view.update(tick)
        turn = self.watching.view.columns(Turn).turn[:N_ROWS]
        norms = np.linalg.norm(turn, axis=1)
        np.testing.assert_allclose(norms, 1.0, atol=1e-9)
        angles = self.watching.view.columns(Heading).angle[:N_ROWS]
        assert ((angles >= -math.pi - 1e-9) & (angles < math.pi + 1e-9)).all()
        return self.watching.view.columns(Place).x[:N_ROWS].copy()


class NetworkTests(SynchronousTestCase):
    """What is drawn, over networks that are good, bad, and worse."""

    @settings(max_examples=20)
    @given(seeds, st.integers(2, 6))
    def test_told_in_time(self, seed: int, behind: int) -> None:
        """What is told in time is drawn at its samples, and between them."""
        run = Run(Random(seed), 30)
        for now in range(1, 31):
            run.arrive(now)
            for view in np.arange(max(now - behind, 1), now - behind + 1, 0.25):
                older = math.floor(view)
                one, other = run.way.xs[older], run.way.xs[min(older + 1, 30)]
                xs = run.drawn(float(view))
                wanted = one + (other - one) * (view - older)
                np.testing.assert_allclose(xs, wanted, atol=1e-9, err_msg=f"{seed=}")

    @settings(max_examples=30)
    @given(seeds, st.floats(0, 0.5), st.integers(0, 4), st.floats(0, 0.7))
    def test_bounds(self, seed: int, loss: float, delay: int, left_out: float) -> None:
        """As long as the view is behind what has come, it draws nothing beyond it."""
        run = Run(Random(seed), 60, loss=loss, delay=delay, left_out=left_out)
        view = 1.0
        for now in range(1, 61):
            run.arrive(now)
            newest = run.watching.view.newest
            assert newest is not None
            for _ in range(4):
                view = max(view, min(view + 0.3, newest - run.random.random()))
                xs = run.drawn(view)
                for x, samples in zip(xs.tolist(), run.samples, strict=True):
                    self.assertLessEqual(min(samples) - 1e-9, x, f"{seed=}")
                    self.assertLessEqual(x, max(samples) + 1e-9, f"{seed=}")

    @settings(max_examples=40)
    @given(
        seeds, st.floats(0, 0.6), st.integers(0, 6), st.floats(0, 0.7), st.floats(-2, 5)
    )
    def test_nothing_pops(
        self, seed: int, loss: float, delay: int, left_out: float, behind: float
    ) -> None:
        """However late anything comes, what is drawn has no jump.

        Not even one that half of its arrears explain: in an eighth of a tick it goes
        at most that share of the way that it has to go.
        """
        run = Run(Random(seed), 40, loss=loss, delay=delay, left_out=left_out)
        fine = 1 / 8
        before = None
        for now in range(1, 41):
            run.arrive(now)
            longest = now - int(run.told.min()) + 8.0
            for step in range(8):
                xs = run.drawn(now - behind + step * fine)
                if before is not None:
                    apart = np.abs(xs - before).max()
                    self.assertLessEqual(apart, 2 * longest * SPEED * fine, f"{seed=}")
                before = xs
            if now in run.at:
                again = run.drawn(now - behind + 7 * fine)
                np.testing.assert_allclose(again, before, atol=1e-9)

    @settings(max_examples=25)
    @given(seeds, st.floats(0, 0.6), st.integers(0, 5), st.floats(-2, 5))
    def test_arrivals_move_nothing(
        self, seed: int, loss: float, delay: int, behind: float
    ) -> None:
        """At the moment at which a snapshot comes all is drawn where it was."""
        run = Run(Random(seed), 60, loss=loss, delay=delay, left_out=0.3)
        for now in range(1, 61):
            moment = now - behind
            before = run.drawn(moment)
            run.arrive(now)
            if now > 1:
                xs = run.drawn(moment)
                np.testing.assert_allclose(xs, before, atol=1e-9, err_msg=f"{seed=}")

    @settings(max_examples=25)
    @given(seeds, st.floats(0, 0.6), st.integers(0, 5), st.floats(-4, 5))
    def test_converges(self, seed: int, loss: float, delay: int, behind: float) -> None:
        """When all has been told, all is drawn as it is."""
        run = Run(Random(seed), 40, loss=loss, delay=delay, left_out=0.3)
        for now in range(1, 40):
            run.arrive(now)
            run.drawn(now - behind)
        whole = [each for row in range(N_ROWS) for each in run.way.values(40, row)]
        run.watching.tell(40, *whole)
        for tick in range(41, 90):
            run.watching.tell(tick)
            run.drawn(tick - behind)
        xs = run.drawn(90 - behind)
        # A view that is always too early guesses anew in each tick: then it is a limit.
        np.testing.assert_allclose(xs, run.way.xs[40], atol=1e-6, err_msg=f"{seed=}")
        turn = run.watching.view.columns(Turn).turn[:N_ROWS].T
        half = run.way.angles[40] / 2
        wanted = np.array([0 * half, np.sin(half), 0 * half, np.cos(half)])
        np.testing.assert_array_less(distance(Kind.QUATERNION, turn, wanted), 1e-6)


class InhabitantTests(SynchronousTestCase):
    """Entities come and go in rows that are used again and again."""

    @settings(max_examples=25)
    @given(seeds, st.floats(0, 0.5), st.integers(1, 6))
    def test_rows(self, seed: int, loss: float, behind: int) -> None:
        """At a tick of a snapshot those are drawn that lived then, where they were.

        Between two, what is drawn of an entity is always between its own samples.
        """
        random, watching = Random(seed), Watching()
        world, view = watching.world, watching.view
        lived: dict[int, dict[int, float]] = {}
        living: list[EntityId] = []
        moment = 0.0
        for tick in range(1, 60):
            if random.random() < 0.4 and len(living) < 6:
                # Where each lives is far from all others.
                living.append(world.spawn(Place(x=tick * 16.0)))
            if living and random.random() < 0.3:
                world.despawn(living.pop(random.randrange(len(living))))
            for entity in living:
                world[entity, Place].x += random.choice((0.0, 1.0))
            if random.random() >= loss:
                rows = world.query(Place)
                view.arrived(tick, [(Place, rows)])
                ids, xs = world.ids_of(rows), world.columns(Place).x[rows]
                lived[tick] = dict(zip(ids.tolist(), xs.tolist(), strict=True))
            for wanted in (tick - behind, tick - behind + random.random()):
                if view.newest is not None and wanted > 1:
                    moment = max(moment, min(wanted, view.newest))
                    self.check(watching, lived, moment, f"{seed=} {moment=}")

    def check(
        self,
        watching: Watching,
        lived: dict[int, dict[int, float]],
        moment: float,
        hint: str,
    ) -> None:
        """Compare what is drawn with who lived at the snapshots around a moment."""
        watching.view.update(moment)
        older = max((tick for tick in lived if tick <= moment), default=min(lived))
        newer = min((tick for tick in lived if tick > moment), default=older)
        rows = watching.view.rows(Place)
        ids = watching.view.ids_of(rows).tolist()
        there = lived.get(older, {})
        self.assertEqual(sorted(ids), sorted(there), hint)
        if newer == older:
            return
        xs = watching.view.columns(Place).x[rows].tolist()
        for entity, x in zip(ids, xs, strict=True):
            ends = there[entity], lived[newer].get(entity, there[entity])
            self.assertTrue(min(ends) - 1e-9 <= x <= max(ends) + 1e-9, hint)


class ReplicationTests(SynchronousTestCase):
    """Sender, receiver and view together."""

    def walked(self, seed: int, loss: float) -> None:
        """Walk on a server, and compare what a client draws three ticks later."""
        random, world = Random(seed), World([Place, Health], 8)
        client = client_of(Sender(world, part_size=1000), world)
        view = View(client.world, TICK_RATE)
        walked: dict[int, dict[int, float]] = {}
        for tick in range(1, 80):
            world.tick = tick
            if random.random() < 0.3 and len(world) < 6:
                world.spawn(Place(x=tick * 10.0), Health())
            rows = world.query(Place)
            if random.random() < 0.2 and len(rows):
                world.despawn_rows([random.choice(rows.tolist())])
            rows = world.query(Place)
            world.columns(Place).x[rows] += 1.0
            world.columns(Place).changed(rows)
            ids = world.ids_of(rows).tolist()
            xs = world.columns(Place).x[rows].tolist()
            walked[tick] = dict(zip(ids, xs, strict=True))
            client.sender.begin(tick)
            for message in client.send():
                if tick == 1 or random.random() >= loss:
                    client.deliver(message)
                    client.acknowledge(message)
                    written = client.receiver.take_followed().written
                    told = [(each.component, each.rows) for each in written]
                    view.arrived(tick, told)
                else:
                    client.viewer.lose(message.id)
            if tick > 3:
                self.compare(view, walked, tick - 3 + random.random() / 2, seed)

    def compare(
        self, view: View, walked: dict[int, dict[int, float]], moment: float, seed: int
    ) -> None:
        """Compare what is drawn with where everybody was at a moment."""
        view.update(moment)
        sight = view.sight()
        older = sight.older or math.floor(moment)
        rows = view.rows(Place)
        ids = view.ids_of(rows).tolist()
        self.assertEqual(set(ids), set(walked[older]), f"{seed=} {moment=}")
        for entity, x in zip(ids, view.columns(Place).x[rows].tolist(), strict=True):
            if entity in walked.get(sight.newer, {}):
                wanted = walked[older][entity] + moment - older
                self.assertAlmostEqual(x, wanted, places=9, msg=f"{seed=} {moment=}")

    def test_whole(self) -> None:
        """What is drawn three ticks late is what was there three ticks ago."""
        for seed in range(20):
            self.walked(seed, 0.0)

    def test_lossy(self) -> None:
        """Where a snapshot was lost, it is what lies between its neighbours."""
        for seed in range(20):
            self.walked(seed, 0.1)
