# SPDX-License-Identifier: MIT
"""What a connection tells whoever drives it, in order, through `next_event`."""

from __future__ import annotations

from dataclasses import dataclass

from gamenet.errors import CloseReason

__all__ = ["Closed", "Connected", "Event", "MessageAcked", "MessageReceived"]


@dataclass(slots=True)
class Connected:
    """The handshake is done: messages may be sent."""


@dataclass(slots=True)
class MessageReceived:
    """A message of the peer has arrived."""

    channel: int
    """The channel it came on."""
    payload: bytes
    """Its bytes."""


@dataclass(slots=True)
class MessageAcked:
    """The peer has received a reliable message of ours."""

    message_id: int
    """What `send` returned for it."""


@dataclass(slots=True)
class Closed:
    """The connection is over; this is its last event, and comes exactly once."""

    reason: CloseReason
    """Why."""
    detail: str
    """What the closing side said about it; may be empty."""


Event = Connected | MessageReceived | MessageAcked | Closed
