# SPDX-License-Identifier: MIT
"""What a game author subclasses and calls.

One file makes a game: components, inputs, and a `Game` with hooks. `GameServer` runs it
with authority, `GameClient` joins it from a Twisted reactor, `PolledClient` from any
other loop. Everything that a game file needs is here.
"""

from gamenet.connection import Channel, Closed, DeliveryMode, Dropped, Resumed
from gamenet.errors import CloseReason, ConnectError
from gamenet.game.client import GameClient
from gamenet.game.game import Game
from gamenet.game.match import (
    EntityDespawned,
    EntitySpawned,
    Joined,
    Match,
    MatchEvent,
    MessageArrived,
    PlayerCame,
    PlayerWent,
    SnapshotArrived,
)
from gamenet.game.messages import Message
from gamenet.game.player import Player
from gamenet.game.polled import PolledClient
from gamenet.game.protocol import Protocol
from gamenet.game.server import GameServer
from gamenet.game.ticker import Ticker
from gamenet.prediction import Input
from gamenet.wire import (
    angle,
    array,
    blob,
    enum,
    fixed,
    flag,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    nbits,
    nested,
    optional,
    quaternion,
    text,
    uint8,
    uint16,
    uint32,
    uint64,
    varint,
    wrapped,
    zigzag,
)
from gamenet.world import Component, EntityId, World

__all__ = [
    "Channel",
    "CloseReason",
    "Closed",
    "Component",
    "ConnectError",
    "DeliveryMode",
    "Dropped",
    "EntityDespawned",
    "EntityId",
    "EntitySpawned",
    "Game",
    "GameClient",
    "GameServer",
    "Input",
    "Joined",
    "Match",
    "MatchEvent",
    "Message",
    "MessageArrived",
    "Player",
    "PlayerCame",
    "PlayerWent",
    "PolledClient",
    "Protocol",
    "Resumed",
    "SnapshotArrived",
    "Ticker",
    "World",
    "angle",
    "array",
    "blob",
    "enum",
    "fixed",
    "flag",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "nbits",
    "nested",
    "optional",
    "quaternion",
    "text",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "varint",
    "wrapped",
    "zigzag",
]
