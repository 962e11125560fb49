# SPDX-License-Identifier: MIT
"""The components that one world knows, each with its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gamenet.errors import LocalProtocolError
from gamenet.world.columns import TickStamp
from gamenet.world.component import Component
from gamenet.world.entity import NOBODY, EntityId
from gamenet.world.memory import Memory, component_names
from gamenet.world.rowview import RowView
from gamenet.world.table import Table

__all__ = ["Catalogue", "component_type"]


class Catalogue:
    """Find the tables of components, and name what is not there.

    Args:
        memory: of the world, whose layout says which components it has.
        stamp: the tick that changes are stamped with.

    Raises:
        LocalProtocolError: if the default of a field does not fit into its column.
    """

    def __init__(self, memory: Memory, stamp: TickStamp) -> None:
        self.tables: dict[type[Component], Table] = {
            component: Table(component, memory, stamp)
            for component in memory.layout.components
        }

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables.values())

    def table(self, component: type[Component]) -> Table:
        """Return the table of a component.

        Raises:
            LocalProtocolError: if the world does not have it.
        """
        try:
            return self.tables[component]
        except (KeyError, TypeError):
            name = getattr(component, "__name__", repr(component))
            msg = (
                f"{name} is no component of this world: it has "
                f"{component_names(self.tables)}; list it when the world is made"
            )
            raise LocalProtocolError(msg) from None

    def shape(self, components: Sequence[type[Component]]) -> list[Table]:
        """Return the tables of the components of one entity.

        Raises:
            LocalProtocolError: if one is unknown or twice there.
        """
        tables = [self.table(component) for component in components]
        if len(set(components)) < len(components):
            names = component_names(components)
            msg = f"an entity has each component once, but got {names}"
            raise LocalProtocolError(msg)
        return tables

    def reshape(self, row: int, entity: EntityId, wanted: list[Table]) -> bool:
        """Let the entity of a row have exactly some components.

        Those that it gains have their defaults, those that it keeps their values.

        Returns:
            Whether it gained or lost any.
        """
        gained = [table for table in wanted if table.holders[row] == NOBODY]
        lost = [
            table
            for table in self
            if table.holders[row] != NOBODY and table not in wanted
        ]
        for table in gained:
            table.write_defaults(row)
            table.admit(row, entity)
        for table in lost:
            table.expel(row)
        return bool(gained or lost)


def component_type(item: Component | RowView) -> type[Component]:
    """Return the class of an instance, or of the component that a row view shows."""
    return item.component if isinstance(item, RowView) else type(item)
