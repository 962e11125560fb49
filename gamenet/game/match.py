# SPDX-License-Identifier: MIT
"""A match as one client knows it, without I/O: bytes in, a world and events out.

The facades `GameClient` and `PolledClient` drive the same one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gamenet.connection import Channel
from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.game.messages import (
    MAX_CAPACITY,
    Description,
    Message,
    PlayerEntered,
    PlayerExited,
    Welcome,
)
from gamenet.game.protocol import CHANNELS, CONTROL, INPUTS, SNAPSHOTS, Protocol
from gamenet.prediction import Input, InputBuffer
from gamenet.replication import Despawned, Receiver, Spawned
from gamenet.wire import Registry
from gamenet.world import EntityId, World

__all__ = [
    "EntityDespawned",
    "EntitySpawned",
    "Joined",
    "Match",
    "MatchEvent",
    "MatchView",
    "MessageArrived",
    "PlayerCame",
    "PlayerWent",
    "SnapshotArrived",
]


@dataclass(slots=True)
class Joined:
    """The server has told us who we are: the world is there."""

    player_id: int


@dataclass(slots=True)
class PlayerCame:
    """A player is here."""

    player_id: int
    name: str


@dataclass(slots=True)
class PlayerWent:
    """A player has left."""

    player_id: int
    name: str


@dataclass(slots=True)
class EntitySpawned:
    """An entity is new."""

    entity: EntityId


@dataclass(slots=True)
class EntityDespawned:
    """An entity is gone; its id is stale already."""

    entity: EntityId


@dataclass(slots=True)
class SnapshotArrived:
    """A newer tick has been written to the world, or what of it has come."""

    tick: int


@dataclass(slots=True)
class MessageArrived:
    """The game said something."""

    message: Message


MatchEvent = (
    Joined
    | PlayerCame
    | PlayerWent
    | EntitySpawned
    | EntityDespawned
    | SnapshotArrived
    | MessageArrived
)


class Match:
    """Follow one match.

    Args:
        protocol: what the game speaks; None learns it from the server.
    """

    def __init__(self, protocol: Protocol | None) -> None:
        self.protocol = protocol
        self.channels: Sequence[Channel] = CHANNELS
        """Those of the connection, where the protocol is to be learned."""
        self.world: World | None = None
        """The copy of the server's world; None until joined."""
        self.player_id = 0
        """Who we are; 0 until joined."""
        self.players: dict[int, str] = {}
        """Names of who is here, by id."""
        self.tick_rate = 0.0
        """Steps a second; 0 until joined."""
        self.events: deque[MatchEvent] = deque()
        """What happened, oldest first; whoever drives the match takes them."""
        self.counts: Counter[str] = Counter()
        """Snapshots, parts and errors, for statistics."""
        self._joined_at = 0
        # The newest tick that is not told yet, and how many parts of it are to come.
        self._arriving: tuple[int, int] | None = None
        self._newest_told: int | None = None
        self._receiver: Receiver | None = None
        self._inputs: InputBuffer | None = None
        self._registry: Registry = Protocol("", (), (), ()).registry

    @property
    def tick(self) -> int:
        """Return the newest tick that we know of; 0 before the first."""
        receiver = self._receiver
        if receiver is None or receiver.tick is None:
            return self._joined_at
        return receiver.tick

    def receive(self, channel: int, payload: bytes) -> None:
        """Take a message of the server.

        Raises:
            RemoteProtocolError: malformed; nothing of it was taken. The driver counts
                it, and closes if it came reliably, because then it is no accident.
        """
        if channel == SNAPSHOTS:
            self._receive_snapshot(payload)
        elif channel != INPUTS:
            self._receive_control(payload)
        else:
            msg = f"a message on channel {channel}, where only clients speak"
            raise RemoteProtocolError(msg)

    def input_packet(self, item: Input) -> bytes:
        """Return the packet that carries an input, and the ones before it.

        Raises:
            LocalProtocolError: not joined, or not an input of this game.
        """
        if self._inputs is None:
            msg = "send_input() before the match was joined: wait for Joined"
            raise LocalProtocolError(msg)
        return self._inputs.add(item, snapshot_tick=self.tick)

    def message_packet(self, message: Message) -> tuple[int, bytes]:
        """Return the channel of a message, and the packet that carries it.

        Raises:
            LocalProtocolError: not joined, or not a message of this game.
        """
        if self.world is None or not isinstance(message, Message):
            msg = f"send({message!r}): needs a joined match and a Message of the game"
            raise LocalProtocolError(msg)
        channel = (
            CONTROL if self.protocol is None else self.protocol.channel_of(message)
        )
        return channel, self._registry.encode(message)

    def _receive_snapshot(self, payload: bytes) -> None:
        if self._receiver is None:
            self.counts["snapshots_early"] += 1
            return
        tick, n_parts = self._receiver.receive_snapshot(payload)
        self.counts["parts"] += 1
        n_left = n_parts
        if self._arriving is not None and self._arriving[0] == tick:
            n_left = self._arriving[1]
        elif self._receiver.tick != tick or self._newest_told == tick:
            return
        elif self._arriving is not None:
            # A part of the tick before was lost: what has come of it is all.
            self._announce(self._arriving[0])
        self._arriving = (tick, n_left - 1)
        if n_left == 1:
            self._announce(tick)

    def _announce(self, tick: int) -> None:
        self._arriving = None
        self._newest_told = tick
        self.counts["snapshots"] += 1
        self.events.append(SnapshotArrived(tick))

    def _receive_control(self, payload: bytes) -> None:
        message = self._registry.decode(payload)
        if isinstance(message, Spawned | Despawned):
            self._follow(message)
        elif isinstance(message, PlayerEntered):
            self.players[message.player_id] = message.name
            self.events.append(PlayerCame(message.player_id, message.name))
        elif isinstance(message, PlayerExited):
            name = self.players.pop(message.player_id, "")
            self.events.append(PlayerWent(message.player_id, name))
        elif isinstance(message, Welcome):
            self._welcome(message)
        elif isinstance(message, Description):
            if self.protocol is None:
                self.protocol = self._learned(message.document)
        elif isinstance(message, Message):
            self.events.append(MessageArrived(message))
        else:
            self.counts["unknown_messages"] += 1

    def _learned(self, document: bytes) -> Protocol:
        """Return what a server describes, if the connection is fit for it."""
        protocol = Protocol.from_description(document)
        modes = {each.id: each.mode for each in self.channels}
        if modes != {each.id: each.mode for each in protocol.channels}:
            msg = (
                f"{protocol.name} has channels of its own, which we do not know: join "
                "by the server's web address, or with the game's class"
            )
            raise RemoteProtocolError(msg)
        return protocol

    def _welcome(self, message: Welcome) -> None:
        if self.protocol is None or self.world is not None:
            msg = "a welcome before the description, or a second welcome"
            raise RemoteProtocolError(msg)
        if not 1 <= message.capacity <= MAX_CAPACITY or not message.tick_rate > 0:
            msg = (
                f"a world of {message.capacity} rows at {message.tick_rate} ticks a "
                f"second: allowed are 1 to {MAX_CAPACITY} rows, and more than 0 ticks"
            )
            raise RemoteProtocolError(msg)
        self._joined_at = message.tick
        self._registry = self.protocol.registry
        self.world = World(self.protocol.components, message.capacity)
        self.player_id = message.player_id
        self.tick_rate = message.tick_rate
        self._receiver = Receiver(self.world)
        self._inputs = InputBuffer(self.protocol.inputs)
        self.events.append(Joined(message.player_id))

    def _follow(self, message: Spawned | Despawned) -> None:
        if self._receiver is None or self.world is None:
            msg = f"{type(message).__name__} before the welcome"
            raise RemoteProtocolError(msg)
        if isinstance(message, Spawned):
            self._receiver.receive_spawned(message)
        else:
            self._receiver.receive_despawned(message)
        changes = self.world.drain_changes()
        self.events.extend(EntityDespawned(entity) for entity in changes.despawned)
        self.events.extend(EntitySpawned(entity) for entity in changes.spawned)

    def stats(self) -> dict[str, Any]:
        """Return what was counted so far."""
        receiver = self._receiver
        return {
            "snapshots": self.counts["snapshots"],
            "snapshot_parts": self.counts["parts"],
            "unknown_messages": self.counts["unknown_messages"],
            "rows_unknown": receiver.n_rows_unknown if receiver else 0,
            "rows_stale": receiver.n_rows_stale if receiver else 0,
        }


class MatchView:
    """What every client shows of its match.

    Args:
        protocol: what the game speaks; None learns it from the server.
    """

    def __init__(self, protocol: Protocol | None) -> None:
        self.match = Match(protocol)
        """The match without I/O."""

    @property
    def world(self) -> World:
        """Return the copy of the server's world.

        Raises:
            LocalProtocolError: not joined yet.
        """
        if self.match.world is None:
            msg = "the world is not there before the match is joined: wait for that"
            raise LocalProtocolError(msg)
        return self.match.world

    @property
    def tick(self) -> int:
        """Return the newest tick that we know of."""
        return self.match.tick

    @property
    def players(self) -> dict[int, str]:
        """Return the names of who is here, by id."""
        return self.match.players

    @property
    def player_id(self) -> int:
        """Return who we are; 0 until joined."""
        return self.match.player_id
