# SPDX-License-Identifier: MIT
"""Schema classes: declared once, compiled when the class is made.

    class Hit(Schema):
        damage: int = uint8()
        where: list[float] = array(float32(), limit=3)

    Hit(damage=3).encode()
    Hit.decode(data)

The metaclass turns the fields into slots, and the compiled codec into `encode` and
`decode`. The construct declaration of the same bytes is `declaration()`: it is the
oracle of the tests and the inspector's view, never the tick path.
"""

from __future__ import annotations

from keyword import iskeyword
from typing import TYPE_CHECKING, Any, ClassVar, Self
from unicodedata import normalize

import construct as cs

from gamenet.errors import SchemaError
from gamenet.wire.bits import BitRun, bit_runs
from gamenet.wire.compile import Codec, compile_codec, emit_read, emit_write
from gamenet.wire.emit import ReadEmitter, WriteEmitter
from gamenet.wire.fields import Field, RandomSource

__all__ = ["Schema", "SchemaType"]


_RESERVED = frozenset(
    "schema_fields codec encode decode declaration describe sample "
    "emit_write emit_read self".split()
)


def _named(
    schema: str, inherited: list[Field], own: dict[str, Field]
) -> tuple[Field, ...]:
    taken = {*_RESERVED, *(field.name for field in inherited)}
    for key, field in own.items():
        if not _is_field_name(key) or key in taken:
            msg = (
                f"{schema}.{ascii(key[:64])[1:-1]} cannot be a field: the name is "
                "taken, no identifier, or begins with two underscores; choose another"
            )
            raise SchemaError(msg)
        if field.name:
            msg = f"{schema}.{key} is the field {field.name} again: declare a new one"
            raise SchemaError(msg)
        field.name = key
    fields = [*inherited, *own.values()]
    ranks = [field.appended for field in fields]
    if ranks != sorted(ranks):
        msg = f"{schema}: appended fields must come after all others"
        raise SchemaError(msg)
    return tuple(fields)


def _is_field_name(key: str) -> bool:
    """Return whether generated source can name a slot so."""
    is_plain = key.isidentifier() and not iskeyword(key) and key[:2] != "__"
    # Python normalises the identifiers of a source, but not the names of slots.
    return is_plain and normalize("NFKC", key) == key


def _refuse_bare_annotations(
    schema: str, body: dict[str, Any], own: dict[str, Field]
) -> None:
    for key, annotation in body.get("__annotations__", {}).items():
        is_class_variable = "ClassVar" in str(annotation)
        if key not in own and key not in body and not is_class_variable:
            msg = (
                f"{schema}.{key} has no field: write {key}: {annotation} = uint8(), "
                "or another field function"
            )
            raise SchemaError(msg)


class SchemaType(type):
    """Collect the fields of a class body and compile their codec."""

    schema_fields: tuple[Field, ...]
    codec: Codec
    encode: Any
    decode: Any

    def __new__(
        mcs, name: str, bases: tuple[type, ...], body: dict[str, Any], **options: Any
    ) -> SchemaType:
        """Make the class: fields become slots, in the order of declaration."""
        own = {key: value for key, value in body.items() if isinstance(value, Field)}
        for key in own:
            del body[key]
        _refuse_bare_annotations(name, body, own)
        body["__slots__"] = tuple(own)
        cls = super().__new__(mcs, name, bases, body, **options)
        inherited = [f for base in bases for f in getattr(base, "schema_fields", ())]
        cls.schema_fields = _named(name, inherited, own)
        if cls.__init__ is not object.__init__:  # type: ignore[misc]
            msg = f"{name} has an __init__: fields are set by name; use a classmethod"
            raise SchemaError(msg)
        cls.codec = compile_codec(cls, cls.schema_fields)
        if cls.schema_fields:
            # Bound without a wrapper: one Python call less for each message.
            cls.encode = body.get("encode", cls.codec.encode)
            cls.decode = body.get("decode", staticmethod(cls.codec.decode))
        return cls

    def __call__(cls, *values: Any, **named: Any) -> Any:
        """Return an instance of the values; what is left out has its default."""
        # In place of an `__init__`: Python makes instances of a class without one in
        # half the time, and decoding makes many.
        try:
            return cls.codec.make(*values, **named)
        except TypeError as error:
            names = ", ".join(field.name for field in cls.schema_fields) or "no fields"
            msg = f"{error}: it has {names}"
            raise TypeError(msg) from None


class Schema(metaclass=SchemaType):
    """Base of everything that travels: messages, inputs, components.

    Instances take their fields by position or by name; what is left out has its
    default. They compare by value.
    """

    schema_fields: ClassVar[tuple[Field, ...]]
    """The fields, in the order of the wire."""
    codec: ClassVar[Codec]
    """The generated functions."""

    if TYPE_CHECKING:
        # Type checkers ask a class how it is made, not its metaclass.
        def __init__(self, *values: Any, **named: Any) -> None: ...

    def encode(self) -> bytes:
        """Return the bytes of this instance.

        Raises:
            LocalProtocolError: a field's value cannot be sent; the message names it.
        """
        return self.codec.encode(self)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Return the instance of exactly these bytes.

        Raises:
            RemoteProtocolError: the bytes are not an encoding of this schema.
        """
        instance: Self = cls.codec.decode(data)
        return instance

    @classmethod
    def declaration(cls) -> Any:
        """Return the construct declaration of the same bytes."""
        return _Declaration(cls)

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """Return name and fields as a JSON object."""
        return {
            "name": cls.__name__,
            "fields": [
                {**field.describe(), **({"appended": True} if field.appended else {})}
                for field in cls.schema_fields
            ],
        }

    @classmethod
    def sample(cls, random: RandomSource) -> Self:
        """Return an instance of random legal values."""
        return cls(**{f.name: f.sample(random) for f in cls.schema_fields})

    @classmethod
    def emit_write(cls, out: WriteEmitter, owner: str) -> None:
        """Emit the lines that write an instance's fields inside another codec."""
        emit_write(out, cls.schema_fields, owner)

    @classmethod
    def emit_read(cls, out: ReadEmitter, owner: str) -> None:
        """Emit the lines that read an instance's fields inside another codec."""
        emit_read(out, cls.schema_fields, owner)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            getattr(self, field.name) == getattr(other, field.name)
            for field in self.schema_fields
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in self.schema_fields
        )
        return f"{type(self).__name__}({values})"


class _Declaration(cs.Adapter):  # type: ignore[misc]
    """Parse and build a schema's instances with construct."""

    def __init__(self, schema: type[Schema]) -> None:
        self._schema = schema
        self._items = bit_runs(f for f in schema.schema_fields if not f.appended)
        self._tail = {i: f for i, f in enumerate(schema.schema_fields) if f.appended}
        parts = [
            (f"run_{i}" if isinstance(item, BitRun) else item.name) / item.subcon()
            for i, item in enumerate(self._items)
        ]
        if self._tail:
            entry = cs.Struct(
                "index" / cs.VarInt, "body" / cs.Prefixed(cs.VarInt, cs.GreedyBytes)
            )
            parts.append("appended" / cs.GreedyRange(entry))
        super().__init__(cs.Struct(*parts))

    def _decode(self, obj: Any, context: Any, path: Any) -> Schema:
        values: dict[str, Any] = {}
        for i, item in enumerate(self._items):
            if isinstance(item, BitRun):
                values |= item.values(obj[f"run_{i}"])
            else:
                value = obj[item.name]
                is_list = isinstance(value, cs.ListContainer)
                values[item.name] = list(value) if is_list else value
        for entry in obj.get("appended", ()):
            if entry.index in self._tail:
                field = self._tail[entry.index]
                values[field.name] = field.subcon().parse(entry.body)
        return self._schema(**values)

    def _encode(self, obj: Schema, context: Any, path: Any) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for i, item in enumerate(self._items):
            if isinstance(item, BitRun):
                values = {f.name: getattr(obj, f.name) for f in item.fields}
                built[f"run_{i}"] = item.container(values)
            else:
                built[item.name] = getattr(obj, item.name)
        if self._tail:
            built["appended"] = [
                {"index": i, "body": field.subcon().build(getattr(obj, field.name))}
                for i, field in self._tail.items()
            ]
        return built
