# SPDX-License-Identifier: MIT
"""A match as one client knows it, without I/O: bytes in, a world and events out.

The facades `GameClient` and `PolledClient` drive the same one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any

from gamenet.connection import Channel
from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.game.match_events import (
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
from gamenet.game.messages import (
    MAX_CAPACITY,
    Description,
    Message,
    PlayerEntered,
    PlayerExited,
    Resync,
    Welcome,
    WriteRefused,
    Written,
)
from gamenet.game.protocol import (
    CHANNELS,
    CONTROL,
    EVENTS,
    INPUTS,
    SNAPSHOTS,
    Protocol,
)
from gamenet.prediction import Input, InputBuffer
from gamenet.replication import (
    Changed,
    Event,
    EventCodec,
    EventQueue,
    Followed,
    Receiver,
    changed_fields,
    check_write,
)
from gamenet.wire import Registry
from gamenet.world import (
    Component,
    EntityId,
    World,
    entity_generation,
    entity_id,
    entity_row,
)

__all__ = ["Match"]


MAX_EARLY = 256
"""Snapshots and events that are kept for when the welcome comes."""


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
        self.followed: list[Followed] = []
        """What snapshots have made of the world; `take_followed` forgets it."""
        self.events: deque[MatchEvent] = deque()
        """What happened, oldest first; whoever drives the match takes them."""
        self.told: int | None = None
        """Tick of the newest `SnapshotArrived`; None before the first."""
        self.counts: Counter[str] = Counter()
        """Snapshots, parts and errors, for statistics."""
        self._joined_at = 0
        # The newest tick that is not told yet, and how many parts of it are to come.
        self._arriving: tuple[int, int] | None = None
        self._receiver: Receiver | None = None
        self._early: deque[tuple[int, bytes]] = deque(maxlen=MAX_EARLY)
        self._event_codec = EventCodec(())
        self._event_queue = EventQueue()
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
        if self._receiver is None and channel in (SNAPSHOTS, EVENTS):
            # It has overtaken the welcome. The server will count on our having it.
            self.counts["early"] += 1
            self._early.append((channel, payload))
        elif channel == SNAPSHOTS:
            self._receive_snapshot(payload)
        elif channel == EVENTS:
            self._receive_events(payload)
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
        assert self._receiver is not None
        tick, n_parts = self._receiver.receive(payload)
        self.counts["parts"] += 1
        self._follow(self._receiver)
        n_left = n_parts
        if self._arriving is not None and self._arriving[0] == tick:
            n_left = self._arriving[1]
        elif self._receiver.tick != tick or self.told == tick:
            return
        elif self._arriving is not None:
            # A part of the tick before was lost: what has come of it is all.
            self._announce(self._arriving[0])
        self._arriving = (tick, n_left - 1)
        if n_left == 1:
            self._announce(tick)

    def _announce(self, tick: int) -> None:
        self._arriving = None
        self.told = tick
        self.counts["snapshots"] += 1
        self.events.append(SnapshotArrived(tick))
        self._release(self._event_queue.advance(tick))

    def _receive_events(self, payload: bytes) -> None:
        tick, happened = self._event_codec.decode(payload)
        self._release(self._event_queue.add(tick, happened))

    def _release(self, due: Iterable[tuple[int, Event]]) -> None:
        self.events.extend(EventHappened(event, tick) for tick, event in due)

    def _receive_control(self, payload: bytes) -> None:
        message = self._registry.decode(payload)
        if isinstance(message, PlayerEntered):
            self.players[message.player_id] = message.name
            self.events.append(PlayerCame(message.player_id, message.name))
        elif isinstance(message, PlayerExited):
            name = self.players.pop(message.player_id, "")
            self.events.append(PlayerWent(message.player_id, name))
        elif isinstance(message, WriteRefused):
            self._refused(message)
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
        self._event_codec = EventCodec(self.protocol.events)
        self._inputs = InputBuffer(self.protocol.inputs)
        self.events.append(Joined(message.player_id))
        self._receiver.needs_everything = self.counts["early"] > MAX_EARLY
        self._take_early()

    def _take_early(self) -> None:
        """Take what overtook the welcome; what is malformed does not harm the rest."""
        while self._early:
            try:
                self.receive(*self._early.popleft())
            except RemoteProtocolError:
                self.counts["early_malformed"] += 1

    def _follow(self, receiver: Receiver) -> None:
        """Tell what a snapshot has made of the world, in the order of a replica."""
        followed = receiver.take_followed()
        self.followed.append(followed)
        self.events.extend(EntityDespawned(entity) for entity in followed.despawned)
        self.events.extend(EntityLeft(entity) for entity in followed.left)
        self.events.extend(EntitySpawned(entity) for entity in followed.spawned)
        self.events.extend(EntityReshaped(entity) for entity in followed.reshaped)
        self.events.extend(EntityReowned(entity) for entity in followed.reowned)

    def take_followed(self) -> list[Followed]:
        """Return what snapshots have made of the world since the last call."""
        followed, self.followed = self.followed, []
        return followed

    def changed(self, followed: Followed) -> Changed:
        """Return which rows and fields of components a snapshot has changed.

        Those of entities that are new are left out.
        """
        assert self._receiver is not None
        layout = self._receiver.layout
        lanes = dict(zip(layout.components, layout.lanes, strict=True))
        return changed_fields(
            (
                (
                    each.component,
                    each.rows,
                    lanes[each.component].changed_fields(each.flipped),
                )
                for each in followed.written
            ),
            followed.spawned,
        )

    def write_packet(self, entity: EntityId, component: Component) -> bytes:
        """Write a component of an entity of ours; return the packet that says so.

        Raises:
            StaleEntityError: the entity is gone.
            LocalProtocolError: not joined, it does not have the component, we may not
                write it, or a value does not fit; nothing is changed.
        """
        if self.world is None or self._receiver is None:
            msg = "write() before the match was joined: wait for Joined"
            raise LocalProtocolError(msg)
        kind = type(component)
        check_write(self.world, self.player_id, entity, kind)
        body = component.encode()
        packet = self._registry.encode(
            Written(
                row=entity_row(entity),
                generation=entity_generation(entity),
                component=self._receiver.components.index(kind),
                tick=self.tick & 0xFFFFFFFF,
                body=body,
            )
        )
        # As the server will have it: what the wire rounds away is not shown.
        self.world.add(entity, kind.decode(body))
        return packet

    def _refused(self, message: WriteRefused) -> None:
        """Show again what is true of a component that we wrote in vain."""
        receiver = self._receiver
        if receiver is None or message.component >= len(receiver.components):
            msg = f"a refused write to component {message.component}: there is none"
            raise RemoteProtocolError(msg)
        entity = entity_id(message.row, message.generation)
        component = receiver.components[message.component]
        receiver.show_again(entity, component)
        self.events.append(WriteWasRefused(entity, component, message.reason))

    def resync_packet(self) -> bytes | None:
        """Return the request to be told everything again, if that is needed."""
        receiver = self._receiver
        if receiver is None or not receiver.needs_everything:
            return None
        receiver.needs_everything = False
        self.counts["resyncs"] += 1
        return self._registry.encode(Resync(self.tick & 0xFFFFFFFF))

    def stats(self) -> dict[str, Any]:
        """Return what was counted so far."""
        receiver = self._receiver
        return {
            "snapshots": self.counts["snapshots"],
            "snapshot_parts": self.counts["parts"],
            "unknown_messages": self.counts["unknown_messages"],
            "snapshots_late": receiver.n_late if receiver else 0,
            "baselines_missing": receiver.n_baselines_missing if receiver else 0,
            "resyncs": self.counts["resyncs"],
            "events_early": self._event_queue.n_early,
            "events_unknown": self._event_codec.n_unknown,
        }
