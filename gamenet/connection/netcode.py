# SPDX-License-Identifier: MIT
"""The packets of netcode 1.02, and gamenet's four beside them, as sealed bytes.

    prefix u8 = number of sequence bytes << 4 | kind
    label             only gamenet's packets to the server: the connection id, 4 bytes
    sequence          1 to 8 bytes, low byte first
    box               the body encrypted, and a tag of 16 bytes

The sequence is the nonce, so no two packets may be sealed with one key and sequence.
The request alone is not sealed: it brings the token that the keys are in.

Source: netcode 1.02, "Packets" and "Reading Encrypted Packets". Kinds 7 to 10 are
gamenet's own (docs/STANDARD.md); a plain netcode peer is never sent one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from gamenet.connection.crypto import TAG
from gamenet.connection.replay import ReplayWindow
from gamenet.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "ACCEPTED",
    "CHALLENGE",
    "DENIED",
    "DISCONNECT",
    "JOIN",
    "KEEP_ALIVE",
    "MAX_PAYLOAD",
    "NONCE_X",
    "PACKET",
    "PAYLOAD",
    "PRIVATE_SIZE",
    "REFUSED",
    "REQUEST",
    "REQUEST_SIZE",
    "RESPONSE",
    "TAG",
    "VERSION",
    "PacketOpener",
    "PacketSealer",
    "Request",
    "read_request",
    "write_request",
]

VERSION = b"NETCODE 1.02\0"
REQUEST, DENIED, CHALLENGE, RESPONSE, KEEP_ALIVE, PAYLOAD, DISCONNECT = range(7)
JOIN, ACCEPTED, REFUSED, PACKET = range(7, 11)

REQUEST_SIZE = 1078
"""Larger than any reply to it, so that a server amplifies nothing."""
MAX_PAYLOAD = 1200
NONCE_X = 24
"""Bytes of the nonce that a token is sealed with."""
PRIVATE_SIZE = 1024
"""Bytes of the sealed private part of a token."""

_SMALLEST = 1 + 1 + TAG
_REQUEST = struct.Struct(f"<B13sQQ{NONCE_X}s{PRIVATE_SIZE}s")
_REPLAYABLE = frozenset({KEEP_ALIVE, PAYLOAD, DISCONNECT, PACKET})
_BODIES = {
    DENIED: (0, 0),
    CHALLENGE: (308, 308),
    RESPONSE: (308, 308),
    KEEP_ALIVE: (8, 8),
    PAYLOAD: (1, MAX_PAYLOAD),
    DISCONNECT: (0, 0),
    JOIN: (350, 350),
    ACCEPTED: (44, 44),
    REFUSED: (1, 1001),
    PACKET: (4, 65535),
}
"""Smallest and largest body of each kind that is sealed."""
_Shape = tuple[int, int, bytes, bool, int, int]
"""Kind, end of the sequence, associated data, whether replays count, body's bounds."""
_nonce = struct.Struct("<4xQ").pack
_from_bytes = int.from_bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A client's request for a connection: what the server needs of its token."""

    protocol_id: int
    expires: int
    """When the token expires, in seconds of unix time."""
    nonce: bytes
    """24 bytes, with which the private part is sealed."""
    private: bytes
    """1,024 bytes; see `gamenet.connection.tokens.open_private`."""


def write_request(request: Request) -> bytes:
    """Return the packet of a request."""
    return _REQUEST.pack(
        REQUEST,
        VERSION,
        request.protocol_id,
        request.expires,
        request.nonce,
        request.private,
    )


def read_request(data: bytes) -> Request:
    """Return the request in a packet; whether it is any good is for the server to say.

    Raises:
        RemoteProtocolError: wrong size or version.
    """
    if len(data) != REQUEST_SIZE or data[0] != REQUEST:
        raise RemoteProtocolError(
            f"a request is {REQUEST_SIZE} bytes that begin with 0: these are "
            f"{len(data)}, that begin with {data[:1].hex() or 'nothing'}"
        )
    _, version, *rest = _REQUEST.unpack(data)
    if version != VERSION:
        raise RemoteProtocolError(f"version {version!r} is not {VERSION!r}")
    return Request(*rest)


def _associated(protocol_id: int) -> bytes:
    return VERSION + protocol_id.to_bytes(8, "little")


class PacketSealer:
    """Seal the packets of one direction, each with the next sequence.

    Args:
        key: 32 bytes; nobody else may seal with it.
        protocol_id: which game this is.
        label: what stands in clear between prefix and sequence.
        first_sequence: sequence of the first packet.
    """

    __slots__ = ("_associated", "_encrypt", "_heads", "_label", "sequence")

    def __init__(
        self, key: bytes, protocol_id: int, label: bytes = b"", first_sequence: int = 0
    ) -> None:
        self.sequence = first_sequence
        """Sequence of the next packet."""
        self._encrypt = ChaCha20Poly1305(key).encrypt
        self._associated = _associated(protocol_id)
        self._label = label
        self._heads: dict[int, tuple[bytes, bytes, int]] = {}

    def seal(self, kind: int, body: bytes) -> bytes:
        """Return the next packet.

        Raises:
            LocalProtocolError: If all 2**64 sequences are used up.
        """
        sequence = self.sequence
        packet = self.seal_as(kind, sequence, body)
        self.sequence = sequence + 1
        return packet

    def seal_as(self, kind: int, sequence: int, body: bytes) -> bytes:
        """Return a packet with a sequence of the caller's, who must not repeat one."""
        try:
            nonce = _nonce(sequence)
        except struct.error:
            raise LocalProtocolError(
                f"sequence {sequence} has no 64 bits: make a new connection"
            ) from None
        # The shortest encoding; 0 has one byte too.
        prefix = ((sequence.bit_length() + 7) >> 3 or 1) << 4 | kind
        head, associated, end = self._heads.get(prefix) or self._add_head(prefix)
        return head + nonce[4:end] + self._encrypt(nonce, body, associated)

    def _add_head(self, prefix: int) -> tuple[bytes, bytes, int]:
        head = bytes((prefix,)) + self._label
        self._heads[prefix] = made = (head, self._associated + head, 4 + (prefix >> 4))
        return made


class PacketOpener:
    """Open the packets of one direction, each at most once.

    Args:
        key: 32 bytes.
        protocol_id: which game this is.
        label: what has to stand between prefix and sequence.
    """

    __slots__ = ("_associated", "_decrypt", "_label", "_shapes", "_start", "_window")

    def __init__(self, key: bytes, protocol_id: int, label: bytes = b"") -> None:
        self._decrypt = ChaCha20Poly1305(key).decrypt
        self._associated = _associated(protocol_id)
        self._label = label
        self._start = 1 + len(label)
        self._window = ReplayWindow()
        self._shapes: dict[bytes, _Shape] = {}

    @property
    def newest(self) -> int:
        """Return the newest sequence accepted, -1 before the first."""
        return self._window.newest

    def open(self, data: bytes, legal: frozenset[int]) -> tuple[int, int, bytes] | str:
        """Return kind, sequence and body of a packet, or why it is dropped.

        The checks are netcode's, in its order, the cheapest first.

        Args:
            data: the packet.
            legal: the kinds that the peer may send now.
        """
        size = len(data)
        if size < _SMALLEST:
            return "truncated"
        start = self._start
        shape = self._shapes.get(data[:start])
        if shape is None:
            return self._open_first(data, legal)
        kind, end, associated, is_replayable, smallest, largest = shape
        if kind not in legal:
            return "kind"
        if size < end + TAG:
            return "truncated"
        sequence = _from_bytes(data[start:end], "little")
        window = self._window
        # The first half of the test is the window's own, here to spare a call.
        if sequence <= window.newest and is_replayable and not window.is_new(sequence):
            return "replayed"
        try:
            body = self._decrypt(_nonce(sequence), data[end:], associated)
        except InvalidTag:
            return "corrupted"
        if is_replayable:
            window.advance(sequence)
        if not smallest <= len(body) <= largest:
            return "size"
        return kind, sequence, body

    def _open_first(
        self, data: bytes, legal: frozenset[int]
    ) -> tuple[int, int, bytes] | str:
        shape = self._shape(data, legal)
        if isinstance(shape, str):
            return shape
        head = data[: self._start]
        self._shapes[head] = shape
        result = self.open(data, legal)
        if isinstance(result, str):
            # What strangers send is not worth remembering.
            del self._shapes[head]
        return result

    def _shape(self, data: bytes, legal: frozenset[int]) -> _Shape | str:
        kind, n_bytes = data[0] & 15, data[0] >> 4
        if kind not in legal or kind not in _BODIES:
            return "kind"
        if not 1 <= n_bytes <= 8:
            return "sequence"
        head = data[: self._start]
        if head[1:] != self._label:
            return "label"
        associated = self._associated + head
        is_replayable = kind in _REPLAYABLE
        return kind, self._start + n_bytes, associated, is_replayable, *_BODIES[kind]
