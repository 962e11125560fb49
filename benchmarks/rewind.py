# SPDX-License-Identifier: MIT
"""What a shot costs a server that judges it by what the shooter saw.

A thousand targets move; a shot is judged between two ticks, by two ways:

    us        `Rewound.table`: the moment is found, who lived then is asked for, all
              positions are interpolated, and a sphere is tested against one around each
              target. The world is left alone. The shots of a tick share what leads from
              one snapshot to the other, so that this is a shot after a tick's first;
    first_us  the same for the first shot of a tick;
    with_us   a `with` block: the world itself is rewound, a ray is tested against the
              spheres, and the world is put back.

The floors are what numpy cannot do without: the same arithmetic on the same numbers, in
arrays made for nothing else, without a world.
"""

from __future__ import annotations

import math
from itertools import cycle
from typing import Any

import numpy as np

from benchmarks.measure import nanoseconds, ratio
from gamenet.prediction import Rewind, Sight, ray_spheres, spheres_touching
from gamenet.replication import Mirror
from gamenet.wire import float64
from gamenet.world import Component, World

N_TARGETS = 1_000
N_TICKS = 40
TICK_RATE = 60.0
RADIUS = 0.5
EYE = (-100.0, 0.0, 0.0)


class Place(Component):
    """Where a target is, in metres."""

    x: float = float64()
    y: float = float64()
    z: float = float64()


class Range:
    """A shooting range of moving targets, with a history of some ticks."""

    def __init__(self) -> None:
        self.world = World([Place], N_TARGETS + 24)
        self.rows = self.world.spawn_rows(N_TARGETS, Place())
        self.mirror = Mirror(self.world, tick_rate=TICK_RATE)
        self.rewind = Rewind(self.mirror, [Place], TICK_RATE)
        self.at = self.world.columns(Place)
        random = np.random.default_rng(7)
        place = random.uniform(-50.0, 50.0, (3, N_TARGETS))
        speed = random.normal(0.0, 0.1, (3, N_TARGETS))
        for tick in range(1, N_TICKS + 1):
            self.world.tick = tick
            place += speed
            for axis, values in zip(self.at.arrays.values(), place, strict=True):
                axis[self.rows] = values
            self.at.changed(self.rows)
            self.mirror.update(tick)
            self.rewind.record(tick)
        # More pairs of snapshots than are remembered.
        self.sights = cycle(
            Sight(older + 0.5, older, older + span)
            for older in range(N_TICKS - 14, N_TICKS - 2)
            for span in (1, 2)
        )
        self.sight = Sight(N_TICKS - 6.7, N_TICKS - 8, N_TICKS - 6)
        seen = self.rewind.at(self.sight).values(Place, self.rows[:1])
        self.target = tuple(float(axis[0]) for axis in seen.values())
        self.aim = tuple(to - eye for to, eye in zip(self.target, EYE, strict=True))

    def touch(self, sight: Sight | None = None) -> Any:
        """Judge a shot that goes to a point: whom a sphere touches there."""
        seen = self.rewind.at(sight or self.sight)
        rows = seen.query(Place)
        places = seen.table(Place)
        return spheres_touching(self.target, RADIUS, places, RADIUS, rows=rows)

    def touch_first(self) -> Any:
        """Judge such a shot between two snapshots that no other was judged between."""
        return self.touch(next(self.sights))

    def shoot(self) -> Any:
        """Judge a shot along a ray, with the world itself rewound."""
        with self.rewind.at(self.sight) as seen:
            rows = seen.query(Place)
            places = self.at.table
            assert places is not None
            return ray_spheres(EYE, self.aim, places, RADIUS, rows=rows)

    def touch_floor(self) -> Any:
        """Return a function that judges a sphere with bare numpy."""
        one, other = np.random.default_rng(7).uniform(-50.0, 50.0, (2, 3, N_TARGETS))
        lead, place = other - one, np.empty_like(one)
        target, reach = np.array(self.target), 4.0 * RADIUS * RADIUS

        def judge() -> Any:
            np.multiply(lead, 0.65, out=place)
            np.add(place, one, out=place)
            gaps = place[0] - target[0]
            gaps *= gaps
            near = (gaps <= reach).nonzero()[0]
            apart = place[1:, near] - target[1:, None]
            return near[gaps[near] + (apart * apart).sum(axis=0) <= reach]

        return judge

    def floor(self) -> Any:
        """Return a function that judges a ray with bare numpy."""
        one, other = np.random.default_rng(7).uniform(-50.0, 50.0, (2, 3, N_TARGETS))
        place, kept = np.empty_like(one), np.empty_like(one)
        aim = np.array(self.aim) / math.hypot(*self.aim)
        eye = np.array(EYE)[:, None]

        def judge() -> Any:
            np.copyto(kept, place)
            np.subtract(other, one, out=place)
            place.__imul__(0.65)
            place.__iadd__(one)
            apart = place - eye
            along = aim @ apart
            beside = np.einsum("in,in->n", apart, apart) - along * along
            found = (beside <= RADIUS * RADIUS).nonzero()[0]
            np.copyto(place, kept)
            return found

        return judge


def run() -> dict[str, Any]:
    """Return the microseconds of a shot, and how many times the floor that is."""
    shooting = Range()
    floor, touch_floor = shooting.floor(), shooting.touch_floor()
    return {
        "us": nanoseconds(shooting.touch) / 1e3,
        "floor_us": nanoseconds(touch_floor) / 1e3,
        "times_floor": ratio(shooting.touch, touch_floor),
        "first_us": nanoseconds(shooting.touch_first) / 1e3,
        "with_us": nanoseconds(shooting.shoot) / 1e3,
        "with_floor_us": nanoseconds(floor) / 1e3,
        "with_times_floor": ratio(shooting.shoot, floor),
        "n_targets": N_TARGETS,
        "n_touched": len(shooting.touch().rows),
        "n_hits": len(shooting.shoot().rows),
    }
