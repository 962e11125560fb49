# SPDX-License-Identifier: MIT
"""Take the frames of a packet in: each goes to its channel's receiver.

First all are checked, then all are taken, so that of a packet which breaks the protocol
nothing has happened.
"""

from __future__ import annotations

from collections import deque

from gamenet.connection.config import Channel, ConnectionConfig
from gamenet.connection.events import Event, MessageReceived
from gamenet.connection.frames import MESSAGE, OWN_CHANNEL, RUN, SEQUENCED, Frame
from gamenet.connection.outbox import OWN, Outbox
from gamenet.connection.receivers import (
    OrderedReceiver,
    Receiver,
    SequencedReceiver,
    UnorderedReceiver,
    new_receiver,
    too_large,
)

__all__ = ["Inbox"]


class Inbox:
    """Turn frames into messages, and report these.

    Args:
        config: what both ends agreed on.
        outbox: whose lanes count and unpack for both ways.
        events: where messages are reported.
    """

    __slots__ = (
        "_config",
        "_counts",
        "_events",
        "_narrow",
        "_packings",
        "_receivers",
        "own",
    )

    def __init__(
        self, config: ConnectionConfig, outbox: Outbox, events: deque[Event]
    ) -> None:
        self._events = events
        self._packings = outbox.packings
        self._counts = {number: lane.counts for number, lane in outbox.lanes.items()}
        self._receivers: dict[int, Receiver] = {}
        # The channels whose limit is below what a packet may bring.
        self._narrow: dict[int, Channel] = {}
        self._config = config
        for channel in (*config.channels, OWN):
            if config.limit_of(channel) < config.largest_packet:
                self._narrow[channel.id] = channel
            receiver = new_receiver(channel, self._counts[channel.id], config)
            if receiver is not None:
                self._receivers[channel.id] = receiver
        self.own: list[bytes] = []
        """Messages on gamenet's own channel that were not taken yet."""

    @property
    def held_bytes(self) -> int:
        """Return the bytes of what waits for something before it."""
        return sum(receiver.held_bytes for receiver in self._receivers.values())

    def check(self, frame: Frame) -> None:
        """Refuse what would harm, before anything is taken.

        Raises:
            RemoteProtocolError: a sequence is beyond the window.
        """
        channel, form, sequence, content = frame
        if form > SEQUENCED:
            receiver = self._receivers[channel]
            assert isinstance(receiver, OrderedReceiver | UnorderedReceiver)
            receiver.check(sequence, len(content) if form == RUN else 1)

    def take(self, frame: Frame) -> None:
        """Take a frame that is no control frame.

        Raises:
            RemoteProtocolError: the messages of a channel do not fit together; the
                connection cannot go on.
        """
        channel, form, sequence, content = frame
        if form == MESSAGE:
            self._report(channel, (content,))
            return
        receiver = self._receivers[channel]
        if isinstance(receiver, SequencedReceiver):
            messages = receiver.take(sequence, content)
        elif form == RUN:
            messages = receiver.take_run(sequence, content)
        else:
            messages = receiver.take_piece(sequence, content)
        if messages:
            self._report(channel, messages)

    def _report(self, channel: int, messages: list[bytes] | tuple[bytes]) -> None:
        if channel == OWN_CHANNEL:
            self.own.extend(messages)
            return
        counts = self._counts[channel]
        counts.received += len(messages)
        packing = self._packings.get(channel)
        report = self._events.append
        for message in messages:
            counts.bytes_received += len(message)
            payload = message if packing is None else packing.unpack(message)
            if channel in self._narrow:
                self._check_size(channel, payload)
            report(MessageReceived(channel, payload))

    def _check_size(self, channel: int, payload: bytes) -> None:
        limit = self._config.limit_of(self._narrow[channel])
        if len(payload) > limit:
            raise too_large(self._narrow[channel], limit)
