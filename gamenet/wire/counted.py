# SPDX-License-Identifier: MIT
"""The fields that begin with their length: text, bytes, construct's bytes.

Each length is checked against the limit in the schema before anything is allocated.
"""

from __future__ import annotations

from typing import Any

import construct as cs

from gamenet.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from gamenet.wire.emit import ReadEmitter, WriteEmitter
from gamenet.wire.fields import Field, RandomSource
from gamenet.wire.varint import read_varint, varint_bytes

__all__ = ["LENGTHS", "BlobField", "CountedField", "TextField", "WrappedField"]

LENGTHS: dict[str, tuple[str, int, Any]] = {
    "varint": ("", 1 << 32, cs.VarInt),
    "u8": ("B", 1 << 8, cs.Int8ul),
    "u16": ("H", 1 << 16, cs.Int16ul),
    "u32": ("I", 1 << 32, cs.Int32ul),
}
"""Length prefixes: `struct` code, first length that does not fit, construct's field."""


class CountedField(Field):
    """A field that begins with its length.

    Args:
        limit: largest length, in bytes or items.
        length: "varint", "u8", "u16" or "u32".
    """

    def __init__(
        self, default: Any, limit: int, length: str, *, appended: bool
    ) -> None:
        super().__init__(default, appended=appended)
        if length not in LENGTHS:
            msg = f"length={length!r}: allowed are {', '.join(LENGTHS)}"
            raise SchemaError(msg)
        if not isinstance(limit, int) or not 0 < limit < LENGTHS[length][1]:
            top = LENGTHS[length][1] - 1
            msg = f"limit={limit} with length={length!r}: allowed are 1 to {top}"
            raise SchemaError(msg)
        self.limit = limit
        self.length = length
        code = LENGTHS[length][0]
        size = {"": 0, "B": 1, "H": 2, "I": 4}[code]
        self._prefixes = [
            n.to_bytes(size, "little") if size else varint_bytes(n) for n in range(256)
        ]

    def parameters(self) -> dict[str, Any]:
        """Return the limit and the kind of length."""
        return {"limit": self.limit, "length": self.length}

    def _prefix(self, length: int) -> bytes:
        """Return the prefix of a length beyond the table, if it is allowed."""
        if length > self.limit:
            msg = f"{self.kind} of length {length} is above its limit {self.limit}"
            raise LocalProtocolError(msg)
        code = LENGTHS[self.length][0]
        if not code:
            return varint_bytes(length)
        return length.to_bytes({"B": 1, "H": 2, "I": 4}[code], "little")

    def _write_length(self, out: WriteEmitter, value: str) -> None:
        length = out.local("n")
        table = out.bind("prefixes", self._prefixes)
        out.line(f"{length} = len({value})")
        fast = f"{length} < {min(256, self.limit + 1)}"
        out.chunk(
            f"{table}[{length}] if {fast} else "
            f"{out.bind('prefix', self._prefix)}({length})"
        )

    def _read_length(self, out: ReadEmitter) -> str:
        length = out.local("n")
        code = LENGTHS[self.length][0]
        if code:
            out.word(code, length)
        else:
            out.line(f"{length} = data[at]")
            with out.block(f"if {length} < 128:"):
                out.line("at += 1")
            with out.block("else:"):
                out.line(f"{length}, at = {out.bind('varint', read_varint)}(data, at)")
        refuse = out.bind("too_long", self._refuse)
        out.line(f"if {length} > {self.limit}: {refuse}({length})")
        return length

    def _refuse(self, length: int) -> None:
        msg = f"{self.name or self.kind}: length {length} is above limit {self.limit}"
        raise RemoteProtocolError(msg)

    def _read_chunk(self, out: ReadEmitter) -> str:
        length = self._read_length(out)
        chunk = out.local("chunk")
        out.line(f"{chunk} = data[at:at + {length}]")
        short = out.bind("truncated", _refuse_truncated)
        out.line(f"if len({chunk}) != {length}: {short}({length})")
        out.line(f"at += {length}")
        return chunk


class TextField(CountedField):
    """Text of at most `limit` bytes of UTF-8."""

    kind = "text"

    def __init__(
        self, limit: int, default: str, length: str, *, appended: bool = False
    ) -> None:
        super().__init__(default, limit, length, appended=appended)

    def subcon(self) -> Any:
        """Return construct's PascalString."""
        return cs.PascalString(LENGTHS[self.length][2], "utf8")

    def write_code(self, out: WriteEmitter, value: str) -> None:
        """Emit the length and the bytes."""
        encoded = out.local("text")
        out.line(f"{encoded} = {out.bind('utf8', str.encode)}({value})")
        self._write_length(out, encoded)
        out.chunk(encoded)

    def read_code(self, out: ReadEmitter, target: str) -> None:
        """Emit the length and the bytes."""
        out.line(f"{target} = str({self._read_chunk(out)}, 'utf-8')")

    def sample(self, random: RandomSource) -> str:
        """Return a few letters."""
        n_letters = random.randrange(0, min(self.limit, 12) + 1)
        return "".join(chr(97 + random.randrange(0, 26)) for _ in range(n_letters))

    @property
    def layout(self) -> str:
        """Return the prefix and the limit."""
        return f"{self.length} length, then at most {self.limit} bytes of UTF-8"


class BlobField(CountedField):
    """At most `limit` bytes."""

    kind = "blob"

    def __init__(
        self, limit: int, default: bytes, length: str, *, appended: bool = False
    ) -> None:
        super().__init__(default, limit, length, appended=appended)

    def subcon(self) -> Any:
        """Return construct's prefixed bytes."""
        return cs.Prefixed(LENGTHS[self.length][2], cs.GreedyBytes)

    def write_code(self, out: WriteEmitter, value: str) -> None:
        """Emit the length and the bytes."""
        held = out.local("blob")
        out.line(f"{held} = {value}")
        as_bytes = out.bind("as_bytes", _as_bytes)
        out.line(f"if {held}.__class__ is not bytes: {held} = {as_bytes}({held})")
        self._write_length(out, held)
        out.chunk(held)

    def read_code(self, out: ReadEmitter, target: str) -> None:
        """Emit the length and the bytes."""
        out.line(f"{target} = {self._read_chunk(out)}")

    def sample(self, random: RandomSource) -> bytes:
        """Return a few bytes."""
        n_bytes = random.randrange(0, min(self.limit, 16) + 1)
        return bytes(random.randrange(0, 256) for _ in range(n_bytes))

    @property
    def layout(self) -> str:
        """Return the prefix and the limit."""
        return f"{self.length} length, then at most {self.limit} bytes"


class WrappedField(CountedField):
    """Any construct declaration, as bytes behind a varint length.

    It runs construct itself, which takes microseconds: for rare messages only.
    """

    kind = "wrapped"

    def __init__(
        self, wrapped: Any, limit: int, default: Any, *, appended: bool = False
    ) -> None:
        super().__init__(default, limit, "varint", appended=appended)
        self.wrapped = wrapped
        self._whole = cs.Struct("value" / wrapped, cs.Terminated)

    def subcon(self) -> Any:
        """Return the declaration behind its length."""
        return cs.Prefixed(cs.VarInt, self.wrapped)

    def write_code(self, out: WriteEmitter, value: str) -> None:
        """Emit the length and construct's bytes."""
        built = out.local("built")
        out.line(f"{built} = {out.bind('build', self._build)}({value})")
        self._write_length(out, built)
        out.chunk(built)

    def read_code(self, out: ReadEmitter, target: str) -> None:
        """Emit the length and construct's bytes."""
        chunk = self._read_chunk(out)
        out.line(f"{target} = {out.bind('parse', self._parse)}({chunk})")

    def _build(self, value: Any) -> bytes:
        try:
            built: bytes = self.wrapped.build(value)
        except Exception as error:
            msg = f"construct cannot build it: {error!r}"
            raise LocalProtocolError(msg) from error
        return built

    def _parse(self, chunk: bytes) -> Any:
        try:
            value = self._whole.parse(chunk).value
        except Exception as error:
            msg = f"{self.name}: construct cannot parse {len(chunk)} bytes: {error!r}"
            raise RemoteProtocolError(msg) from error
        return value

    def parameters(self) -> dict[str, Any]:
        """Return the limit: without its class a peer sees the bytes as a blob."""
        return {"limit": self.limit}

    def sample(self, random: RandomSource) -> Any:
        """Return the default: what construct would accept is not known here."""
        return self.default

    @property
    def layout(self) -> str:
        """Return the prefix and the limit."""
        return f"varint length, then at most {self.limit} bytes of construct's making"


def _as_bytes(value: Any) -> bytes:
    """Return the bytes of a bytes-like value, whatever its items are."""
    if not isinstance(value, bytes | bytearray | memoryview):
        msg = f"a blob is bytes, not {type(value).__name__}"
        raise TypeError(msg)
    return bytes(value)


def _refuse_truncated(length: int) -> None:
    msg = f"the bytes end within a value of {length} bytes"
    raise RemoteProtocolError(msg)
