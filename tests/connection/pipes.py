# SPDX-License-Identifier: MIT
"""A lane and its receiver, with a packet's fate in the hands of the test."""

from __future__ import annotations

from collections import deque
from random import Random

from gamenet.connection import (
    Channel,
    ConnectionConfig,
    DeliveryMode,
    Event,
    MessageAcked,
    MessageLost,
    TransferProgress,
)
from gamenet.connection.frames import RUN, Piece, legal_heads, read_frames
from gamenet.connection.lanes import Lane, LaneCounts, Parcel
from gamenet.connection.receivers import (
    OrderedReceiver,
    SequencedReceiver,
    UnorderedReceiver,
    new_receiver,
)
from gamenet.connection.reliable import ReliableLane

ROOM = 1150
LARGEST = 1136


def ids(events: deque[Event], kind: type[MessageAcked | MessageLost]) -> list[int]:
    """Return of which messages there are receipts of a kind."""
    return [event.message_id for event in events if isinstance(event, kind)]


def progress(events: deque[Event]) -> list[tuple[int, int, int]]:
    """Return what was reported of large messages: id, bytes acknowledged, of all."""
    return [
        (event.message_id, event.acked, event.total)
        for event in events
        if isinstance(event, TransferProgress)
    ]


class Packet:
    """What a lane put into one packet."""

    def __init__(self, parcel: Parcel) -> None:
        self.body = b"".join(parcel.frames)
        self.record = list(parcel.record)

    def settle(self, *, is_acked: bool) -> None:
        """Tell the lane what became of the packet."""
        for lane, first, count in self.record:
            lane.settle(first, count, is_acked=is_acked)


class Pipe:
    """A reliable lane, and what is at its other end.

    Args:
        mode: reliable-ordered or reliable-unordered.
        first: sequence of the first message.
        redundancy: packets in which a small message rides again.
        settings: of the configuration.
    """

    def __init__(
        self,
        mode: DeliveryMode = DeliveryMode.RELIABLE_ORDERED,
        first: int = 0,
        redundancy: int = 3,
        **settings: int,
    ) -> None:
        self.channel = Channel(2, mode, receipts=True)
        self.config = ConnectionConfig(channels=(self.channel,), **settings)
        self.events: deque[Event] = deque()
        self.lane = ReliableLane(
            self.channel, self.events, LARGEST, redundancy, self.config.window
        )
        self.counts = LaneCounts()
        receiver = new_receiver(self.channel, self.counts, self.config)
        assert isinstance(receiver, OrderedReceiver | UnorderedReceiver)
        self.receiver = receiver
        self.lane._next = self.receiver._next = first
        self.received: list[bytes] = []
        self._n_pushed = 0
        self._legal = legal_heads(self.config)

    def push(self, *payloads: bytes) -> list[int]:
        """Queue messages; return their ids, from 1 on."""
        begin = self._n_pushed + 1
        for payload in payloads:
            self._n_pushed += 1
            self.lane.push(payload, self._n_pushed, 0.0)
        return list(range(begin, self._n_pushed + 1))

    def packet(self, *, room: int = ROOM, ride_along: int = 0) -> Packet:
        """Return the next packet, with repetitions if there are to be some."""
        parcel = Parcel(room)
        self.lane.fill(parcel, 0.0)
        if ride_along:
            self.lane.ride(parcel, ride_along)
        assert parcel.room >= 0
        packet = Packet(parcel)
        assert len(packet.body) == room - parcel.room
        return packet

    def packets(self, most: int = 1 << 20) -> list[Packet]:
        """Return all packets that may go out now."""
        packets = []
        while self.lane.has_frames and len(packets) < most:
            packets.append(self.packet())
            assert packets[-1].body, "a lane has frames and sends none"
        return packets

    def deliver(self, packet: Packet) -> None:
        """Take a packet in at the other end."""
        frames = read_frames(packet.body, 0, self._legal)
        for _, form, sequence, content in frames:
            self.receiver.check(sequence, len(content) if form == RUN else 1)
        for _, _, sequence, content in frames:
            if isinstance(content, Piece):
                self.received += self.receiver.take_piece(sequence, content)
            else:
                self.received += self.receiver.take_run(sequence, content)

    def carry(self) -> None:
        """Send everything, and lose nothing."""
        while packets := self.packets(50):
            for packet in packets:
                self.deliver(packet)
                packet.settle(is_acked=True)


def storm(pipe: Pipe, random: Random, loss: float) -> None:
    """Send everything through a network that does all that networks do.

    Packets are lost, doubled, and come in any order; what came may count as lost, and
    what counts as lost may come late.
    """
    under_way: list[Packet] = []
    strays: list[Packet] = []
    while pipe.lane.has_frames or under_way:
        for _ in range(random.randrange(4)):
            rides = random.choice((0, 200, 512))
            packet = pipe.packet(ride_along=rides)
            if packet.body:
                under_way.append(packet)
        random.shuffle(under_way)
        for _ in range(min(len(under_way), random.randrange(5))):
            packet = under_way.pop()
            arrives = random.random() >= loss
            for _ in range(random.choice((1, 1, 1, 2)) if arrives else 0):
                pipe.deliver(packet)
            packet.settle(is_acked=arrives and random.random() < 0.95)
            if random.random() < 0.1:
                strays.append(packet)
        if strays and random.random() < 0.2:
            pipe.deliver(strays.pop(random.randrange(len(strays))))


def latest(mode: DeliveryMode, first: int) -> SequencedReceiver:
    """Return the receiver of a sequenced channel that has had a message."""
    channel = Channel(5, mode)
    config = ConnectionConfig(channels=(channel,))
    receiver = new_receiver(channel, LaneCounts(), config)
    assert isinstance(receiver, SequencedReceiver)
    receiver.take(first, b"")
    return receiver


def filled(lane: Lane, room: int = ROOM, ride_along: int = 0) -> Packet:
    """Return what a lane puts into a packet, repetitions included if there are some."""
    parcel = Parcel(room)
    lane.fill(parcel, 0.0)
    if ride_along:
        lane.ride(parcel, ride_along)
    return Packet(parcel)
