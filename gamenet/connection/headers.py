# SPDX-License-Identifier: MIT
"""Write and read the header of a packet, as reliable 1.0 has it.

    prefix u8 | sequence u16 | ack u8 (how far behind the sequence) or u16 | bits 0-4 B

`ack` is the newest packet that came from the peer, and bit n of `bits` says that packet
`ack - n` came: bit 0 is `ack` itself, so that a header can also say that nothing came
yet. Bytes of the bits that are 0xFF are left out and flagged in the prefix; while no
packet is lost a header is 4 bytes long, and never more than 9.

There is one legal encoding of each header. Any other is refused: two peers that agree
on every byte cannot be made to disagree by a third.

Source: reliable 1.0, STANDARD.md, "Packet Header". Its text numbers the bits from
`ack - 1` on; the library, which it calls authoritative, from `ack` on, as here.
"""

from __future__ import annotations

import struct

from gamenet.errors import RemoteProtocolError

__all__ = ["ALL_BITS", "MAX_HEADER", "MIN_HEADER", "read_header", "write_header"]

ALL_BITS = 0xFFFFFFFF
"""The bits of a receiver that missed none of the last 32 packets."""
MIN_HEADER = 4
"""Bytes of a header while nothing is lost."""
MAX_HEADER = 9
"""Bytes of the longest header."""

_IS_NEAR = 0x20
"""Flag in the prefix: `ack` is one byte, its distance behind the sequence."""
_NEAR = struct.Struct("<BHB")
_FAR = struct.Struct("<BHH")
# Bound once: a look-up of the method would be a fifth of the time of a header.
_pack_near, _unpack_near = _NEAR.pack, _NEAR.unpack_from
_pack_far, _unpack_far = _FAR.pack, _FAR.unpack_from
_pack_bits = struct.Struct("<I").pack


_SHIFTS = {
    prefix: tuple(8 * n for n in range(4) if prefix & (2 << n))
    for prefix in range(0, 0x40, 2)
}
"""For each legal prefix, which bytes of the bits follow."""


def write_header(sequence: int, ack: int, bits: int) -> bytes:
    """Return the header of a packet.

    Args:
        sequence: of this packet, 16 bits.
        ack: newest sequence received, 16 bits.
        bits: 32 bits; bit n is set if packet `ack - n` was received.
    """
    behind = (sequence - ack) & 0xFFFF
    if bits == ALL_BITS:
        if behind < 256:
            return _pack_near(_IS_NEAR, sequence, behind)
        return _pack_far(0, sequence, ack)
    prefix = (
        ((bits & 0xFF) != 0xFF) << 1
        | ((bits & 0xFF00) != 0xFF00) << 2
        | ((bits & 0xFF0000) != 0xFF0000) << 3
        | (bits < 0xFF000000) << 4
    )
    tail = _pack_bits(bits).replace(b"\xff", b"")
    if behind < 256:
        return _pack_near(prefix | _IS_NEAR, sequence, behind) + tail
    return _pack_far(prefix, sequence, ack) + tail


def read_header(data: bytes, at: int = 0) -> tuple[int, int, int, int]:
    """Return sequence, ack, bits, and where the header ends.

    Args:
        data: the packet.
        at: where its header begins.

    Raises:
        RemoteProtocolError: the header is cut short, is not the shortest one that says
            the same, or this is no packet but a fragment of one.
    """
    try:
        prefix, sequence, behind = _unpack_near(data, at)
        if prefix == _IS_NEAR:
            return sequence, (sequence - behind) & 0xFFFF, ALL_BITS, at + 4
        if prefix & _IS_NEAR:
            ack, at = (sequence - behind) & 0xFFFF, at + 4
        else:
            ack, at = _read_far(data, at), at + 5
        bits = ALL_BITS
        for shift in _SHIFTS[prefix]:
            clear = data[at] ^ 0xFF
            if not clear:
                raise RemoteProtocolError("a header spells ack bits that are all set")
            bits ^= clear << shift
            at += 1
    except (struct.error, IndexError):
        size = len(data)
        raise RemoteProtocolError(f"the header of {size} bytes is cut short") from None
    except KeyError:
        raise RemoteProtocolError(
            f"a packet begins with {prefix:#04x}, which no header begins with"
        ) from None
    return sequence, ack, bits, at


def _read_far(data: bytes, at: int) -> int:
    """Return an ack of two bytes, which must need them."""
    ack: int
    _, sequence, ack = _unpack_far(data, at)
    if (sequence - ack) & 0xFFFF < 256:
        raise RemoteProtocolError(f"a header spells ack {ack} in two bytes, not in one")
    return ack
