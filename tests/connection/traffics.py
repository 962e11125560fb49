# SPDX-License-Identifier: MIT
"""Two ends of traffic without a handshake, and packets made by hand."""

from __future__ import annotations

from collections import deque

from gamenet.connection import (
    ConnectionConfig,
    Event,
    Link,
    MessageAcked,
    MessageLost,
    MessageReceived,
    TokenBucket,
)
from gamenet.connection.envelopes import StreamEnvelope
from gamenet.connection.headers import read_header, write_header
from gamenet.connection.linkstate import LinkState
from gamenet.connection.traffic import Traffic


class End:
    """One end of traffic that has begun at 10.0; nothing is sealed.

    Args:
        link: what carries its packets.
        shared: limit that it has in common with others.
        settings: of the configuration.
    """

    def __init__(
        self,
        link: Link = Link.DATAGRAM,
        shared: TokenBucket | None = None,
        **settings: object,
    ) -> None:
        self.events: deque[Event] = deque()
        self.config = ConnectionConfig(**{"timeout": 60.0, **settings})
        self.traffic = Traffic(self.config, self.events, shared)
        self.traffic.begin(StreamEnvelope(), link, now=10.0)

    @property
    def link(self) -> LinkState:
        """Return what belongs to the link."""
        assert self.traffic.link is not None
        return self.traffic.link

    def send(self, channel: int, *payloads: bytes, now: float = 10.0) -> list[int]:
        """Send messages; return their ids."""
        return [self.traffic.send(channel, payload, now) for payload in payloads]

    def packets(self, now: float = 10.0) -> list[bytes]:
        """Return the bodies of what is to go out."""
        return [packet[1:] for packet in self.traffic.packets(now=now)]

    def receive(self, packets: list[bytes], now: float = 10.0) -> list[str]:
        """Take the bodies of packets; return why each was dropped."""
        return [self.traffic.receive(packet, now=now) for packet in packets]

    def due(self) -> float:
        """Return when something is due."""
        due = self.traffic.next_timeout()
        assert due is not None
        return due

    def wake(self, now: float) -> list[bytes]:
        """Do what is due; return what goes out, after checking that time goes on."""
        self.traffic.handle_timeout(now=now)
        packets = self.packets(now)
        assert self.due() > now, "a loop without end"
        return packets

    def received(self) -> list[bytes]:
        """Return the messages that came since the last call."""
        events, payloads = list(self.events), []
        self.events.clear()
        for event in events:
            if isinstance(event, MessageReceived):
                payloads.append(event.payload)
            else:
                self.events.append(event)
        return payloads

    def acked(self) -> list[int]:
        """Return which messages were acknowledged so far."""
        return [e.message_id for e in self.events if isinstance(e, MessageAcked)]

    def lost(self) -> list[int]:
        """Return which messages were lost so far."""
        return [e.message_id for e in self.events if isinstance(e, MessageLost)]


def pair(link: Link = Link.DATAGRAM, **settings: object) -> tuple[End, End]:
    """Return two ends that have said their first packets."""
    here, there = End(link, **settings), End(link, **settings)
    there.receive(only_data(here.packets()))
    here.receive(only_data(there.packets()))
    return here, there


def only_data(packets: list[bytes]) -> list[bytes]:
    """Return the packets without the probes among them: these are larger."""
    return [packet for packet in packets if len(packet) < 1200]


def packet(sequence: int, *frames: bytes, ack: int = 0, bits: int = 0) -> bytes:
    """Return the body of a packet made by hand."""
    return write_header(sequence, ack, bits) + b"".join(frames)


def fields(body: bytes) -> tuple[int, int, int]:
    """Return sequence, ack and ack bits of a packet."""
    sequence, ack, bits, _ = read_header(body)
    return sequence, ack, bits


def content(body: bytes) -> bytes:
    """Return the frames of a packet."""
    return body[read_header(body)[3] :]
