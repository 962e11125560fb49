# SPDX-License-Identifier: MIT
"""Play a recorded match once more for one player, tick by tick.

The inputs go through a queue as they did on the server, so that it counts what the
server's counted. With the game, they also go through a client's prediction. When the
client had a snapshot is not recorded; it is taken to be one trip after it was sent:
what the client has sent until then arrives before that, and so was predicted before.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gamenet.errors import RemoteProtocolError
from gamenet.game import Arrival, Packet, Protocol
from gamenet.prediction import InputCodec, InputQueue
from gamenet.sequence import distance32
from gamenet.service.replay_ghost import Ghost, Mistake

__all__ = ["Replay", "ReplayedTick"]

LONGEST_GAP = 1 << 14
"""Ticks that are shown where a file has none; the rest of a longer gap is passed."""


@dataclass(slots=True)
class ReplayedTick:
    """What happened to one player in one tick."""

    tick: int
    """Of the server."""
    newest: int
    """Tick of the newest frame that had come; 0 before the first."""
    depth: int
    """Frames that waited once the tick had taken its own."""
    slack: float
    """Ticks before their use at which frames came, on average."""
    wanted: float
    """What that should be."""
    taken: int
    """Frames taken in their tick: 0 or 1."""
    late: int
    """Frames that came too late, since the tick before."""
    missing: int
    """1 if the tick was made without the frame that was to come."""
    n_bytes: int = 0
    """Bytes of the snapshot."""
    own: int | None = None
    """Newest tick that the client had predicted when it was told; None: nothing."""
    confirmed: int | None = None
    """Newest tick that was confirmed after that."""
    n_corrections: int = 0
    """Corrections that the snapshot made."""
    size: float = 0.0
    """The largest of them, in units of the component's values."""
    resimulated: int = 0
    """Ticks that the client made again."""
    mistakes: list[Mistake] = field(default_factory=list)
    """What had been predicted, and what was true."""


class Replay:
    """Play the records of one player.

    Args:
        protocol: what the game speaks.
        tick_rate: ticks a second.
        player_id: whose records count.
        ghost: predicts as the client did; None without the game.
        trip: ticks from sending a snapshot to the arrival of what answers it.
    """

    def __init__(
        self,
        protocol: Protocol,
        tick_rate: float,
        player_id: int,
        ghost: Ghost | None = None,
        trip: float = 0.0,
    ) -> None:
        self.n_malformed = 0
        """Packets of inputs that could not be understood."""
        self.n_arrivals = 0
        """Packets of inputs that have come."""
        self._codec = InputCodec(protocol.inputs)
        self._queue = InputQueue(protocol.inputs, tick_rate)
        self._player_id = player_id
        self._ghost = ghost
        self._trip = trip
        self._tick: int | None = None
        self._n_late = 0
        # Ticks that the client has not heard of yet, with what it is sent in each.
        self._underway: deque[tuple[ReplayedTick, list[Packet]]] = deque()

    def ticks(self, records: Iterable[Packet | Arrival]) -> Iterator[ReplayedTick]:
        """Yield every tick from the player's first record to the last.

        Args:
            records: of a recording, in order; those of others are passed over.
        """
        for record in records:
            if record.player_id != self._player_id:
                continue
            yield from self._reach(record.tick)
            if isinstance(record, Packet):
                self._tell(record)
                continue
            if not abs(record.at - record.tick) <= LONGEST_GAP:
                self.n_malformed += 1
                continue
            yield from self._deliver(record.at)
            self._hear(record)
        yield from self._deliver(math.inf)

    def _reach(self, tick: int) -> Iterator[ReplayedTick]:
        """Make the ticks up to one, as the server did."""
        if self._tick is None:
            self._tick = tick  # the player came after it was made
        for each in range(max(self._tick + 1, tick - LONGEST_GAP), tick + 1):
            yield from self._deliver(each)
            self._underway.append((self._made(each), []))
        self._tick = max(self._tick, tick)

    def _made(self, tick: int) -> ReplayedTick:
        queue = self._queue
        n_taken, n_missing = queue.n_taken, queue.n_missing
        queue.take(tick)
        # Frames come too late between two ticks, or in one that was passed over.
        n_late, self._n_late = self._n_late, queue.n_late
        return ReplayedTick(
            tick=tick,
            newest=queue.newest,
            depth=queue.depth,
            slack=queue.slack,
            wanted=queue.wanted,
            taken=queue.n_taken - n_taken,
            late=queue.n_late - n_late,
            missing=queue.n_missing - n_missing,
        )

    def _tell(self, packet: Packet) -> None:
        """Send the client something, which takes its time."""
        if self._underway:
            self._underway[-1][1].append(packet)
        elif self._ghost is not None:
            self._ghost.told(packet)

    def _deliver(self, at: float) -> Iterator[ReplayedTick]:
        """Give the client what it has got by a time, and yield those ticks."""
        while self._underway and self._underway[0][0].tick + self._trip <= at:
            line, packets = self._underway.popleft()
            self._complete(line, packets)
            yield line

    def _complete(self, line: ReplayedTick, packets: list[Packet]) -> None:
        line.n_bytes = sum(len(each.payload) for each in packets if each.is_snapshot)
        ghost = self._ghost
        if ghost is None:
            return
        line.own = ghost.tick
        for packet in packets:
            answer = ghost.told(packet)
            line.n_corrections += answer.n_corrections
            line.size = max(line.size, answer.size)
            line.resimulated += answer.n_resimulated
            line.mistakes += answer.mistakes
        line.confirmed = ghost.confirmed

    def _hear(self, arrival: Arrival) -> None:
        """Take a packet of inputs, as the server did and as the client had sent it."""
        self.n_arrivals += 1
        try:
            packet = self._codec.decode(arrival.payload)
            self._queue.receive(arrival.payload, tick=arrival.tick, at=arrival.at)
        except RemoteProtocolError:
            self.n_malformed += 1
            return
        if self._ghost is not None and packet.frames:
            ahead = distance32(packet.newest, arrival.tick & 0xFFFFFFFF)
            self._ghost.heard(packet, arrival.tick + ahead - packet.newest)
