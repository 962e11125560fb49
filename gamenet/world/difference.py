# SPDX-License-Identifier: MIT
"""Say where two worlds differ: which entity, component and field, and both values.

Two checksums that differ say that a game went two ways; what helps its author is the
first place where it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.world.component import Component
from gamenet.world.entity import NOBODY, EntityId, describe_entity
from gamenet.world.memory import Arrays, Key, Layout
from gamenet.world.saved import SavedWorld
from gamenet.world.world import World

__all__ = ["Difference", "first_difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is another in another world."""

    entity: EntityId
    """Whose it is; where another entity lives in its row, the one of the first world,
    if there is one."""
    component: type[Component] | None
    """The component, None for what is the entity's own."""
    field: str
    """The field; without a component "id" or "owner", and "present" where only one of
    the two has the component."""
    one: Any
    """Its value in the first world; None for the id of nobody."""
    other: Any
    """Its value in the second world."""

    @property
    def place(self) -> str:
        """Return component, field and entity in words."""
        name = "" if self.component is None else f"{self.component.__name__}."
        return f"{name}{self.field} of {describe_entity(self.entity)}"

    def __str__(self) -> str:
        return (
            f"{self.place} is {self.one!r} in one world and {self.other!r} in the other"
        )


def first_difference(
    one: World | SavedWorld, other: World | SavedWorld
) -> Difference | None:
    """Return where two worlds differ in what their checksums count, or None.

    Of several differences the one in the lowest row is told, and in that row the first:
    who lives there, whose it is, then its components and their fields in order.

    Raises:
        LocalProtocolError: the worlds have other components or capacities.

    Example:
        >>> from gamenet.wire import uint8
        >>> class Health(Component):
        ...     points: int = uint8()
        >>> world = World([Health], capacity=4)
        >>> ship = world.spawn(Health(points=9))
        >>> before = world.save()
        >>> world[ship, Health].points = 7
        >>> print(first_difference(before, world))
        Health.points of entity 4294967296 (row 0, generation 1) is 9 in one world and \
7 in the other
    """
    one, other = _saved(one), _saved(other)
    other.check_layout(one.layout)
    layout, ours, theirs = one.layout, one.arrays, other.arrays
    rows = np.flatnonzero(_differing(layout, ours, theirs))
    if not len(rows):
        return None
    return _difference_in(int(rows[0]), layout, ours, theirs)


def _saved(world: World | SavedWorld) -> SavedWorld:
    saved = world.save() if isinstance(world, World) else world
    saved.check_filled()
    return saved


def _differing(layout: Layout, ours: Arrays, theirs: Arrays) -> NDArray[np.bool_]:
    """Return which rows differ: (capacity,) bool."""
    differing: NDArray[np.bool_] = ours[None, "ids"] != theirs[None, "ids"]
    differing |= ours[None, "owner"] != theirs[None, "owner"]
    for component in layout.components:
        present = ours[component, "present"]
        differing |= present != theirs[component, "present"]
        for field in component.schema_fields:
            key = component, field.name
            differing |= present & _unlike(ours[key], theirs[key])
    return differing


def _unlike(ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.bool_]:
    """Return in which rows two columns differ, bit by bit: NaN is like itself."""
    size = ours.dtype.itemsize * (ours.shape[1] if ours.ndim > 1 else 1)
    as_bytes = ours.view(np.uint8), theirs.view(np.uint8)
    mine, yours = (array.reshape(len(ours), size) for array in as_bytes)
    unlike: NDArray[np.bool_] = (mine != yours).any(axis=1)
    return unlike


def _difference_in(
    row: int, layout: Layout, ours: Arrays, theirs: Arrays
) -> Difference:
    """Return the first difference in a row that has one."""
    mine, yours = (int(arrays[None, "ids"][row]) for arrays in (ours, theirs))
    entity = EntityId(yours if mine == NOBODY else mine)
    if mine != yours:
        known = [None if each == NOBODY else EntityId(each) for each in (mine, yours)]
        return Difference(entity, None, "id", *known)
    keys: list[Key] = [(None, "owner")]
    for component in layout.components:
        keys.append((component, "present"))
        if ours[component, "present"][row]:
            keys += [(component, field.name) for field in component.schema_fields]
    here = slice(row, row + 1)
    key = next(key for key in keys if _unlike(ours[key][here], theirs[key][here])[0])
    values = (arrays[key][row].tolist() for arrays in (ours, theirs))
    return Difference(entity, *key, *values)
