# SPDX-License-Identifier: MIT
"""The reliable messages of replication: who is there, and who is not any more."""

from __future__ import annotations

from gamenet.wire import Schema, array, blob, nested, uint32

__all__ = ["MAX_BLOCK", "MAX_DESPAWNED", "Despawned", "EntityRef", "Spawned"]

MAX_BLOCK = 16384
MAX_DESPAWNED = 1024


class EntityRef(Schema):
    """An entity: its row, and which use of that row it is."""

    row: int = uint32()
    generation: int = uint32()


class Spawned(Schema):
    """Entities that are new, or whose set of components is, as a row block."""

    tick: int = uint32()
    block: bytes = blob(MAX_BLOCK)


class Despawned(Schema):
    """Entities that are gone."""

    tick: int = uint32()
    entities: list[EntityRef] = array(nested(EntityRef), MAX_DESPAWNED)
