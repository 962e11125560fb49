# SPDX-License-Identifier: MIT
"""Deflate the messages of a channel, where that makes them smaller.

Each message stands alone: no state between them, so that any may be lost. The first
byte says which it is: 0 as it was, 1 raw DEFLATE (RFC 1951).
"""

from __future__ import annotations

import zlib

from gamenet.errors import CloseReason, RemoteProtocolError

__all__ = ["Compression"]

_PLAIN, _DEFLATED = b"\0", b"\1"
_SMALLEST = 48
_WINDOW_BITS = -15
_LEVEL = 6


class Compression:
    """Pack and unpack the messages of one channel.

    Args:
        limit: bytes of the largest message.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.bytes_plain = 0
        """Bytes before packing."""
        self.bytes_packed = 0
        """Bytes after packing."""

    def pack(self, payload: bytes) -> bytes:
        """Return what travels for a message."""
        packed = _PLAIN + payload
        if len(payload) >= _SMALLEST:
            deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS)
            smaller = deflate.compress(payload) + deflate.flush()
            if len(smaller) < len(payload):
                packed = _DEFLATED + smaller
        self.bytes_plain += len(payload)
        self.bytes_packed += len(packed)
        return packed

    def unpack(self, packed: bytes) -> bytes:
        """Return the message of what has travelled.

        Raises:
            RemoteProtocolError: it is malformed, or larger than the limit.
        """
        kind, body = packed[:1], packed[1:]
        if kind == _PLAIN:
            return body
        inflate = zlib.decompressobj(_WINDOW_BITS)
        try:
            payload = inflate.decompress(body, self._limit)
        except zlib.error as error:
            raise RemoteProtocolError(f"a deflated message: {error}") from None
        if kind != _DEFLATED or inflate.unused_data:
            raise RemoteProtocolError("a message that is neither plain nor deflated")
        if not inflate.eof:
            is_cut = not inflate.unconsumed_tail and len(payload) < self._limit
            what = "cut short" if is_cut else f"above the limit of {self._limit} bytes"
            reason = CloseReason.MALFORMED if is_cut else CloseReason.MESSAGE_TOO_LARGE
            raise RemoteProtocolError(f"a deflated message {what}", reason)
        return payload
