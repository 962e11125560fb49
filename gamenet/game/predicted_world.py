# SPDX-License-Identifier: MIT
"""The copy of a world that a client predicts in: values change there, entities do not.

Only the server knows which row comes next, so an entity that a prediction made could
never be told from the one that the server makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gamenet.errors import LocalProtocolError
from gamenet.world import Component, EntityId, World

__all__ = ["PredictedWorld"]


class PredictedWorld(World):
    """A world that refuses to make and end entities while a game predicts in it.

    Args:
        components: as in `World`.
        capacity: as in `World`.
    """

    _is_closed = False

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Refuse what changes which entities there are, for the time being."""
        self._is_closed = True
        try:
            yield
        finally:
            self._is_closed = False

    def _refuse(self, what: str) -> None:
        if self._is_closed:
            msg = (
                f"a prediction cannot {what}: only the server knows which entity that "
                "is; do it in `step`, outside of what is @predicted, and make a "
                "predicted event to show it at once"
            )
            raise LocalProtocolError(msg)

    def spawn(self, *components: Component, owner: object = None) -> EntityId:
        """Make an entity, unless a game predicts.

        Raises:
            LocalProtocolError: a prediction asks for it, or as in `World`.
            WorldFullError: if no row is free.
        """
        self._refuse("spawn an entity")
        return super().spawn(*components, owner=owner)

    def despawn(self, entity: EntityId) -> None:
        """Remove an entity, unless a game predicts.

        Raises:
            LocalProtocolError: a prediction asks for it.
            StaleEntityError: if it is gone already.
        """
        self._refuse("despawn an entity")
        super().despawn(entity)

    def despawn_rows(self, rows: Any) -> None:
        """Remove the entities of rows, unless a game predicts.

        Raises:
            LocalProtocolError: a prediction asks for it.
        """
        self._refuse("despawn entities")
        super().despawn_rows(rows)

    def add(self, entity: EntityId, component: Component) -> None:
        """Give an entity a component, unless a game predicts.

        Raises:
            LocalProtocolError: a prediction asks for it, or as in `World`.
            StaleEntityError: if the entity is gone.
        """
        self._refuse("add a component")
        super().add(entity, component)

    def remove(self, entity: EntityId, component: type[Component]) -> None:
        """Take a component from an entity, unless a game predicts.

        Raises:
            LocalProtocolError: a prediction asks for it, or as in `World`.
            StaleEntityError: if the entity is gone.
        """
        self._refuse("remove a component")
        super().remove(entity, component)

    def set_owner(self, entity: EntityId, owner: object) -> None:
        """Give an entity to another owner, unless a game predicts.

        Raises:
            LocalProtocolError: a prediction asks for it, or as in `World`.
            StaleEntityError: if the entity is gone.
        """
        self._refuse("give an entity away")
        super().set_owner(entity, owner)
