# SPDX-License-Identifier: MIT
"""Components, worlds and strategies that the tests of replication share."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gamenet.wire import fixed, flag, float32, nbits, uint8, uint32
from gamenet.world import Component, EntityId, World, entity_id


class Stamp(Component):
    """The tick at which the sender wrote the row: it may never go back."""

    tick: int = uint32()


class Position(Component):
    """Quantized on the wire."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Motion(Component):
    """Not quantized."""

    x: float = float32()
    y: float = float32()


class Condition(Component):
    """Bits that share a word, and a byte."""

    is_shielded: bool = flag()
    level: int = nbits(3)
    points: int = uint8()


class Ghost(Component):
    """No fields at all."""


COMPONENTS: list[type[Component]] = [Stamp, Position, Motion, Condition, Ghost]

numbers = st.floats(-600, 600, width=32)
instances = {
    Stamp: st.just(Stamp(0)),
    Position: st.builds(Position, numbers, numbers),
    Motion: st.builds(Motion, numbers, numbers),
    Condition: st.builds(
        Condition, st.booleans(), st.integers(0, 7), st.integers(0, 255)
    ),
    Ghost: st.just(Ghost()),
}

State = dict[EntityId, tuple[int, dict[str, bytes]]]


def state_of(world: World) -> State:
    """Return who is there, whose, and each component's bytes on the wire.

    Two values that are the same on the wire are the same after quantization.
    """
    return {
        world.id_of(row): (
            int(world.owner[row]),
            {
                kind.__name__: encoded(world, row, kind)
                for kind in world.components
                if world.columns(kind).present[row]
            },
        )
        for row in world.query().tolist()
    }


def encoded(world: World, row: int, kind: type[Component]) -> bytes:
    """Return a component of a row as bytes."""
    view = world[world.id_of(row), kind]
    values = {field.name: getattr(view, field.name) for field in kind.schema_fields}
    return kind(**values).encode()


def everything_in(world: World) -> list[Any]:
    """Return a copy of every array of a world, to be compared by `same`."""
    arrays = [world.alive, world.generation, world.owner]
    for kind in world.components:
        columns = world.columns(kind)
        arrays += [columns.present, columns.changed_tick]
        arrays += [getattr(columns, field.name) for field in kind.schema_fields]
    return [array.copy() for array in arrays]


def same(before: list[Any], after: list[Any]) -> bool:
    """Return whether two copies hold the same bytes."""
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(before, after, strict=True)
    )


def random_world(
    random: Random, rows: list[int], capacity: int, components: Any = COMPONENTS
) -> World:
    """Return a world with random entities in exactly these rows."""
    world = World(components, capacity)
    for row in rows:
        shape = [kind for kind in components if random.random() < 0.6]
        generation = random.choice((1, 2, 0xFFFF, 0x10001, 0xFFFFFFFF))
        entity = entity_id(row, generation)
        world.restore(entity, shape, random.randrange(4))
        for kind in shape:
            world.add(entity, kind.sample(random))
    world.drain_changes()
    return world
