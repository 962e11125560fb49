# SPDX-License-Identifier: MIT
"""Variable-length integers: seven bits a byte, lowest first (LEB128).

Only the shortest encoding of a number is legal, so that equal values are equal bytes.

Source: DWARF 5, section 7.6; zigzag as in the Protocol Buffers encoding guide.
"""

from __future__ import annotations

from operator import index

from gamenet.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["read_varint", "unzigzag", "varint_bytes", "zigzag_of"]

_SINGLE = [bytes([n]) for n in range(128)]


def varint_bytes(number: int) -> bytes:
    """Encode a number from 0 to 2**64 - 1.

    Raises:
        LocalProtocolError: the number is outside that range.
    """
    if 0 <= number < 128:
        return _SINGLE[number]
    if not 0 <= number < 1 << 64:
        msg = f"varint value {number} is out of range: allowed are 0 to 2**64 - 1"
        raise LocalProtocolError(msg)
    number = index(number)  # numpy's integers would overflow while shifting
    encoded = bytearray()
    while number >= 128:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """Decode the number at a position; return it and the position after it.

    Raises:
        RemoteProtocolError: not the shortest encoding, or above 2**64 - 1.
        IndexError: the bytes end within the number.
    """
    byte = data[at]
    if byte < 128:
        return byte, at + 1
    number, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        number |= (byte & 0x7F) << shift
        if byte < 128:
            break
        shift += 7
        if shift > 63:
            msg = "varint of more than 10 bytes: the limit is 64 bits"
            raise RemoteProtocolError(msg)
    if byte == 0 or number >= 1 << 64:
        msg = f"varint {number} is not in its shortest form or above 64 bits"
        raise RemoteProtocolError(msg)
    return number, at + 1


def zigzag_of(number: int) -> int:
    """Map a signed 64-bit number to an unsigned one, small magnitudes first."""
    number = index(number)  # numpy's integers would overflow while shifting
    if not -(1 << 63) <= number < 1 << 63:
        msg = f"zigzag value {number} is out of range: allowed is a signed 64-bit"
        raise LocalProtocolError(msg)
    return number << 1 if number >= 0 else (-number << 1) - 1


def unzigzag(number: int) -> int:
    """Invert `zigzag_of`."""
    return number >> 1 if not number & 1 else -((number + 1) >> 1)
