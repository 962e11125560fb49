# SPDX-License-Identifier: MIT
"""Cut the body of a payload packet into frames, each a message or a piece of one.

    flags u8 | [message sequence u16, if reliable] | length u16 | payload

The flags say channel, reliability and whether further fragments follow. Which flags
are legal depends on the channels alone, so that is looked up in a table.
"""

from __future__ import annotations

from gamenet.connection.config import DeliveryMode
from gamenet.connection.packets import FRAME_FRAGMENT, FRAME_RELIABLE
from gamenet.errors import RemoteProtocolError

__all__ = ["Frame", "FrameKind", "legal_flags", "read_frames"]

FrameKind = tuple[int, bool, bool]
"""Channel, whether it is reliable, whether the message ends with this frame."""

Frame = tuple[int, bytes, int | None, bool]
"""Channel, payload, sequence (None in an unreliable frame), whether the message ends.

A plain tuple: one is made for each frame received, and a class would cost as much as
the rest of the reading."""


def legal_flags(modes: dict[int, DeliveryMode]) -> dict[int, FrameKind]:
    """Return what each legal flags byte says, for the channels that there are."""
    kinds: dict[int, FrameKind] = {}
    for channel, mode in modes.items():
        if mode is DeliveryMode.RELIABLE_ORDERED:
            flags = channel | FRAME_RELIABLE
            kinds[flags] = (channel, True, True)
            kinds[flags | FRAME_FRAGMENT] = (channel, True, False)
        else:
            kinds[channel] = (channel, False, True)
    return kinds


def read_frames(data: bytes, at: int, legal: dict[int, FrameKind]) -> list[Frame]:
    """Return the frames from a position to the end of a packet.

    Args:
        data: the packet.
        at: where its first frame begins.
        legal: the flags that there are.

    Raises:
        RemoteProtocolError: a frame is cut short, of an unknown channel, or its flags
            do not go with the channel's mode.
    """
    frames: list[Frame] = []
    end = len(data)
    try:
        while at < end:
            channel, is_reliable, is_last = legal[data[at]]
            sequence = None
            if is_reliable:
                sequence = data[at + 1] | data[at + 2] << 8
                at += 2
            begin = at + 3
            at = begin + (data[at + 1] | data[at + 2] << 8)
            frames.append((channel, data[begin:at], sequence, is_last))
    except KeyError:
        msg = f"a frame with flags {data[at]:#04x} does not fit any of the channels"
        raise RemoteProtocolError(msg) from None
    except IndexError:
        at = end + 1
    if at > end:
        msg = f"the last frame of a packet of {end} bytes is cut short"
        raise RemoteProtocolError(msg)
    return frames
