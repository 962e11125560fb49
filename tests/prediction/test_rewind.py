# SPDX-License-Identifier: MIT
"""Tests of rewinding: the world as a player saw it, and as it was again afterwards."""

from __future__ import annotations

import math
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.prediction import Rewind, Rewound, Sight, View
from gamenet.prediction.blend import Kind, blend, kind_of
from gamenet.replication import Mirror, Sender, Teleported
from gamenet.wire import (
    angle,
    fixed,
    flag,
    float32,
    float64,
    quaternion,
    uint8,
    uint16,
)
from gamenet.world import Audience, Component, Show, Shown, Sync, World
from tests.replication.worlds import client_of

CAPACITY = 12
TICK_RATE = 20.0


class Place(Component):
    """Where something is."""

    x: float = fixed(-100, 100, step=1 / 64)
    y: float = fixed(-100, 100, step=1 / 64)


class Pose(Component):
    """Fields of every kind of motion, and some that only step."""

    turn: tuple[float, float, float, float] = quaternion(bits=10)
    heading: float = angle(bits=12)
    size: float = float32()
    frame: int = uint16()
    is_low: bool = flag()


class Health(Component):
    """What is not rewound."""

    points: int = uint8()


class Secret(Component):
    """What no player is told."""

    sync = Sync(audience=Audience.SERVER)
    x: float = float32()


COMPONENTS = [Place, Pose, Health, Secret]
REWOUND = [Place, Pose]


class Match:
    """A world with its mirror, stepped by hand, and what the mirror said each tick."""

    def __init__(self, capacity: int = CAPACITY, max_rewind: float = 0.25) -> None:
        self.world = World(COMPONENTS, capacity)
        self.mirror = Mirror(self.world, tick_rate=TICK_RATE)
        self.rewind = Rewind(self.mirror, REWOUND, TICK_RATE, max_rewind)
        self.tick = 0
        self.said: dict[int, dict[type[Component], dict[int, dict[str, object]]]] = {}
        self.ids: dict[int, dict[int, int]] = {}

    def end_tick(self) -> None:
        """End a tick, and note all that the wire says of it."""
        self.tick += 1
        self.mirror.update(self.tick)
        self.rewind.record(self.tick)
        self.ids[self.tick] = {
            int(row): int(self.world.id_of(int(row))) for row in self.world.query()
        }
        self.said[self.tick] = {kind: self._said(kind) for kind in REWOUND}
        self.world.tick = self.tick + 1

    def _said(self, kind: type[Component]) -> dict[int, dict[str, object]]:
        """Return the values of the mirror, by row and field."""
        number = self.mirror.components.index(kind)
        layout = self.mirror.layout
        rows = self.world.query(kind)
        words = self.mirror.words(self.tick)[layout.positions[number][:, None], rows]
        columns = layout.lanes[number].from_lanes(words)
        return {
            int(row): {name: column[i].copy() for name, column in columns.items()}
            for i, row in enumerate(rows)
        }

    def move(self, random: Random, share: float = 1.0) -> None:
        """Change the values of some entities, and mark them."""
        for kind in COMPONENTS:
            columns = self.world.columns(kind)
            for row in self.world.query(kind).tolist():
                if random.random() < share:
                    for field in kind.schema_fields:
                        columns.arrays[field.name][row] = field.sample(random)
                    columns.changed(row)

    def copy(self) -> dict[str, np.ndarray]:
        """Return a copy of all columns, left-overs included."""
        return {
            f"{kind.__name__}.{name}": array.copy()
            for kind in COMPONENTS
            for name, array in self.world.columns(kind).arrays.items()
        }


def same(one: object, other: object) -> bool:
    """Return whether values are the same to the bit; sums of four, to the last one.

    numpy adds the squares of a single quaternion in another order than those of many.
    """
    one, other = np.asarray(one), np.asarray(other)
    if other.shape == (4,):
        return bool(np.allclose(one, other, rtol=0.0, atol=1e-15))
    return np.array_equal(one, other)


def expected(match: Match, kind: type[Component], row: int, sight: Sight):
    """Return what a client shows that interpolates between two snapshots."""
    if sight.tick in (sight.older, sight.newer):
        return match.said[int(sight.tick)][kind][row]
    share = (sight.tick - sight.older) / (sight.newer - sight.older)
    values = {}
    for field in kind.schema_fields:
        one, other = (
            match.said[tick][kind][row][field.name]
            for tick in (sight.older, sight.newer)
        )
        if kind_of(field) is not Kind.STEP:
            one, other = np.float64(one), np.float64(other)
        one, other, part = np.array(one)[..., None], np.array(other)[..., None], share
        n_lines = sight.newer - sight.older
        if kind_of(field) is Kind.QUATERNION and n_lines > 1:  # from line to line
            line, part = divmod(share * n_lines, 1.0)
            one, other = (
                blend(Kind.QUATERNION, one, other, (line + i) / n_lines) for i in (0, 1)
            )
        shown = blend(kind_of(field), one, other, part)[..., 0]
        values[field.name] = shown.astype(field.column_dtype)
    return values


class RewindTests(SynchronousTestCase):
    """What was seen is shown, and the world is as it was afterwards."""

    def setUp(self) -> None:
        self.match = Match()
        self.world = self.match.world
        self.rewind = self.match.rewind
        self.random = Random(5)
        for _ in range(4):
            self.world.spawn(Place(), Pose(), Health())

    def play(self, n_ticks: int, share: float = 1.0) -> None:
        """Let everything move for some ticks."""
        for _ in range(n_ticks):
            self.match.move(self.random, share)
            self.match.end_tick()

    def check(self, sight: Sight) -> None:
        """Fail unless both ways of asking show what a client showed."""
        seen = self.rewind.at(sight)
        asked = {kind: seen.values(kind) for kind in REWOUND}
        table, rows = seen.table(Place), seen.query(Place)
        for i, values in enumerate(asked[Place].values()):
            self.assertTrue(same(table[i, rows], values))
        with seen:
            for kind in REWOUND:
                for i, row in enumerate(seen.query(kind).tolist()):
                    wanted = expected(self.match, kind, row, sight)
                    for name, value in wanted.items():
                        shown = self.world.columns(kind).arrays[name][row]
                        self.assertTrue(same(shown, value), (kind, name, shown, value))
                        self.assertTrue(same(asked[kind][name][i], value))

    def test_whole_ticks(self) -> None:
        """Rewinding to a tick shows what the mirror had then."""
        self.play(12, share=0.4)
        for tick in range(7, 13):
            self.check(Sight(float(tick), tick, tick + 1))
            self.check(Sight(float(tick), tick - 1, tick))
        self.assertEqual(self.rewind.n_clamped, 0)

    def test_between(self) -> None:
        """A sight between two snapshots is interpolated as the client does it."""
        self.play(12)
        for older, newer in ((10, 11), (7, 12), (3, 10)):
            for share in (0.01, 0.37, 0.5, 0.99):
                tick = older + (newer - older) * share
                if tick >= 7:
                    self.check(Sight(tick, older, newer))
        self.assertEqual(self.rewind.n_clamped, 0)

    def test_restored(self) -> None:
        """All columns are as before, to the bit, also after an exception."""
        self.play(9)
        self.match.move(self.random)
        before = self.match.copy()
        with self.rewind.at(Sight(6.5, 6, 7)):
            during = self.match.copy()
        self.assertTrue(all(same(self.match.copy()[n], before[n]) for n in before))
        self.assertFalse(same(during["Place.x"], before["Place.x"]))
        self.assertTrue(same(during["Health.points"], before["Health.points"]))
        with self.assertRaises(ZeroDivisionError), self.rewind.at(Sight(6.5, 6, 7)):
            raise ZeroDivisionError
        self.assertTrue(all(same(self.match.copy()[n], before[n]) for n in before))
        with self.rewind.at(None):
            pass  # it can be rewound again

    def test_writes(self) -> None:
        """What a block writes to other components stays; to rewound ones not."""
        self.play(9)
        place, health = self.world.columns(Place), self.world.columns(Health)
        x = place.x[1]
        with self.rewind.at(Sight(6.5, 6, 7)):
            place.x[1] = 55.0
            health.points[1] = 3
        self.assertEqual((place.x[1], health.points[1]), (x, 3))

    def test_kept_rows(self) -> None:
        """The player's own rows stay as they are now, in columns and values."""
        self.play(9)
        now = self.world.columns(Place).x[:4].copy()
        seen = self.rewind.at(Sight(6.5, 6, 7), keep_rows=[2])
        asked = seen.values(Place)["x"]
        with seen:
            x = self.world.columns(Place).x[:4].copy()
            self.assertEqual(seen.query(Place).tolist(), [0, 1, 2, 3])
        self.assertTrue(same(x, asked))
        self.assertEqual((x == now).tolist(), [False, False, True, False])

    def test_table(self) -> None:
        """A table has kept rows and newcomers as they are now, and is no history."""
        self.play(6)
        newcomer = self.world.row_of(self.world.spawn(Place(x=9, y=9)))
        self.play(2)
        for tick in (4.0, 4.25):
            view = self.rewind.at(Sight(tick, 4, 5), [1])
            table = view.table(Place)
            now = self.world.columns(Place).table
            self.assertTrue(same(table[:, 1], now[:, 1]))
            self.assertFalse(same(table[:, 0], now[:, 0]))
            if newcomer < table.shape[1]:
                self.assertTrue(same(table[:, newcomer], now[:, newcomer]))
            seen = view.values(Place, np.array([0]))
            table[:] = 77.0
            again = view.table(Place)
            self.assertTrue(same(again[:, 0], np.concatenate([*seen.values()])))
        self.assertRaises(LocalProtocolError, view.table, Pose)
        self.assertRaises(LocalProtocolError, view.table, Health)
        self.play(1)
        self.assertRaises(LocalProtocolError, view.table, Place)

    def test_ways_of_a_tick(self) -> None:
        """What shots of a tick share is not taken for that of another tick's."""
        for _ in range(60):
            self.play(1)
            newest = self.rewind.tick
            for share in (0.25, 0.75):
                for back in (2, 3):
                    older = max(newest - back, 1)
                    newer = min(older + 2, newest)
                    if newer > older:
                        self.check(Sight(older + share, older, newer))

    def test_came_and_went(self) -> None:
        """Only who lived then and lives now is found; newcomers show their now."""
        self.play(9)
        gone = self.world.id_of(1)
        self.world.despawn(gone)
        reused = self.world.spawn(Place(x=1.5), Pose())
        self.assertEqual(self.world.row_of(reused), 1)
        new = self.world.spawn(Place(x=2.5))
        self.world.despawn(self.world.id_of(3))
        self.world.remove(self.world.id_of(0), Pose)
        for n_more in (0, 1):
            self.play(n_more, share=0.0)
            seen = self.rewind.at(Sight(6.5, 6, 7))
            self.assertEqual(seen.query(Place).tolist(), [0, 2])
            self.assertEqual(seen.query(Pose).tolist(), [2])
            self.assertEqual(seen.query(Place, Health).tolist(), [0, 2])
            self.assertEqual(seen.query().tolist(), [0, 2])
            self.assertEqual(seen.query(Health).tolist(), [0, 2])
            with seen:
                self.assertEqual(self.world[reused, Place].x, 1.5)
                self.assertEqual(self.world[new, Place].x, 2.5)
            rows = np.array([1, self.world.row_of(new)])
            self.assertEqual(seen.values(Place, rows)["x"].tolist(), [1.5, 2.5])

    def test_component_came_back(self) -> None:
        """Who has a component again was not seen with it while it was away."""
        self.play(6)
        ship = self.world.id_of(2)
        self.world.remove(ship, Place)
        self.play(1)
        self.world.add(ship, Place(x=9.0))
        self.play(2)
        self.assertEqual(
            self.rewind.at(Sight(7.5, 7, 8)).query(Place).tolist(), [0, 1, 3]
        )
        self.assertEqual(len(self.rewind.at(Sight(8.5, 8, 9)).query(Place)), 4)

    def test_world_changes_in_block(self) -> None:
        """Who is made in a block keeps what they were made with; the rest is back."""
        self.play(9)
        before = self.world.columns(Place).x[:4].copy()
        with self.rewind.at(Sight(6.5, 6, 7)):
            self.world.despawn(self.world.id_of(1))
            other = self.world.spawn(Place(x=-7.5), Pose())
            late = self.world.spawn(Place(x=-8.5))
        self.assertEqual(self.world[other, Place].x, -7.5)
        self.assertEqual(self.world[late, Place].x, -8.5)
        kept = [0, 2, 3]
        self.assertTrue(same(self.world.columns(Place).x[kept], before[kept]))

    def test_limits(self) -> None:
        """What is too old or of the future is clamped, and counted."""
        self.play(30)
        for tick, limit, shown in (
            (24.0, None, 25.0),
            (-5.0, None, 25.0),
            (-math.inf, None, 25.0),
            (25.0, None, 25.0),
            (25.0, 0.1, 28.0),
            (29.5, 0.01, 29.8),
            (25.0, 9.0, 25.0),
            (20.0, 9.0, 25.0),
            (29.0, 0.0, 30.0),
            (30.25, None, 30.0),
            (1e300, None, 30.0),
            (math.nan, None, 30.0),
        ):
            before = self.rewind.n_clamped
            seen = self.rewind.at(Sight(tick, 0, 0), limit=limit)
            self.assertAlmostEqual(seen.tick, shown)
            self.assertEqual(self.rewind.n_clamped - before, tick != shown, tick)
            with seen:
                place = self.world.columns(Place).x[0]
            low, high = (self.match.said[t][Place][0]["x"] for t in _around(shown))
            self.assertTrue(min(low, high) <= place <= max(low, high))
        for limit in (-0.1, math.nan):
            with self.assertRaisesRegex(LocalProtocolError, "seconds, 0 or more"):
                self.rewind.at(None, limit=limit)

    def test_spans_that_cannot_be(self) -> None:
        """What a client says of its snapshots is believed only where it may be true."""
        self.play(40)
        for older, newer in (
            (37, 36),
            (39, 40),
            (36, 41),
            (20, 40),
            (0, 0),
            (-9, 2**32 - 1),
            (37, 37),
        ):
            with self.rewind.at(Sight(37.5, older, newer)):
                shown = self.world.columns(Place).x[0]
            wanted = expected(self.match, Place, 0, Sight(37.5, 37, 38))
            self.assertEqual(shown, wanted["x"], (older, newer))

    def test_before_history(self) -> None:
        """Before the first tick nobody lived; before the oldest one it is that."""
        seen = self.rewind.at(Sight(3.0, 3, 4))
        with seen:
            self.assertEqual(seen.query(Place).tolist(), [])
        self.play(2)
        self.assertEqual(self.rewind.at(Sight(-4.0)).tick, 0.0)
        self.match.tick = 10
        self.play(2)
        seen = self.rewind.at(Sight(3.0, 3, 4))
        self.assertEqual((seen.tick, len(seen.query(Place))), (11.0, 4))
        self.check(Sight(11.5, 11, 12))

    def test_growing(self) -> None:
        """Rows that were used later than the moment are left as they are."""
        self.play(6)
        self.world.spawn_rows(5, Place(x=4.0))
        self.play(1, share=0.0)
        with self.rewind.at(Sight(5.5, 5, 6)) as seen:
            self.assertEqual(seen.query(Place).tolist(), [0, 1, 2, 3])
            self.assertEqual(self.world.columns(Place).x[4:9].tolist(), [4.0] * 5)
        self.check(Sight(5.5, 5, 7))

    def test_misuse(self) -> None:
        """Blocks do not nest, views do not outlive a tick, ticks rise."""
        self.play(6)
        seen = self.rewind.at(Sight(5.5, 5, 6))
        with seen:
            with self.assertRaisesRegex(LocalProtocolError, "rewound already"):
                self.rewind.at(None).__enter__()
            self.rewind.at(Sight(4.0)).values(Place)
            with self.assertRaisesRegex(LocalProtocolError, "rewound block"):
                self.rewind.record(6)
        with self.assertRaisesRegex(LocalProtocolError, "once a tick"):
            self.rewind.record(6)
        with self.assertRaisesRegex(LocalProtocolError, "mirror at 6"):
            self.rewind.record(7)
        self.play(1)
        for use in (
            seen.__enter__,
            lambda: seen.query(Place),
            lambda: seen.values(Place),
        ):
            with self.assertRaisesRegex(LocalProtocolError, "make one each time"):
                use()
        now = self.rewind.at(None)
        with self.assertRaisesRegex(LocalProtocolError, "Health is not rewound"):
            now.values(Health)
        for rows in ([-1], [CAPACITY]):
            with self.assertRaisesRegex(LocalProtocolError, "a world has 0 to 11"):
                self.rewind.at(None, keep_rows=rows)
            self.assertRaises(LocalProtocolError, now.values, Place, np.array(rows))

    def test_refused(self) -> None:
        """What cannot be rewound is said when the history is made."""
        mirror = self.match.mirror
        for components, seconds, words in (
            ([Secret], 0.25, "Secret cannot be rewound"),
            ([Place, Place], 0.25, "once, but got Place, Place"),
            ([Place], -0.1, "max_rewind = -0.1"),
            ([Place], math.nan, "max_rewind = nan"),
            ([Place], 1e9, "allowed are 0 to"),
        ):
            with self.assertRaisesRegex(ConfigError, words):
                Rewind(mirror, components, TICK_RATE, seconds)

    def test_counted(self) -> None:
        """Views are counted."""
        self.play(3)
        self.rewind.at(None)
        self.rewind.at(Sight(2.0))
        self.assertEqual((self.rewind.n_views, self.rewind.n_clamped), (2, 0))

    @given(st.integers(0, 2**32), st.integers(30, 60))
    def test_model(self, seed: int, n_ticks: int) -> None:
        """Whoever comes, goes, changes and moves: all of the past is as it was seen."""
        random = Random(seed)
        match = Match()
        for _ in range(n_ticks):
            for _ in range(random.randrange(3)):
                _shake(match.world, random)
            match.move(random, 0.5)
            match.end_tick()
            _shake(match.world, random)
            older = random.randrange(max(1, match.tick - 8), match.tick + 1)
            newer = random.randrange(older, match.tick + 1)
            low = max(older, 1, match.tick - 5)
            if low < newer:
                sight = Sight(random.uniform(low, newer), older, newer)
                self._check_model(match, sight, seed)

    def _check_model(self, match: Match, sight: Sight, seed: int) -> None:
        before = match.copy()
        with match.rewind.at(sight) as seen:
            for kind in REWOUND:
                now = match.world.query(kind).tolist()
                then, later = (match.said[t][kind] for t in (sight.older, sight.newer))
                ids = match.ids[sight.older]
                stays = [r for r in now if r in then and ids[r] == match.world.id_of(r)]
                self.assertEqual(seen.query(kind).tolist(), stays, seed)
                others = [row for row in now if row not in stays]
                columns = match.world.columns(kind).arrays
                for name, column in columns.items():
                    was = before[f"{kind.__name__}.{name}"]
                    self.assertTrue(same(column[others], was[others]), seed)
                for row in set(stays) & set(later):
                    for name, value in expected(match, kind, row, sight).items():
                        self.assertTrue(same(columns[name][row], value), seed)
        after = match.copy()
        for kind in COMPONENTS:
            rows = match.world.query(kind)
            for name in match.world.columns(kind).arrays:
                key = f"{kind.__name__}.{name}"
                self.assertTrue(same(after[key][rows], before[key][rows]), seed)


def _around(tick: float) -> tuple[int, int]:
    return math.floor(tick), math.ceil(tick)


def _shake(world: World, random: Random) -> None:
    """Let an entity come, go, or change its shape."""
    rows = world.query().tolist()
    choice = random.random()
    if choice < 0.4 and len(rows) < world.capacity:
        kinds = [kind for kind in COMPONENTS if random.random() < 0.8]
        world.spawn(*(kind() for kind in kinds))
    elif rows and choice < 0.6:
        world.despawn(world.id_of(random.choice(rows)))
    elif rows and choice < 0.8:
        entity, kind = world.id_of(random.choice(rows)), random.choice(COMPONENTS)
        if world.has(entity, kind):
            world.remove(entity, kind)
        else:
            world.add(entity, kind())


class Spot(Component):
    """What slides unless it is teleported."""

    x: float = float64()
    y: float = float64()


class Flag(Component):
    """What could slide, and is drawn as it comes."""

    shown = Shown(others=Show.SNAPPED)
    x: float = float64()
    y: float = float64()


class Door(Component):
    """The same with every kind of motion, of different types."""

    shown = Shown(others=Show.SNAPPED)
    hinge: tuple[float, float, float, float] = quaternion(bits=12)
    leaf: float = angle(bits=12)
    gap: float = float32()
    weight: float = float64()
    frame: int = uint16()


class Leaper(Component):
    """What jumps if it goes more than 3; how it is turned does not count."""

    shown = Shown(snap=3.0)
    heading: float = angle(bits=16)
    x: float = float32()
    y: float = float64()


class Spinner(Component):
    """What jumps if both angles together turn by more than 1."""

    shown = Shown(snap=1.0)
    axis: tuple[float, float, float, float] = quaternion(bits=16)
    yaw: float = angle(bits=16)
    pitch: float = angle(bits=16)


class Roller(Component):
    """What jumps if the first of its rotations is by more than 1."""

    shown = Shown(snap=1.0)
    body: tuple[float, float, float, float] = quaternion(bits=16)
    turret: tuple[float, float, float, float] = quaternion(bits=16)


class Gallery:
    """A server that rewinds, and a client with a view, joined by real snapshots.

    Every value changes in every tick, so every snapshot tells all of every row.

    Args:
        kinds: components; all but `Teleported` are rewound.
        stride: ticks from one snapshot to the next.
        seed: of all motion.
    """

    N_ROWS = 24

    def __init__(self, kinds: list[type[Component]], stride: int, seed: int) -> None:
        self.kinds = [kind for kind in kinds if kind is not Teleported]
        self.stride = stride
        self.world = World(kinds, 32)
        self.random = np.random.default_rng(seed)
        self.world.spawn_rows(self.N_ROWS, *(kind() for kind in kinds))
        self.sender = Sender(self.world, part_size=60_000, tick_rate=TICK_RATE)
        self.client = client_of(self.sender, self.world)
        self.view = View(self.client.world, TICK_RATE)
        self.rewind = Rewind(self.sender.mirror, self.kinds, TICK_RATE)
        self.before = 0
        """Tick of the snapshot before the newest."""
        self.newest = 0

    def run(self) -> None:
        """Let time pass until the next snapshot has arrived."""
        self.before = self.newest
        for _ in range(self.stride):
            self.newest += 1
            self.world.tick = self.newest
            self._move()
            self.sender.begin(self.newest)
            self.rewind.record(self.newest)
        self.client.exchange()
        written = self.client.receiver.take_followed().written
        self.view.arrived(
            self.newest, [(each.component, each.rows) for each in written]
        )

    def _move(self) -> None:
        """Move all a little, a fifth of it far; teleport some, by both ways."""
        rows = np.arange(self.N_ROWS)
        for kind in self.kinds:
            columns = self.world.columns(kind)
            for field in kind.schema_fields:
                self._move_field(columns.arrays[field.name][: self.N_ROWS], field.kind)
            columns.changed(rows)
        if Teleported not in self.world.components:
            return
        counts = self.world.columns(Teleported)
        for row in rows[self.random.random(self.N_ROWS) < 0.15].tolist():
            entity = self.world.id_of(row)
            if not counts.present[row]:
                self.world.add(entity, Teleported(count=row))
            elif self.random.random() < 0.3:
                self.world.remove(entity, Teleported)
            else:
                counts.count[row] += 1
                counts.changed(row)

    def _move_field(self, column: np.ndarray, kind: str) -> None:
        n = self.N_ROWS
        size = np.where(self.random.random(n) < 0.2, 4.0, 0.4)
        if kind == "quaternion":
            column += self.random.normal(0.0, 0.3, (n, 4)) * size[:, None]
            column /= np.linalg.norm(column, axis=1)[:, None]
        elif kind == "angle":
            turned = column + self.random.normal(0.0, 1.0, n) * size
            column[:] = np.remainder(turned + math.pi, math.tau) - math.pi
        elif kind_of_name(kind) is Kind.LINEAR:
            column += self.random.normal(0.0, 1.5, n) * size
        elif kind == "flag":
            np.logical_not(column, out=column)
        else:
            column += 1

    def drawn(self, kind: type[Component]) -> dict[str, np.ndarray]:
        """Return what the view draws, in the types of the world's columns."""
        rows = self.view.rows(kind)
        types = self.world.columns(kind).arrays
        return {
            name: array[rows].astype(types[name].dtype)
            for name, array in self.view.columns(kind).arrays.items()
        }


def kind_of_name(kind: str) -> Kind:
    """Return how fields slide that are declared with this word."""
    is_straight = kind.startswith("float") or kind == "fixed"
    return Kind.LINEAR if is_straight else Kind.STEP


class SameAsViewTests(SynchronousTestCase):
    """Who is rewound stands where a client that missed nothing drew them.

    To 1e-12, and to the last bit of a float32: sums are made in another order.
    """

    def check(
        self, *kinds: type[Component], strides: tuple[int, ...] = (1, 2, 3)
    ) -> None:
        """Compare both at many moments between snapshots."""
        for stride in strides:
            for seed in range(3):
                gallery = Gallery(list(kinds), stride, seed)
                gallery.run()
                for _ in range(12):
                    gallery.run()
                    for share in (0.0, 0.03, 0.25, 0.5, 0.61, 0.9, 0.999, 1.0):
                        self.compare(gallery, share, f"seed {seed} stride {stride}")
                self.assertEqual(gallery.rewind.n_clamped, 0)

    def compare(self, gallery: Gallery, share: float, run: str) -> None:
        """Draw a moment on the client, and rewind to what it says to have seen."""
        gallery.view.update(gallery.before + share * gallery.stride)
        seen = gallery.rewind.at(gallery.view.sight())
        asked = {kind: seen.values(kind) for kind in gallery.kinds}
        tables = {kind: self.table(seen, kind) for kind in gallery.kinds}
        with seen:
            for kind in gallery.kinds:
                rows = seen.query(kind)
                self.assertEqual(rows.tolist(), gallery.view.rows(kind).tolist())
                table = tables[kind]
                turns = {f.name for f in kind.schema_fields if f.kind == "angle"}
                for i, (name, drawn) in enumerate(gallery.drawn(kind).items()):
                    where = f"{run}, {kind.__name__}.{name} at {seen.tick}"
                    shown = gallery.world.columns(kind).arrays[name][rows]
                    self.expect_same(shown, drawn, where, name in turns)
                    self.expect_same(asked[kind][name], drawn, where, name in turns)
                    if table is not None:
                        self.expect_same(table[i, rows], drawn, where, name in turns)

    def table(self, seen: Rewound, kind: type[Component]) -> np.ndarray | None:
        """Return a copy of what `table` gives of the components that have one."""
        return seen.table(kind).copy() if kind in (Spot, Flag) else None

    def expect_same(
        self, shown: np.ndarray, drawn: np.ndarray, where: str, is_angle: bool
    ) -> None:
        """Fail unless values are the same but for rounding."""
        near = 2.0**-22 if drawn.dtype == np.float32 else 1e-12
        apart = np.abs(shown.astype(np.float64) - drawn.astype(np.float64))
        if is_angle:  # half a turn is the same to the left and to the right
            apart = np.minimum(apart, np.abs(math.tau - apart))
        bound = near * np.maximum(1.0, np.abs(drawn))
        if not (apart <= bound).all():
            self.fail(f"{where}: {shown} for {drawn}")

    def test_motion(self) -> None:
        """Plain motion, angles, rotations, and what can only step."""
        self.check(Spot, Pose)

    def test_snapped(self) -> None:
        """What is snapped is as the older snapshot says."""
        self.check(Spot, Flag, Door)

    def test_far(self) -> None:
        """What goes further than its `snap` is where it was until it is there."""
        self.check(Spot, Leaper, Spinner, Roller)

    def test_teleported(self) -> None:
        """What is teleported does so, too, all of it, in whichever way it was said."""
        self.check(Spot, Pose, Flag, Leaper, Spinner, Teleported)

    def test_rows_that_jump_are_some(self) -> None:
        """Of the rows here some jump and some slide, by distance and by word."""
        every: list[list[type[Component]]]
        every = [[Leaper], [Spinner], [Roller], [Spot, Teleported]]
        for kinds in every:
            gallery = Gallery(kinds, 1, 5)
            gallery.run()
            n_held = 0
            for _ in range(10):
                gallery.run()
                sights = (Sight(gallery.before + share) for share in (0.0, 0.5))
                one, other = (
                    gallery.rewind.at(each).values(kinds[0]) for each in sights
                )
                last = list(one)[-1]
                same_rows = np.isclose(one[last], other[last], rtol=0, atol=1e-9)
                n_held += int(same_rows.reshape(gallery.N_ROWS, -1).all(axis=1).sum())
            self.assertTrue(10 < n_held < 200, f"{kinds}: {n_held} of 240")
