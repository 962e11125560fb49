# SPDX-License-Identifier: MIT
"""The bytes of input packets: the frames of some ticks, newest first.

    newest u32 | clock u32 | flags u8 | count u8 | count x frame
    frame: head u8 | lag u16 | span u8 | [n u8 | n x (input u8 | length varint | body)]

A frame is what a player did in one tick. Inputs are small and a lost one hurts, so each
packet repeats the frames that are not acknowledged yet; who does the same in every
tick, as most do, pays four bytes for each that is repeated.

Source: docs/STANDARD.md, "Inputs".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gamenet.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from gamenet.prediction.frames import Frame, sight_of, sight_words
from gamenet.prediction.inputs import Input, Missing
from gamenet.wire import Schema, read_varint, varint_bytes

__all__ = ["FrameBytes", "InputCodec", "InputPacket", "OpenedPacket", "pack"]

_HEAD = struct.Struct("<IIBB")
_FRAME = struct.Struct("<BHB")
MAX_PACKET = 512  # bytes: fits the smallest packet_size, 576
MAX_FRAMES = 64
MAX_PART = MAX_PACKET - _HEAD.size - _FRAME.size
"""Bytes that the inputs of one frame may take."""
MAX_DISTANCE = 63  # ticks between two frames of a packet
MAX_PARTS = 64  # inputs of frames that are remembered decoded
STEADY = 1
SAME = 0x40
UNUSED = 0x80


FrameBytes = tuple[int, int, int, bytes]
"""A frame that is not decoded: its tick, its view's lag and span, and its inputs."""


@dataclass(slots=True)
class OpenedPacket:
    """What a packet of inputs says before its frames are decoded."""

    newest: int
    """Tick of the newest frame; 0 without one."""
    clock: int
    """When it was sent: the client's microseconds modulo 2**32."""
    is_steady: bool
    """Whether a frame of every tick is coming."""
    frames: list[FrameBytes]
    """Newest first."""


@dataclass(slots=True)
class InputPacket:
    """What a packet of inputs says."""

    newest: int
    """Tick of the newest frame; 0 without one."""
    clock: int
    """When it was sent: the client's microseconds modulo 2**32."""
    is_steady: bool
    """Whether a frame of every tick is coming."""
    frames: list[Frame]
    """Newest first."""


class InputCodec:
    """Write and read packets of a game's inputs.

    Args:
        inputs: the game's input classes, in wire order.

    Raises:
        SchemaError: more than 255 classes, or `missing` of one is no `Missing`.
    """

    def __init__(self, inputs: Sequence[type[Input]]) -> None:
        self.inputs = tuple(inputs)
        self._ids = {schema: number for number, schema in enumerate(self.inputs)}
        # Who holds a stick still says the same again and again: it is decoded once.
        self._parts: dict[bytes, tuple[Input, ...]] = {}
        if len(self.inputs) > 0xFF:
            msg = f"{len(self.inputs)} input classes: at most 255 have a number"
            raise SchemaError(msg)
        for schema in self.inputs:
            missing: object = schema.missing  # a field of that name hides it
            if not isinstance(missing, Missing):
                msg = f"{schema.__name__}.missing is {missing!r}: give a Missing"
                raise SchemaError(msg)

    def part(self, inputs: Iterable[Input]) -> bytes:
        """Return what a frame says of its inputs.

        Raises:
            LocalProtocolError: no input of this game, two of a class, a value that
                cannot be sent, or more bytes than a packet has.
        """
        bodies: dict[int, bytes] = {}
        for item in inputs:
            number = self._ids.get(type(item))
            if number is None:
                names = ", ".join(each.__name__ for each in self.inputs) or "none"
                msg = f"{type(item).__name__} is no input of this game: it has {names}"
                raise LocalProtocolError(msg)
            if number in bodies:
                msg = f"two {type(item).__name__} in a tick: each class once"
                raise LocalProtocolError(msg)
            if not _is_finite(item):
                msg = f"{item!r} has a float that is not finite: send numbers only"
                raise LocalProtocolError(msg)
            bodies[number] = item.encode()
        entries = [
            bytes((number,)) + varint_bytes(len(body)) + body
            for number, body in bodies.items()
        ]
        part = bytes((len(entries),)) + b"".join(entries)
        if len(part) > MAX_PART:
            msg = (
                f"the inputs of a tick take {len(part)} bytes, the limit is "
                f"{MAX_PART}: send what is large as a message"
            )
            raise LocalProtocolError(msg)
        return part

    def encode(
        self, frames: Sequence[Frame], clock: int, *, is_steady: bool = False
    ) -> bytes:
        """Return the packet of some frames: as many of the newest as fit.

        Args:
            frames: newest first.
            clock: microseconds modulo 2**32.
            is_steady: whether a frame of every tick is coming.

        Raises:
            LocalProtocolError: frames out of order, or inputs that cannot be sent.
        """
        parts = ((frame, self.part(frame.inputs)) for frame in frames)
        return pack(parts, clock, is_steady=is_steady)[0]

    def decode(self, data: bytes) -> InputPacket:
        """Return what a packet says.

        Raises:
            RemoteProtocolError: malformed, or a float that is not finite.
        """
        packet = self.open(data)
        frames = [self.frame(each, each[0]) for each in packet.frames]
        return InputPacket(packet.newest, packet.clock, packet.is_steady, frames)

    def open(self, data: bytes) -> OpenedPacket:
        """Return what a packet says, without what its frames say.

        Most of its frames were in packets before it: only those that are new are worth
        decoding, see `frame`.

        Raises:
            RemoteProtocolError: malformed.
        """
        if not _HEAD.size <= len(data) <= MAX_PACKET:
            msg = (
                f"an input packet of {len(data)} bytes: allowed are {_HEAD.size} to "
                f"{MAX_PACKET}"
            )
            raise RemoteProtocolError(msg)
        newest, clock, flags, count = _HEAD.unpack_from(data)
        if count > MAX_FRAMES or (count == 0 and newest != 0):
            msg = f"{count} frames up to tick {newest}: allowed are {MAX_FRAMES} frames"
            raise RemoteProtocolError(msg)
        try:
            frames, at = _frames(data, newest, count)
        except (IndexError, struct.error) as error:
            msg = f"an input packet of {len(data)} bytes is cut short: {error}"
            raise RemoteProtocolError(msg) from error
        if at != len(data):
            msg = f"{len(data) - at} bytes after the last frame: none may follow"
            raise RemoteProtocolError(msg)
        return OpenedPacket(newest, clock, bool(flags & STEADY), frames)

    def frame(self, said: FrameBytes, tick: int) -> Frame:
        """Return what a frame of an opened packet says.

        Args:
            said: the frame.
            tick: its tick; what the packet says of it is cut to 32 bits.

        Raises:
            RemoteProtocolError: malformed, or a float that is not finite.
        """
        _, lag, span, part = said
        inputs = self._parts.get(part)
        if inputs is None:
            inputs = self.inputs_of(part)
            if len(self._parts) >= MAX_PARTS:
                self._parts.clear()
            self._parts[part] = inputs
        return Frame(tick, inputs, sight_of(tick, lag, span))

    def inputs_of(self, part: bytes) -> tuple[Input, ...]:
        """Return the inputs of what `part` has made.

        Raises:
            RemoteProtocolError: an unknown class, one twice, or a bad value.
        """
        found: dict[int, Input] = {}
        at = 1
        while at < len(part):
            number = part[at]
            length, at = read_varint(part, at + 1)
            if number >= len(self.inputs) or number in found:
                msg = (
                    f"input {number} is unknown or twice in a frame: there are "
                    f"{len(self.inputs)}, each once"
                )
                raise RemoteProtocolError(msg)
            item = self.inputs[number].decode(part[at : at + length])
            if not _is_finite(item):
                msg = f"{item!r} has a float that is not finite: send numbers only"
                raise RemoteProtocolError(msg)
            found[number] = item
            at += length
        return tuple(found.values())


def pack(
    parts: Iterable[tuple[Frame, bytes]], clock: int, *, is_steady: bool
) -> tuple[bytes, int]:
    """Return a packet of frames, newest first, and how many of them it has.

    Each comes with its inputs encoded. What is farther than 63 ticks from the frame
    after it, or does not fit, is left out with all that is older.

    Raises:
        LocalProtocolError: a frame is not older than the one before it.
    """
    packed = bytearray(_HEAD.size)
    newest = before = count = 0
    last = b""
    for frame, part in parts:
        distance = before - frame.tick if count else 0
        is_same = count > 0 and part == last
        size = _FRAME.size + (0 if is_same else len(part))
        if count and distance < 1:
            msg = f"frame {frame.tick} after {before}: give the newest first"
            raise LocalProtocolError(msg)
        is_far = distance > MAX_DISTANCE or count == MAX_FRAMES
        if is_far or len(packed) + size > MAX_PACKET:
            break
        lag, span = sight_words(frame)
        packed += _FRAME.pack(distance | (SAME if is_same else 0), lag, span)
        if not is_same:
            packed += part
        newest = newest if count else frame.tick
        before, last, count = frame.tick, part, count + 1
    flags = STEADY if is_steady else 0
    _HEAD.pack_into(packed, 0, newest & 0xFFFFFFFF, clock & 0xFFFFFFFF, flags, count)
    return bytes(packed), count


def _frames(data: bytes, tick: int, count: int) -> tuple[list[FrameBytes], int]:
    """Return the frames of a packet, and where they end."""
    frames: list[FrameBytes] = []
    at = _HEAD.size
    part = b""
    unpack, size = _FRAME.unpack_from, _FRAME.size
    for n in range(count):
        head, lag, span = unpack(data, at)
        at += size
        distance = head & MAX_DISTANCE
        if head & UNUSED or (distance == 0) != (n == 0) or (head & SAME and not n):
            msg = f"the head {head:#04x} of frame {n} is none: see the standard"
            raise RemoteProtocolError(msg)
        tick -= distance
        if not head & SAME:
            begin, at = at, _part_end(data, at)
            part = bytes(data[begin:at])
        frames.append((tick, lag, span, part))
    return frames, at


def _part_end(data: bytes, at: int) -> int:
    """Return where the inputs of a frame end, which begin at a position."""
    n_inputs = data[at]
    at += 1
    for _ in range(n_inputs):
        length, at = read_varint(data, at + 1)
        at += length
        if at > len(data):
            msg = f"an input of {length} bytes"
            raise IndexError(msg)
    return at


def _is_finite(value: Any) -> bool:
    """Return whether no float in a value is infinite or not a number."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Schema):
        fields = value.schema_fields
        return all(_is_finite(getattr(value, field.name)) for field in fields)
    if isinstance(value, list | tuple):
        return all(_is_finite(item) for item in value)
    return True
