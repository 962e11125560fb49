# SPDX-License-Identifier: MIT
"""The fields of fixed width: one word each, in messages as in columns.

A field knows four things about its value: its construct declaration, the source lines
that write and read it, its numpy column, and its description for peers that have no
Python class for it. Floats in steps are in `quantized`, bits in `bits`, fields of
variable width in `counted` and `compounds`.

Source: docs/STANDARD.md, "Fields".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, Flag, IntEnum
from typing import Any, ClassVar, Protocol

import construct as cs
import numpy as np
from numpy.typing import NDArray

from gamenet.errors import SchemaError
from gamenet.wire.emit import ReadEmitter, WriteEmitter

__all__ = [
    "EnumField",
    "Field",
    "NumberField",
    "RandomSource",
    "WordField",
]

WORD_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
WORD_SUBCONS = {1: cs.Int8ul, 2: cs.Int16ul, 4: cs.Int32ul, 8: cs.Int64ul}

NUMBERS: dict[str, tuple[str, str, Any]] = {
    "uint8": ("B", "u1", cs.Int8ul),
    "uint16": ("H", "u2", cs.Int16ul),
    "uint32": ("I", "u4", cs.Int32ul),
    "uint64": ("Q", "u8", cs.Int64ul),
    "int8": ("b", "i1", cs.Int8sl),
    "int16": ("h", "i2", cs.Int16sl),
    "int32": ("i", "i4", cs.Int32sl),
    "int64": ("q", "i8", cs.Int64sl),
    "float16": ("e", "f2", cs.Float16l),
    "float32": ("f", "f4", cs.Float32l),
    "float64": ("d", "f8", cs.Float64l),
}


class RandomSource(Protocol):
    """What `sample` needs of a source of randomness (`random.Random` has it)."""

    def random(self) -> float:
        """Return a float in [0, 1)."""

    def randrange(self, start: int, stop: int) -> int:
        """Return an integer from start to stop - 1."""


class Field:
    """Describe one value of a schema.

    Args:
        default: the value of an instance that is made without this field.
        appended: whether older peers may not know this field; it then travels in the
            tail of its message and is skipped by those.
    """

    kind: ClassVar[str]
    """Word for this kind of field in descriptions and in docs/STANDARD.md."""
    is_fixed_width: ClassVar[bool] = False
    """Whether every value has the same size, as columns need it."""
    name = ""
    """Name in its schema; empty inside another field."""

    def __init__(self, default: Any, *, appended: bool = False) -> None:
        self._default = default
        self.appended = appended

    @property
    def default_factory(self) -> Callable[[], Any] | None:
        """Return what makes the default, if each instance needs one of its own."""
        return self._default if callable(self._default) else None

    @property
    def default(self) -> Any:
        """Return the default, a new one each time if it can be changed."""
        factory = self.default_factory
        return self._default if factory is None else factory()

    def subcon(self) -> Any:
        """Return the construct declaration of the value."""
        raise NotImplementedError

    def write_code(self, out: WriteEmitter, value: str) -> None:
        """Emit the lines that append the value of an expression."""
        raise NotImplementedError

    def read_code(self, out: ReadEmitter, target: str) -> None:
        """Emit the lines that read a value into a target."""
        raise NotImplementedError

    def parameters(self) -> dict[str, Any]:
        """Return the arguments that, with `kind`, declare an equal field."""
        return {}

    def describe(self) -> dict[str, Any]:
        """Return this field as a JSON object."""
        return {"name": self.name, "kind": self.kind, **self.parameters()}

    def sample(self, random: RandomSource) -> Any:
        """Return a random legal value."""
        raise NotImplementedError

    @property
    def layout(self) -> str:
        """Return the bytes of this field in words, for docs/STANDARD.md."""
        raise NotImplementedError


class WordField(Field):
    """A field that is one `struct` item in messages and one word in columns."""

    is_fixed_width = True
    code: str
    """`struct` code of the word."""
    word_dtype: str
    """numpy dtype of the word."""
    column_dtype: str
    """numpy dtype of one element of the column."""
    column_shape: tuple[int, ...] = ()
    """Shape of one value in the column: () or (4,)."""
    to_word: Callable[[Any], Any] | None = None
    """Turn a value into its word; None when they are the same."""
    from_word: Callable[[Any], Any] | None = None
    """Turn a word into its value, or raise ValueError; None when they are the same."""

    @property
    def word_size(self) -> int:
        """Return the bytes of the word."""
        return np.dtype(self.word_dtype).itemsize

    def write_code(self, out: WriteEmitter, value: str) -> None:
        """Emit one word."""
        if self.to_word is not None:
            value = f"{out.bind('to', self.to_word)}({value})"
        out.word(self.code, value)

    def read_code(self, out: ReadEmitter, target: str) -> None:
        """Emit one word and its conversion."""
        out.word(self.code, target, self.from_word)

    def words_of(self, column: NDArray[Any]) -> NDArray[Any]:
        """Return the words of a column."""
        return column.astype("<" + self.word_dtype, copy=False)

    def column_of(self, words: NDArray[Any]) -> NDArray[Any]:
        """Return the column of words; an illegal word raises ValueError."""
        return words

    def _use_word(self, highest: int) -> None:
        size = next(n for n in (1, 2, 4, 8) if highest < 1 << (8 * n))
        self.code, self.word_dtype = WORD_CODES[size], f"u{size}"

    def _word_subcon(self) -> Any:
        return WORD_SUBCONS[self.word_size]

    def _adapted(self) -> Any:
        return cs.ExprAdapter(
            self._word_subcon(),
            decoder=lambda word, _context: self.from_word(word),  # type: ignore[misc]
            encoder=lambda value, _context: self.to_word(value),  # type: ignore[misc]
        )


class NumberField(WordField):
    """An integer or float as the machine stores it, little-endian."""

    kind = "number"

    def __init__(self, kind: str, default: float, *, appended: bool = False) -> None:
        super().__init__(default, appended=appended)
        self.kind = kind  # type: ignore[misc]
        self.code, self.word_dtype, self._subcon = NUMBERS[kind]
        self.column_dtype = self.word_dtype

    def subcon(self) -> Any:
        """Return construct's integer or float."""
        return self._subcon

    @property
    def is_float(self) -> bool:
        """Return whether the number is a float."""
        return self.word_dtype[0] == "f"

    @property
    def bounds(self) -> tuple[int, int]:
        """Return the smallest and largest integer; (0, 0) for floats."""
        if self.is_float:
            return (0, 0)
        limits = np.iinfo(self.word_dtype)
        return (int(limits.min), int(limits.max))

    def sample(self, random: RandomSource) -> Any:
        """Return any integer, or a float between -1 and 1."""
        if self.is_float:
            return random.random() * 2.0 - 1.0
        lo, hi = self.bounds
        return random.randrange(lo, hi + 1)

    @property
    def layout(self) -> str:
        """Return the number's name."""
        return self.kind


class EnumField(WordField):
    """A member of an Enum whose values are integers from 0 to 65,535."""

    kind = "enum"

    def __init__(
        self, members: type[Enum], default: Enum | None, *, appended: bool = False
    ) -> None:
        numbers = [member.value for member in members]
        if not numbers or not all(
            isinstance(n, int) and 0 <= n < 65536 for n in numbers
        ):
            msg = (
                f"enum({members.__name__}): values are {numbers}; "
                "each must be an integer from 0 to 65,535"
            )
            raise SchemaError(msg)
        if issubclass(members, Flag):
            msg = f"enum({members.__name__}): its members combine; use flag() fields"
            raise SchemaError(msg)
        super().__init__(
            next(iter(members)) if default is None else default, appended=appended
        )
        self.members = members
        self._use_word(max(numbers))
        self.column_dtype = self.word_dtype
        self._legal = np.array(sorted(numbers))
        self.to_word, self.from_word = self._number_of, members

    def _number_of(self, member: Enum | int) -> int:
        number: int = self.members(member).value
        return number

    def subcon(self) -> Any:
        """Return the word, adapted by the Enum."""
        return self._adapted()

    def words_of(self, column: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers; what is no member's becomes the smallest one."""
        words = super().words_of(column)
        known = np.isin(words, self._legal)
        if not known.all():
            words = words.copy()
            words[~known] = self._legal[0]
        return words

    def column_of(self, words: NDArray[Any]) -> NDArray[Any]:
        """Return the members' numbers, all of them known."""
        known = np.isin(words, self._legal)
        if not known.all():
            msg = f"{words[~known][0]} is not a value of {self.members.__name__}"
            raise ValueError(msg)
        return words

    def parameters(self) -> dict[str, Any]:
        """Return the members' names and numbers."""
        return {"members": {member.name: member.value for member in self.members}}

    def sample(self, random: RandomSource) -> Enum:
        """Return any member."""
        members = list(self.members)
        return members[random.randrange(0, len(members))]

    @property
    def layout(self) -> str:
        """Return the word and its meanings."""
        names = ", ".join(f"{m.value} {m.name}" for m in self.members)
        return f"uint{8 * self.word_size}: {names}"


def enum_from_members(members: dict[str, int]) -> type[Enum]:
    """Rebuild an Enum from its description.

    Raises:
        SchemaError: a name that Enum might take for more than a member's.
    """
    for name, number in members.items():
        if not name.isidentifier() or name.startswith("_") or type(number) is not int:
            msg = (
                f"an enum with {name!r:.64} = {number!r:.64}: a member is an integer "
                "with an identifier that does not begin with an underscore"
            )
            raise SchemaError(msg)
    make: Callable[..., Any] = IntEnum
    rebuilt: type[Enum] = make("Described", members)
    return rebuilt
