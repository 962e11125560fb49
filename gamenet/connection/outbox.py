# SPDX-License-Identifier: MIT
"""Choose what goes into the next packet, among all lanes of a connection.

Lanes of a higher priority are emptied first. Lanes of one priority share the bytes by
their weights: each has a clock that runs by bytes over weight, and the one whose clock
is behind goes first (fair queueing; Demers, Keshav and Shenker 1989, by packets).
"""

from __future__ import annotations

from collections import deque

from gamenet.connection.compression import Compression
from gamenet.connection.config import Channel, ConnectionConfig, DeliveryMode
from gamenet.connection.events import Event
from gamenet.connection.frames import LARGEST_SIZE, OWN_CHANNEL
from gamenet.connection.lanes import Lane, LatestLane, Parcel, UnreliableLane
from gamenet.connection.reliable import ReliableLane
from gamenet.errors import LocalProtocolError

__all__ = ["OWN", "PACKET_OVERHEAD", "Outbox"]

PACKET_OVERHEAD = 64
"""Bytes of a packet that are no message's: what is around it, heads of frames."""
OWN = Channel(
    OWN_CHANNEL, DeliveryMode.RELIABLE_ORDERED, "gamenet", 1 << 16, max_message=4096
)
"""The channel on which connections speak among themselves."""
FRAGMENT_COST = 64  # least bytes of queue that a message counts for, however small


class Outbox:
    """Hold the lanes of a connection and fill packets from them.

    Args:
        config: what both ends agreed on.
        events: where receipts are reported.
    """

    __slots__ = (
        "_all",
        "_config",
        "_groups",
        "_limits",
        "_pending",
        "_reliable",
        "_riders",
        "_slack",
        "_turns",
        "is_overfull",
        "lanes",
        "largest",
        "packings",
    )

    def __init__(self, config: ConnectionConfig, events: deque[Event]) -> None:
        self._config = config
        self.largest = min(config.packet_size - PACKET_OVERHEAD, LARGEST_SIZE)
        """Bytes of the largest message that fits any packet."""
        self.lanes: dict[int, Lane] = {}
        self.packings: dict[int, Compression] = {}
        """Compression of the channels that have it."""
        self.is_overfull = False
        """Whether more waits than the configuration allows."""
        # Queues only become shorter than they were: so there is room for this much.
        self._slack = config.max_queue
        self._limits: dict[int, int] = {}
        for channel in config.channels:
            self._add(channel, events)
        # What becomes of our own messages is nothing to tell a game.
        self._add(OWN, deque(maxlen=0))
        self._reliable = [
            lane for lane in self.lanes.values() if isinstance(lane, ReliableLane)
        ]
        by_priority: dict[int, list[Lane]] = {}
        for lane in self.lanes.values():
            by_priority.setdefault(lane.channel.priority, []).append(lane)
        self._groups = [by_priority[key] for key in sorted(by_priority, reverse=True)]
        self._turns = {priority: _Turns() for priority in by_priority}
        self._all = [lane for group in self._groups for lane in group]
        self._riders = [
            lane for lane in self._all if not isinstance(lane, UnreliableLane)
        ]
        # Lanes that may have something to send; a dict, for the order.
        self._pending: dict[Lane, None] = {}

    def _add(self, channel: Channel, events: deque[Event]) -> None:
        config, limit = self._config, self._config.limit_of(channel)
        lane: Lane
        if channel.mode.is_streamed:
            lane = ReliableLane(
                channel, events, self.largest, config.redundancy, config.window
            )
        elif channel.mode is DeliveryMode.RELIABLE_SEQUENCED:
            lane = LatestLane(channel, events, config.redundancy)
        else:
            lane = UnreliableLane(channel, events)
        if not channel.mode.is_streamed:
            limit = min(limit, self.largest - channel.compression)
        self.lanes[channel.id] = lane
        self._limits[channel.id] = limit
        if channel.compression:
            self.packings[channel.id] = Compression(config.limit_of(channel))

    # -- what waits -----------------------------------------------------------

    def push(self, channel: int, payload: bytes, message_id: int, now: float) -> None:
        """Queue a message.

        Raises:
            LocalProtocolError: no such channel, or too large.
        """
        try:
            lane, limit = self.lanes[channel], self._limits[channel]
        except KeyError:
            known = list(self._config.modes)
            msg = f"channel {channel} is not configured: use one of {known}"
            raise LocalProtocolError(msg) from None
        if len(payload) > limit:
            msg = (
                f"a message of {len(payload)} bytes on channel {channel}: the limit is "
                f"{limit}; split it, or send it on a reliable channel"
            )
            raise LocalProtocolError(msg)
        if self.packings and channel in self.packings:
            payload = self.packings[channel].pack(payload)
        lane.push(payload, message_id, now)
        self._pending[lane] = None
        self._slack -= max(len(payload), FRAGMENT_COST)
        if self._slack < 0:
            self._measure()

    def limit_of(self, channel: int) -> int:
        """Return the bytes of the largest message that a channel takes."""
        return self._limits[channel]

    def cancel(self, message_id: int) -> bool:
        """Give a reliable message up that has not left whole."""
        is_found = any(lane.cancel(message_id) for lane in self._reliable)
        self.wake()
        return is_found

    @property
    def queued_bytes(self) -> int:
        """Return the bytes of messages that are not acknowledged."""
        return sum(lane.queued_bytes for lane in self._all)

    def _measure(self) -> None:
        """Find how much more may be queued before this is to be looked at again."""
        n_queued = sum(lane.n_queued for lane in self._reliable)
        size = max(self.queued_bytes, n_queued * FRAGMENT_COST)
        self._slack = self._config.max_queue - size
        self.is_overfull = self._slack < 0

    def wake(self) -> None:
        """Look at the lanes again: something of theirs was acknowledged or lost."""
        for lane in self._riders:
            if lane.has_frames:
                self._pending[lane] = None

    @property
    def has_frames(self) -> bool:
        """Return whether anything may go out now."""
        pending = self._pending
        while pending:
            lane = next(iter(pending))
            if lane.has_frames:
                return True
            del pending[lane]
        return False

    @property
    def has_urgent(self) -> bool:
        """Return whether something waits that goes before something else."""
        return len(self._priorities()) > 1

    def _priorities(self) -> set[int]:
        return {x.channel.priority for x in self._pending if x.has_frames}

    # -- into packets ---------------------------------------------------------

    def fill_urgent(self, parcel: Parcel, now: float) -> None:
        """Put into a parcel what fits of all that waits, but the least urgent."""
        least = min(self._priorities(), default=0)
        for lane in self._all:
            if lane.channel.priority <= least:
                return
            if lane in self._pending and lane.has_frames:
                self._serve(lane, parcel, now)

    def fill(self, parcel: Parcel, now: float) -> None:
        """Put as much into a parcel as fits, in the order of the lanes."""
        pending = self._pending
        if len(pending) == 1:
            (lane,) = pending
            self._turns[lane.channel.priority].order([lane])
            self._serve(lane, parcel, now)
            return
        for group in self._groups:
            waiting = [lane for lane in group if lane in pending and lane.has_frames]
            if waiting:
                self._turns[waiting[0].channel.priority].order(waiting)
            for lane in waiting:
                self._serve(lane, parcel, now)

    def _serve(self, lane: Lane, parcel: Parcel, now: float) -> None:
        before = parcel.room
        lane.fill(parcel, now)
        lane.virtual += (before - parcel.room) / lane.channel.weight

    def ride(self, parcel: Parcel) -> None:
        """Repeat what is not acknowledged, as far as the room and the budget go."""
        allowance = self._config.ride_along
        for lane in self._riders:
            if allowance <= 0 or parcel.room <= 0:
                return
            allowance = lane.ride(parcel, allowance)

    @property
    def has_riders(self) -> bool:
        """Return whether a message that is not acknowledged wants to be repeated."""
        # A loop: `any` would make a generator for each packet.
        for lane in self._riders:  # noqa: SIM110
            if lane.has_riders:
                return True
        return False

    def drop_unreliable(self) -> int:
        """Throw away the unreliable messages that wait; return how many."""
        unreliable = (x for x in self._all if isinstance(x, UnreliableLane))
        return sum(lane.drop() for lane in unreliable)

    def rewind(self) -> None:
        """Begin on a new link: what is unacknowledged goes out again."""
        for lane in self._all:
            lane.rewind()
        self.wake()


class _Turns:
    """Whose turn it is among the lanes of one priority."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = 0.0

    def order(self, waiting: list[Lane]) -> None:
        """Sort the lanes that wait by their clocks.

        No clock is behind the one whose turn came last: whoever was idle does not get
        what it did not use.
        """
        for lane in waiting:
            lane.virtual = max(lane.virtual, self._begun)
        if len(waiting) > 1:
            waiting.sort(key=_clock)
        self._begun = waiting[0].virtual


def _clock(lane: Lane) -> float:
    return lane.virtual
