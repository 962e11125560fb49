# SPDX-License-Identifier: MIT
"""Send a state that is larger than a message, a few parts at a time.

    total u32 | index u16 | bytes

The receiver says which part it has, and the sender keeps a few on their way; so neither
side's queues fill. What comes is deflated, and no more of it is taken than a limit.
"""

from __future__ import annotations

import struct
import zlib

from gamenet.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["IncomingSnapshot", "OutgoingSnapshot"]

HEAD = struct.Struct("<IH")
PART = 8192
N_ON_WAY = 4
MAX_PACKED = 1 << 24
MAX_BYTES = 1 << 26


class OutgoingSnapshot:
    """A state on its way to a peer.

    Args:
        data: the state.

    Raises:
        LocalProtocolError: it is too large.
    """

    def __init__(self, data: bytes) -> None:
        self._packed = zlib.compress(data, 1)
        if len(data) > MAX_BYTES or len(self._packed) > MAX_PACKED:
            msg = (
                f"a state of {len(data)} bytes, {len(self._packed)} deflated: the "
                f"limits are {MAX_BYTES} and {MAX_PACKED}; lower Game.max_entities"
            )
            raise LocalProtocolError(msg)
        self._n_sent = 0
        self._n_got = 0
        self._n_parts = -(-len(self._packed) // PART)

    @property
    def is_there(self) -> bool:
        """Return whether the peer has all of it."""
        return self._n_got == self._n_parts

    def parts(self) -> list[bytes]:
        """Return the parts that can leave now."""
        end = min(self._n_got + N_ON_WAY, self._n_parts)
        leaving = range(self._n_sent, end)
        self._n_sent = max(end, self._n_sent)
        total = len(self._packed)
        return [
            HEAD.pack(total, i) + self._packed[i * PART : (i + 1) * PART]
            for i in leaving
        ]

    def got(self, n_parts: int) -> None:
        """Note how many parts the peer has.

        Raises:
            RemoteProtocolError: it cannot have so many.
        """
        if not self._n_got <= n_parts <= self._n_sent:
            msg = f"{n_parts} parts are there, says a peer: {self._n_sent} were sent"
            raise RemoteProtocolError(msg)
        self._n_got = n_parts


class IncomingSnapshot:
    """A state that is coming."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._total: int | None = None
        self.data: bytes | None = None
        """The state, once it is whole."""

    @property
    def n_parts(self) -> int:
        """Return how many parts are here."""
        return len(self._parts)

    def receive(self, part: bytes) -> None:
        """Take a part.

        Raises:
            RemoteProtocolError: it is not the next one, or the state is too large.
        """
        if len(part) <= HEAD.size:
            raise RemoteProtocolError("an empty part of a snapshot")
        total, index = HEAD.unpack_from(part)
        body = part[HEAD.size :]
        length = min(PART, total - index * PART)
        is_next = index == len(self._parts) and total == (self._total or total)
        if self.data is not None or not is_next or len(body) != length:
            msg = f"part {index} of {total} bytes has {len(body)}: expected {length}"
            raise RemoteProtocolError(msg)
        if total > MAX_PACKED:
            msg = f"a snapshot of {total} bytes: the limit is {MAX_PACKED}"
            raise RemoteProtocolError(msg)
        self._total = total
        self._parts.append(body)
        if (index + 1) * PART >= total:
            self.data = _inflated(b"".join(self._parts))


def _inflated(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, MAX_BYTES)
    except zlib.error as error:
        msg = f"a snapshot cannot be inflated: {error}"
        raise RemoteProtocolError(msg) from error
    if not unpacker.eof or unpacker.unused_data:
        msg = f"a snapshot is cut off, or of more than {MAX_BYTES} bytes"
        raise RemoteProtocolError(msg)
    return data
