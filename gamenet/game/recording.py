# SPDX-License-Identifier: MIT
r"""The file in which a server keeps what it sent, and how to read it later.

The file begins with what the game speaks, so that it can be read without the game's
code. Then there is a record for each packet, all of it little-endian:

    magic "gamenet\0rec\n" | version u16 | record*
    record:   length u32 | crc32 u32 of kind and body | kind u8 | body, `length` bytes
    kind 0, the header, once and first:
              capacity u32 | tick rate f32 | start, seconds since 1970 f64 |
              the protocol's description (JSON, compressed by zlib)
    kind 1, a packet:
              player u32 | tick u32 | time f64, seconds since the start | channel u8 |
              budget f32 | rows left out u32 | n u16 |
              n rows u32 | n priorities f32 | n levels u8 | payload
    kind 3, since version 2, a packet of inputs that a player has sent:
              player u32 | tick u32, of the game | time f64, seconds since the start |
              at f64, server time in ticks | payload
    kind 2, packets that are missing here, because the disk could not keep up:
              number u32

A file whose end is cut off, by a crash or a full disk, is read up to the damage.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import ConfigError, RemoteProtocolError
from gamenet.game.messages import MAX_CAPACITY
from gamenet.game.protocol import SNAPSHOTS, Protocol
from gamenet.world import Audience

__all__ = [
    "Arrival",
    "Packet",
    "Recording",
    "arrival_record",
    "head_of",
    "missing_record",
    "packet_record",
]

MAGIC = b"gamenet\0rec\n"
VERSION = 2
READABLE = (1, 2)
LARGEST_RECORD = 1 << 24
_HEADER, _PACKET, _MISSING, _ARRIVAL = range(4)

_VERSION = struct.Struct("<H")
_RECORD = struct.Struct("<IIB")
_WORLD = struct.Struct("<Ifd")
_SENT = struct.Struct("<IIdBfIH")
_COUNT = struct.Struct("<I")
_HEARD = struct.Struct("<IIdd")


def _no_rows() -> NDArray[Any]:
    return np.zeros(0, np.uint32)


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """One message that a player was sent.

    Shapes:
        rows, levels, priorities: (n_rows,); none where all rows are told to everyone
            alike, and there was room for all.
    """

    player_id: int
    """Who was sent it."""
    tick: int
    """When, in ticks."""
    channel: int
    """By which channel."""
    payload: bytes
    """The message."""
    budget: float = 0.0
    """Bytes that the player could be sent in this tick."""
    n_left_out: int = 0
    """Rows that were due, and that the budget had no place for."""
    rows: NDArray[Any] = field(default_factory=_no_rows)
    """The rows of the world that the message tells."""
    priorities: NDArray[Any] | None = None
    """Priority that each had gathered; None, or NaN, where there was room for all."""
    levels: NDArray[Any] = field(default_factory=_no_rows)
    """What the player may see of each."""
    time: float = 0.0
    """Seconds since the recording began; the recorder fills it in."""

    @property
    def is_snapshot(self) -> bool:
        """Return whether the message is a part of a snapshot."""
        return self.channel == SNAPSHOTS


@dataclass(frozen=True, slots=True)
class Arrival:
    """One packet of inputs that a player has sent, as it arrived."""

    player_id: int
    """Who has sent it."""
    tick: int
    """The newest tick that the game had made."""
    at: float
    """Server time, in ticks."""
    payload: bytes
    """The packet."""
    time: float = 0.0
    """Seconds since the recording began; the recorder fills it in."""


def _record(kind: int, body: bytes) -> bytes:
    crc = zlib.crc32(body, zlib.crc32(bytes([kind])))
    return _RECORD.pack(len(body), crc, kind) + body


def head_of(protocol: Protocol, capacity: int, tick_rate: float, began: float) -> bytes:
    """Return what a file begins with.

    Args:
        protocol: what the game speaks.
        capacity: rows of the world.
        tick_rate: ticks a second.
        began: seconds since 1970.
    """
    world = _WORLD.pack(capacity, tick_rate, began)
    header = _record(_HEADER, world + protocol.description())
    return MAGIC + _VERSION.pack(VERSION) + header


def missing_record(count: int) -> bytes:
    """Return the record that stands for packets that were not written."""
    return _record(_MISSING, _COUNT.pack(count))


def packet_record(packet: Packet, seconds: float) -> bytes:
    """Return the record of a packet.

    Args:
        packet: what was sent.
        seconds: since the recording began.
    """
    n_rows = min(len(packet.rows), len(packet.levels), 0xFFFF)
    priorities = packet.priorities
    if priorities is None and (packet.levels <= Audience.EVERYONE).all():
        n_rows = 0  # the payload tells the rows, and the rest goes without saying
    if priorities is None:
        priorities = np.full(n_rows, np.nan)
    head = _SENT.pack(
        packet.player_id,
        packet.tick,
        seconds,
        packet.channel,
        packet.budget,
        packet.n_left_out,
        n_rows,
    )
    body = b"".join(
        (
            head,
            packet.rows[:n_rows].astype("<u4").tobytes(),
            priorities[:n_rows].astype("<f4").tobytes(),
            packet.levels[:n_rows].astype("<u1").tobytes(),
            packet.payload,
        )
    )
    return _record(_PACKET, body)


def arrival_record(arrival: Arrival, seconds: float) -> bytes:
    """Return the record of a packet of inputs.

    Args:
        arrival: what came.
        seconds: since the recording began.
    """
    head = _HEARD.pack(arrival.player_id, arrival.tick, seconds, arrival.at)
    return _record(_ARRIVAL, head + arrival.payload)


class Recording:
    """Read a file that a recorder wrote.

    Args:
        path: of the file.

    Raises:
        ConfigError: it cannot be read, or is none.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.n_missing = 0
        """Packets that the recorder left out, as far as the file was read."""
        self.damage = ""
        """What is wrong with the end of the file, once it was read; or empty."""
        try:
            self._file = open(path, "rb")  # noqa: SIM115, PTH123 - it has a close
        except OSError as error:
            msg = f"{path}: cannot be read: {error.strerror or error}"
            raise ConfigError(msg) from error
        try:
            self._read_head()
        except BaseException:
            self._file.close()
            raise

    def _read_head(self) -> None:
        head = self._file.read(len(MAGIC) + _VERSION.size)
        if not head.startswith(MAGIC) or len(head) < len(MAGIC) + _VERSION.size:
            raise ConfigError(f"{self.path}: is no recording of gamenet")
        (version,) = _VERSION.unpack(head[len(MAGIC) :])
        if version not in READABLE:
            known = " and ".join(map(str, READABLE))
            msg = f"{self.path}: has the format {version}; this gamenet reads {known}"
            raise ConfigError(msg)
        self.version = version
        """Of the format."""
        kind, body = self._record() or (-1, b"")
        try:
            self.capacity, self.tick_rate, self.began = _WORLD.unpack_from(body)
            _refuse_no_header(kind, self.capacity)
            self.protocol = Protocol.from_description(body[_WORLD.size :])
        except (struct.error, RemoteProtocolError) as error:
            why = self.damage or error
            msg = f"{self.path}: the header of the recording is damaged: {why}"
            raise ConfigError(msg) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def has_inputs(self) -> bool:
        """Return whether the format has what players sent; version 1 has not."""
        return bool(self.version >= 2)

    def packets(self) -> Iterator[Packet]:
        """Yield what was sent, up to the end or the damage."""
        return (each for each in self.records() if isinstance(each, Packet))

    def records(self) -> Iterator[Packet | Arrival]:
        """Yield what was sent and what came, in order, up to the end or the damage."""
        while (record := self._record()) is not None:
            kind, body = record
            try:
                if kind == _MISSING:
                    self.n_missing += int(_COUNT.unpack(body)[0])
                elif kind == _PACKET:
                    yield _packet(body)
                elif kind == _ARRIVAL:
                    yield _arrival(body)
            except (struct.error, ValueError) as error:
                self.damage = f"a record of {len(body)} bytes is malformed: {error}"
                return

    def _record(self) -> tuple[int, bytes] | None:
        """Return kind and body of the next record; None at the end."""
        at = self._file.tell()
        head = self._file.read(_RECORD.size)
        if not head:
            return None
        if len(head) == _RECORD.size:
            length, crc, kind = _RECORD.unpack(head)
            body = self._file.read(length) if length <= LARGEST_RECORD else b""
            is_whole = len(body) == length
            if is_whole and zlib.crc32(body, zlib.crc32(bytes([kind]))) == crc:
                return kind, body
            why = "is damaged" if is_whole or length > LARGEST_RECORD else "is cut off"
        else:
            why = "is cut off"
        self.damage = f"the record at byte {at} {why}: nothing behind it was read"
        return None


def _refuse_no_header(kind: int, capacity: int) -> None:
    if kind != _HEADER or not 1 <= capacity <= MAX_CAPACITY:
        msg = f"a record of kind {kind}, for a world of {capacity} rows"
        raise RemoteProtocolError(msg)


def _packet(body: bytes) -> Packet:
    """Return the packet of a record.

    Raises:
        ValueError: the body is shorter than it says.
    """
    (player, tick, seconds, channel, budget, left_out, n) = _SENT.unpack_from(body)
    at = _SENT.size
    return Packet(
        player,
        tick,
        channel,
        body[at + 9 * n :],
        budget,
        left_out,
        np.frombuffer(body, "<u4", n, at),
        np.frombuffer(body, "<f4", n, at + 4 * n),
        np.frombuffer(body, "<u1", n, at + 8 * n),
        seconds,
    )


def _arrival(body: bytes) -> Arrival:
    player, tick, seconds, at = _HEARD.unpack_from(body)
    return Arrival(player, tick, at, body[_HEARD.size :], seconds)
