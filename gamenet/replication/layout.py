# SPDX-License-Identifier: MIT
"""The words of a row: its identity, then its components, lane by lane in groups.

A group is up to three lanes of one component that change together, as a position's
do. One group of one row is a cell, which is what a snapshot tells or leaves out. All
lanes of a world are a table of three lines by groups; a group with fewer lanes is
filled with zeros, so that numpy works on all groups at once.

Source: docs/STANDARD.md, "Lanes" and "Cells".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gamenet.wire import Lanes
from gamenet.world import Audience, Component

__all__ = ["LANES", "LARGEST_CELL", "LEVELS", "Group", "RowLayout"]

LANES = 3
"""Most lanes of a group."""
LARGEST_CELL = 8
"""Bytes of the largest cell."""
LEVELS = 8
"""Levels of what may be seen of a row: all sums of `Audience` bits."""

GENERATION, OWNER = 0, 1  # the lanes of group 0

Group = tuple[int, ...]
"""The widths of a group's lanes in bits."""


class RowLayout:
    """Say where each lane of a row stands, and how its groups become cells.

    Args:
        components: the replicated ones, in the order of their numbers.
    """

    def __init__(self, components: Sequence[type[Component]]) -> None:
        self.components = tuple(components)
        self.lanes = [Lanes(component) for component in components]
        n_shape_bits = len(components)
        shape = [min(32, n_shape_bits - i) for i in range(0, n_shape_bits, 32)]
        groups: list[Group] = [(32, 32), *_grouped(shape)]
        self.n_shape_groups = len(groups) - 1
        self.component_groups: list[slice] = []
        """The groups of each component."""
        for lanes in self.lanes:
            begin = len(groups)
            groups += _grouped(lanes.widths)
            self.component_groups.append(slice(begin, len(groups)))
        self.groups = groups
        self.n_groups = len(groups)
        self.n_words = LANES * self.n_groups
        """Words of a row, filling included."""
        self.positions = [self._positions(where) for where in self.component_groups]
        """Of each component, where its lanes stand among the words of a row."""
        self.shape_positions = self._positions(slice(1, 1 + self.n_shape_groups))
        self.generation_position = GENERATION * self.n_groups
        self.owner_position = OWNER * self.n_groups
        self.full = np.array([_size(group) for group in groups])
        """Bytes of each group in full: (n_groups,)."""
        widths = np.full((LANES, self.n_groups), 32)
        for g, group in enumerate(groups):
            widths[: len(group), g] = group
        self.widths = widths
        """Bits of each lane, 32 where there is none: (3, n_groups)."""
        self.masks = ((1 << widths.astype(np.uint64)) - 1).astype(np.uint32)
        self.shifts = (32 - widths).astype(np.uint32)
        self._make_size_tables()
        self._make_level_tables()

    def _positions(self, where: slice) -> NDArray[np.intp]:
        """Return the places of lanes among the words of a row, in their order."""
        places = [
            k * self.n_groups + g
            for g in range(where.start, where.stop)
            for k in range(len(self.groups[g]))
        ]
        return np.array(places, np.intp)

    def _make_size_tables(self) -> None:
        n, sizes = self.n_groups, range(LARGEST_CELL + 1)
        self.need = np.zeros((n, 33), np.uint8)
        """Bytes of a cell whose longest difference has so many bits: (n_groups, 33)."""
        offsets = np.zeros((LANES, n, LARGEST_CELL + 1), np.uint8)
        cell_masks = np.zeros((LANES, n, LARGEST_CELL + 1), np.uint64)
        for g, group in enumerate(self.groups):
            room = [_room(group, size) for size in sizes]
            self.need[g, 1:] = [
                next(size for size in sizes if room[size] >= bits)
                if bits <= max(group)
                else _size(group)
                for bits in range(1, 33)
            ]
            for size in sizes[1 : _size(group) + 1]:
                taken = 0
                for k, width in enumerate(group):
                    bits = min(width, room[size])
                    offsets[k, g, size] = taken
                    cell_masks[k, g, size] = (1 << bits) - 1
                    taken += bits
        self.offsets = offsets.reshape(LANES, -1)
        """Lowest bit of each lane in a cell, by group and size: (3, n_groups * 9)."""
        self.cell_masks = cell_masks.reshape(LANES, -1)
        """Bits of each lane in a cell, moved down to bit 0; in the same shape."""

    def _make_level_tables(self) -> None:
        """Say which words are shown at each level of visibility."""
        self.level_masks = np.zeros((self.n_words, LEVELS), np.uint32)
        """What of each word is shown: (n_words, levels)."""
        for level in range(1, LEVELS):
            self.level_masks[:, level] = 0xFFFFFFFF
            for i, component in enumerate(self.components):
                if not level & component.sync.audience:
                    self.level_masks[self.positions[i], level] = 0
                    place = self.shape_positions[i // 32]
                    self.level_masks[place, level] &= ~np.uint32(1 << i % 32)
        self.is_restricted = any(
            component.sync.audience is not Audience.EVERYONE
            for component in self.components
        )
        """Whether not everybody who sees a row may know all of it."""

    def shape_words(self, present: Sequence[NDArray[np.bool_]]) -> NDArray[np.uint32]:
        """Return the shape lanes of rows.

        Shapes:
            present: of each component, (n_rows,); returned: (n_lanes, n_rows).
        """
        n_lanes = len(self.shape_positions)
        n_rows = len(present[0]) if present else 0
        words = np.zeros((n_lanes, n_rows), np.uint32)
        for i, has in enumerate(present):
            words[i // 32] |= has.astype(np.uint32) << np.uint32(i % 32)
        return words


def _grouped(widths: Sequence[int]) -> Iterator[Group]:
    """Put neighbouring lanes together, up to 3 and up to 64 bits."""
    group: list[int] = []
    for width in widths:
        if len(group) == LANES or sum(group) + width > 8 * LARGEST_CELL:
            yield tuple(group)
            group = []
        group.append(width)
    if group:
        yield tuple(group)


def _size(group: Group) -> int:
    return (sum(group) + 7) // 8


def _room(group: Group, size: int) -> int:
    """Return how many bits each lane may take in a cell of so many bytes."""
    if size >= _size(group):
        return max(group)
    return max(
        width
        for width in range(33)
        if sum(min(lane, width) for lane in group) <= 8 * size
    )
