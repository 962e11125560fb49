# SPDX-License-Identifier: MIT
"""Declare what an entity is made of.

A component is a schema whose fields all have a fixed width, because a world keeps one
numpy column per field and a snapshot carries rows as lanes. An instance is only a
parcel of values on its way into a world; what lives there are the columns.
"""

from __future__ import annotations

from typing import Any, ClassVar

from gamenet.errors import SchemaError
from gamenet.wire import Schema, SchemaType
from gamenet.world.shown import Shown
from gamenet.world.sync import Sync

__all__ = ["Component", "ComponentType"]

RESERVED_NAMES = frozenset(
    {
        "arrays",
        "changed",
        "changed_tick",
        "component",
        "present",
        "shown",
        "sync",
        "table",
    }
)
"""Names that `Columns` uses itself, and that no field may have."""


# A schema has its fields only once its metaclass is done with it, which is too late
# for `__init_subclass__`; so the check extends the metaclass.
class ComponentType(SchemaType):
    """Refuse, at class creation, the fields that cannot be columns."""

    def __init__(
        cls,  # noqa: N805 - its instances are classes
        name: str,
        bases: tuple[type, ...],
        body: dict[str, Any],
        **options: Any,
    ) -> None:
        super().__init__(name, bases, body, **options)
        for field in cls.schema_fields:
            if not field.is_fixed_width or field.appended:
                kind = f"{field.kind}{' (appended)' if field.appended else ''}"
                msg = (
                    f"{name}.{field.name} is {kind}: a column needs a field of fixed "
                    "width that every peer knows; use one, or send it in a message"
                )
                raise SchemaError(msg)
            if field.name in RESERVED_NAMES or field.name.startswith("_"):
                msg = (
                    f"{name}.{field.name} is a name that columns use themselves "
                    f"({', '.join(sorted(RESERVED_NAMES))}, or any that begins with "
                    "an underscore): choose another"
                )
                raise SchemaError(msg)
        if not isinstance(cls.__dict__.get("sync", Sync()), Sync):
            msg = f"{name}.sync is {cls.__dict__['sync']!r}: write sync = Sync(...)"
            raise SchemaError(msg)
        if not isinstance(cls.__dict__.get("shown", Shown()), Shown):
            msg = f"{name}.shown is {cls.__dict__['shown']!r}: write shown = Shown(...)"
            raise SchemaError(msg)


class Component(Schema, metaclass=ComponentType):
    """Subclass me to declare a component: fields of fixed width, or none for a tag.

    Raises:
        SchemaError: at class creation, if a field has no fixed width, is appended, or
            has a name that `Columns` needs.

    Example:
        class Position(Component):
            x: float = float32()
            y: float = float32()
    """

    sync: ClassVar[Sync] = Sync()
    """Who may see it, who may write it, how often it goes out."""
    shown: ClassVar[Shown] = Shown()
    """Whether it is predicted, interpolated or snapped, and within which limits."""
