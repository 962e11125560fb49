# SPDX-License-Identifier: MIT
"""Generate the codec of a schema: straight-line Python over `struct`.

A schema of fixed-width fields becomes one `struct` call each way. Errors are told
apart only after a call has failed, so the good path pays nothing for them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gamenet.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from gamenet.wire.bits import BitRun, bit_runs
from gamenet.wire.emit import Emitter, ReadEmitter, WriteEmitter
from gamenet.wire.fields import Field
from gamenet.wire.varint import read_varint, varint_bytes

__all__ = ["Codec", "compile_codec", "emit_read", "emit_write"]

ENCODE_ERRORS = (
    struct.error,
    ValueError,
    TypeError,
    OverflowError,
    AttributeError,
    LocalProtocolError,
)
DECODE_ERRORS = (struct.error, ValueError, IndexError, OverflowError)


@dataclass(frozen=True, slots=True)
class Codec:
    """The generated functions of one schema."""

    make: Callable[..., Any]
    """Return an instance of the given values; what is left out has its default."""
    blank: Callable[[], Any]
    """Return an instance without values: the cheapest way to one."""
    encode: Callable[[Any], bytes]
    """Return the bytes of an instance, or raise LocalProtocolError."""
    decode: Callable[[bytes | memoryview], Any]
    """Return the instance of exactly these bytes, or raise RemoteProtocolError."""
    source: str
    """The Python source of make, encode and decode, to read."""


def emit_write(out: WriteEmitter, fields: Sequence[Field], owner: str) -> None:
    """Emit the lines that write the fields of the object named `owner`."""
    for item in bit_runs(fields):
        if isinstance(item, BitRun):
            item.write_values(out, [f"{owner}.{field.name}" for field in item.fields])
        else:
            item.write_code(out, f"{owner}.{item.name}")


def emit_read(out: ReadEmitter, fields: Sequence[Field], owner: str) -> None:
    """Emit the lines that read the fields of the object named `owner`."""
    for item in bit_runs(fields):
        if isinstance(item, BitRun):
            item.read_targets(out, [f"{owner}.{field.name}" for field in item.fields])
        else:
            item.read_code(out, f"{owner}.{item.name}")


def compile_codec(schema: type, fields: Sequence[Field]) -> Codec:
    """Generate the codec of a schema.

    Args:
        schema: the class whose instances are written and read.
        fields: all its fields; the appended ones come last.

    Raises:
        SchemaError: arrays within arrays, more than Python can nest loops.
    """
    # A bound slot: `object.__new__(schema)` takes a third longer.
    blank = type.__call__.__get__(schema)
    base = [field for field in fields if not field.appended]
    tail = _Tail([(i, f) for i, f in enumerate(fields) if f.appended])
    make, make_source = _build(*_make_source(fields, blank))
    make.__qualname__ = schema.__name__  # it is named in Python's own TypeErrors
    try:
        encode, encode_source = _build(*_encode_source(schema, fields, base, tail))
        decode, decode_source = _build(*_decode_source(schema, blank, base, tail))
    except SyntaxError as error:
        msg = f"{schema.__name__} has arrays nested too deeply ({error}): split it"
        raise SchemaError(msg) from error
    source = f"{make_source}\n{encode_source}\n{decode_source}"
    return Codec(make, blank, encode, decode, source)


def _is_one_struct(fields: Sequence[Field], tail: _Tail) -> bool:
    words = all(field.is_fixed_width for field in fields)
    return words and bool(fields) and not tail.fields


def _make_source(
    fields: Sequence[Field], blank: Callable[[], Any]
) -> tuple[str, Emitter]:
    out = WriteEmitter()
    unset = out.bind("unset", object())
    out.line(f"__self = {out.bind('blank', blank)}()")
    parameters = []
    for field in fields:
        name, factory = field.name, field.default_factory
        if factory is None:
            parameters.append(f"{name}={out.bind('default', field.default)}")
            out.line(f"__self.{name} = {name}")
        else:
            made = f"{out.bind('make', factory)}()"
            parameters.append(f"{name}={unset}")
            out.line(f"__self.{name} = {made} if {name} is {unset} else {name}")
    out.line("return __self")
    head = f"def make({', '.join(parameters)}):\n"
    return head + "\n".join(out.lines) + "\n", out


def _encode_source(
    schema: type, fields: Sequence[Field], base: Sequence[Field], tail: _Tail
) -> tuple[str, Emitter]:
    out = WriteEmitter()
    errors = out.bind("ENCODE_ERRORS", ENCODE_ERRORS)
    refuse = out.bind("refuse", _Refusal(schema, fields))
    if _is_one_struct(base, tail):
        with out.block("try:"):
            emit_write(out, base, "m")
            out.lines.append(f"        return {out.packed()}")
    else:
        out.line("parts = []")
        out.line("out = parts.append")
        with out.block("try:"):
            emit_write(out, base, "m")
            if tail.fields:
                out.line(f"{out.bind('write_tail', tail.write)}(m, out)")
            out.line(f"return {out.bind('join', b''.join)}(parts)")
    with out.block(f"except {errors} as error:"):
        out.line(f"raise {refuse}(m, error) from error")
    return "def encode(m):\n" + "\n".join(out.lines) + "\n", out


def _decode_source(
    schema: type, blank: Callable[[], Any], fields: Sequence[Field], tail: _Tail
) -> tuple[str, Emitter]:
    out = ReadEmitter()
    errors = out.bind("DECODE_ERRORS", DECODE_ERRORS)
    name = schema.__name__
    out.line(f"m = {out.bind('blank', blank)}()")
    if _is_one_struct(fields, tail):
        with out.block("try:"):
            emit_read(out, fields, "m")
            out.unpack_exactly()
    else:
        out.line("if data.__class__ is not bytes: data = bytes(data)")
        out.line("at = 0")
        with out.block("try:"):
            emit_read(out, fields, "m")
            if tail.fields:
                out.line(f"at = {out.bind('read_tail', tail.read)}(m, data, at)")
            refuse = out.bind("trailing", _refuse_trailing)
            out.line(f"if at != len(data): {refuse}({name!r}, at, len(data))")
    with out.block(f"except {errors} as error:"):
        malformed = out.bind("malformed", _malformed)
        out.line(f"raise {malformed}({name!r}, data, error) from error")
    out.line("return m")
    return "def decode(data):\n" + "\n".join(out.lines) + "\n", out


def _build(source: str, out: Emitter) -> tuple[Callable[..., Any], str]:
    namespace = dict(out.names)
    exec(compile(source, "<gamenet codec>", "exec"), namespace)
    function: Callable[..., Any] = namespace[source[4 : source.index("(")]]
    return function, source


class _Tail:
    """The appended fields of a schema: index, length, bytes for each.

    A peer that does not know an index skips it; a peer whose bytes end earlier leaves
    the defaults.
    """

    def __init__(self, fields: Sequence[tuple[int, Field]]) -> None:
        self.fields = dict(fields)
        self._writers = [(i, f.name, _value_writer(f)) for i, f in fields]
        self._readers = {i: _value_reader(f) for i, f in fields}

    def write(self, instance: Any, out: Callable[[bytes], None]) -> None:
        """Append each field's index, length and bytes."""
        for index, name, write in self._writers:
            body = write(getattr(instance, name))
            out(varint_bytes(index))
            out(varint_bytes(len(body)))
            out(body)

    def read(self, instance: Any, data: bytes, at: int) -> int:
        """Set the fields that are there, skip unknown ones; return the end."""
        for field in self.fields.values():
            setattr(instance, field.name, field.default)
        last = -1
        while at < len(data):
            index, at = read_varint(data, at)
            length, at = read_varint(data, at)
            body = data[at : at + length]
            if index <= last or len(body) != length:
                msg = f"appended field {index} is out of order or cut short"
                raise RemoteProtocolError(msg)
            if index in self._readers:
                value, end = self._readers[index](body)
                if end != length:
                    _refuse_trailing(self.fields[index].name, end, length)
                setattr(instance, self.fields[index].name, value)
            last, at = index, at + length
        return at


def _value_writer(field: Field) -> Callable[[Any], bytes]:
    out = WriteEmitter()
    out.line("parts = []")
    out.line("out = parts.append")
    field.write_code(out, "value")
    out.line("return b''.join(parts)")
    return _build("def write(value):\n" + "\n".join(out.lines) + "\n", out)[0]


def _value_reader(field: Field) -> Callable[[bytes], tuple[Any, int]]:
    out = ReadEmitter()
    out.line("at = 0")
    field.read_code(out, "value")
    out.line("return value, at")
    return _build("def read(data):\n" + "\n".join(out.lines) + "\n", out)[0]


class _Refusal:
    """Find out which field of an instance could not be encoded."""

    def __init__(self, schema: type, fields: Sequence[Field]) -> None:
        self.schema = schema
        self.fields = fields

    def __call__(self, instance: Any, error: Exception) -> LocalProtocolError:
        name = self.schema.__name__
        if not isinstance(instance, self.schema):
            msg = f"{instance!r:.200} is not a {name}: encode takes an instance of it"
            return LocalProtocolError(msg)
        for field in self.fields:
            value = getattr(instance, field.name, None)
            try:
                _value_writer(field)(value)
            except ENCODE_ERRORS as cause:
                msg = f"{name}.{field.name} = {value!r:.200} cannot be sent: {cause}"
                return LocalProtocolError(f"{msg} (it is {field.layout})")
        return LocalProtocolError(f"{name} cannot be sent: {error}")


def _malformed(name: str, data: bytes, error: Exception) -> RemoteProtocolError:
    return RemoteProtocolError(f"{name} of {len(data)} bytes is malformed: {error}")


def _refuse_trailing(name: str, end: int, length: int) -> None:
    msg = f"{name} ends after {end} bytes, but {length} bytes came"
    raise RemoteProtocolError(msg)
