# SPDX-License-Identifier: MIT
"""Entities and components in numpy columns.

A `World` is a fixed number of rows. An entity is one of them, named by an `EntityId`
that also counts how often the row was used; a component is a set of columns. Work on
many entities goes through `World.query` and `World.columns`, work on one through
`world[entity, Component]`.
"""

from __future__ import annotations

from gamenet.world.changes import Changes
from gamenet.world.columns import Columns
from gamenet.world.component import Component
from gamenet.world.difference import Difference, first_difference
from gamenet.world.entity import (
    EntityId,
    entity_generation,
    entity_id,
    entity_ids,
    entity_row,
)
from gamenet.world.saved import SavedWorld
from gamenet.world.shown import Show, Shown
from gamenet.world.sync import Audience, Sync
from gamenet.world.world import World

__all__ = [
    "Audience",
    "Changes",
    "Columns",
    "Component",
    "Difference",
    "EntityId",
    "SavedWorld",
    "Show",
    "Shown",
    "Sync",
    "World",
    "entity_generation",
    "entity_id",
    "entity_ids",
    "entity_row",
    "first_difference",
]
