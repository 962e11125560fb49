# SPDX-License-Identifier: MIT
"""A match as one client knows it, without I/O: bytes in, a world and events out.

The facades `GameClient` and `PolledClient` drive the same one.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from gamenet.connection import Channel
from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.game.foresight import Foresight
from gamenet.game.game import Game
from gamenet.game.held_writes import HeldWrites
from gamenet.game.match_events import (
    Corrected,
    EntityDespawned,
    EntityLeft,
    EntityReowned,
    EntityReshaped,
    EntitySpawned,
    EventCancelled,
    EventHappened,
    Joined,
    MatchEvent,
    MessageArrived,
    PlayerCame,
    PlayerWent,
    Resynced,
    SnapshotArrived,
    WriteWasRefused,
)
from gamenet.game.messages import (
    MAX_CAPACITY,
    MAX_TICK_RATE,
    Description,
    Message,
    PlayerEntered,
    PlayerExited,
    Resync,
    Welcome,
    WriteRefused,
    Written,
)
from gamenet.game.network_state import NetworkState
from gamenet.game.own_player import OwnPlayer
from gamenet.game.predicting import OwnInputs, Predicting
from gamenet.game.protocol import (
    CHANNELS,
    CONTROL,
    EVENTS,
    INPUTS,
    SNAPSHOTS,
    Protocol,
)
from gamenet.game.timelines import Timelines
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
WRITE_TRIPS = 2.0
"""Round trips in which a write has arrived, even if it was lost at first."""
WRITE_PATIENCE = 0.5
"""Seconds that it may take beyond that."""


class Match:
    """Follow one match.

    Args:
        protocol: what the game speaks; None learns it from the server.
        game: what predicts our own entities; None predicts nothing.
        delay: seconds that others are shown late; None follows what is measured.
        report: called with a hook's name where the game has raised in a prediction,
            while that is handled; None lets it pass on.
        inputs: what the player did in each tick, where that is known from elsewhere,
            as from a recording; None predicts with what is held here.
    """

    def __init__(
        self,
        protocol: Protocol | None,
        game: Game | None = None,
        *,
        delay: float | None = None,
        report: Callable[[str], None] | None = None,
        inputs: OwnInputs | None = None,
    ) -> None:
        self.protocol = protocol
        self._game = game
        self._delay = delay
        self._report = report
        self._own_inputs = inputs
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
        self._held: HeldWrites | None = None
        self._network: NetworkState | None = None
        self._early: deque[tuple[int, bytes]] = deque(maxlen=MAX_EARLY)
        self._event_codec = EventCodec(())
        self._event_queue = EventQueue()
        self.foresight: Foresight | None = None
        """The time lines of this client; None until joined."""
        self._registry: Registry = Protocol("", (), (), ()).registry

    @property
    def tick(self) -> int:
        """Return the newest tick that we know of; 0 before the first."""
        receiver = self._receiver
        if receiver is None or receiver.tick is None:
            return self._joined_at
        return receiver.tick

    def receive(
        self, channel: int, payload: bytes, *, now: float, rtt: float = 0.0
    ) -> None:
        """Take a message of the server.

        Args:
            channel: on which it came.
            payload: the message.
            now: when it came, in monotonic seconds.
            rtt: seconds there and back, as the connection measured last; 0 for unknown.

        Raises:
            RemoteProtocolError: malformed; nothing of it was taken. The driver counts
                it, and closes if it came reliably, because then it is no accident.
        """
        if self._receiver is None and channel in (SNAPSHOTS, EVENTS):
            # It has overtaken the welcome. The server will count on our having it.
            self.counts["early"] += 1
            self._early.append((channel, payload))
        elif channel == SNAPSHOTS:
            self._receive_snapshot(payload, now)
        elif channel == EVENTS:
            self._receive_events(payload)
        elif channel != INPUTS:
            self._receive_control(payload, now, rtt)
        elif self.foresight is not None:
            self.foresight.lines.hear(payload, now)

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

    def _receive_snapshot(self, payload: bytes, now: float) -> None:
        assert self._receiver is not None
        tick, n_parts = self._receiver.receive(payload)
        self.counts["parts"] += 1
        self._follow(self._receiver, tick, now)
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

    def _release(self, due: Iterable[tuple[int, Event, int | None]]) -> None:
        foresight = self.foresight
        for tick, event, origin in due:
            if foresight is None or foresight.heard(event, tick, origin):
                self.events.append(EventHappened(event, tick))

    def _receive_control(self, payload: bytes, now: float, rtt: float) -> None:
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
            self._welcome(message, now, rtt)
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

    def _welcome(self, message: Welcome, now: float, rtt: float) -> None:
        if self.protocol is None or self.world is not None:
            msg = "a welcome before the description, or a second welcome"
            raise RemoteProtocolError(msg)
        is_rate = 0 < message.tick_rate <= MAX_TICK_RATE
        if not 1 <= message.capacity <= MAX_CAPACITY or not is_rate:
            msg = (
                f"a world of {message.capacity} rows at {message.tick_rate} ticks a "
                f"second: allowed are 1 to {MAX_CAPACITY} rows, and up to "
                f"{MAX_TICK_RATE} ticks"
            )
            raise RemoteProtocolError(msg)
        self._joined_at = message.tick
        self._registry = self.protocol.registry
        self.world = World(self.protocol.components, message.capacity)
        self.player_id = message.player_id
        self.tick_rate = message.tick_rate
        self._receiver = Receiver(self.world)
        self._held = HeldWrites(self._receiver, self.world)
        self._event_codec = EventCodec(self.protocol.events)
        lines = Timelines(
            self.protocol.inputs,
            message.tick_rate,
            tick=message.tick,
            now=now,
            rtt=rtt,
            delay=self._delay,
        )
        predicting = self._predicting(lines, self._receiver, self.world)
        self.foresight = Foresight(lines, self.world, predicting)
        if NetworkState.is_wanted(self.world):
            self._network = NetworkState(self.world, self.foresight, self.player_id)
        self.events.append(Joined(message.player_id))
        self._receiver.needs_everything = self.counts["early"] > MAX_EARLY
        self._take_early(now)

    def _predicting(
        self, lines: Timelines, receiver: Receiver, world: World
    ) -> Predicting | None:
        """Return what predicts our own entities, if the game predicts any."""
        game = self._game
        if game is None or not game.predicted_components():
            return None
        if np.float32(game.tick_rate) != np.float32(self.tick_rate):
            # The server was told to run at another pace than the class says.
            setattr(game, "tick_rate", self.tick_rate)  # noqa: B010 - a class variable
        player = OwnPlayer(self.player_id)
        inputs = self._own_inputs or lines.inputs
        return Predicting(game, world, receiver.layout, player, inputs, self._report)

    def _take_early(self, now: float) -> None:
        """Take what overtook the welcome; what is malformed does not harm the rest."""
        while self._early:
            try:
                self.receive(*self._early.popleft(), now=now)
            except RemoteProtocolError:
                self.counts["early_malformed"] += 1

    def _follow(self, receiver: Receiver, tick: int, now: float) -> None:
        """Tell what a snapshot has made of the world, in the order of a replica."""
        assert self.foresight is not None
        assert self._held is not None
        followed = receiver.take_followed()
        for key in self._held.keep(followed, tick) if self._held else ():
            self._copy(*key)
        self.followed.append(followed)
        self.foresight.follow(followed, tick, now)
        self.tell_foreseen()
        self.events.extend(EntityDespawned(entity) for entity in followed.despawned)
        self.events.extend(EntityLeft(entity) for entity in followed.left)
        self.events.extend(EntitySpawned(entity) for entity in followed.spawned)
        self.events.extend(EntityReshaped(entity) for entity in followed.reshaped)
        self.events.extend(EntityReowned(entity) for entity in followed.reowned)

    def tell_foreseen(self) -> None:
        """Make events of what was predicted, and of what came of it."""
        foresight = self.foresight
        if foresight is None:
            return
        self.events.extend(Resynced(tick) for tick in foresight.resyncs)
        foresight.resyncs.clear()
        predicting = foresight.predicting
        if predicting is None:
            return
        for event, tick in predicting.played:
            self.events.append(EventHappened(event, tick))
        predicting.played.clear()
        for event, tick in predicting.take_cancelled():
            self.events.append(EventCancelled(event, tick))
        self.events.extend(Corrected(each) for each in predicting.corrections)
        predicting.corrections.clear()

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

    def write_packet(
        self, entity: EntityId, component: Component, *, now: float
    ) -> bytes:
        """Write a component of an entity of ours; return the packet that says so.

        Args:
            entity: of ours.
            component: its values.
            now: when it is written, in monotonic seconds.

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
        self._copy(entity, kind)
        self._hold(entity, kind, now)
        return packet

    def network_packets(self, now: float) -> list[bytes]:
        """Bring the components up to date that tell of the network, twice a second.

        Args:
            now: in monotonic seconds.

        Returns:
            Packets that write them, for the control channel.
        """
        if self._network is None:
            return []
        return self._network.update(now, partial(self.write_packet, now=now))

    def _hold(self, entity: EntityId, component: type[Component], now: float) -> None:
        """Show what was written until the server can be expected to have it."""
        assert self.foresight is not None
        assert self._held is not None
        clock = self.foresight.lines.clock
        since = math.floor(clock.server_tick(now))
        patience = (WRITE_TRIPS * clock.rtt + WRITE_PATIENCE) * self.tick_rate
        until = since + math.ceil(patience)
        self._held.hold(entity, component, since=since, until=until)

    def _copy(self, entity: EntityId, component: type[Component]) -> None:
        """Have the predicted world show what the confirmed one has got."""
        if self.foresight is not None and self.foresight.predicting is not None:
            self.foresight.predicting.copy(entity, component)

    def _refused(self, message: WriteRefused) -> None:
        """Show again what is true of a component that we wrote in vain."""
        receiver = self._receiver
        if receiver is None or message.component >= len(receiver.components):
            msg = f"a refused write to component {message.component}: there is none"
            raise RemoteProtocolError(msg)
        entity = entity_id(message.row, message.generation)
        component = receiver.components[message.component]
        if self._held is not None:
            self._held.drop(entity, component)
        receiver.show_again(entity, component)
        self._copy(entity, component)
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
