# SPDX-License-Identifier: MIT
"""Cut a stream of bytes into packets, and packets into a stream.

    stream = (length u32 little-endian | packet) *

The parser is pure: the reactor's TCP and TLS and the polled TCP socket share it. It
never holds more than one frame and what came with its last bytes.
"""

from __future__ import annotations

import struct

from gamenet.errors import CloseReason, RemoteProtocolError

__all__ = ["FrameBuffer", "frame"]

_LENGTH = struct.Struct("<I")


def frame(packets: list[bytes]) -> bytes:
    """Return packets as the bytes of a stream."""
    pack = _LENGTH.pack
    return b"".join(
        [part for packet in packets for part in (pack(len(packet)), packet)]
    )


class FrameBuffer:
    """Collect the bytes of a stream until they make packets.

    Args:
        limit: bytes of the largest packet.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._held = 0
        self._needed = _LENGTH.size

    def feed(self, data: bytes) -> list[bytes]:
        """Add received bytes and return the packets that are complete now.

        Raises:
            RemoteProtocolError: the next packet is larger than the limit. The packets
                before it are lost with it, and the stream cannot be used any more.
        """
        self._parts.append(data)
        self._held += len(data)
        if self._held < self._needed:
            # A large packet comes in many pieces: join them once, not each time.
            return []
        stream = b"".join(self._parts)
        packets, rest = self._cut(stream)
        self._parts = [stream[rest:]] if rest < len(stream) else []
        self._held = len(stream) - rest
        return packets

    def _cut(self, stream: bytes) -> tuple[list[bytes], int]:
        """Return the complete packets, and where the incomplete one begins."""
        packets: list[bytes] = []
        start, end = 0, len(stream)
        while end - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(stream, start)
            if length > self._limit:
                raise RemoteProtocolError(
                    f"a packet of {length} bytes came; the limit is {self._limit}",
                    CloseReason.MESSAGE_TOO_LARGE,
                )
            body = start + _LENGTH.size
            self._needed = _LENGTH.size + length
            if body + length > end:
                return packets, start
            packets.append(stream[body : body + length])
            start = body + length
        self._needed = _LENGTH.size
        return packets, start
