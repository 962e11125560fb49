# SPDX-License-Identifier: MIT
"""Rebuild schemas from their descriptions.

A bot or an inspector that has no Python class for a game's messages learns them from
the server's description: the same fields, the same bytes. A description comes from a
peer, and source is generated from it; so its size is bounded before anything is made
of it, and every name must be a plain identifier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gamenet.errors import GamenetError, RemoteProtocolError
from gamenet.wire import declare
from gamenet.wire.fields import NUMBERS, Field, enum_from_members
from gamenet.wire.schema import Schema

__all__ = ["schema_from_description"]

MAX_DEPTH = 16
MAX_VALUES = 8192
"""JSON values in a description: some 1,500 fields."""


def schema_from_description(
    description: dict[str, Any], base: type[Schema] = Schema
) -> type[Schema]:
    """Return a new schema class with the described name and fields.

    Args:
        description: what `Schema.describe` returned, perhaps from a peer.
        base: the class to derive from.

    Raises:
        RemoteProtocolError: the description is not one of ours.
    """
    try:
        _refuse_large(description)
        schema: type[Schema] = _schema(description, base, 0)
        return schema
    except (
        ArithmeticError,
        AttributeError,
        GamenetError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        msg = f"the description of a schema cannot be used: {error!s:.200}"
        raise RemoteProtocolError(msg) from error


def _refuse_large(description: Any) -> None:
    """Refuse more values, or deeper ones, than a schema can need."""
    level, n_values = [description], 0
    for _ in range(4 * MAX_DEPTH):
        n_values += len(level)
        if n_values > MAX_VALUES:
            msg = f"it has more than {MAX_VALUES} values"
            raise RemoteProtocolError(msg)
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
        if not inner:
            return
        level = inner
    msg = f"it is nested more than {4 * MAX_DEPTH} deep"
    raise RemoteProtocolError(msg)


def _schema(description: dict[str, Any], base: type[Schema], depth: int) -> Any:
    name, fields = description["name"], description["fields"]
    body = {field["name"]: _field(field, depth) for field in fields}
    if not name.isidentifier() or len(body) < len(fields):
        msg = f"schema {name!r:.64}: a name is no identifier, or there twice"
        raise RemoteProtocolError(msg)
    metaclass: Any = type(base)  # a component's is one of its own
    return metaclass(name, (base,), body)


def _field(description: dict[str, Any], depth: int) -> Any:
    if depth > MAX_DEPTH:
        msg = f"a field is nested {depth} deep: the limit is {MAX_DEPTH}"
        raise RemoteProtocolError(msg)
    kind = description["kind"]
    appended = bool(description.get("appended", False))
    if kind in NUMBERS or kind in ("varint", "zigzag", "flag"):
        return getattr(declare, kind)(appended=appended)
    return _PARAMETRIC[kind](description, depth, appended)


def _inner(description: dict[str, Any], depth: int) -> Field:
    field: Field = _field(description["item"], depth + 1)
    return field


_PARAMETRIC: dict[str, Callable[[dict[str, Any], int, bool], Any]] = {
    "nbits": lambda d, _, late: declare.nbits(d["bits"], appended=late),
    "angle": lambda d, _, late: declare.angle(d["bits"], appended=late),
    "quaternion": lambda d, _, late: declare.quaternion(d["bits"], appended=late),
    "fixed": lambda d, _, late: declare.fixed(
        d["lo"], d["hi"], step=d["step"], appended=late
    ),
    "enum": lambda d, _, late: declare.enum(
        enum_from_members(d["members"]), appended=late
    ),
    "text": lambda d, _, late: declare.text(
        d["limit"], length=d["length"], appended=late
    ),
    "blob": lambda d, _, late: declare.blob(
        d["limit"], length=d["length"], appended=late
    ),
    "wrapped": lambda d, _, late: declare.blob(d["limit"], appended=late),
    "array": lambda d, depth, late: declare.array(
        _inner(d, depth), d["limit"], length=d["length"], appended=late
    ),
    "optional": lambda d, depth, late: declare.optional(
        _inner(d, depth), appended=late
    ),
    "nested": lambda d, depth, late: declare.nested(
        _schema(d["schema"], Schema, depth + 1), appended=late
    ),
}
