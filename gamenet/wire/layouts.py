# SPDX-License-Identifier: MIT
"""Encode and decode state updates of a known layout with one `struct` call.

The layout of a state update is its component types and the lengths of their payloads.
A game sends few different layouts, so each one seen is remembered: everything but the
payloads and the header is then constant, and is compared or copied as whole chunks. An
update of another layout takes the general codec, with the same bytes.

Memory is bounded: a table that is full is emptied, whoever filled it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from gamenet.wire.schema import SchemaType

__all__ = ["LayoutTable"]

MAX_LAYOUTS = 256
MAX_COMPONENTS = 8
BY_FREQUENCY = (3, 2, 4, 1, 5, 6, 7, 8, 0)
"""Numbers of components in the order in which they are looked for."""

Encode = Callable[[Any], bytes]
Decode = Callable[[bytes | memoryview], Any]


class LayoutTable:
    """Remember layouts, and hold the functions generated for them.

    Args:
        update: the class of the updates, with a general `codec`.
        component: the class of their components.
    """

    def __init__(self, update: SchemaType, component: SchemaType) -> None:
        self._update = update
        self._component = component
        self._packs: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._decoders: dict[int, Decode] = {}
        self._factories = [_decoder_factory(n) for n in range(MAX_COMPONENTS + 1)]

    def encoder(self) -> Encode:
        """Return the function that encodes an update."""
        source = (
            "def encode(m):\n"
            "  try:\n"
            "    components = m.components\n"
            "    n = len(components)\n"
            f"{''.join(_encoder_branch(n) for n in BY_FREQUENCY)}"
            "  except ERRORS:\n"
            "    pass\n"
            "  return slowly(m)\n"
        )
        errors = (KeyError, TypeError, AttributeError, ValueError, struct.error)
        names = {"packs": self._packs, "slowly": self.encode_slowly, "ERRORS": errors}
        encode: Encode = _run(source, names)["encode"]
        return encode

    def decoder(self) -> Decode:
        """Return the function that decodes the bytes of an update."""
        decoders, learn = self._decoders, self.learn

        def decode(data: bytes | memoryview) -> Any:
            try:
                known = decoders[len(data)]
            except KeyError:
                return learn(data)
            return known(data)

        return decode

    def learn(self, data: bytes | memoryview) -> Any:
        """Decode by the general codec, and remember the layout if it succeeds."""
        update = self._update.codec.decode(data)
        self._remember(update)
        return update

    def encode_slowly(self, update: Any) -> bytes:
        """Encode by the general codec, and remember the layout if it succeeds."""
        encoded = self._update.codec.encode(update)
        self._remember(update)
        return encoded

    def _remember(self, update: Any) -> None:
        components = update.components
        if len(components) > MAX_COMPONENTS:
            return
        if len(self._packs) >= MAX_LAYOUTS:
            self._packs.clear()
            self._decoders.clear()
        types = [component.type for component in components]
        lengths = [len(component.data) for component in components]
        chunks = _constant_chunks(types, lengths)
        parts = [
            f"{len(chunk)}s{length}s"
            for chunk, length in zip(chunks, lengths, strict=False)
        ] or [f"{len(chunks[0])}s"]
        layout = struct.Struct("<QQBI" + "".join(parts))
        key = tuple(item for pair in zip(types, lengths, strict=True) for item in pair)
        self._packs[key] = (layout.pack, *chunks)
        self._decoders[layout.size] = self._factories[len(types)](
            layout.unpack,
            chunks,
            types,
            self.learn,
            self._update.codec.blank,
            self._component.codec.blank,
        )


def _encoder_branch(n: int) -> str:
    """Return the lines that encode an update of `n` components of a known layout."""
    parts = [f"c{i}" for i in range(n)]
    key = "".join(f"{part}.type, len(d{i}), " for i, part in enumerate(parts))
    chunks = ", ".join(f"k{i}" for i in range(max(n, 1)))
    pairs = ", ".join(f"k{i}, d{i}" for i in range(n)) or "k0"
    unpack = f"      {', '.join(parts)}, = components\n" if n else ""
    data = "".join(f"      d{i} = c{i}.data\n" for i in range(n))
    return (
        f"    if n == {n}:\n"
        f"{unpack}{data}"
        f"      pack, {chunks} = packs[({key})]\n"
        "      return pack(m.timestamp, m.entity_id, m.priority, m.sequence, "
        f"{pairs})\n"
    )


def _decoder_factory(n: int) -> Callable[..., Decode]:
    """Return what makes the decoder of a layout of `n` components."""
    pairs = ", ".join(f"e{i}, d{i}" for i in range(n)) or "e0"
    wrong = " or ".join(f"e{i} != k{i}" for i in range(max(n, 1)))
    chunks = ", ".join(f"k{i}" for i in range(max(n, 1)))
    types = "".join(f"t{i}, " for i in range(n)) or "()"
    made = "".join(
        f"    c{i} = new_component(); c{i}.type = t{i}; c{i}.data = d{i}\n"
        for i in range(n)
    )
    source = (
        "def factory(unpack, chunks, types, learn, new_update, new_component):\n"
        f"  {chunks}, = chunks\n"
        f"  {types} = types\n"
        "  def decode(data):\n"
        "    m = new_update()\n"
        "    m.timestamp, m.entity_id, m.priority, m.sequence, "
        f"{pairs}, = unpack(data)\n"
        f"    if {wrong}: return learn(data)\n"
        f"{made}"
        f"    m.components = [{', '.join(f'c{i}' for i in range(n))}]\n"
        "    return m\n"
        "  return decode\n"
    )
    factory: Callable[..., Decode] = _run(source, {})["factory"]
    return factory


def _constant_chunks(types: list[str], lengths: list[int]) -> list[bytes]:
    """Return the bytes between the header and each payload; never an empty list."""
    head = len(types).to_bytes(2, "little")
    chunks = []
    for name, length in zip(types, lengths, strict=True):
        encoded = name.encode()
        chunk = len(encoded).to_bytes(2, "little") + encoded
        chunks.append(head + chunk + length.to_bytes(4, "little"))
        head = b""
    return chunks or [head]


def _run(source: str, names: dict[str, Any]) -> dict[str, Any]:
    namespace = dict(names)
    exec(compile(source, "<gamenet layout>", "exec"), namespace)
    return namespace
