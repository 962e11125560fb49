# SPDX-License-Identifier: MIT
"""The packets of the wire: one type byte, then what the type says.

Source: docs/STANDARD.md, "Packets". The numbers of the types are those of netcode
1.02, whose handshake this one follows.
"""

from __future__ import annotations

import struct

from gamenet.errors import RemoteProtocolError
from gamenet.wire import Registry, Schema, blob, text, uint8, uint16, uint32, uint64

__all__ = [
    "ACCEPTED",
    "DISCONNECT",
    "FRAME_FRAGMENT",
    "FRAME_RELIABLE",
    "HEADER",
    "MAGIC",
    "MAX_USER_DATA",
    "PAYLOAD",
    "PROTOCOL_VERSION",
    "REQUEST",
    "REQUEST_SIZE",
    "RESPONSE",
    "Accepted",
    "Challenge",
    "Denied",
    "Disconnect",
    "Request",
    "Response",
    "packet_registry",
    "padded_request",
    "read_packet",
    "shortened",
]

PROTOCOL_VERSION = 1
MAGIC = int.from_bytes(b"GNET", "little")
REQUEST_SIZE = 1078  # as netcode's: larger than any reply, so we amplify nothing
MAX_USER_DATA = 256
MAX_DETAIL = 1000

REQUEST, RESPONSE, ACCEPTED, PAYLOAD, DISCONNECT = 0, 3, 4, 5, 6

HEADER = struct.Struct("<BQHHI")
"""Type, tag, sequence, ack, ack bits: the head of a payload packet."""
FRAME_RELIABLE = 0x20
"""Flag of a frame: a message sequence follows."""
FRAME_FRAGMENT = 0x40
"""Flag of a frame: further fragments of this message follow."""


class Request(Schema):
    """Client: let me in. Zero-padded to 1,078 bytes where it is a datagram."""

    magic: int = uint32(MAGIC)
    version: int = uint16(PROTOCOL_VERSION)
    protocol_hash: int = uint64()
    client_salt: int = uint64()
    user_data: bytes = blob(MAX_USER_DATA, length="u16")


class Denied(Schema):
    """Server: no, and why."""

    client_salt: int = uint64()
    reason: int = uint8()
    detail: str = text(MAX_DETAIL, length="u16")


class Challenge(Schema):
    """Server: prove that you receive at your address (datagrams only)."""

    client_salt: int = uint64()
    cookie_time: int = uint64()
    cookie_low: int = uint64()
    cookie_high: int = uint64()


class Response(Schema):
    """Client: the request again, with the cookie of the challenge."""

    magic: int = uint32(MAGIC)
    version: int = uint16(PROTOCOL_VERSION)
    protocol_hash: int = uint64()
    client_salt: int = uint64()
    cookie_time: int = uint64()
    cookie_low: int = uint64()
    cookie_high: int = uint64()
    user_data: bytes = blob(MAX_USER_DATA, length="u16")


class Accepted(Schema):
    """Server: you are in; put this tag on every packet."""

    client_salt: int = uint64()
    tag: int = uint64()


class Disconnect(Schema):
    """Either side: the connection is over, and why."""

    tag: int = uint64()
    reason: int = uint8()
    detail: str = text(MAX_DETAIL, length="u16")


packet_registry = Registry(Request, Denied, Challenge, Response, Accepted)
"""Packets with a schema, by type; payload packets (5) have `HEADER` and frames."""
packet_registry.add(Disconnect, DISCONNECT)

_USER_DATA_LENGTH_AT = 1 + 4 + 2 + 8 + 8


def padded_request(request: Request) -> bytes:
    """Return a request as a datagram."""
    return packet_registry.encode(request).ljust(REQUEST_SIZE, b"\0")


def read_packet(data: bytes) -> Schema:
    """Return the packet of these bytes, which are not a payload packet.

    Raises:
        RemoteProtocolError: unknown type, or malformed.
    """
    if len(data) == REQUEST_SIZE and data[0] == REQUEST:
        data = _without_padding(data)
    packet = packet_registry.decode(data)
    if not isinstance(packet, Schema):
        msg = f"packet type {data[0]} of {len(data)} bytes is unknown: 0 to 6 are known"
        raise RemoteProtocolError(msg)
    return packet


def shortened(detail: str) -> str:
    """Return a detail cut to what a packet takes: a farewell must never fail."""
    encoded = detail.encode(errors="replace")
    return encoded[:MAX_DETAIL].decode(errors="ignore")


def _without_padding(data: bytes) -> bytes:
    at = _USER_DATA_LENGTH_AT
    end = at + 2 + int.from_bytes(data[at : at + 2], "little")
    if data[end:].strip(b"\0"):
        msg = f"a request is padded with other than zeros after byte {end}"
        raise RemoteProtocolError(msg)
    return data[:end]
