# SPDX-License-Identifier: MIT
"""What is around the body of a packet: the one thing that differs between links.

    stream     0x0A | body                        in clear: TLS is the stream's affair
    netcode    prefix | sequence | sealed body    keys of the token, netcode 1.02
    extended   prefix | connection id (to the server only) | sequence | sealed body

The keys of the extended envelope come out of an exchange of X25519 public keys, both of
them made for this connection alone: who learns the token later, or the server's key,
still cannot read what was said. The keys of the token go into them too, so that nobody
without the token could have taken part in the exchange.

Source: netcode 1.02, "Packets"; RFC 5869 (HKDF); RFC 7748 (X25519).
"""

from __future__ import annotations

import struct
from typing import Protocol

from gamenet.connection.crypto import hkdf_sha256
from gamenet.connection.netcode import (
    DISCONNECT,
    KEEP_ALIVE,
    PACKET,
    PAYLOAD,
    TAG,
    PacketOpener,
    PacketSealer,
)

__all__ = [
    "Envelope",
    "ExtendedEnvelope",
    "NetcodeEnvelope",
    "StreamEnvelope",
    "label_of",
    "session_keys",
]

_KEYS_PURPOSE = b"gamenet 1 keys"
_SEQUENCE = 5  # bytes: enough for 30 years of a thousand packets a second
_LABEL = 4
_STREAM_HEAD = bytes((PACKET,))
_PLACE = struct.Struct("<II")
_NETCODE_KINDS = frozenset({KEEP_ALIVE, PAYLOAD, DISCONNECT})
_EXTENDED_KINDS = frozenset({PACKET})


class Envelope(Protocol):
    """What packs and unpacks the bodies of one link."""

    overhead: int
    """Bytes by which a packet is longer than its body, at most."""
    is_extended: bool
    """Whether the peer speaks gamenet, and not just netcode."""
    connection_id: int
    """What stands on the packets to the server; 0 where nothing does."""

    @property
    def newest(self) -> int:
        """Return the newest sequence opened, -1 before the first."""

    def seal(self, body: bytes) -> bytes:
        """Return the next packet."""

    def open(self, data: bytes) -> tuple[int, bytes] | str:
        """Return kind and body of a packet, or why it is dropped."""


def label_of(connection_id: int) -> bytes:
    """Return the bytes of a connection id in a packet."""
    return connection_id.to_bytes(_LABEL, "little")


def session_keys(
    shared: bytes, token_keys: bytes, client_public: bytes, server_public: bytes
) -> tuple[bytes, bytes]:
    """Return the keys to the server and to the client.

    Args:
        shared: the secret that the two key pairs share.
        token_keys: the token's key to the server, then the one to the client.
        client_public: the client's public key.
        server_public: the server's.
    """
    purpose = _KEYS_PURPOSE + client_public + server_public
    keys = hkdf_sha256(shared, token_keys, purpose, 64)
    return keys[:32], keys[32:]


class StreamEnvelope:
    """Put the kind before each body; the stream does the rest."""

    __slots__ = ()

    overhead = len(_STREAM_HEAD)
    is_extended = True
    connection_id = 0
    newest = -1

    def seal(self, body: bytes) -> bytes:
        """Return the packet of a body."""
        return _STREAM_HEAD + body

    def open(self, data: bytes) -> tuple[int, bytes] | str:
        """Return kind and body of a packet, or why it is dropped."""
        if data[:1] != _STREAM_HEAD:
            return "kind" if data else "truncated"
        return PACKET, data[1:]


class NetcodeEnvelope:
    """Seal with the token's keys, as netcode 1.02 does.

    Args:
        sealer: of the packets that we send.
        opener: of those that we receive.
        slot: which place the client has; a client tells the server nothing here.
        max_clients: how many places there are.
    """

    __slots__ = ("_open", "_opener", "_place", "_seal")

    overhead = 1 + _SEQUENCE + TAG
    is_extended = False
    connection_id = 0

    def __init__(
        self,
        sealer: PacketSealer,
        opener: PacketOpener,
        *,
        slot: int = 0,
        max_clients: int = 0,
    ) -> None:
        self._seal = sealer.seal
        self._opener = opener
        self._open = opener.open
        self._place = _PLACE.pack(slot, max_clients)

    @property
    def newest(self) -> int:
        """Return the newest sequence opened, -1 before the first."""
        return self._opener.newest

    def seal(self, body: bytes) -> bytes:
        """Return the next payload packet: of 1 to 1,200 bytes."""
        return self._seal(PAYLOAD, body)

    def keep_alive(self) -> bytes:
        """Return a packet that says no more than that we are there."""
        return self._seal(KEEP_ALIVE, self._place)

    def disconnect(self) -> bytes:
        """Return a packet that ends the connection."""
        return self._seal(DISCONNECT, b"")

    def open(self, data: bytes) -> tuple[int, bytes] | str:
        """Return kind and body of a packet, or why it is dropped."""
        opened = self._open(data, _NETCODE_KINDS)
        return opened if isinstance(opened, str) else (opened[0], opened[2])


class ExtendedEnvelope:
    """Seal with the keys of this connection alone.

    Args:
        keys: to the server and to the client.
        protocol_id: which game this is.
        connection_id: what the packets to the server are told apart by.
        is_server: whose end this is.
    """

    __slots__ = ("_open", "_opener", "_seal", "connection_id", "overhead")

    is_extended = True

    def __init__(
        self,
        keys: tuple[bytes, bytes],
        *,
        protocol_id: int,
        connection_id: int,
        is_server: bool,
    ) -> None:
        up, down = keys
        label = label_of(connection_id)
        if is_server:
            sealer = PacketSealer(down, protocol_id)
            opener = PacketOpener(up, protocol_id, label)
        else:
            sealer = PacketSealer(up, protocol_id, label)
            opener = PacketOpener(down, protocol_id)
        self.connection_id = connection_id
        self.overhead = 1 + (0 if is_server else _LABEL) + _SEQUENCE + TAG
        self._seal = sealer.seal
        self._opener = opener
        self._open = opener.open

    @property
    def newest(self) -> int:
        """Return the newest sequence opened, -1 before the first."""
        return self._opener.newest

    def seal(self, body: bytes) -> bytes:
        """Return the next packet."""
        return self._seal(PACKET, body)

    def open(self, data: bytes) -> tuple[int, bytes] | str:
        """Return kind and body of a packet, or why it is dropped."""
        opened = self._open(data, _EXTENDED_KINDS)
        return opened if isinstance(opened, str) else (opened[0], opened[2])
