# SPDX-License-Identifier: MIT
"""One component's storage as the world sees it: columns, and who has a row in them.

Presence is kept as the id of the entity that has the component in a row. One comparison
then answers both questions of every access: is the id current, and has the entity this
component?
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.world.arrays import RowIndices
from gamenet.world.cells import Cells
from gamenet.world.columns import Columns, TickStamp
from gamenet.world.component import Component
from gamenet.world.entity import NOBODY, EntityId
from gamenet.world.memory import Memory
from gamenet.world.rowview import row_view_type

__all__ = ["Table"]


class Table:
    """Store one component for all rows of a world.

    Args:
        component: the component class.
        memory: where its arrays lie.
        stamp: the tick that changes are stamped with.
    """

    def __init__(
        self, component: type[Component], memory: Memory, stamp: TickStamp
    ) -> None:
        self.component = component
        self.version = 0
        """Rises whenever an entity gains or loses the component."""
        self._cells = tuple(
            Cells(component.__name__, field, memory.arrays[component, field.name])
            for field in component.schema_fields
        )
        self._stamp = stamp
        self._defaults = component()
        self._holders = memory.arrays[component, "_holders"]
        self._holders[:] = NOBODY
        self._present = memory.arrays[component, "present"]
        self.columns = Columns(component, memory, stamp)
        # Indexing a memoryview gives Python numbers, twice as fast as numpy does.
        self.holders = self._holders.data
        self._present_cells = self._present.data
        self._tick_cells = self.columns.changed_tick.data
        self.view = row_view_type(self.columns, self._cells, self.holders, stamp)
        self._fill()

    def write(self, row: int, values: Any) -> None:
        """Set all fields of a row from an object that has them as attributes.

        Raises:
            LocalProtocolError: if a column cannot hold a value; the fields before it
                are written then, which is of no account in a row that nobody has.
        """
        for cell in self._cells:
            cell.write(row, getattr(values, cell.name))
        self._tick_cells[row] = self._stamp.tick

    def overwrite(self, row: int, values: Any) -> None:
        """Set all fields of a row, or none.

        Raises:
            LocalProtocolError: if a column cannot hold a value; the row is unchanged.
        """
        before = [cell.array[row].copy() for cell in self._cells]
        try:
            self.write(row, values)
        except BaseException:
            for cell, value in zip(self._cells, before, strict=True):
                cell.array[row] = value
            raise

    def write_defaults(self, row: int) -> None:
        """Set all fields of a row to their defaults."""
        self.write(row, self._defaults)

    def repeat(self, row: int, rows: RowIndices) -> None:
        """Copy one row's values to rows."""
        for cell in self._cells:
            cell.array[rows] = cell.array[row]
        self.columns.changed(rows)

    def admit(self, row: int, entity: EntityId) -> None:
        """Note that the entity of a row has the component."""
        self.holders[row] = entity
        self._present_cells[row] = True
        self.version += 1

    def admit_many(self, rows: RowIndices, entities: NDArray[np.uint64]) -> None:
        """Note that the entities of rows have the component."""
        self._holders[rows] = entities
        self._present[rows] = True
        self.version += 1

    def expel(self, row: int) -> None:
        """Note that the entity of a row has the component no more, if it had."""
        if self._present_cells[row]:
            self.holders[row] = NOBODY
            self._present_cells[row] = False
            self.version += 1

    def expel_many(self, rows: RowIndices) -> None:
        """Note that the entities of rows have the component no more, where they had."""
        if self._present[rows].any():
            self._holders[rows] = NOBODY
            self._present[rows] = False
            self.version += 1

    def _fill(self) -> None:
        # Legal values everywhere: work on whole columns meets no zero quaternion and no
        # number that is no member, and a default that does not fit is found here.
        self.write_defaults(0)
        for cell in self._cells:
            cell.array[:] = cell.array[0]
