# SPDX-License-Identifier: MIT
"""What both ends of a connection have agreed on before it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gamenet.errors import ConfigError

__all__ = ["Channel", "ConnectionConfig", "DeliveryMode", "Link"]

MAX_CHANNELS = 32


class DeliveryMode(Enum):
    """What a channel promises about its messages."""

    UNRELIABLE = "unreliable"
    """Delivered once or not at all, in any order; one packet at most."""
    RELIABLE_ORDERED = "reliable-ordered"
    """Delivered exactly once, in the order of sending."""


class Link(Enum):
    """What carries the packets."""

    DATAGRAM = "datagram"
    """Packets may be lost, doubled and reordered."""
    STREAM = "stream"
    """Packets arrive, in order, or the link breaks."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One of the up to 32 channels of a connection."""

    id: int
    """0 to 31, the same on both sides."""
    mode: DeliveryMode
    """What the channel promises."""
    name: str = ""
    """For people: in statistics and logs."""


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """The settings of a connection, the same on both sides unless noted."""

    channels: tuple[Channel, ...] = (
        Channel(0, DeliveryMode.RELIABLE_ORDERED, "reliable"),
        Channel(1, DeliveryMode.UNRELIABLE, "unreliable"),
    )
    """The channels; both sides need the same."""
    timeout: float = 10.0
    """Seconds of silence after which the connection is closed; each side its own."""
    heartbeat: float = 0.1
    """Seconds without a packet after which an empty one is sent (netcode: 10 Hz)."""
    handshake_timeout: float = 5.0
    """Seconds in which the handshake must be done."""
    packet_size: int = 1200
    """Largest packet in bytes: fits every path of the Internet (QUIC's choice, too)."""
    max_message: int = 65536
    """Largest message in bytes, sent or received; larger ones close the connection."""
    max_queue: int = 1 << 20
    """Bytes that may wait in all reliable channels; more closes the connection."""
    modes: dict[int, DeliveryMode] = field(init=False, repr=False, compare=False)
    """Channel id -> mode."""

    def __post_init__(self) -> None:
        modes = {channel.id: channel.mode for channel in self.channels}
        if len(modes) != len(self.channels) or not all(
            0 <= number < MAX_CHANNELS for number in modes
        ):
            ids = [channel.id for channel in self.channels]
            msg = f"channel ids {ids}: each must be another number from 0 to 31"
            raise ConfigError(msg)
        object.__setattr__(self, "modes", modes)
        for name, low, high in _BOUNDS:
            value = getattr(self, name)
            if not low <= value <= high:
                msg = f"{name} = {value}: allowed are {low} to {high}"
                raise ConfigError(msg)
        if self.heartbeat >= self.timeout:
            msg = f"heartbeat = {self.heartbeat}: must be below timeout {self.timeout}"
            raise ConfigError(msg)


_BOUNDS = (
    ("timeout", 0.1, 3600.0),
    ("heartbeat", 0.01, 60.0),
    ("handshake_timeout", 0.1, 60.0),
    ("packet_size", 576, 65507),
    ("max_message", 1, 1 << 24),
    ("max_queue", 1024, 1 << 30),
)
