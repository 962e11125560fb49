# SPDX-License-Identifier: MIT
"""Make one entity's component look like an object: `world[entity, Position].x += 1`.

A row view has the component's fields as properties that read and write the columns. Its
class is made once per world and component, with the memory it needs bound into the
properties, which is what makes an access cost a few hundred nanoseconds.

A view that is kept notices when its entity, or the entity's component, is gone: each
access compares the entity that holds the row now with the one it was made for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from gamenet.errors import StaleEntityError
from gamenet.world.cells import Cells
from gamenet.world.columns import Columns, TickStamp
from gamenet.world.component import Component
from gamenet.world.entity import EntityId, describe_entity

__all__ = ["RowView", "row_view_type"]


class RowView:
    """Base of the row views of all components."""

    __slots__ = ("_entity", "_row")

    component: ClassVar[type[Component]]

    def __init__(self, entity: EntityId, row: int) -> None:
        self._entity = entity
        self._row = row

    def __repr__(self) -> str:
        values = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in self.component.schema_fields
        )
        name = self.component.__name__
        return f"<{name}({values}) of {describe_entity(self._entity)}>"

    def _stale(self) -> StaleEntityError:
        name = self.component.__name__
        msg = (
            f"{describe_entity(self._entity)} is gone or lost its {name} since this "
            f"view of it was made: ask world[entity, {name}] when you need it"
        )
        return StaleEntityError(msg)


def row_view_type(
    columns: Columns, cells: tuple[Cells, ...], holders: memoryview, stamp: TickStamp
) -> type[RowView]:
    """Make the class of the row views of one component in one world.

    Args:
        columns: the component's columns.
        cells: access to their single values.
        holders: for each row, the id of the entity that has the component there.
        stamp: the tick that writes are stamped with.
    """
    ticks = columns.changed_tick.data
    body: dict[str, Any] = {
        cell.name: _value_property(cell, holders, ticks, stamp) for cell in cells
    }
    body |= {"__slots__": (), "component": columns.component}
    return type(f"{columns.component.__name__}RowView", (RowView,), body)


def _value_property(
    cell: Cells, holders: memoryview, ticks: memoryview, stamp: TickStamp
) -> property:
    read: Callable[[int], Any] = cell.read
    write = cell.write

    def get_value(self: RowView) -> Any:
        row = self._row
        if holders[row] != self._entity:
            raise self._stale()
        return read(row)

    def set_value(self: RowView, value: Any) -> None:
        row = self._row
        if holders[row] != self._entity:
            raise self._stale()
        write(row, value)
        ticks[row] = stamp.tick

    return property(get_value, set_value)
