# SPDX-License-Identifier: MIT
"""What a game author subclasses and calls.

One file makes a game: components, inputs, and a `Game` with hooks. `GameServer` runs it
with authority, `GameClient` joins it from a Twisted reactor, `PolledClient` from any
other loop. Everything that a game file needs is here.
"""

from gamenet.connection import Channel, Closed, DeliveryMode, Dropped, Resumed
from gamenet.errors import CloseReason, ConnectError
from gamenet.game.changed import on_changed
from gamenet.game.client import GameClient
from gamenet.game.esper_adapter import EsperAdapter
from gamenet.game.game import Game
from gamenet.game.match import Match
from gamenet.game.match_events import (
    Corrected,
    EntityDespawned,
    EntityLeft,
    EntityReowned,
    EntityReshaped,
    EntitySpawned,
    EventHappened,
    Joined,
    MatchEvent,
    MessageArrived,
    PlayerCame,
    PlayerWent,
    SnapshotArrived,
    WriteWasRefused,
)
from gamenet.game.messages import Message
from gamenet.game.observing import Observer
from gamenet.game.player import Player
from gamenet.game.polled import PolledClient
from gamenet.game.predicted import predicted
from gamenet.game.predicted_world import PredictedWorld
from gamenet.game.protocol import Protocol
from gamenet.game.recorder import Recorder
from gamenet.game.recording import Arrival, Packet, Recording
from gamenet.game.rollback_host import RollbackHost
from gamenet.game.rollback_peer import RollbackPeer
from gamenet.game.savedgame import SavedGame, game_difference, load_game, save_game
from gamenet.game.server import GameServer
from gamenet.game.serverless import LonePlayer, Serverless
from gamenet.game.stages import StageTimes
from gamenet.game.ticker import Ticker
from gamenet.game.tracking import Tracker
from gamenet.prediction import (
    ChangeKind,
    Desync,
    FirstHit,
    Hits,
    Input,
    Missing,
    Scheduled,
    boxes_touching,
    first_hit,
    ray_boxes,
    ray_spheres,
    spheres_touching,
)
from gamenet.replication import (
    Authority,
    Event,
    Interest,
    InterpolationState,
    NetworkConnection,
    NetworkIdentity,
    PredictionState,
    Quality,
    Refusal,
    SyncSettings,
    Teleported,
    dirty_mask,
)
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
from gamenet.world import Audience, Component, EntityId, Show, Shown, Sync, World

__all__ = [
    "Arrival",
    "Audience",
    "Authority",
    "ChangeKind",
    "Channel",
    "CloseReason",
    "Closed",
    "Component",
    "ConnectError",
    "Corrected",
    "DeliveryMode",
    "Desync",
    "Dropped",
    "EntityDespawned",
    "EntityId",
    "EntityLeft",
    "EntityReowned",
    "EntityReshaped",
    "EntitySpawned",
    "EsperAdapter",
    "Event",
    "EventHappened",
    "FirstHit",
    "Game",
    "GameClient",
    "GameServer",
    "Hits",
    "Input",
    "Interest",
    "InterpolationState",
    "Joined",
    "LonePlayer",
    "Match",
    "MatchEvent",
    "Message",
    "MessageArrived",
    "Missing",
    "NetworkConnection",
    "NetworkIdentity",
    "Observer",
    "Packet",
    "Player",
    "PlayerCame",
    "PlayerWent",
    "PolledClient",
    "PredictedWorld",
    "PredictionState",
    "Protocol",
    "Quality",
    "Recorder",
    "Recording",
    "Refusal",
    "Resumed",
    "RollbackHost",
    "RollbackPeer",
    "SavedGame",
    "Scheduled",
    "Serverless",
    "Show",
    "Shown",
    "SnapshotArrived",
    "StageTimes",
    "Sync",
    "SyncSettings",
    "Teleported",
    "Ticker",
    "Tracker",
    "World",
    "WriteWasRefused",
    "angle",
    "array",
    "blob",
    "boxes_touching",
    "dirty_mask",
    "enum",
    "first_hit",
    "fixed",
    "flag",
    "float16",
    "float32",
    "float64",
    "game_difference",
    "int8",
    "int16",
    "int32",
    "int64",
    "load_game",
    "nbits",
    "nested",
    "on_changed",
    "optional",
    "predicted",
    "quaternion",
    "ray_boxes",
    "ray_spheres",
    "save_game",
    "spheres_touching",
    "text",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "varint",
    "wrapped",
    "zigzag",
]
