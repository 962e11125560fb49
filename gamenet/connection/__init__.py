# SPDX-License-Identifier: MIT
"""Everything between a datagram and a message, without I/O.

A `Connection` is fed packets and asked for packets; it knows handshake, keys, acks,
channels, congestion and time-outs, but no socket and no clock. A `Door` checks the
tokens of those who want to come in, an `Acceptor` answers the handshakes of a datagram
server, a `StreamServerHandshake` that of a stream. The bytes are in docs/STANDARD.md.
"""

from gamenet.connection.acceptor import Accept, Acceptor, Reply
from gamenet.connection.backoff import Backoff
from gamenet.connection.buckets import TokenBucket
from gamenet.connection.config import Channel, ConnectionConfig, DeliveryMode, Link
from gamenet.connection.connection import Connection
from gamenet.connection.door import Door
from gamenet.connection.events import (
    Closed,
    Connected,
    Dropped,
    Event,
    MessageAcked,
    MessageLost,
    MessageReceived,
    Resumed,
    TransferProgress,
)
from gamenet.connection.extension import EXTENSION_VERSION
from gamenet.connection.handshake import DatagramServerHandshake, StreamServerHandshake
from gamenet.connection.netcode import PACKET
from gamenet.connection.outcomes import Admitted, Pass, Refused
from gamenet.connection.tokens import ConnectToken, ServerAddress, issue_token

__all__ = [
    "EXTENSION_VERSION",
    "PACKET",
    "Accept",
    "Acceptor",
    "Admitted",
    "Backoff",
    "Channel",
    "Closed",
    "ConnectToken",
    "Connected",
    "Connection",
    "ConnectionConfig",
    "DatagramServerHandshake",
    "DeliveryMode",
    "Door",
    "Dropped",
    "Event",
    "Link",
    "MessageAcked",
    "MessageLost",
    "MessageReceived",
    "Pass",
    "Refused",
    "Reply",
    "Resumed",
    "ServerAddress",
    "StreamServerHandshake",
    "TokenBucket",
    "TransferProgress",
    "issue_token",
]
