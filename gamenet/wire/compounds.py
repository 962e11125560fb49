# SPDX-License-Identifier: MIT
"""The fields of variable width: numbers, arrays, optionals, records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import construct as cs

from gamenet.errors import RemoteProtocolError, SchemaError
from gamenet.wire.counted import LENGTHS, CountedField
from gamenet.wire.emit import ReadEmitter, WriteEmitter
from gamenet.wire.fields import Field, RandomSource
from gamenet.wire.varint import read_varint, unzigzag, varint_bytes, zigzag_of

if TYPE_CHECKING:
    from gamenet.wire.schema import Schema

__all__ = ["ArrayField", "NestedField", "OptionalField", "VarintField"]


class VarintField(Field):
    """An integer in as few bytes as it needs; signed ones in zigzag order."""

    def __init__(
        self, default: int, *, is_signed: bool, appended: bool = False
    ) -> None:
        super().__init__(default, appended=appended)
        self.is_signed = is_signed
        self.kind = "zigzag" if is_signed else "varint"  # type: ignore[misc]

    def subcon(self) -> Any:
        """Return construct's VarInt or ZigZag."""
        return cs.ZigZag if self.is_signed else cs.VarInt

    def write_code(self, out: WriteEmitter, value: str) -> None:
        """Emit the number's bytes."""
        if self.is_signed:
            value = f"{out.bind('zigzag', zigzag_of)}({value})"
        out.chunk(f"{out.bind('varint', varint_bytes)}({value})")

    def read_code(self, out: ReadEmitter, target: str) -> None:
        """Emit the number's bytes."""
        out.line(f"{target}, at = {out.bind('varint', read_varint)}(data, at)")
        if self.is_signed:
            out.line(f"{target} = {out.bind('unzigzag', unzigzag)}({target})")

    def sample(self, random: RandomSource) -> int:
        """Return a number whose size varies."""
        number = random.randrange(0, 1 << random.randrange(1, 64))
        return unzigzag(number) if self.is_signed else number

    @property
    def layout(self) -> str:
        """Return the number's name."""
        return f"{self.kind}, 1 to 10 bytes"


class ArrayField(CountedField):
    """At most `limit` values of one field, as a list."""

    kind = "array"

    def __init__(
        self, item: Field, limit: int, length: str, *, appended: bool = False
    ) -> None:
        super().__init__(list, limit, length, appended=appended)
        self.item = _inner(item)
        if _is_empty(item):
            # A count alone would make the reader allocate, without a byte to show.
            msg = f"array({item.layout}): its items take no bytes; send a number"
            raise SchemaError(msg)

    def subcon(self) -> Any:
        """Return construct's PrefixedArray."""
        return cs.PrefixedArray(LENGTHS[self.length][2], self.item.subcon())

    def write_code(self, out: WriteEmitter, value: str) -> None:
        """Emit the count and the items."""
        held = out.local("items")
        out.line(f"{held} = {value}")
        self._write_length(out, held)
        item = out.local("item")
        with out.block(f"for {item} in {held}:"):
            self.item.write_code(out, item)

    def read_code(self, out: ReadEmitter, target: str) -> None:
        """Emit the count and the items."""
        length = self._read_length(out)
        items, item = out.local("items"), out.local("item")
        out.line(f"{items} = []")
        with out.block(f"for _ in range({length}):"):
            self.item.read_code(out, item)
            out.line(f"{items}.append({item})")
        out.line(f"{target} = {items}")

    def parameters(self) -> dict[str, Any]:
        """Return the item, the limit and the kind of length."""
        return {"item": self.item.describe(), **super().parameters()}

    def sample(self, random: RandomSource) -> list[Any]:
        """Return a few items."""
        n_items = random.randrange(0, min(self.limit, 4) + 1)
        return [self.item.sample(random) for _ in range(n_items)]

    @property
    def layout(self) -> str:
        """Return the prefix, the limit and the item."""
        return f"{self.length} count of at most {self.limit}, each: {self.item.layout}"


class OptionalField(Field):
    """A value or None."""

    kind = "optional"

    def __init__(self, item: Field, *, appended: bool = False) -> None:
        super().__init__(None, appended=appended)
        self.item = _inner(item)

    def subcon(self) -> Any:
        """Return a prefixed array of none or one."""
        one_or_none = cs.PrefixedArray(cs.OneOf(cs.Int8ul, (0, 1)), self.item.subcon())
        return cs.ExprAdapter(
            one_or_none,
            decoder=lambda parsed, _context: parsed[0] if parsed else None,
            encoder=lambda value, _context: [] if value is None else [value],
        )

    def write_code(self, out: WriteEmitter, value: str) -> None:
        """Emit 0, or 1 and the value."""
        held = out.local("maybe")
        out.line(f"{held} = {value}")
        with out.block(f"if {held} is None:"):
            out.chunk("b'\\0'")
        with out.block("else:"):
            out.chunk("b'\\1'")
            self.item.write_code(out, held)

    def read_code(self, out: ReadEmitter, target: str) -> None:
        """Emit 0, or 1 and the value."""
        flag = out.local("flag")
        out.word("B", flag)
        with out.block(f"if {flag} == 0:"):
            out.line(f"{target} = None")
        with out.block(f"elif {flag} == 1:"):
            self.item.read_code(out, target)
        with out.block("else:"):
            out.line(f"{out.bind('flag', _refuse_flag)}({flag})")

    def parameters(self) -> dict[str, Any]:
        """Return the item."""
        return {"item": self.item.describe()}

    def sample(self, random: RandomSource) -> Any:
        """Return None or a value."""
        return None if random.random() < 0.5 else self.item.sample(random)

    @property
    def layout(self) -> str:
        """Return the flag and the item."""
        return f"uint8 0 or 1, then if 1: {self.item.layout}"


class NestedField(Field):
    """An instance of another schema, its fields inline."""

    kind = "nested"

    def __init__(self, schema: type[Schema], *, appended: bool = False) -> None:
        super().__init__(schema, appended=appended)
        if any(field.appended for field in schema.schema_fields):
            msg = (
                f"nested({schema.__name__}): it has appended fields, which only a "
                "message of its own can carry; append to the outer schema instead"
            )
            raise SchemaError(msg)
        self.schema = schema

    def subcon(self) -> Any:
        """Return the other schema's declaration."""
        return self.schema.declaration()

    def write_code(self, out: WriteEmitter, value: str) -> None:
        """Emit the other schema's fields."""
        held = out.local("nested")
        out.line(f"{held} = {value}")
        self.schema.emit_write(out, held)

    def read_code(self, out: ReadEmitter, target: str) -> None:
        """Emit the other schema's fields."""
        held = out.local("nested")
        out.line(f"{held} = {out.bind('blank', self.schema.codec.blank)}()")
        self.schema.emit_read(out, held)
        out.line(f"{target} = {held}")

    def parameters(self) -> dict[str, Any]:
        """Return the other schema's fields."""
        return {"schema": self.schema.describe()}

    def sample(self, random: RandomSource) -> Any:
        """Return a random instance."""
        return self.schema.sample(random)

    @property
    def layout(self) -> str:
        """Return the other schema's name."""
        return f"the fields of {self.schema.__name__}"


def _inner(item: Field) -> Field:
    """Return a field for use inside another one."""
    if not isinstance(item, Field) or item.appended or item.name:
        msg = f"{item!r} cannot be used inside a field: give a new one, not appended"
        raise SchemaError(msg)
    return item


def _is_empty(field: Field) -> bool:
    """Return whether the values of a field take no bytes."""
    return isinstance(field, NestedField) and all(
        map(_is_empty, field.schema.schema_fields)
    )


def _refuse_flag(flag: int) -> None:
    msg = f"optional begins with {flag}: allowed are 0 and 1"
    raise RemoteProtocolError(msg)
