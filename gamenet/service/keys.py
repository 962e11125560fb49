# SPDX-License-Identifier: MIT
"""Describe settings once, on the fields of a frozen dataclass.

A field's type, its `setting(...)` and the string beneath it say everything there is to
know about a key. From them come the check of a value, the text of an error, and the
table in the reference, so that the three cannot differ. The same reflection works on
dataclasses of other packages (the limits of `gamenet.transport`), whose fields carry no
`setting`: there, a number has to be above zero.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gamenet.errors import ConfigError

__all__ = ["Key", "keys_of", "setting", "show"]

_METADATA = "gamenet.setting"
_NOUNS = {str: "a string", int: "an integer", float: "a number", bool: "a boolean"}
_LONGEST_VALUE = 60
"""Characters of a value that an error repeats."""
_HIDDEN = "(hidden)"
"""What an error says in the place of a secret."""


def setting(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    form: Callable[[str], object] | None = None,
    allowed: str = "",
    secret: bool = False,
    environment: str = "",
) -> Any:
    """Declare a field of a configuration dataclass.

    Args:
        default: the value when nobody gives one.
        low: the smallest number allowed, or the fewest characters or items.
        high: the largest number allowed, or the most characters or items.
        choices: the only texts allowed.
        form: called with each text; its `ConfigError` or `ValueError` refuses it.
        allowed: what `form` accepts, in words.
        secret: whether no message may repeat the value.
        environment: variable that sets it, too; empty for none.
    """
    marks = {
        "low": low,
        "high": high,
        "choices": choices,
        "form": form,
        "words": allowed,
        "secret": secret,
        "environment": environment,
    }
    return dataclasses.field(
        default=default, repr=not secret, metadata={_METADATA: marks}
    )


def show(value: object) -> str:
    """Return a value as a configuration file would spell it, cut to a short length."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _noun(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a table"
    return _NOUNS.get(type(value), "a list" if isinstance(value, list) else "a date")


@dataclass(frozen=True)
class Key:
    """One key of the configuration: what it may hold, and how to say so."""

    name: str
    """Dotted name, as in the file."""
    type: type
    """bool, int, float, str, or tuple (of texts)."""
    default: Any
    """The value when nobody gives one."""
    optional: bool = False
    """Whether null is a value too."""
    low: float | None = None
    """Smallest number, fewest characters or items."""
    high: float | None = None
    """Largest number, most characters or items."""
    above_zero: bool = False
    """Whether a number has to be above zero, where `low` says nothing."""
    choices: tuple[str, ...] = ()
    """The only texts allowed; empty for any."""
    form: Callable[[str], object] | None = None
    """Refuses a text by raising `ConfigError` or `ValueError`."""
    words: str = ""
    """What `form` accepts."""
    secret: bool = False
    """Whether no message may repeat the value."""
    environment: str = ""
    """Variable of the environment that sets it, too; empty for none."""

    @property
    def option(self) -> str:
        """Return the option of the command line that sets this key."""
        if "." in self.name:
            return f"--set {self.name}"
        return "--" + self.name.replace("_", "-")

    @property
    def allowed(self) -> str:
        """Say in words which values this key takes."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.type is tuple:
            return f"a list of {self._span()}{self.words or 'strings'}"
        if self.type is str:
            most = "" if self.high is None else f" of at most {self.high} characters"
            return (self.words or "a string") + most
        if self.type is bool:
            return "true or false"
        if self.low is None and self.high is None:
            return _NOUNS[self.type] + (" above 0" if self.above_zero else "")
        return f"{_NOUNS[self.type]}, {self._span()}".rstrip()

    def _span(self) -> str:
        if self.low is None and self.high is None:
            return ""
        if self.high is None:
            return f"at least {self.low} "
        return f"{self.low or 0} to {self.high} "

    def show(self, value: object) -> str:
        """Return a value as a message may repeat it."""
        return _HIDDEN if self.secret else show(value)

    def check(self, value: object) -> Any:
        """Return the value as the dataclass holds it.

        Raises:
            ConfigError: the complaint, without file and key: "is out of range".
        """
        if value is None and self.optional:
            return None
        if self.type is tuple:
            return self._check_list(value)
        if self.type is float and type(value) is int:
            value = float(value)
        if type(value) is not self.type:
            raise ConfigError(f"is {_noun(value)}")
        if isinstance(value, str):
            self._check_text(value)
        elif isinstance(value, (int, float)) and self.type is not bool:
            self._check_number(value)
        return value

    def _check_list(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, (list, tuple)):
            raise ConfigError(f"is {_noun(value)}")
        self._check_size(len(value), "items")
        for position, item in enumerate(value):
            if not isinstance(item, str):
                raise ConfigError(f"holds {_noun(item)} at position {position}")
            try:
                self._check_form(item)
            except ConfigError as error:
                raise ConfigError(f"holds {show(item)}, which {error}") from error
        return tuple(value)

    def _check_text(self, value: str) -> None:
        if self.choices and value not in self.choices:
            raise ConfigError("is not known")
        self._check_size(len(value), "characters")
        self._check_form(value)

    def _check_size(self, size: int, unit: str) -> None:
        low, high = self.low or 0, math.inf if self.high is None else self.high
        if not low <= size <= high:
            raise ConfigError(f"has {size} {unit}")

    def _check_form(self, text: str) -> None:
        if self.form is None:
            return
        try:
            self.form(text)
        except (ConfigError, ValueError) as error:
            raise ConfigError(f"is not understood: {error}") from error

    def _check_number(self, value: float) -> None:
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        positive = value > 0 or not self.above_zero
        # Infinity and NaN are numbers to TOML and to Python's JSON, but to no clock.
        if not (math.isfinite(value) and low <= value <= high and positive):
            raise ConfigError("is out of range")

    def from_text(self, text: str) -> Any:
        """Return the value that a text of the command line stands for.

        Raises:
            ConfigError: the complaint, without option: "is not an integer".
        """
        if self.type is bool:
            if text.lower() not in ("true", "false"):
                raise ConfigError("is neither true nor false")
            return text.lower() == "true"
        if self.type in (int, float):
            try:
                # Identifiers are often written in base 16.
                is_hex = self.type is int and text.lower().startswith("0x")
                return int(text, 16) if is_hex else self.type(text)
            except ValueError as error:
                raise ConfigError(f"is not {_NOUNS[self.type]}") from error
        return text.split(",") if self.type is tuple else text


def keys_of(cls: type, prefix: str = "") -> Iterator[Key]:
    """Yield the keys of a configuration dataclass, those of its tables included."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint, optional = _without_none(hints[field.name])
        if dataclasses.is_dataclass(hint):
            yield from keys_of(typing.cast(type, hint), f"{prefix}{field.name}.")
            continue
        marks = field.metadata.get(_METADATA, {"above_zero": True})
        plain = typing.get_origin(hint) or hint
        yield Key(prefix + field.name, plain, _default(field), optional, **marks)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint, False
    members = [member for member in typing.get_args(hint) if member is not type(None)]
    return members[0], len(members) < len(typing.get_args(hint))
