# SPDX-License-Identifier: MIT
"""Numbers for messages, and a hash that tells incompatible peers apart.

A message travels as its id (varint) and its body. Ids are explicit or follow one
another; they are append-only, and so are the fields of a message. What was appended
is not part of the hash, because an older peer skips it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from gamenet.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from gamenet.wire.schema import Schema
from gamenet.wire.varint import read_varint, varint_bytes

__all__ = ["Registry", "UnknownMessage", "protocol_hash"]


class UnknownMessage:
    """A message of a newer peer, skipped: its id and how long it was."""

    __slots__ = ("length", "number")

    def __init__(self, number: int, length: int) -> None:
        self.number = number
        self.length = length


class Registry:
    """Encode and decode messages by their numbers.

    Args:
        schemas: added in order, with positional ids from `first`.
        first: the id of the first one.
    """

    def __init__(self, *schemas: type[Schema], first: int = 0) -> None:
        self._by_id: dict[int, type[Schema]] = {}
        self._ids: dict[type[Schema], int] = {}
        self._prefixes: dict[type[Schema], bytes] = {}
        self._appended: set[int] = set()
        self._next = first
        for schema in schemas:
            self.add(schema)

    def add(
        self, schema: type[Schema], number: int | None = None, *, appended: bool = False
    ) -> int:
        """Give a schema an id; return it.

        Args:
            schema: a schema that has none here yet.
            number: the id; None takes the one after the last.
            appended: whether older peers may not know this message.

        Raises:
            SchemaError: the id or the schema is taken.
        """
        number = self._next if number is None else number
        if number in self._by_id or schema in self._ids or number < 0:
            taken = self._by_id.get(number, schema).__name__
            msg = (
                f"message {schema.__name__} cannot have id {number}: "
                f"{taken} is there already, or the id is negative; choose another"
            )
            raise SchemaError(msg)
        self._by_id[number] = schema
        self._ids[schema] = number
        self._prefixes[schema] = varint_bytes(number)
        if appended:
            self._appended.add(number)
        self._next = number + 1
        return number

    def __iter__(self) -> Iterator[tuple[int, type[Schema]]]:
        return iter(sorted(self._by_id.items()))

    def __contains__(self, schema: type[Schema]) -> bool:
        return schema in self._ids

    def id_of(self, schema: type[Schema]) -> int:
        """Return the id of a schema."""
        return self._ids[schema]

    def encode(self, message: Schema) -> bytes:
        """Return id and body of a message.

        Raises:
            LocalProtocolError: its schema has no id here, or a value cannot be sent.
        """
        prefix = self._prefixes.get(type(message))
        if prefix is None:
            known = ", ".join(schema.__name__ for schema in self._ids) or "none"
            msg = f"{type(message).__name__} is not registered: known are {known}"
            raise LocalProtocolError(msg)
        return prefix + message.encode()

    def decode(self, data: bytes | memoryview) -> Schema | UnknownMessage:
        """Return the message of these bytes, or what of it an older peer can tell.

        Raises:
            RemoteProtocolError: the bytes are malformed.
        """
        try:
            number, at = read_varint(data, 0)
        except IndexError:
            msg = "a message of 0 bytes, or one that ends within its id"
            raise RemoteProtocolError(msg) from None
        schema = self._by_id.get(number)
        if schema is None:
            return UnknownMessage(number, len(data) - at)
        message: Schema = schema.decode(data[at:])
        return message

    def describe(self) -> list[dict[str, Any]]:
        """Return each message's id and fields as JSON objects."""
        return [
            {
                "id": number,
                **schema.describe(),
                **({"appended": True} if number in self._appended else {}),
            }
            for number, schema in self
        ]


def protocol_hash(document: Any) -> bytes:
    """Return eight bytes that differ when peers could not understand one another.

    Args:
        document: descriptions as JSON objects; appended parts do not count.
    """
    canonical = json.dumps(_without_appended(document), sort_keys=True)
    return hashlib.blake2s(canonical.encode(), digest_size=8).digest()


def _without_appended(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _without_appended(value) for key, value in document.items()}
    if isinstance(document, list):
        return [
            _without_appended(item)
            for item in document
            if not (isinstance(item, dict) and item.get("appended"))
        ]
    return document
