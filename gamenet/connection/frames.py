# SPDX-License-Identifier: MIT
"""Cut the body of a payload into frames, and write the heads of frames.

The first byte of a frame says channel and form; docs/STANDARD.md, "Frames", has the
bytes of each form. Which first bytes are legal depends on the channels alone, so that
is looked up in a table. What is read is a plain tuple, because one is made for each
frame, and a class would cost as much as the rest of the reading:

    (channel, form, sequence, content)

The content is a payload, for a run a list of payloads, for a piece a `Piece`, for a
control frame its bytes; the channel of a control frame is its kind.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any, NamedTuple

from gamenet.connection.config import ConnectionConfig, DeliveryMode
from gamenet.errors import RemoteProtocolError

__all__ = [
    "ACK_DELAY",
    "CANCELLED",
    "CANCELLED_HEAD",
    "CLOSE",
    "CONTROL",
    "LARGEST_SIZE",
    "MESSAGE",
    "OWN_CHANNEL",
    "PADDING",
    "PATH_CHALLENGE",
    "PATH_RESPONSE",
    "PIECE",
    "PIECE_HEAD",
    "PING",
    "RUN",
    "RUN_HEAD",
    "SEQUENCED",
    "SEQUENCED_HEAD",
    "SIZES",
    "Frame",
    "Piece",
    "legal_heads",
    "read_frames",
    "sized",
]

MESSAGE, SEQUENCED, RUN, PIECE, CANCELLED, CONTROL = 0, 1, 2, 3, 4, 7
PADDING, CLOSE, PATH_CHALLENGE, PATH_RESPONSE, ACK_DELAY, PING = range(6)
OWN_CHANNEL = 31
LARGEST_SIZE = 0x7FFF

SEQUENCED_HEAD = struct.Struct("<BH")
RUN_HEAD = struct.Struct("<BHB")
PIECE_HEAD = struct.Struct("<BHHH")
CANCELLED_HEAD = struct.Struct("<BHH")


class Piece(NamedTuple):
    """A piece of a large message, or word that no more of it will come."""

    number: int
    """Which piece, from 0."""
    total: int
    """Of how many; 0 if the sender gave the message up."""
    payload: bytes
    """Its bytes."""


Frame = tuple[int, int, int, Any]

SIZES = [
    bytes((n,)) if n < 128 else bytes((n & 0x7F | 0x80, n >> 7)) for n in range(2048)
]
"""Sizes as they are written, of messages below 2,048 bytes."""
_CONTROL_BODIES = {PATH_CHALLENGE: 8, PATH_RESPONSE: 8, ACK_DELAY: 2, PING: 0}
_FORMS = {
    DeliveryMode.UNRELIABLE: (MESSAGE,),
    DeliveryMode.UNRELIABLE_RECEIPTS: (MESSAGE,),
    DeliveryMode.UNRELIABLE_SEQUENCED: (SEQUENCED,),
    DeliveryMode.RELIABLE_SEQUENCED: (SEQUENCED,),
    DeliveryMode.RELIABLE_ORDERED: (RUN, PIECE, CANCELLED),
    DeliveryMode.RELIABLE_UNORDERED: (RUN, PIECE, CANCELLED),
}


def sized(payload: bytes) -> bytes:
    """Return a payload with its size before it."""
    size = len(payload)
    if size < 2048:
        return SIZES[size] + payload
    return bytes((size & 0x7F | 0x80, size >> 7)) + payload


def legal_heads(config: ConnectionConfig) -> frozenset[int]:
    """Return every first byte that a frame may have, for the channels there are."""
    return _legal_heads(tuple(config.modes.items()))


@lru_cache(maxsize=64)
def _legal_heads(channels: tuple[tuple[int, DeliveryMode], ...]) -> frozenset[int]:
    modes = {**dict(channels), OWN_CHANNEL: DeliveryMode.RELIABLE_ORDERED}
    heads = {CONTROL << 5 | kind for kind in range(6)}
    for channel, mode in modes.items():
        heads |= {channel | form << 5 for form in _FORMS[mode]}
    return frozenset(heads)


def read_frames(data: bytes, at: int, legal: frozenset[int]) -> list[Frame]:
    """Return the frames from a position to the end of a body.

    Args:
        data: the body.
        at: where its first frame begins.
        legal: the first bytes that there are.

    Raises:
        RemoteProtocolError: a frame is cut short, of an unknown channel, or of a form
            that does not go with the channel's mode.
    """
    frames: list[Frame] = []
    end = len(data)
    try:
        while at < end:
            head = data[at]
            if head not in legal:
                raise _foreign(head)
            at = _READERS[head >> 5](data, at, head & 31, frames)
    except IndexError:
        at = end + 1
    if at > end:
        msg = f"the last frame of a body of {end} bytes is cut short"
        raise RemoteProtocolError(msg)
    return frames


def _read_message(data: bytes, at: int, channel: int, frames: list[Frame]) -> int:
    size = data[at + 1]
    begin = at + 2
    if size > 127:
        size, begin = _long_size(data, at + 1)
    end = begin + size
    frames.append((channel, MESSAGE, 0, data[begin:end]))
    return end


def _read_sequenced(data: bytes, at: int, channel: int, frames: list[Frame]) -> int:
    sequence = data[at + 1] | data[at + 2] << 8
    size = data[at + 3]
    begin = at + 4
    if size > 127:
        size, begin = _long_size(data, at + 3)
    end = begin + size
    frames.append((channel, SEQUENCED, sequence, data[begin:end]))
    return end


def _read_run(data: bytes, at: int, channel: int, frames: list[Frame]) -> int:
    sequence = data[at + 1] | data[at + 2] << 8
    count = data[at + 3]
    if not count:
        msg = f"a run of no messages on channel {channel}: it has 1 to 255"
        raise RemoteProtocolError(msg)
    at += 4
    payloads = []
    for _ in range(count):
        size = data[at]
        at += 1
        if size > 127:
            size, at = _long_size(data, at - 1)
        payloads.append(data[at : at + size])
        at += size
    frames.append((channel, RUN, sequence, payloads))
    return at


def _read_piece(data: bytes, at: int, channel: int, frames: list[Frame]) -> int:
    sequence = data[at + 1] | data[at + 2] << 8
    index = data[at + 3] | data[at + 4] << 8
    count = data[at + 5] | data[at + 6] << 8
    if not index < count or count < 2:
        msg = f"piece {index} of {count} on channel {channel}: a message has 2 or more"
        raise RemoteProtocolError(msg)
    size = data[at + 7]
    begin = at + 8
    if size > 127:
        size, begin = _long_size(data, at + 7)
    end = begin + size
    if not size:
        raise RemoteProtocolError(f"an empty piece on channel {channel}")
    frames.append((channel, PIECE, sequence, Piece(index, count, data[begin:end])))
    return end


def _read_cancelled(data: bytes, at: int, channel: int, frames: list[Frame]) -> int:
    sequence = data[at + 1] | data[at + 2] << 8
    index = data[at + 3] | data[at + 4] << 8
    frames.append((channel, PIECE, sequence, Piece(index, 0, b"")))
    return at + 5


def _read_control(data: bytes, at: int, kind: int, frames: list[Frame]) -> int:
    if kind == PADDING:
        if data.count(0, at + 1) != len(data) - at - 1:
            raise RemoteProtocolError("the padding of a packet is not zero")
        return len(data)
    if kind == CLOSE:
        size, begin = data[at + 2], at + 3
        if size > 127:
            size, begin = _long_size(data, at + 2)
        end = begin + size
        frames.append((kind, CONTROL, data[at + 1], data[begin:end]))
        return end
    end = at + 1 + _CONTROL_BODIES[kind]
    frames.append((kind, CONTROL, 0, data[at + 1 : end]))
    return end


def _long_size(data: bytes, at: int) -> tuple[int, int]:
    """Return a size of two bytes and where what it measures begins."""
    high = data[at + 1]
    if not high:
        raise RemoteProtocolError("a size below 128 is written in two bytes")
    return data[at] & 0x7F | high << 7, at + 2


def _foreign(head: int) -> RemoteProtocolError:
    msg = f"a frame with the head {head:#04x} does not fit any of the channels"
    return RemoteProtocolError(msg)


_READERS = {
    MESSAGE: _read_message,
    SEQUENCED: _read_sequenced,
    RUN: _read_run,
    PIECE: _read_piece,
    CANCELLED: _read_cancelled,
    CONTROL: _read_control,
}
