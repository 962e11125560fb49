# SPDX-License-Identifier: MIT
"""What both ends of a connection have agreed on before it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gamenet.errors import ConfigError

__all__ = ["Channel", "ConnectionConfig", "DeliveryMode", "Link"]

MAX_CHANNELS = 31
"""Channel 31 is gamenet's own."""


class DeliveryMode(Enum):
    """What a channel promises about its messages; duplicates never surface."""

    UNRELIABLE = "unreliable"
    """Delivered once or not at all, in any order; one packet at most."""
    UNRELIABLE_SEQUENCED = "unreliable-sequenced"
    """As unreliable, but what is older than something delivered is dropped."""
    UNRELIABLE_RECEIPTS = "unreliable-receipts"
    """As unreliable, and the sender is told of each: acked or lost."""
    RELIABLE_UNORDERED = "reliable-unordered"
    """Delivered exactly once, as soon as it arrives."""
    RELIABLE_ORDERED = "reliable-ordered"
    """Delivered exactly once, in the order of sending."""
    RELIABLE_SEQUENCED = "reliable-sequenced"
    """The latest value arrives for certain; older ones may be skipped."""

    @property
    def is_streamed(self) -> bool:
        """Return whether every message arrives, in pieces if it is large."""
        return self in (DeliveryMode.RELIABLE_ORDERED, DeliveryMode.RELIABLE_UNORDERED)


class Link(Enum):
    """What carries the packets."""

    DATAGRAM = "datagram"
    """Packets may be lost, doubled and reordered."""
    STREAM = "stream"
    """Packets arrive, in order, or the link breaks."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One of the up to 31 channels of a connection, each a lane of its own."""

    id: int
    """0 to 30, the same on both sides."""
    mode: DeliveryMode
    """What the channel promises."""
    name: str = ""
    """For people: in statistics and logs."""
    priority: int = 0
    """Lanes with a higher one are emptied first."""
    weight: int = 1
    """Share of the bytes among lanes of the same priority."""
    max_message: int = 0
    """Largest message in bytes; 0 is what the configuration says."""
    compression: bool = False
    """Whether messages are deflated where that makes them smaller."""
    receipts: bool = False
    """Whether `MessageAcked` is reported of reliable messages, too."""


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """The settings of a connection, the same on both sides unless noted."""

    channels: tuple[Channel, ...] = (
        Channel(0, DeliveryMode.RELIABLE_ORDERED, "reliable"),
        Channel(1, DeliveryMode.UNRELIABLE, "unreliable"),
    )
    """The channels; both sides need the same."""
    timeout: float = 5.0
    """Seconds of silence after which the link counts as lost; each side its own."""
    resume_window: float = 30.0
    """Seconds that a lost session waits to be resumed; 0 ends it with its link."""
    heartbeat: float = 0.1
    """Seconds without a packet after which an empty one is sent (netcode: 10 Hz)."""
    handshake_timeout: float = 5.0
    """Seconds in which the handshake must be done."""
    packet_size: int = 1200
    """Datagrams begin with this many bytes: it fits every path (QUIC's choice, too)."""
    max_packet_size: int = 1452
    """How far larger datagrams are probed for; `packet_size` probes for none."""
    max_message: int = 65536
    """Largest message in bytes, sent or received; larger ones close the connection."""
    max_queue: int = 1 << 20
    """Bytes that may wait in all reliable channels; more closes the connection."""
    window: int = 1 << 19
    """Bytes of a reliable channel that may be on their way at once."""
    bandwidth: float = 0.0
    """Hard limit of what is sent, in bytes a second; 0 is none. Each side its own."""
    nagle: float = 0.0
    """Seconds that less than a packet waits for company; a flush ends the wait."""
    redundancy: int = 3
    """Further packets in which a small reliable message rides until it is acked."""
    ride_along: int = 512
    """Bytes of each packet that such repetitions may take."""
    ride_interval: float = 0.034
    """Seconds after which they go in a packet of their own if none is sent: a tick at
    30 Hz. Each side its own."""
    modes: dict[int, DeliveryMode] = field(init=False, repr=False, compare=False)
    """Channel id -> mode."""

    def __post_init__(self) -> None:
        modes = {channel.id: channel.mode for channel in self.channels}
        if len(modes) != len(self.channels) or not all(
            0 <= number < MAX_CHANNELS for number in modes
        ):
            ids = [channel.id for channel in self.channels]
            msg = f"channel ids {ids}: each must be another number from 0 to 30"
            raise ConfigError(msg)
        object.__setattr__(self, "modes", modes)
        for name, low, high in _BOUNDS:
            _require(name, getattr(self, name), low, high)
        for channel in self.channels:
            where = f"channel {channel.id} {channel.name!r}:"
            _require(f"{where} weight", channel.weight, 1, 1000)
            _require(f"{where} max_message", channel.max_message, 0, 1 << 24)
        if self.heartbeat >= self.timeout:
            msg = f"heartbeat = {self.heartbeat}: must be below timeout {self.timeout}"
            raise ConfigError(msg)

    @property
    def largest_packet(self) -> int:
        """Return the bytes of the largest datagram that may ever come or go."""
        return max(self.packet_size, self.max_packet_size)

    def limit_of(self, channel: Channel) -> int:
        """Return the bytes of the largest message on a channel."""
        return channel.max_message or self.max_message


def _require(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        msg = f"{name} = {value}: allowed are {low} to {high}"
        raise ConfigError(msg)


_BOUNDS = (
    ("timeout", 0.1, 3600.0),
    ("resume_window", 0.0, 86400.0),
    ("heartbeat", 0.01, 60.0),
    ("handshake_timeout", 0.1, 60.0),
    ("packet_size", 576, 1222),
    ("max_packet_size", 0, 16000),
    ("max_message", 1, 1 << 24),
    ("max_queue", 1024, 1 << 30),
    ("window", 16384, 1 << 26),
    ("bandwidth", 0.0, 1e12),
    ("nagle", 0.0, 1.0),
    ("redundancy", 0, 16),
    ("ride_along", 0, 16000),
    ("ride_interval", 0.001, 10.0),
)
