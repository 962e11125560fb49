# SPDX-License-Identifier: MIT
"""Put together the packets that a peer of reliable 1.0 sends in fragments.

    0x01 | sequence u16 | index u8 | count - 1 u8 | [packet header] | piece

Fragment 0 alone carries the header of the whole packet. All pieces but the last are
equally large; how large is the sender's setting, so it is learnt from the first of them
that comes. gamenet itself sends no such fragments: this is for plain peers.

What a peer can make us hold is bounded twice, by packets and by bytes. At either bound
the packet that was begun first is given up and counted: a fragment of it was lost, or
the peer never meant to send it.

Source: reliable 1.0, STANDARD.md, "Fragments" and "Receiver Obligations".
"""

from __future__ import annotations

from gamenet.connection.headers import read_header
from gamenet.errors import RemoteProtocolError
from gamenet.sequence import distance16

__all__ = ["FRAGMENT_HEADER", "Reassembly", "is_fragment"]

FRAGMENT_HEADER = 5
"""Bytes before the piece, or before the packet header in fragment 0."""

_PREFIX = 1
_STALE = 1024
"""Packets after which the rest of a packet comes no more: one whose sequence is this
far from the newest is given up before its number is used again."""


def is_fragment(data: bytes) -> bool:
    """Return whether these bytes are a fragment, rather than a whole packet."""
    return bool(data) and data[0] & 1 == 1


class _Partial:
    """A packet of which some fragments have come."""

    def __init__(self, sequence: int, count: int) -> None:
        self.sequence = sequence
        self.count = count
        self.header = b""
        self.piece_size = 0
        self.last_size = 0
        self.held = 0
        self.pieces: dict[int, bytes] = {}

    def check_size(self, index: int, size: int, max_bytes: int) -> None:
        """Raise if a piece's size does not go with what came before it."""
        is_last = index == self.count - 1
        piece_size = self.piece_size if is_last else self.piece_size or size
        last_size = size if is_last else self.last_size
        if not size or (not is_last and size != piece_size):
            raise RemoteProtocolError(
                f"piece {index} of packet {self.sequence} is {size} bytes long, the "
                f"others are {piece_size}"
            )
        if piece_size and last_size > piece_size:
            raise RemoteProtocolError(
                f"the last piece of packet {self.sequence} is {last_size} bytes long, "
                f"the others are {piece_size}"
            )
        if (self.count - 1) * (piece_size or last_size) + last_size > max_bytes:
            raise RemoteProtocolError(
                f"packet {self.sequence} of {self.count} pieces is larger than the "
                f"{max_bytes} bytes that are allowed"
            )

    def add(self, index: int, piece: bytes, header: bytes) -> None:
        """Keep a piece whose size was checked."""
        self.pieces[index] = piece
        self.held += len(piece)
        self.header = self.header or header
        if index == self.count - 1:
            self.last_size = len(piece)
        else:
            self.piece_size = len(piece)

    def whole(self) -> bytes | None:
        """Return the packet, None while pieces are missing."""
        if len(self.pieces) < self.count:
            return None
        return self.header + b"".join(self.pieces[i] for i in range(self.count))


class Reassembly:
    """Collect the fragments of one peer's packets.

    Args:
        max_bytes: most bytes of a packet, and of all unfinished packets together.
        max_packets: most unfinished packets at once.
    """

    def __init__(self, max_bytes: int, max_packets: int = 8) -> None:
        self._max_bytes = max_bytes
        self._max_packets = max_packets
        self._partials: dict[int, _Partial] = {}
        self.held_bytes = 0
        """Bytes of the pieces held."""
        self.given_up = 0
        """Packets given up unfinished."""
        self.duplicates = 0
        """Fragments that came again."""

    def __len__(self) -> int:
        return len(self._partials)

    def receive(self, data: bytes) -> bytes | None:
        """Take a fragment; return the whole packet, header first, when it completes it.

        Raises:
            RemoteProtocolError: the fragment is malformed, or contradicts those before
                it. What was collected before stays.
        """
        if len(data) <= FRAGMENT_HEADER or data[0] != _PREFIX:
            raise RemoteProtocolError(
                f"a fragment of {len(data)} bytes that begins with {data[:5].hex()}; "
                f"it must begin with 01 and have more than {FRAGMENT_HEADER} bytes"
            )
        sequence, index, count = data[1] | data[2] << 8, data[3], data[4] + 1
        if index >= count:
            raise RemoteProtocolError(
                f"piece {index} of packet {sequence}, which has {count} pieces"
            )
        piece_at = _piece_at(data, sequence, index)
        partial = self._partials.get(sequence)
        if partial is None:
            partial = _Partial(sequence, count)
        elif partial.count != count:
            raise RemoteProtocolError(
                f"packet {sequence} had {partial.count} pieces, now it has {count}"
            )
        if index in partial.pieces:
            self.duplicates += 1
            return None
        partial.check_size(index, len(data) - piece_at, self._max_bytes)
        self._keep(partial, index, data, piece_at)
        whole = partial.whole()
        if whole is not None:
            self._forget(partial)
        return whole

    def age(self, newest: int) -> None:
        """Give up packets far from the newest one: their numbers come round again.

        Args:
            newest: sequence of the newest packet of this peer, whole or not.
        """
        for partial in tuple(self._partials.values()):
            if abs(distance16(newest, partial.sequence)) > _STALE:
                self._give_up(partial)

    def clear(self) -> None:
        """Forget everything that is unfinished."""
        self._partials.clear()
        self.held_bytes = 0

    def _keep(self, partial: _Partial, index: int, data: bytes, piece_at: int) -> None:
        """Keep a piece, at the cost of the packets begun before this one."""
        self._partials[partial.sequence] = partial
        partial.add(index, data[piece_at:], data[FRAGMENT_HEADER:piece_at])
        self.held_bytes += len(data) - piece_at
        while (
            len(self._partials) > self._max_packets or self.held_bytes > self._max_bytes
        ):
            others = (p for p in self._partials.values() if p is not partial)
            self._give_up(next(others))

    def _give_up(self, partial: _Partial) -> None:
        self._forget(partial)
        self.given_up += 1

    def _forget(self, partial: _Partial) -> None:
        del self._partials[partial.sequence]
        self.held_bytes -= partial.held


def _piece_at(data: bytes, sequence: int, index: int) -> int:
    """Return where the piece begins; check the packet header of fragment 0."""
    if index:
        return FRAGMENT_HEADER
    header_sequence, _, _, piece_at = read_header(data, FRAGMENT_HEADER)
    if header_sequence != sequence:
        raise RemoteProtocolError(
            f"a fragment of packet {sequence} has the header of {header_sequence}"
        )
    return piece_at
