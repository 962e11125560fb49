# SPDX-License-Identifier: MIT
"""The bytes that the peers of a rollback match tell each other in every tick.

    newest u32 | settled u32 | agreed u32 | advantage i16 | n_changes u16 |
    n u8 | n x ack      player varint | tick varint
    n u8 | n x change   number varint | tick varint | player varint | kind u8 |
                        length u8 | about
    n u8 | n x check    tick varint | checksum u32
    n u8 | n x line     player varint | first tick varint | n u8 |
                        n x run (count varint | length varint | inputs)

All little-endian. A packet repeats everything that the other side has not acknowledged,
oldest first, as far as it fits: inputs that are the same in many ticks are one run.
Each section has its share of the packet, so that none keeps out another for long.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeVar

from gamenet.errors import RemoteProtocolError
from gamenet.wire import read_varint, varint_bytes

__all__ = ["Change", "ChangeKind", "InputRun", "LineRuns", "RollbackPacket"]

MAX_PACKET = 512
"""Bytes: fits the smallest packet_size, 576."""
ACKS_END, CHANGES_END, CHECKS_END = 160, 256, 288
"""Where sections end at the latest; what is left is for inputs."""
MAX_PART = 200
"""Bytes of the inputs of a player in a tick: they fit into every packet."""
MAX_TICK = 0xFFFFFFFF
MAX_RUN = 4096
"""Ticks of one run of equal inputs."""
MAX_ABOUT = 64
YOURS = 0x80
HEAD = struct.Struct("<IIIhH")
CHECK = struct.Struct("<I")
PER_TICK = 128
"""Steps of an advantage in a tick."""

Item = TypeVar("Item")


class ChangeKind(IntEnum):
    """What becomes of a player."""

    JOINS = 0
    IS_AWAY = 1
    IS_BACK = 2
    LEAVES = 3


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody joins, is away, is back or leaves, from a tick on."""

    number: int
    """Which of all changes it is, from 1."""
    tick: int
    player: int
    kind: ChangeKind
    about: bytes = b""
    is_yours: bool = False
    """Whether the player's inputs are to come from whom it is told to."""


@dataclass(frozen=True, slots=True)
class InputRun:
    """The same inputs in some ticks on end."""

    count: int
    part: bytes


@dataclass(frozen=True, slots=True)
class LineRuns:
    """Inputs of a player, from a tick on."""

    player: int
    first: int
    runs: Sequence[InputRun]


@dataclass(slots=True)
class RollbackPacket:
    """What one peer tells another."""

    newest: int = 0
    """The newest tick that the sender has made."""
    settled: int = 0
    """Up to this tick the host has all inputs, and nobody comes or goes any more."""
    agreed: int = 0
    """The newest tick whose checksum the sender found to be like ours."""
    advantage: float = 0.0
    """How many ticks the sender seems to be ahead of us."""
    n_changes: int = 0
    """How many changes there have been as far as the sender knows, modulo 65536."""
    acks: Sequence[tuple[int, int]] = ()
    """Players, and up to which tick the sender has their inputs."""
    changes: Sequence[Change] = ()
    checks: Sequence[tuple[int, int]] = ()
    """Confirmed ticks and their checksums."""
    lines: Sequence[LineRuns] = field(default_factory=list)

    def encode(
        self, inputs: Iterable[tuple[int, Sequence[tuple[int, bytes]]]]
    ) -> bytes:
        """Return the bytes of the packet; `lines` is not looked at.

        Args:
            inputs: players with ticks and inputs, oldest first: as many as fit.
        """
        head = HEAD.pack(
            self.newest,
            self.settled,
            self.agreed,
            min(max(round(self.advantage * PER_TICK), -32768), 32767),
            self.n_changes & 0xFFFF,
        )
        packed = bytearray(head)
        acks = [varint_bytes(player) + varint_bytes(tick) for player, tick in self.acks]
        checks = [varint_bytes(tick) + CHECK.pack(sum_) for tick, sum_ in self.checks]
        _add_section(packed, acks, ACKS_END)
        _add_section(
            packed, [_change_bytes(each) for each in self.changes], CHANGES_END
        )
        _add_section(packed, checks, CHECKS_END)
        _add_lines(packed, list(inputs))
        return bytes(packed)

    @classmethod
    def decode(cls, data: bytes) -> RollbackPacket:
        """Return what a packet says.

        Raises:
            RemoteProtocolError: malformed.
        """
        if not HEAD.size <= len(data) <= MAX_PACKET:
            msg = f"a rollback packet of {len(data)} bytes: allowed are {MAX_PACKET}"
            raise RemoteProtocolError(msg)
        newest, settled, agreed, advantage, n_changes = HEAD.unpack_from(data)
        reader = _Reader(data, HEAD.size)
        try:
            packet = cls(
                newest,
                settled,
                agreed,
                advantage / PER_TICK,
                n_changes,
                reader.several(reader.ack),
                reader.several(reader.change),
                reader.several(reader.check),
                reader.several(reader.line),
            )
        except (IndexError, struct.error, ValueError) as error:
            msg = f"a rollback packet of {len(data)} bytes is malformed: {error}"
            raise RemoteProtocolError(msg) from error
        if reader.at != len(data):
            msg = f"{len(data) - reader.at} bytes after a rollback packet: none may be"
            raise RemoteProtocolError(msg)
        return packet


def _add_section(packed: bytearray, items: Sequence[bytes], limit: int) -> None:
    at = len(packed)
    packed.append(0)
    for item in items[:255]:
        if len(packed) + len(item) > limit:
            break
        packed += item
        packed[at] += 1


def _add_lines(
    packed: bytearray, lines: list[tuple[int, Sequence[tuple[int, bytes]]]]
) -> None:
    at = len(packed)
    packed.append(0)
    lines = [line for line in lines if line[1]][:255]
    for n, (player, inputs) in enumerate(lines):
        room = MAX_PACKET - len(packed)
        # Each has a share of what is left; the first of this packet, all that one tick
        # of theirs needs.
        share = room // (len(lines) - n)
        line = _line_bytes(player, inputs, share)
        if not line and not n:
            line = _line_bytes(player, inputs[:1], room)
        if line:
            packed += line
            packed[at] += 1


def _line_bytes(player: int, inputs: Sequence[tuple[int, bytes]], room: int) -> bytes:
    """Return as many ticks on end of a player's inputs as fit, from the oldest on."""
    first = inputs[0][0]
    head = varint_bytes(player) + varint_bytes(first)
    packed = bytearray(head) + b"\0"
    for count, part in _runs(inputs):
        run = varint_bytes(count) + varint_bytes(len(part)) + part
        if len(packed) + len(run) > room or packed[len(head)] == 255:
            break
        packed += run
        packed[len(head)] += 1
    return bytes(packed) if packed[len(head)] else b""


def _runs(inputs: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    runs: list[tuple[int, bytes]] = []
    expected = inputs[0][0]
    for tick, part in inputs:
        if tick != expected:
            break  # a gap: the rest goes when this was acknowledged
        if runs and runs[-1][1] == part and runs[-1][0] < MAX_RUN:
            runs[-1] = (runs[-1][0] + 1, part)
        else:
            runs.append((1, part))
        expected += 1
    return runs


def _change_bytes(change: Change) -> bytes:
    kind = change.kind | (YOURS if change.is_yours else 0)
    return (
        varint_bytes(change.number)
        + varint_bytes(change.tick)
        + varint_bytes(change.player)
        + bytes((kind, len(change.about)))
        + change.about
    )


class _Reader:
    """Read the sections of a packet."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def several(self, read: Callable[[], Item]) -> list[Item]:
        return [read() for _ in range(self._byte())]

    def ack(self) -> tuple[int, int]:
        return self._number(), self._number()

    def change(self) -> Change:
        number, tick, player = self._number(), self._number(), self._number()
        kind = self._byte()
        about = self._bytes(self._byte())
        if len(about) > MAX_ABOUT:
            msg = f"{len(about)} bytes about a player: the limit is {MAX_ABOUT}"
            raise ValueError(msg)
        known = ChangeKind(kind & ~YOURS)
        return Change(number, tick, player, known, about, bool(kind & YOURS))

    def check(self) -> tuple[int, int]:
        tick = self._number()
        (checksum,) = CHECK.unpack(self._bytes(CHECK.size))
        return tick, checksum

    def line(self) -> LineRuns:
        return LineRuns(self._number(), self._number(), self.several(self._run))

    def _run(self) -> InputRun:
        count = self._number()
        if not 1 <= count <= MAX_RUN:
            msg = f"a run of {count} ticks: allowed are 1 to {MAX_RUN}"
            raise ValueError(msg)
        return InputRun(count, self._bytes(self._number()))

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _bytes(self, length: int) -> bytes:
        begin, self.at = self.at, self.at + length
        if self.at > len(self._data):
            msg = f"{length} bytes at {begin}"
            raise IndexError(msg)
        return self._data[begin : self.at]

    def _number(self) -> int:
        number, self.at = read_varint(self._data, self.at)
        if number > MAX_TICK:
            msg = f"the number {number}: the limit is {MAX_TICK}"
            raise ValueError(msg)
        return number
