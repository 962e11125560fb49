# SPDX-License-Identifier: MIT
"""Everything between a datagram and a message, without I/O.

A `Connection` is fed packets and asked for packets; it knows handshake, sequences,
acks, channels and time-outs, but no socket and no clock. An `Acceptor` answers the
handshakes of a datagram server. The bytes are in docs/STANDARD.md.
"""

from gamenet.connection.acceptor import Accept, Acceptor, Reply
from gamenet.connection.config import Channel, ConnectionConfig, DeliveryMode, Link
from gamenet.connection.connection import Connection
from gamenet.connection.events import (
    Closed,
    Connected,
    Event,
    MessageAcked,
    MessageReceived,
)
from gamenet.connection.handshake import Gate
from gamenet.connection.packets import PROTOCOL_VERSION

__all__ = [
    "PROTOCOL_VERSION",
    "Accept",
    "Acceptor",
    "Channel",
    "Closed",
    "Connected",
    "Connection",
    "ConnectionConfig",
    "DeliveryMode",
    "Event",
    "Gate",
    "Link",
    "MessageAcked",
    "MessageReceived",
    "Reply",
]
