# SPDX-License-Identifier: MIT
"""What each client is told of the world, and how a client follows.

A `Sender` turns a world into messages and snapshots, a `Receiver` turns them into
another world. In this form every client is told the whole state every tick; deltas
against acknowledged ticks and interest come behind the same two classes.
"""

from gamenet.replication.messages import Despawned, EntityRef, Spawned
from gamenet.replication.receiver import Receiver
from gamenet.replication.sender import Sender

__all__ = ["Despawned", "EntityRef", "Receiver", "Sender", "Spawned"]
