# SPDX-License-Identifier: MIT
"""Who plays in which tick: changes that all peers make in the same tick.

The host decides them, always for a tick that nobody can have confirmed, and numbers
them. Everybody else takes them in that order.

    tick u32 | n_changes u32 | n u8 | n x
        (player varint | first varint | gone varint | reason u8 | about | base |
         n u8 | n x (from varint | before varint))
"""

from __future__ import annotations

import struct

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.prediction.input_packets import InputCodec
from gamenet.prediction.rollback_line import EVER, KnownInputs, PlayerLine
from gamenet.prediction.rollback_packets import MAX_ABOUT, Change, ChangeKind
from gamenet.wire import read_varint, varint_bytes

__all__ = ["MAX_PLAYERS", "Roster", "known_inputs"]

MAX_PLAYERS = 64
MAX_SPANS = 64
MAX_CHANGES = 1024
"""While so many changes are to be acknowledged, nobody comes."""
HEAD = struct.Struct("<IIB")


def known_inputs(codec: InputCodec, part: bytes) -> KnownInputs:
    """Return the inputs of some bytes that a peer sent.

    Raises:
        RemoteProtocolError: they are no inputs, or not in the form that we write.
    """
    try:
        inputs = codec.inputs_of(part)
        is_ours = codec.part(inputs) == part
    except (IndexError, LocalProtocolError) as error:
        msg = f"inputs of {len(part)} bytes are malformed: {error}"
        raise RemoteProtocolError(msg) from error
    if not is_ours:
        # Two ways to say the same would be a difference between peers.
        msg = f"inputs of {len(part)} bytes are not in their one form"
        raise RemoteProtocolError(msg)
    return KnownInputs(part, inputs)


class Roster:
    """Keep the players' lines, and what changes among them.

    Args:
        codec: of the game's inputs.
    """

    def __init__(self, codec: InputCodec) -> None:
        self._codec = codec
        self.lines: dict[int, PlayerLine] = {}
        """Those who play, will play or have just left, by id."""
        self.n_changes = 0
        """The number of the newest change."""
        self.changes: list[Change] = []
        """The newest changes, oldest first."""

    def may_come(self, player: int) -> bool:
        """Return whether a player can join, or come back, as far as there is room."""
        line = self.lines.get(player)
        is_room = len(self.lines) < MAX_PLAYERS
        if line is not None:
            is_room = line.gone_from == EVER and len(line.away) < MAX_SPANS
        return is_room and len(self.changes) < MAX_CHANGES

    def complete(self) -> int:
        """Return up to which tick all inputs are known; `EVER` if nobody plays."""
        return min((line.complete for line in self.lines.values()), default=EVER)

    def change(
        self, tick: int, player: int, kind: ChangeKind, about: bytes = b""
    ) -> Change:
        """Make the next change; the host does it.

        Raises:
            LocalProtocolError: it makes no sense, or too many wait.
        """
        change = Change(self.n_changes + 1, tick, player, kind, about)
        wrong = self._against(change)
        if wrong:
            msg = f"{change} cannot be: {wrong}"
            raise LocalProtocolError(msg)
        self._make(change)
        self.changes.append(change)
        return change

    def take(self, change: Change) -> None:
        """Make a change that the host tells.

        Raises:
            RemoteProtocolError: it makes no sense.
        """
        wrong = self._against(change)
        if wrong:
            msg = f"{change} cannot be: {wrong}"
            raise RemoteProtocolError(msg)
        self._make(change)

    def since(self, number: int) -> list[Change]:
        """Return the changes after a number."""
        return [change for change in self.changes if change.number > number]

    def forget(self, number: int, confirmed: int) -> None:
        """Forget changes up to a number, and who left up to a tick."""
        self.changes = self.since(number)
        for line in list(self.lines.values()):
            if line.gone_from <= confirmed:
                del self.lines[line.player]

    def to_bytes(self, tick: int) -> bytes:
        """Return who plays from a confirmed tick on; `take_bytes` reads it."""
        lines = [each for each in self.lines.values() if each.gone_from > tick]
        packed = bytearray(HEAD.pack(tick, self.n_changes, len(lines)))
        for line in lines:
            base = line.newest_before(tick + 1)
            packed += varint_bytes(line.player) + varint_bytes(line.first)
            packed += varint_bytes(line.gone_from) + bytes((line.reason,))
            for text in (line.about, base.part):
                packed += varint_bytes(len(text)) + text
            packed.append(len(line.away))
            for begin, end in line.away:
                packed += varint_bytes(begin) + varint_bytes(end)
        return bytes(packed)

    def take_bytes(self, data: bytes) -> tuple[int, bytes]:
        """Begin with what `to_bytes` of the host has made.

        Returns:
            The tick, and the rest of the bytes.

        Raises:
            RemoteProtocolError: malformed.
        """
        try:
            tick, n_changes, n_lines = HEAD.unpack_from(data)
            lines, at = [], HEAD.size
            for _ in range(n_lines):
                line, at = self._line(data, at, tick)
                lines.append(line)
        except (struct.error, IndexError) as error:
            msg = f"the roster of a snapshot is malformed: {error}"
            raise RemoteProtocolError(msg) from error
        self.lines = {line.player: line for line in lines}
        self.n_changes = n_changes
        if len(self.lines) != len(lines):
            raise RemoteProtocolError("a roster has a player twice")
        return tick, data[at:]

    def _line(self, data: bytes, at: int, tick: int) -> tuple[PlayerLine, int]:
        player, at = read_varint(data, at)
        first, at = read_varint(data, at)
        gone, at = read_varint(data, at)
        reason, at = data[at], at + 1
        length, at = read_varint(data, at)
        about, at = data[at : at + length], at + length
        length, at = read_varint(data, at)
        base, at = data[at : at + length], at + length
        n_spans, at = data[at], at + 1
        line = PlayerLine(player, about, first)
        line.gone_from, line.reason = gone, reason
        line.base = known_inputs(self._codec, base)
        for _ in range(n_spans):
            begin, at = read_varint(data, at)
            end, at = read_varint(data, at)
            line.away.append([begin, end])
        bounds = [first, *(each for span in line.away for each in span), EVER]
        is_legal = bounds == sorted(bounds) and tick < gone <= EVER
        if not is_legal or len(about) > MAX_ABOUT or n_spans > MAX_SPANS:
            raise RemoteProtocolError(f"player {player} of a roster makes no sense")
        line.begin_after(tick)
        return line, at

    def _against(self, change: Change) -> str:
        """Return what is wrong with a change, nothing if all is right."""
        line = self.lines.get(change.player)
        if change.kind is ChangeKind.JOINS:
            if line is not None:
                return "the player is there"
            return "the match is full" if len(self.lines) >= MAX_PLAYERS else ""
        if line is None or line.gone_from != EVER:
            return "there is no such player"
        newest = line.first
        if line.away:
            newest = line.away[-1][0 if line.is_away else 1]
        if change.tick < newest:
            return f"tick {newest} comes first"
        if change.kind is ChangeKind.LEAVES:
            return ""
        if line.is_away != (change.kind is ChangeKind.IS_BACK):
            return "the player is so already"
        return "too many times away" if len(line.away) >= MAX_SPANS else ""

    def _make(self, change: Change) -> None:
        self.n_changes = change.number
        player, tick = change.player, change.tick
        if change.kind is ChangeKind.JOINS:
            self.lines[player] = PlayerLine(player, change.about, tick)
        elif change.kind is ChangeKind.IS_AWAY:
            self.lines[player].leave_alone(tick)
        elif change.kind is ChangeKind.IS_BACK:
            self.lines[player].come_back(tick)
        else:
            self.lines[player].end(tick, change.about[0] if change.about else 0)
