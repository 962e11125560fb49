# SPDX-License-Identifier: MIT
"""What a connection tells whoever drives it, in order, through `next_event`."""

from __future__ import annotations

from dataclasses import dataclass

from gamenet.errors import CloseReason
from gamenet.ids import MessageId

__all__ = [
    "Closed",
    "Connected",
    "Dropped",
    "Event",
    "MessageAcked",
    "MessageLost",
    "MessageReceived",
    "Resumed",
    "TransferProgress",
]


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
    """The peer has received a message of ours, on a channel that gives receipts."""

    message_id: MessageId
    """What `send` returned for it."""


@dataclass(slots=True)
class MessageLost:
    """A message of ours, on an unreliable channel with receipts, did not arrive."""

    message_id: MessageId
    """What `send` returned for it."""


@dataclass(slots=True)
class TransferProgress:
    """A large message of ours has come some way; the last one says all of it."""

    message_id: MessageId
    """What `send` returned for it."""
    acked: int
    """Bytes that the peer has."""
    total: int
    """Bytes of the message, as it travels."""


@dataclass(slots=True)
class Dropped:
    """The link is lost; the session waits to be resumed."""

    reason: CloseReason
    """What became of the link."""


@dataclass(slots=True)
class Resumed:
    """The session goes on, on this link or another; no reliable message is missing."""


@dataclass(slots=True)
class Closed:
    """The connection is over; this is its last event, and comes exactly once."""

    reason: CloseReason
    """Why."""
    detail: str
    """What the closing side said about it; may be empty."""


Event = (
    Connected
    | MessageReceived
    | MessageAcked
    | MessageLost
    | TransferProgress
    | Dropped
    | Resumed
    | Closed
)
