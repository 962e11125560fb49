# SPDX-License-Identifier: MIT
"""Write what a game keeps as text, and read it from a peer who may be anybody.

Numbers, text, bytes, lists, tuples, sets, mappings, arrays of numbers and players can
be written. Text is read without ever calling what it names, so the worst that it can
bring is other values.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from gamenet.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["plain_texts", "read_plain"]

ARRAY_KINDS = "biuf"
MAX_DEPTH = 32


def plain_texts(
    values: Mapping[str, Any], players: Mapping[int, Any]
) -> dict[str, str]:
    """Return values as text, by name; equal values give equal text.

    Args:
        values: what to write, by name.
        players: who plays, by id.

    Raises:
        LocalProtocolError: something in them cannot be written, or is in them twice.
    """
    numbers = {id(player): number for number, player in players.items()}
    writer = _Writer(numbers)
    return {
        name: json.dumps(writer.written(value, name, MAX_DEPTH))
        for name, value in values.items()
    }


def read_plain(text: str, players: Mapping[int, Any]) -> Any:
    """Return the value of some text.

    Raises:
        RemoteProtocolError: the text is none that `plain_texts` writes.
    """
    try:
        return _read(json.loads(text), players)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        RecursionError,
        OverflowError,
    ) as error:
        msg = f"a value that a game keeps cannot be read: {error!r:.200}"
        raise RemoteProtocolError(msg) from error


class _Writer:
    """Turn values to what JSON has; what is more than that is a list with a letter."""

    def __init__(self, players: Mapping[int, int]) -> None:
        self._players = players
        self._seen: set[int] = set()

    def written(self, value: Any, path: str, depth: int) -> Any:
        if value is None or type(value) in (bool, int, float, str):
            return value
        if id(value) in self._players:
            return ["player", self._players[id(value)]]
        if isinstance(value, np.generic):
            value = np.asarray(value)
        if isinstance(value, bytes):
            return ["bytes", value.hex()]
        known = type(value) in (list, tuple, deque, dict, set, frozenset, np.ndarray)
        if not known or depth == 0:
            msg = (
                f"{path} is a {type(value).__name__}: a state for a peer can have "
                "numbers, text, bytes, lists, tuples, sets, dicts, arrays of numbers "
                "and players, at most 32 deep"
            )
            raise LocalProtocolError(msg)
        if id(value) in self._seen and not isinstance(value, tuple | frozenset):
            msg = f"{path} is kept twice: a peer would get two of it; keep it once"
            raise LocalProtocolError(msg)
        self._seen.add(id(value))
        if isinstance(value, np.ndarray):
            return self._array(value, path)
        return self._container(value, path, depth - 1)

    def _array(self, value: Any, path: str) -> list[Any]:
        if value.dtype.kind not in ARRAY_KINDS:
            msg = f"{path} is an array of {value.dtype}: only numbers can be sent"
            raise LocalProtocolError(msg)
        little = value.astype(value.dtype.newbyteorder("<"))
        return ["array", little.dtype.str, list(value.shape), little.tobytes().hex()]

    def _container(self, value: Any, path: str, depth: int) -> list[Any]:
        name = type(value).__name__
        if isinstance(value, dict):
            items = [
                [self.written(key, path, depth), self.written(each, path, depth)]
                for key, each in value.items()
            ]
            return [name, items]
        items = [self.written(each, path, depth) for each in value]
        if isinstance(value, set | frozenset):
            items.sort(key=json.dumps)
        return [name, items]


def _read(value: Any, players: Mapping[int, Any]) -> Any:
    if not isinstance(value, list):
        if isinstance(value, dict):
            msg = "a JSON object"
            raise TypeError(msg)
        return value
    name, body = value[0], value[1]
    if name == "player":
        return players[body]
    if name == "bytes":
        return bytes.fromhex(body)
    if name == "array":
        return _array(*value[1:])
    if name == "dict":
        return {_read(key, players): _read(each, players) for key, each in body}
    kinds: dict[str, Any] = {
        each.__name__: each for each in (list, tuple, deque, set, frozenset)
    }
    return kinds[name](_read(each, players) for each in body)


def _array(kind: str, shape: list[int], content: str) -> Any:
    dtype = np.dtype(kind)
    if dtype.kind not in ARRAY_KINDS or dtype.itemsize not in (1, 2, 4, 8):
        msg = f"an array of {dtype}"
        raise TypeError(msg)
    data = np.frombuffer(bytes.fromhex(content), dtype)
    array = data.reshape([int(n) for n in shape])
    native = array.astype(dtype.newbyteorder("="))
    return native if shape else native[()]
