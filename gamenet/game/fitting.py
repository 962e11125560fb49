# SPDX-License-Identifier: MIT
"""Find out which component somebody means who names attributes only."""

from __future__ import annotations

from collections.abc import Sequence

from gamenet.errors import LocalProtocolError
from gamenet.world import Component

__all__ = ["fitting_component"]


def fitting_component(
    components: Sequence[type[Component]], names: tuple[str, ...]
) -> type[Component]:
    """Return the only component with just these fields.

    Raises:
        LocalProtocolError: there is none, or several.
    """
    if not names:
        msg = 'track() needs the names of attributes, as in track(ship, "x", "y")'
        raise LocalProtocolError(msg)
    fields = {
        component: {field.name for field in component.schema_fields}
        for component in components
    }
    fitting = [each for each in components if fields[each] == set(names)]
    if len(fitting) == 1:
        return fitting[0]
    wanted = ", ".join(names)
    if fitting:
        candidates = ", ".join(each.__name__ for each in fitting)
        msg = f"{candidates} all have the fields {wanted}: say which by component="
    else:
        known = "; ".join(
            f"{each.__name__}({', '.join(sorted(fields[each]))})" for each in components
        )
        msg = (
            f"no component has just the fields {wanted}: there are {known or 'none'}; "
            "name all fields of one, or say component="
        )
    raise LocalProtocolError(msg)
