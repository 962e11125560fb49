# SPDX-License-Identifier: MIT
"""Name entities by number: a row, and the generation of that row.

Rows are reused, so a row alone cannot name an entity for long. Each use of a row has a
generation, and an `EntityId` holds both: `generation << 32 | row`. An id kept longer
than its entity is therefore recognized as stale, and never taken for the entity that
came to live in the same row.

A generation is never 0, and neither are its low 16 bits, which is all of it that a
snapshot carries. So 0 is no valid id, and 0 stands for "no generation" everywhere.
"""

from __future__ import annotations

from typing import Any, NewType

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError

__all__ = [
    "NOBODY",
    "ROW_BITS",
    "ROW_MASK",
    "UINT32_MAX",
    "EntityId",
    "describe_entity",
    "entity_generation",
    "entity_id",
    "entity_ids",
    "entity_row",
    "following_generation",
    "following_generations",
    "owner_number",
]

EntityId = NewType("EntityId", int)
"""An entity of one world: `generation << 32 | row`, never 0."""

ROW_BITS = 32
ROW_MASK = (1 << ROW_BITS) - 1
UINT32_MAX = (1 << 32) - 1

NOBODY = (1 << 64) - 1
"""Stands in an array of ids for "no entity": its row is beyond any capacity."""

# Snapshots carry this much of a generation, and there too 0 must mean "none".
WIRE_MASK = 0xFFFF


def entity_id(row: int, generation: int) -> EntityId:
    """Return the id of the entity that a row holds in a generation."""
    return EntityId(generation << ROW_BITS | row)


def entity_ids(
    rows: NDArray[np.integer[Any]], generations: NDArray[np.uint32]
) -> NDArray[np.uint64]:
    """Return `entity_id` of each row and generation.

    Shapes:
        rows, generations: (n,); returns (n,) uint64.
    """
    high = generations.astype(np.uint64) << np.uint64(ROW_BITS)
    return high | rows.astype(np.uint64)


def entity_row(entity: EntityId) -> int:
    """Return the row of an id, without asking whether the entity still exists."""
    return entity & ROW_MASK


def entity_generation(entity: EntityId) -> int:
    """Return the generation of an id."""
    return entity >> ROW_BITS


def following_generation(generation: int) -> int:
    """Return the generation that a row's next use gets.

    Example:
        >>> following_generation(0), following_generation(0xFFFF)
        (1, 65537)
    """
    following = (generation + 1) & UINT32_MAX
    return following if following & WIRE_MASK else following + 1


def following_generations(generations: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return `following_generation` of each generation.

    Shapes:
        generations: (n,) uint32; returns (n,) uint32, a new array.
    """
    following = generations + np.uint32(1)
    following += (following & np.uint32(WIRE_MASK)) == 0
    return following


def describe_entity(entity: int) -> str:
    """Return the words by which error messages name an entity."""
    row, generation = entity & ROW_MASK, entity >> ROW_BITS
    return f"entity {entity} (row {row}, generation {generation})"


def owner_number(owner: Any) -> int:
    """Return the player id of an owner, 0 for nobody.

    Args:
        owner: a player (anything with an `id`), a player id, or None.

    Raises:
        LocalProtocolError: if it is none of them.
    """
    number = getattr(owner, "id", owner)
    if number is None:
        return 0
    if isinstance(number, int | np.integer) and 0 <= number <= UINT32_MAX:
        return int(number)
    msg = (
        f"{owner!r} cannot own an entity: give a player, a player id from 0 to "
        f"{UINT32_MAX}, or None"
    )
    raise LocalProtocolError(msg)
