# SPDX-License-Identifier: MIT
"""The components that one world knows, each with its table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gamenet.errors import LocalProtocolError, SchemaError
from gamenet.world.columns import TickStamp
from gamenet.world.component import Component, ComponentType
from gamenet.world.rowview import RowView
from gamenet.world.table import Table

__all__ = ["Catalogue", "component_type"]


class Catalogue:
    """Find the tables of components, and name what is not there.

    Args:
        components: the component classes of the world.
        capacity: number of rows.
        stamp: the tick that changes are stamped with.

    Raises:
        SchemaError: if one is no component, or is listed twice.
        LocalProtocolError: if the default of a field does not fit into its column.
    """

    def __init__(
        self, components: Sequence[type[Component]], capacity: int, stamp: TickStamp
    ) -> None:
        listed: Sequence[object] = components
        for component in listed:
            if not isinstance(component, ComponentType):
                msg = f"{component!r} is no component class: subclass Component"
                raise SchemaError(msg)
        if len(set(components)) < len(components):
            msg = f"a world has each component once, but got {_names(components)}"
            raise SchemaError(msg)
        self.tables: dict[type[Component], Table] = {
            component: Table(component, capacity, stamp) for component in components
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
                f"{_names(self.tables)}; list it when the world is made"
            )
            raise LocalProtocolError(msg) from None

    def shape(self, components: Sequence[type[Component]]) -> list[Table]:
        """Return the tables of the components of one entity.

        Raises:
            LocalProtocolError: if one is unknown or twice there.
        """
        tables = [self.table(component) for component in components]
        if len(set(components)) < len(components):
            msg = f"an entity has each component once, but got {_names(components)}"
            raise LocalProtocolError(msg)
        return tables


def component_type(item: Component | RowView) -> type[Component]:
    """Return the class of an instance, or of the component that a row view shows."""
    return item.component if isinstance(item, RowView) else type(item)


def _names(components: Iterable[type[Component]]) -> str:
    return ", ".join(component.__name__ for component in components) or "none"
