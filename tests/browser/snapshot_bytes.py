# SPDX-License-Identifier: MIT
"""Write snapshot messages plainly, one integer after the other.

This is the wire format of docs/STANDARD.md, "Snapshots", as its text has it: no numpy,
nothing clever, nothing of the code under test. A state is a list of lanes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from gamenet.wire.bits import BitRun, bit_runs
from gamenet.wire.fields import NumberField
from gamenet.wire.quantized import AngleField, FixedField, QuaternionField

State = list[int]
Group = tuple[int, ...]
"""Bits of each of its lanes."""

BITMAP, GAPS8, GAPS16 = range(3)
UNIFORM, MIXED, GONE = range(3)
FLOATS = {"float16": "<e", "float32": "<f", "float64": "<d"}


@dataclass
class Entity:
    """What is in a row."""

    generation: int
    owner: int
    parts: dict[type, Any] = field(default_factory=dict)
    """Instances of components, by class."""


def widths_of(schema: Any) -> list[int]:
    """Return the bits of each lane of a component."""
    widths = []
    for item in bit_runs(schema.schema_fields):
        if isinstance(item, QuaternionField):
            bits = item.quantizer.bits
            widths += [bits + 2, bits, bits]
            continue
        if isinstance(item, BitRun):
            bits = item.bits
        elif isinstance(item, FixedField):
            bits = item.quantizer.steps.bit_length()
        elif isinstance(item, AngleField):
            bits = item.quantizer.bits
        else:
            bits = 8 * item.word_size  # type: ignore[union-attr]
        widths += [bits] if bits <= 32 else [32, bits - 32]
    return widths


def lanes_of(part: Any) -> State:
    """Return the lanes of a component's instance."""
    lanes = []
    for item in bit_runs(part.schema_fields):
        word = _word(item, part)
        if isinstance(item, QuaternionField):
            bits = item.quantizer.bits
            mask = (1 << bits) - 1
            lanes += [word & ((1 << (bits + 2)) - 1)]
            lanes += [word >> (bits + 2) & mask, word >> (2 * bits + 2) & mask]
        elif len(widths_of_item(item)) == 2:
            lanes += [word & 0xFFFFFFFF, word >> 32]
        else:
            lanes += [word]
    return lanes


def widths_of_item(item: Any) -> list[int]:
    """Return the widths of one word's lanes, unless it is a rotation's."""
    bits = item.bits if isinstance(item, BitRun) else 8 * item.word_size
    if isinstance(item, FixedField):
        bits = item.quantizer.steps.bit_length()
    return [bits] if bits <= 32 else [32, bits - 32]


def _word(item: Any, part: Any) -> int:
    """Return the word of a field or a run of bits, not negative."""
    if isinstance(item, BitRun):
        values = [int(getattr(part, each.name)) for each in item.fields]
        return sum(v << s for v, s in zip(values, item.shifts, strict=True))
    value = getattr(part, item.name)
    if isinstance(item, NumberField) and item.kind in FLOATS:
        return int.from_bytes(struct.pack(FLOATS[item.kind], value), "little")
    word = item.to_word(value) if item.to_word is not None else value
    return int(word) & ((1 << 8 * item.word_size) - 1)


def bitmap(bits: Iterable[Any]) -> bytes:
    """Return bits as bytes, the lowest first."""
    listed = [bool(bit) for bit in bits]
    data = bytearray((len(listed) + 7) // 8)
    for n, bit in enumerate(listed):
        data[n // 8] |= bit << n % 8
    return bytes(data)


class Layout:
    """Where the lanes of a world's components are, and in which groups.

    Args:
        components: in the order of their ids.
    """

    def __init__(self, components: Sequence[Any]) -> None:
        self.components = list(components)
        n = len(components)
        shape = [min(32, n - 32 * k) for k in range((n + 31) // 32)]
        parts = [[32, 32], shape, *map(widths_of, components)]
        self.groups = [group for part in parts for group in _grouped(part)]
        self.n_shape = len(shape)
        self.n_lanes = sum(map(len, parts))
        self.zeros = [0] * self.n_lanes

    def state(self, entity: Entity | None) -> State:
        """Return the lanes of what is in a row; zeros if it is nothing."""
        if entity is None:
            return self.zeros
        has = [component in entity.parts for component in self.components]
        bits = sum(bit << i for i, bit in enumerate(has))
        lanes = [entity.generation, entity.owner]
        lanes += [bits >> 32 * k & 0xFFFFFFFF for k in range(self.n_shape)]
        for component in self.components:
            part = entity.parts.get(component)
            empty = [0] * len(widths_of(component))
            lanes += empty if part is None else lanes_of(part)
        return lanes


def _grouped(widths: Sequence[int]) -> list[Group]:
    """Return neighbouring lanes in groups of at most three, and 64 bits."""
    groups: list[list[int]] = []
    for width in widths:
        if not groups or len(groups[-1]) == 3 or sum(groups[-1]) + width > 64:
            groups.append([])
        groups[-1].append(width)
    return [tuple(group) for group in groups]


@cache
def full_size(group: Group) -> int:
    """Return the bytes of a group's largest cell."""
    return (sum(group) + 7) // 8


@cache
def shares(group: Group, size: int) -> list[int]:
    """Return the bits that each lane has in a cell."""
    if size == full_size(group):
        return list(group)
    most = max(w for w in range(33) if sum(min(bits, w) for bits in group) <= 8 * size)
    return [min(bits, most) for bits in group]


def zigzag(new: int, base: int, bits: int) -> int:
    """Return the difference of a lane, small ones of either sign as small numbers."""
    difference = (new - base) % (1 << bits)
    if difference >= 1 << (bits - 1):
        difference -= 1 << bits
    return 2 * difference if difference >= 0 else -2 * difference - 1


def needed(group: Group, differences: Sequence[int]) -> int:
    """Return the bytes that a cell needs at least; 0 if nothing has changed."""
    if not any(differences):
        return 0
    for size in range(1, full_size(group)):
        given = shares(group, size)
        if all(z < 1 << w for z, w in zip(differences, given, strict=True)):
            return size
    return full_size(group)


def cell(group: Group, differences: Sequence[int], size: int) -> bytes:
    """Return the bytes of a cell."""
    number, shift = 0, 0
    for z, width in zip(differences, shares(group, size), strict=True):
        assert z < 1 << width
        number |= z << shift
        shift += width
    return number.to_bytes(size, "little")


def listed(rows: Sequence[int], mode: int) -> bytes:
    """Return a list of ascending rows."""
    first = rows[0].to_bytes(3, "little")
    if mode == BITMAP:
        span = range(rows[0], rows[-1] + 1)
        chosen = set(rows)
        bits = bitmap(row in chosen for row in span)
        return first + struct.pack("<H", len(span)) + bits
    gaps = [b - a - 1 for a, b in pairwise(rows)]
    code = "B" if mode == GAPS8 else "H"
    return first + struct.pack(f"<H{len(gaps)}{code}", len(rows), *gaps)


def gone(rows: Mapping[int, bool], mode: int = BITMAP) -> bytes:
    """Return a block of rows that are gone, each with whether it only left view."""
    ascending = sorted(rows)
    head = bytes([mode | GONE << 2])
    return head + listed(ascending, mode) + bitmap(rows[row] for row in ascending)


@dataclass
class Told:
    """How a row is told: its state, the one that it is compared with, and its age."""

    new: State
    base: State
    age: int


Chooser = Callable[[list[int], int], tuple[int, int]]
"""Returns the small and the medium size of a group, given those needed and the full."""


def _choose(sizes: list[int], full: int) -> tuple[int, int]:
    return min(sizes), sorted(sizes)[len(sizes) // 2]


def states(
    layout: Layout,
    rows: Mapping[int, Told],
    mode: int = BITMAP,
    choose: Chooser = _choose,
) -> bytes:
    """Return a block of rows and their states."""
    told = [rows[row] for row in sorted(rows)]
    ages = [each.age for each in told]
    kind = UNIFORM if len(set(ages)) == 1 else MIXED
    head = bytes([mode | kind << 2]) + listed(sorted(rows), mode)
    head += bytes(ages[:1] if kind == UNIFORM else ages)
    return head + _cells(layout, told, choose)


def _cells(layout: Layout, told: Sequence[Told], choose: Chooser) -> bytes:
    has, sizes, changed, large, full, payload = [], b"", [], [], [], b""
    lane = 0
    for group in layout.groups:
        lanes = range(lane, lane + len(group))
        lane += len(group)
        cells = [
            [
                zigzag(each.new[n], each.base[n], bits)
                for n, bits in zip(lanes, group, strict=True)
            ]
            for each in told
        ]
        need = [needed(group, differences) for differences in cells]
        has.append(any(need))
        if not any(need):
            continue
        largest = full_size(group)
        small, medium = choose([size for size in need if size], largest)
        sizes += bytes([small - 1 | (medium - 1) << 3])
        changed += [size > 0 for size in need]
        for differences, size in zip(cells, need, strict=True):
            if size == 0:
                continue
            large.append(size > small)
            if size > small:
                full.append(size > medium)
            used = small if size <= small else medium if size <= medium else largest
            payload += cell(group, differences, used)
    bitmaps = bitmap(changed) + bitmap(large) + bitmap(full)
    return bitmap(has) + sizes + bitmaps + payload


def message(tick: int, *blocks: bytes, part: int = 0, parts: int = 1) -> bytes:
    """Return a message of a tick."""
    return struct.pack("<IBB", tick, part, parts) + b"".join(blocks)
