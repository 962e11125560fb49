# SPDX-License-Identifier: MIT
"""The columns of one component: the public face of what a world stores.

Each field is one numpy array over all rows, allocated once. A reference to such an
array stays valid as long as the world lives, whatever is spawned or despawned.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.world.arrays import RowsLike, read_only
from gamenet.world.component import Component
from gamenet.world.memory import Memory

__all__ = ["Columns", "TickStamp"]


class TickStamp:
    """Hold the tick that changes are stamped with, shared by all of a world."""

    __slots__ = ("tick",)

    def __init__(self) -> None:
        self.tick = 0


class Columns:
    """Give the arrays of one component, one attribute per field.

    Values of rows that do not have the component are left-overs: ask `World.query` for
    the rows, or mask with `present`. Writing through an array marks nothing as
    changed; say so with `changed`.

    Example:
        position, velocity = world.columns(Position), world.columns(Velocity)
        rows = world.query(Position, Velocity)
        position.x[rows] += velocity.x[rows] * dt
        position.changed(rows)
    """

    component: type[Component]
    """The component that these columns store."""
    arrays: dict[str, NDArray[Any]]
    """The fields' arrays by name, in the order of declaration."""
    table: NDArray[Any] | None
    """The fields' arrays as one, (n_fields, capacity), if all are scalars of one dtype,
    and None otherwise: `velocity.table *= drag` is one operation for all fields."""
    present: NDArray[np.bool_]
    """Whether each row has the component: (capacity,) bool, read-only."""
    changed_tick: NDArray[np.uint32]
    """Tick of each row's newest change: (capacity,) uint32."""

    def __init__(
        self, component: type[Component], memory: Memory, stamp: TickStamp
    ) -> None:
        fields = component.schema_fields
        arrays = {field.name: memory.arrays[component, field.name] for field in fields}
        vars(self).update(
            arrays,
            component=component,
            arrays=arrays,
            table=memory.table(component),
            present=read_only(memory.arrays[component, "present"]),
            changed_tick=memory.arrays[component, "changed_tick"],
            _stamp=stamp,
        )

    def changed(self, rows: RowsLike | slice | int) -> None:
        """Mark rows as changed in the world's present tick.

        Args:
            rows: any numpy index: row numbers, a bool per row, a slice.
        """
        self.changed_tick[rows] = self._stamp.tick

    def __getattr__(self, name: str) -> Any:
        # Reached only for names that are not set; declares the fields to type checkers.
        fields = ", ".join(self.arrays) if "arrays" in vars(self) else ""
        msg = f"{type(self).__name__} has no field {name!r}: it has {fields or 'none'}"
        raise AttributeError(msg)

    def __setattr__(self, name: str, value: object) -> None:
        # `columns.x += 1` works in place and then sets the same array again; anything
        # else would part this object from the array that the world uses.
        if vars(self).get(name) is not value:
            msg = (
                f"columns.{name} cannot be replaced: write into it, {name}[rows] = ..."
            )
            raise AttributeError(msg)

    def __repr__(self) -> str:
        fields = ", ".join(self.arrays)
        return f"<Columns of {self.component.__name__}: {fields or 'no fields'}>"
