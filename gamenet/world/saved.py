# SPDX-License-Identifier: MIT
"""A world as it was at one moment: to go back to, to compare, or to hand to a peer.

The structure changes seldom, the values in nearly every tick. A saved world therefore
names the structure that it holds, by an object that no other structure ever gets: to
save over it, or to load it, the structure is copied only where the names differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.world.catalogue import Catalogue
from gamenet.world.checksum import checksum_of
from gamenet.world.columns import TickStamp
from gamenet.world.component import Component
from gamenet.world.memory import Arrays, Layout, Memory, new_block
from gamenet.world.portable import check_portable, read_portable, write_portable
from gamenet.world.rows import Rows

__all__ = ["SavedWorld"]


class SavedWorld:
    """Keep what a world held; `World.save` makes it and fills it.

    Args:
        layout: of the world.
        block: the world's bytes, where they are there already.
    """

    __slots__ = (
        "block",
        "layout",
        "n_alive",
        "search_from",
        "structure",
        "structure_name",
        "tick",
        "values",
    )

    def __init__(self, layout: Layout, block: NDArray[np.uint8] | None = None) -> None:
        self.layout = layout
        """What lies where."""
        self.block = new_block(layout) if block is None else block
        """All bytes of the world."""
        self.structure = self.block[: layout.n_structure]
        """Those that say who lives where."""
        self.values = self.block[layout.n_structure :]
        """Those of the values."""
        self.structure_name: object = None
        """Stands for the structure held, None before any."""
        self.tick = 0
        """The world's tick."""
        self.n_alive = 0
        """How many entities live."""
        self.search_from = 0
        """No row below it is free."""

    def __len__(self) -> int:
        return self.n_alive

    @property
    def arrays(self) -> Arrays:
        """Return the arrays in the block, by component and name; do not write."""
        return self.layout.views(self.block)

    def checksum(self) -> int:
        """Return what `World.checksum` returned when this was saved."""
        return checksum_of(self.layout, self.arrays)

    def check_layout(self, layout: Layout) -> None:
        """Check that this belongs to a world of a layout.

        Raises:
            LocalProtocolError: it does not.
        """
        if self.layout != layout:
            msg = (
                f"a saved world of {self.layout} does not fit a world of {layout}: "
                "save and load worlds of the same components and capacity"
            )
            raise LocalProtocolError(msg)

    def check_filled(self) -> None:
        """Check that a world was saved here.

        Raises:
            LocalProtocolError: none was.
        """
        if self.structure_name is None:
            msg = "nothing was saved here yet: World.save makes a SavedWorld"
            raise LocalProtocolError(msg)

    def to_bytes(self) -> bytes:
        """Return the state as bytes for a peer: living entities and generations.

        Left-overs in rows and fields that nobody has are not in them.
        """
        return write_portable(self.layout, self.arrays, self.tick)

    @classmethod
    def from_bytes(
        cls, data: bytes, components: Sequence[type[Component]], capacity: int
    ) -> Self:
        """Return the state that a peer sent; it takes no more memory than a world.

        Args:
            data: what `to_bytes` returned there.
            components: of the world that will load it.
            capacity: of the world that will load it.

        Raises:
            RemoteProtocolError: the bytes are no such state, or that of a world of
                another shape.
        """
        layout = Layout(components, capacity)
        check_portable(data, layout)
        memory = Memory(layout)
        Rows(memory)  # fills the memory with nobody,
        Catalogue(memory, TickStamp())  # and with legal values
        saved = cls(layout, memory.block)
        saved.tick, saved.n_alive = read_portable(data, layout, memory.arrays)
        saved.structure_name = object()
        return saved
