# SPDX-License-Identifier: MIT
"""Join a game from a reactor: one Deferred to get in, then methods to override."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from gamenet.connection import ConnectionConfig, ConnectToken
from gamenet.errors import (
    CloseReason,
    ConnectError,
    LocalProtocolError,
    RemoteProtocolError,
)
from gamenet.game.changed import watch_methods
from gamenet.game.client_link import ServerFactory, ServerLink
from gamenet.game.dialing import TRANSPORT_ORDER, Dialing
from gamenet.game.game import Game
from gamenet.game.joining import Joining
from gamenet.game.match_events import (
    Corrected,
    EntityDespawned,
    EntityLeft,
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
from gamenet.game.match_view import MatchView
from gamenet.game.messages import Message
from gamenet.game.observing import Observers
from gamenet.game.own_ticks import OwnTicks
from gamenet.game.protocol import CONTROL, EVENTS, INPUTS
from gamenet.game.waiting import Waiting, first_entity
from gamenet.prediction import Correction, Input, Scheduled, View
from gamenet.replication import Event, Followed, Watch, Watches
from gamenet.stats import ConnectionStats
from gamenet.transport import AnyImpairment, MemoryNetwork, Throttle
from gamenet.world import Changes, Component, EntityId

__all__ = ["GameClient"]

RTT_HISTORY = 1024
RESYNC_INTERVAL = 1.0  # seconds between two requests to be told everything
HOOKS: dict[type, str] = {
    SnapshotArrived: "on_snapshot",
    EntitySpawned: "on_spawned",
    EntityDespawned: "on_despawned",
    EntityLeft: "on_left",
    EventHappened: "on_event",
    EventCancelled: "on_event_cancelled",
    Corrected: "on_corrected",
    Resynced: "on_resynced",
    WriteWasRefused: "on_write_refused",
    MessageArrived: "on_message",
    PlayerCame: "on_player_entered",
    PlayerWent: "on_player_exited",
}
"""What is called for each event, with its fields."""


class GameClient(MatchView):
    """One player, in a Twisted reactor.

    Subclass it and override what you want to hear of, or assign the methods.

    Args:
        reactor: opens sockets, gives delayed calls and the time.
        game: the game's class; None learns what the server speaks from the server.
        name: as the player wishes to be called.
        connection: settings of the connection; the game's channels replace its own.
        random: source of keys; None takes the operating system's.
        predict: whether the game's predicted functions run here for what is our own.
        delay: seconds that others are shown late; None follows what is measured.

    Example:
        client = GameClient(reactor, Drift, name="ada")
        joined = client.connect("http://127.0.0.1:8080")
        joined.addCallback(lambda client: client.send_input(Steer(x=127)))
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        game: type[Game] | None = None,
        name: str = "",
        *,
        connection: ConnectionConfig | None = None,
        random: Any = None,
        predict: bool = True,
        delay: float | None = None,
    ) -> None:
        self._reactor = reactor
        super().__init__(game, predict=predict, delay=delay, report=self._report)
        self.errors = 0
        """Messages of the server that could not be understood."""
        self._name = name
        self._factory = ServerFactory(self, reactor, connection, random)
        self._link: ServerLink | None = None
        self._joining: Joining[GameClient] | None = None
        self._connecting: Deferred[Any] | None = None
        self._closing: list[Deferred[None]] = []
        self.watches = Watches()
        """Who is called when values change."""
        self.observers = Observers(self._run)
        """Who hears of what happens to entities."""
        watch_methods(self, self.watches)
        if game is not None:
            self.watches.bind(self.match.protocol.components)  # type: ignore[union-attr]
        self.waiting = Waiting(reactor)
        """Who waits for something that the server may bring."""
        self._resynced_at = -math.inf
        self._rtts: deque[float] = deque(maxlen=RTT_HISTORY)
        self._lines = Throttle(self._factory.seconds)
        self._own_ticks = OwnTicks(reactor, self._advance)
        self._is_ticking = False

    # -- to join, to act, to leave ----------------------------------------------

    def connect(
        self,
        address: str,
        *,
        token: ConnectToken | bytes | None = None,
        transports: Sequence[str] = TRANSPORT_ORDER,
        tls_trust: str | Path | None = None,
        memory: MemoryNetwork | None = None,
        impairment: AnyImpairment | None = None,
        secret: str = "",
    ) -> Deferred[GameClient]:
        """Join the game of a server.

        A web address, as "http://127.0.0.1:8080", is asked for a token and for the
        transports that the server listens on; they are tried in turn, now and whenever
        the link is lost. With a token of your own the address may be a connect string,
        as "udp:127.0.0.1:7777"; in memory none is needed.

        Args:
            address: a web address or a connect string, see `parse_connect`.
            token: lets us in, once; asked for at a web address if left out.
            transports: which to try, the best first, where the server offers them.
            tls_trust: PEM file with the certificates to trust, on tls, wss and https.
            memory: the network of "memory:NAME".
            impairment: a bad network to simulate on our side, such as "lte".
            secret: what a server with a key of its own wants of those who ask for
                tokens.

        Returns:
            A Deferred of this client that fires when the match is joined; cancel it to
            give up. It fails with `ConnectError`, which says what to do, or with
            `ConfigError` if the address is malformed.

        Raises:
            LocalProtocolError: this client has connected before; make a new one.
        """
        if self._joining is not None:
            msg = "connect() was called before: make a new GameClient for each match"
            raise LocalProtocolError(msg)
        self._joining = Joining(self, self._reactor, self._give_up)
        dialing = Dialing(token, transports, tls_trust, memory, impairment, secret)
        self._connecting = dialing.dial(
            self._reactor, address, self._name, self.match, self._factory
        )
        self._connecting.addErrback(self._failed)
        return self._joining.deferred

    def send_input(self, item: Input) -> None:
        """Do something, in the tick that `on_tick` is called for, or in the next.

        Raises:
            LocalProtocolError: not joined, or not an input of this game.
        """
        now = self._factory.seconds()
        self.foresight.hold(item, now)
        if not self._is_ticking:
            self._send_inputs(now)
            self._own_ticks.wake_in(self.foresight.lines.patience)

    def at(self, tick: int, function: Callable[..., Any], *args: Any) -> Scheduled:
        """Call a function at the moment when the server makes a tick, as estimated.

        Args:
            tick: which one; `tick_rate` of them are a second.
            function: what is called; what it raises is logged.
            args: what it is called with.

        Returns:
            What `cancel` takes back.

        Raises:
            LocalProtocolError: not joined, or too much waits already.
        """
        scheduled = self.foresight.lines.at(tick, function, *args)
        self.begin_ticks()
        return scheduled

    def at_time(
        self, seconds: float, function: Callable[..., Any], *args: Any
    ) -> Scheduled:
        """Call a function at a moment of the server's time, as estimated.

        Args:
            seconds: since the match began: tick 0.
            function: what is called; what it raises is logged.
            args: what it is called with.

        Raises:
            LocalProtocolError: as in `at`.
        """
        scheduled = self.foresight.lines.at_time(seconds, function, *args)
        self.begin_ticks()
        return scheduled

    def look(self) -> View:
        """Bring the view up to date, and return it: what is to be drawn now."""
        return self.foresight.look(self._factory.seconds())

    def begin_ticks(self) -> None:
        """Have ticks of our own, at the pace of the server's and ahead of them.

        They begin by themselves where `on_tick` is overridden or the game predicts.
        """
        if not self._is_ticking and self._link is not None:
            self._is_ticking = True
            self._own_ticks.wake_in(0.0)

    def send(self, message: Message) -> None:
        """Send a message, on the channel of its class.

        To give a message up, or to see its progress, write a `GameProtocol`.

        Raises:
            LocalProtocolError: not joined, or not a message of this game.
        """
        channel, packet = self.match.message_packet(message)
        if self._link is not None:
            self._link.sendMessage(channel, packet)

    def write(self, entity: EntityId, component: Component) -> None:
        """Write a component of an entity that we own, where its `sync` allows it.

        It shows here at once. If the server does not take it, `on_write_refused` is
        called, and the component shows what is true again.

        Raises:
            StaleEntityError: the entity is gone.
            LocalProtocolError: not joined, it does not have the component, we may not
                write it, or a value does not fit.
        """
        packet = self.match.write_packet(entity, component, now=self._factory.seconds())
        if self._link is not None:
            self._link.sendMessage(CONTROL, packet)

    def spawned(
        self, component: type[Component], timeout: float | None = None
    ) -> Deferred[EntityId]:
        """Wait for an entity with a component.

        Args:
            component: what it has, such as `Ship`.
            timeout: seconds; None waits for as long as it takes.

        Returns:
            A Deferred of the entity, at once if there is one; cancel it to give up. It
            fails with Twisted's `TimeoutError` when time is up, and with `ConnectError`
            when the connection ends.
        """
        return self.waiting.wait(
            lambda: first_entity(self.match.world, component),
            f"an entity with {component.__name__}",
            timeout,
        )

    def watch(self, named: Any, function: Callable[..., Any]) -> Watch:
        """Call a function when a field or a component changes; see `on_changed`.

        Returns:
            What `watches.remove` takes.

        Raises:
            ConfigError: it cannot be watched.
        """
        return self.watches.add(named, function)

    def close(self) -> Deferred[None]:
        """Leave.

        Returns:
            A Deferred that fires when the server was told and the connection is over.
        """
        if self._link is None:
            if self._connecting is not None:
                self._connecting.cancel()
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._closing.append(closed)
        self._link.loseConnection()
        return closed

    # -- what it knows ------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        """Return whether the connection is up."""
        return self._link is not None

    @property
    def rtts(self) -> list[float]:
        """Return the newest round trip at each of the last snapshots, in seconds."""
        return list(self._rtts)

    def stats(self) -> ConnectionStats:
        """Return what the connection measured; all zero until connected."""
        link = self._link
        return ConnectionStats() if link is None else link.connection.stats()

    # -- override me ----------------------------------------------------------------

    def on_tick(self, tick: int) -> None:
        """Override me: a tick of our own begins; say with `send_input` what we do."""

    def on_corrected(self, correction: Correction) -> None:
        """Override me: our own entities are not where we had predicted them to be."""

    def on_event_cancelled(self, event: Event, tick: int) -> None:
        """Override me: an event that was predicted has not happened after all."""

    def on_resynced(self, tick: int) -> None:
        """Override me: our own time was set anew, after somebody was held up."""

    def on_snapshot(self, tick: int) -> None:
        """Override me: the world shows a newer tick."""

    def on_spawned(self, entity: EntityId) -> None:
        """Override me: an entity is new, or has come into view."""

    def on_despawned(self, entity: EntityId) -> None:
        """Override me: an entity is gone."""

    def on_left(self, entity: EntityId) -> None:
        """Override me: an entity has left our view, and may come back."""

    def on_write_refused(
        self, entity: EntityId, component: type[Component], refusal: int
    ) -> None:
        """Override me: the server did not take what we wrote; see `Refusal`."""

    def on_event(self, event: Event, tick: int) -> None:
        """Override me: something happened in a tick that the world has reached."""

    def on_player_entered(self, player_id: int, name: str) -> None:
        """Override me: a player is here; called for those who were here before, too."""

    def on_player_exited(self, player_id: int, name: str) -> None:
        """Override me: a player has left."""

    def on_message(self, message: Message) -> None:
        """Override me: the game said something."""

    def on_dropped(self, reason: CloseReason) -> None:
        """Override me: the link is lost; we try to come back by ourselves."""

    def on_resumed(self) -> None:
        """Override me: we are back; nothing reliable was lost."""

    def on_closed(self, reason: CloseReason, detail: str) -> None:
        """Override me: the connection has ended; called once, only after joining."""

    # -- what the link tells ------------------------------------------------------

    def link_made(self, link: ServerLink) -> None:
        """Take the link whose handshake succeeded, and wait for the welcome."""
        self._link = link
        timeout = self._factory.config.handshake_timeout
        if self._joining is not None:
            self._joining.await_welcome(timeout, link)

    def hear(self, channel: int, payload: bytes) -> None:
        """Take what the server sent; what is malformed is counted, never raised."""
        before = self.match.told
        now = self._factory.seconds()
        rtt = 0.0 if self._link is None else self._link.connection.rtt_latest
        try:
            self.match.receive(channel, payload, now=now, rtt=rtt)
        except RemoteProtocolError as error:
            self.errors += 1
            if channel in (CONTROL, EVENTS) and self._link is not None:
                self._link.loseConnection(CloseReason.MALFORMED, str(error)[:200])
        self._ask_again()
        self._tell_of_network(now)
        self._dispatch_all()
        for followed in self.match.take_followed():
            self._tell_outside(followed)
        if self.match.told != before:
            self.observers.tell("ticked", self.match.told)
        if self.waiting:
            self.waiting.check()

    def _dispatch_all(self) -> None:
        while self.match.events:
            self._dispatch(self.match.events.popleft())

    def _advance(self) -> float | None:
        """Do what is due; return the seconds until something is due again."""
        now, foresight = self._factory.seconds(), self.foresight
        lines = foresight.lines
        if not self._is_ticking:
            if lines.inputs.n_unacked:
                self._send_inputs(now)
            return lines.patience if lines.inputs.n_unacked else None
        n_ticks = 0
        for tick in foresight.ticks(now):
            n_ticks += 1
            self._call("on_tick", tick)
        if n_ticks:
            self._send_inputs(now)
        for call in lines.due(now):
            self._run("what was scheduled", call)
        self.match.tell_foreseen()
        self._dispatch_all()
        return lines.lead.next_at(self._factory.seconds())

    def _send_inputs(self, now: float) -> None:
        if self._link is not None:
            self._link.sendMessage(INPUTS, self.foresight.lines.packet(now))

    def _report(self, hook: str) -> None:
        """Log what a prediction has raised, while it is handled."""
        more = self._lines.more()
        if more is not None:
            text = "{hook} raised an exception in a prediction{more}"
            self.log.failure(text, hook=hook, more=more)

    def _ask_again(self) -> None:
        """Ask to be told everything, if a base was missing; once a second at most."""
        now = self._factory.seconds()
        if self._link is not None and now - self._resynced_at >= RESYNC_INTERVAL:
            packet = self.match.resync_packet()
            if packet is not None:
                self._resynced_at = now
                self._link.sendMessage(CONTROL, packet)

    def _tell_of_network(self, now: float) -> None:
        """Send what our entities say of the network."""
        for packet in self.match.network_packets(now):
            if self._link is not None:
                self._link.sendMessage(CONTROL, packet)

    def _tell_outside(self, followed: Followed) -> None:
        """Tell observers and watches what a snapshot has made of the world."""
        world, match = self.world, self.match
        if self.observers:
            changes = Changes(
                followed.spawned,
                followed.left + followed.despawned,
                followed.reshaped,
                followed.reowned,
            )
            self.observers.tell_changes(world, changes, set(followed.left))
        if self.watches or self.observers.wants("component_changed"):
            changed = match.changed(followed)
            self.watches.dispatch(world, changed, self._run)
            self.observers.tell_values(changed)

    def link_dropped(self, reason: CloseReason) -> None:
        """Tell that the link is lost for now."""
        if self.match.world is not None:
            self._call("on_dropped", reason)

    def link_resumed(self) -> None:
        """Tell that the link is back."""
        if self.match.world is not None:
            self._call("on_resumed")

    def link_lost(self, reason: CloseReason, detail: str) -> None:
        """Let go of the link."""
        self._link = None
        self._is_ticking = False
        self._own_ticks.stop()
        has_joined = self._joining is None or not self._joining.end(reason, detail)
        if has_joined and self.match.world is not None:
            self._call("on_closed", reason, detail)
        msg = f"the connection has ended: {reason.advice}"
        self.waiting.end(ConnectError(msg, reason, detail))
        closing, self._closing = self._closing, []
        for closed in closing:
            closed.callback(None)

    def _dispatch(self, event: MatchEvent) -> None:
        if isinstance(event, Joined):
            self._joined()
            return
        if isinstance(event, SnapshotArrived) and self._link is not None:
            self._rtts.append(self._link.connection.rtt_latest)
        hook = HOOKS.get(type(event))
        if hook is not None:
            self._call(hook, *(getattr(event, name) for name in event.__slots__))

    def _call(self, hook: str, *arguments: Any) -> None:
        """Call what an author has overridden."""
        self._run(hook, getattr(self, hook), *arguments)

    def _run(self, name: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function of an author's; its exception is only logged."""
        try:
            function(*arguments)
        except Exception:  # noqa: BLE001 - an author's code raises anything
            more = self._lines.more()
            if more is not None:
                text = "{hook} raised an exception{more}"
                self.log.failure(text, hook=name, more=more)

    # -- joining --------------------------------------------------------------------

    def _joined(self) -> None:
        if self.match.world is not None and self.match.protocol is not None:
            self.watches.bind(self.match.protocol.components)
            self.observers.follow(self.match.world)
        has_hook = getattr(self.on_tick, "__func__", None) is not GameClient.on_tick
        if has_hook or self.foresight.predicting is not None:
            self.begin_ticks()
        if self._joining is not None:
            self._joining.succeed()

    def _failed(self, failure: Failure) -> None:
        if self._joining is not None:
            self._joining.fail(failure, self.match.protocol)

    def _give_up(self) -> None:
        if self._link is not None:
            self._link.loseConnection()
        elif self._connecting is not None:
            self._connecting.cancel()
