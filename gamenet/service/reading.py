# SPDX-License-Identifier: MIT
"""Collect settings from files and the command line, and everything wrong with them.

A reading never stops at the first mistake: whoever writes a configuration wants all of
them at once.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gamenet.errors import ConfigError
from gamenet.service.keys import Key, show

__all__ = ["Reading"]


class Reading:
    """Values by dotted key, later sources over earlier ones, and the complaints.

    Args:
        keys: the keys that exist.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self.values: dict[str, Any] = {}
        self.complaints: list[str] = []
        self._keys = {key.name: key for key in keys}

    @property
    def all_values(self) -> dict[str, Any]:
        """Return the values, with the default of each key that nobody gave."""
        defaults = {name: key.default for name, key in self._keys.items()}
        return {**defaults, **self.values}

    def take_file(self, file: Path) -> None:
        """Take the values of a TOML or JSON file."""
        try:
            table = _read(file)
        except ConfigError as error:
            self.complaints.append(f"{file}: {error}")
            return
        for name, value in self._flatten(table):
            if name not in self._keys:
                self.complaints.append(f"{file}: {self._unknown(name, value)}")
            else:
                shown = self._keys[name].show(value)
                self._take(name, value, f"{file}: {name} = {shown}")

    def take_environment(self, environment: Mapping[str, str]) -> None:
        """Take the values of the keys that have a variable; empty ones are none."""
        for key in self._keys.values():
            value = environment.get(key.environment, "") if key.environment else ""
            if value:
                self._take(key.name, value, key.environment, is_text=True)

    def take_overrides(self, overrides: Mapping[str, Any]) -> None:
        """Take values of the command line, where everything is a text at first."""
        for name, value in overrides.items():
            key = self._keys.get(name)
            if key is None:
                self.complaints.append(f"--set {self._unknown(name, value)}")
                continue
            glue = "=" if "." in name else " "
            words = [value] if isinstance(value, str) else value
            shown = " ".join(words) if isinstance(words, list) else show(value)
            shown = key.show(value) if key.secret else shown
            self._take(name, value, f"{key.option}{glue}{shown}", is_text=True)

    def _take(self, name: str, value: Any, place: str, is_text: bool = False) -> None:
        key = self._keys[name]
        try:
            if is_text and isinstance(value, str):
                value = key.from_text(value)
            self.values[name] = key.check(value)
        except ConfigError as error:
            self.complaints.append(f"{place} {error}; allowed: {key.allowed}")

    def _flatten(
        self, table: Mapping[str, Any], prefix: str = ""
    ) -> Iterator[tuple[str, Any]]:
        for name, value in table.items():
            dotted = prefix + name
            if isinstance(value, dict) and self._members(dotted):
                yield from self._flatten(value, dotted + ".")
            else:
                yield dotted, value

    def _members(self, table: str) -> list[str]:
        return [name for name in self._keys if name.startswith(table + ".")]

    def _unknown(self, name: str, value: Any) -> str:
        """Return the complaint about an unknown key, with the nearest known one."""
        members = self._members(name)
        if members:
            return f"{name} = {show(value)} is no table; allowed: {', '.join(members)}"
        parent, _, last = name.replace("-", "_").lower().rpartition(".")
        # A key of the same table is nearer than its namesake in another one.
        ranked = sorted(self._keys, key=lambda known: _table_of(known) == parent)
        by_last = {known.rpartition(".")[2]: known for known in ranked}
        near = difflib.get_close_matches(last, by_last, n=1)
        shown = show(value)
        if near:
            hint = f"did you mean {by_last[near[0]]}?"
            shown = self._keys[by_last[near[0]]].show(value)
        else:
            siblings = [known for known in self._keys if _table_of(known) == parent]
            hint = "allowed: " + ", ".join(siblings or self._keys)
        return f"unknown key {name} = {shown}; {hint}"


def _table_of(name: str) -> str:
    return name.rpartition(".")[0]


def _read(file: Path) -> dict[str, Any]:
    if file.suffix not in (".toml", ".json"):
        raise ConfigError("a configuration is a .toml or a .json file")
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".toml":
            return tomllib.loads(text)
        table = json.loads(text, object_pairs_hook=_without_duplicates)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 text: {error}") from error
    # Too deep a nesting ends as a RecursionError in both readers.
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(f"is not {file.suffix[1:].upper()}: {error}") from error
    if not isinstance(table, dict):
        raise ConfigError(f"is {show(table)}, not an object of keys")
    return table


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ConfigError(f"the key {', '.join(twice)} is given more than once")
    return table
