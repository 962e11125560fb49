# SPDX-License-Identifier: MIT
"""The columns of one component as a view shows them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gamenet.world import Component

__all__ = ["ViewColumns"]


class ViewColumns:
    """Give the arrays of one component as a view shows it, one attribute per field.

    They stay the same arrays as long as the view lives. What slides is float64.
    """

    def __init__(
        self, component: type[Component], arrays: dict[str, NDArray[Any]]
    ) -> None:
        self.component = component
        """The component that these columns show."""
        self.arrays = arrays
        """The fields' arrays by name: (capacity,), quaternions (capacity, 4)."""
        vars(self).update(arrays)

    def __getattr__(self, name: str) -> Any:
        # Reached only for names that are not set; declares the fields to type checkers.
        arrays = vars(self).get("arrays", {})
        msg = f"a view of {name!r}: there are the fields {', '.join(arrays) or 'none'}"
        raise AttributeError(msg)

    def __repr__(self) -> str:
        return f"<ViewColumns of {self.component.__name__}>"
