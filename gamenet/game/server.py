# SPDX-License-Identifier: MIT
"""Run a game with authority: players in, ticks on, snapshots out.

A tick goes one way: the inputs of every player, the game's step, the state that comes
of it, what each player is told of it, one flush. What a player sends waits for the tick
and is bounded.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gamenet.connection import ConnectionConfig
from gamenet.errors import (
    CloseReason,
    ConfigError,
    ConnectError,
    RemoteProtocolError,
)
from gamenet.game.changed import watch_methods
from gamenet.game.game import Game
from gamenet.game.inspection import Inspection
from gamenet.game.links import PlayerFactory, PlayerLink
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
from gamenet.game.observing import Observers
from gamenet.game.player import Player, player_name
from gamenet.game.protocol import (
    CONTROL,
    EVENTS,
    INPUTS,
    SNAPSHOTS,
    UNKNOWN_HASH,
    Protocol,
    game_config,
)
from gamenet.game.replicating import RULES, Replication
from gamenet.game.stages import StageTimes
from gamenet.game.ticker import Ticker
from gamenet.game.waiting import Waiting
from gamenet.replication import (
    Event,
    NetworkConnection,
    Refusal,
    Watches,
    Writes,
    apply_dirty,
    fill_connections,
    fill_identity,
)
from gamenet.stats import percentile
from gamenet.transport import Limits, Throttle, monotonic_seconds, printable
from gamenet.world import Changes, World

__all__ = ["GameServer"]

TICK_HISTORY = 300
MAX_TICK_RATE = 1000
LOG_INTERVAL = 1.0  # seconds between two reports of the same hook's errors
PACKET_OVERHEAD = 64  # what a packet holds beside a message


class GameServer:
    """One match of a game, and the players in it.

    Give `factory` to `gamenet.transport.listen`, once for each transport.

    Args:
        game: the game, as an instance or a class to make one of.
        reactor: gives delayed calls and the time.
        connection: settings of every connection; the game's channels replace its own.
        limits: what a peer may cost us; the number of players is the game's.
        seed: of the game's chance.
        random: source of keys; None takes the operating system's.
        key: 32 bytes shared with whoever issues tokens; a random one if left out.
        protocol_id: which game this is, as tokens name it.
        public_host: numeric host that tokens name where we listen on every interface.
        stopwatch: measures how long ticks take, in seconds.
    """

    log = Logger()

    def __init__(  # noqa: PLR0913 - each of them is a choice of its own
        self,
        game: Game | type[Game],
        reactor: Any,
        *,
        connection: ConnectionConfig | None = None,
        limits: Limits | None = None,
        seed: int | None = None,
        random: Any = None,
        key: bytes | None = None,
        protocol_id: int = 1,
        public_host: str = "",
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.game = game() if isinstance(game, type) else game
        _check_numbers(self.game)
        self.protocol = Protocol.of(type(self.game))
        self._reactor = reactor
        self.world = World(self.game.components, self.game.max_entities)
        self.players: dict[int, Player] = {}
        self.config = game_config(connection, self.protocol)
        self.factory = PlayerFactory(
            self,
            reactor,
            self.config,
            _with_players(limits, self.game),
            random,
            key=key,
            protocolId=protocol_id,
            publicHost=public_host,
        )
        self.ticker = Ticker(reactor, self.game.tick_rate, self.tick)
        self.stages = StageTimes(stopwatch=stopwatch)
        """How long the stages of the last ticks took."""
        self._n_players = 0
        self._tick_times: deque[float] = deque(maxlen=TICK_HISTORY)
        self._counts: Counter[str] = Counter()
        self._seconds = monotonic_seconds(reactor)
        self._reported: dict[str, float] = {}
        self._lines = Throttle(self._seconds)
        self._draining: list[Deferred[None]] = []
        self.is_stopped = False
        """Whether the match is over: nobody may join any more."""
        self.game.bind(self.world, np.random.default_rng(seed))
        self.game.players = self.players
        self.game.attach(self)
        self.replication = Replication(
            self.game,
            self.world,
            self.protocol,
            self.config.packet_size - PACKET_OVERHEAD,
            self.stages,
            self._report,
        )
        """What tells players the world."""
        self.inspection = Inspection(self.replication, self.world, self.protocol)
        """What watches how they are told, when somebody wants to know."""
        self.writes = Writes(self.world, self.protocol.components)
        """What takes what players write to what they own."""
        self.watches = Watches(self.protocol.components)
        """Who is called when values change."""
        self.observers = Observers(self._run, self.world)
        """Who hears of what happens to entities."""
        watch_methods(self.game, self.watches)
        # What is written between two ticks is told with the later one.
        self.world.tick = 1
        self._call("started", None)

    # -- running --------------------------------------------------------------

    def start(self) -> None:
        """Begin to tick."""
        self.ticker.start()

    def stop(self, reason: CloseReason = CloseReason.SERVER_SHUTDOWN) -> Deferred[None]:
        """Stop ticking, let nobody join any more, and tell every player why.

        Returns:
            A Deferred that fires when the last player is gone.
        """
        if not self.is_stopped:
            self.is_stopped = True
            self.ticker.stop()
            for player in self.players.values():
                player.send_posted()
            self.factory.closeAll(reason, "")
            self._call("stopped", None)
        drained: Deferred[None] = Deferred()
        self._draining.append(drained)
        self._settle_draining()
        return drained

    def _settle_draining(self) -> None:
        if self.is_stopped and not self.players:
            draining, self._draining = self._draining, []
            for drained in draining:
                drained.callback(None)

    def tick(self) -> None:
        """Make one tick; the ticker calls it."""
        self.stages.begin()
        game = self.game
        game.tick += 1
        dt = 1.0 / game.tick_rate
        self.writes.pass_time(dt)
        for player in list(self.players.values()):
            player.pass_time(dt)
            for item in player.inputs.take():
                self._call("input_received", player, item)
        self.stages.mark("inputs")
        self._call("step", None, dt)
        self._call("pull_tracked", None)
        self._refuse_overruled()
        self._fill_network()
        self.stages.mark("step")
        self._replicate()
        self.factory.flush()
        self.stages.mark("send")
        self._tick_times.append(self.stages.end())
        if self.observers.wants("stage"):
            for name, seconds in self.stages.newest().items():
                self.observers.tell("stage", name, seconds)

    def _fill_network(self) -> None:
        """Say in the components that tell of the network what is so."""
        world, game = self.world, self.game
        fill_identity(world)
        lists_connections = NetworkConnection in world.components
        if lists_connections and game.tick % max(1, round(game.tick_rate)) == 0:
            players = self.players.values()
            fill_connections(world, {each.id: each.stats() for each in players})
        apply_dirty(world)

    def _replicate(self) -> None:
        tick, replication = self.game.tick, self.replication
        changes = replication.begin(tick)
        # What is written from now on is told with the next tick.
        self.world.tick = tick + 1
        self._tell_author(changes)
        for player in list(self.players.values()):
            player.send_posted()
            if not player.is_dropped:
                # The game's rules are asked: what they raise is that player's loss.
                self._run(RULES, replication.tell, player, tick, player=player)
        replication.end()
        for player in list(self.players.values()):
            player.waiting.check()

    def _tell_author(self, changes: Changes) -> None:
        """Tell observers and watches what the tick has changed."""
        observers, watches = self.observers, self.watches
        if observers:
            observers.tell_changes(self.world, changes)
        wanted = watches.components
        if observers.wants("component_changed"):
            wanted = self.protocol.components
        if wanted:
            changed = self.replication.changed(wanted, changes.spawned)
            watches.dispatch(self.world, changed, self._run)
            observers.tell_values(changed)
        observers.tell("ticked", self.game.tick)

    def emit(self, event: Event, *, to: Any, seen: int | None) -> None:
        """Tell players of an event with the coming tick; `Game.emit` calls it."""
        # Between two ticks it belongs to the later one, as what is written then.
        self.replication.emit(event, self.world.tick, to=to, seen=seen)

    def broadcast(self, message: Message) -> None:
        """Send a message to every player.

        Raises:
            LocalProtocolError: the message is not one of the game's, or too large.
        """
        payload = self.protocol.registry.encode(message)
        channel = self.protocol.channel_of(message)
        for player in self.players.values():
            player.post(payload, channel)

    # -- players come, speak and go; their links call these ---------------------

    def join(self, link: PlayerLink) -> Player:
        """Take in the player at the other end of a link."""
        self._n_players += 1
        name = player_name(link.userData, self._n_players)
        player = Player(self, self._n_players, name, link)
        if link.peerProtocolHash == UNKNOWN_HASH:
            self._tell(player, Description(self.protocol.description()))
        self._tell(
            player,
            Welcome(
                player_id=player.id,
                tick=self.game.tick,
                tick_rate=self.game.tick_rate,
                capacity=self.world.capacity,
            ),
        )
        self.players[player.id] = player
        player.waiting = Waiting(self._reactor)
        self.replication.admit(player)
        for other in self.players.values():
            self._tell(player, PlayerEntered(other.id, other.name))
            if other is not player:
                self._tell(other, PlayerEntered(player.id, player.name))
        self._note(player, "joined over {transport} from {address}")
        self._call("player_joined", player)
        return player

    def drop(self, player: Player, reason: CloseReason) -> None:
        """Wait for a player whose link is lost."""
        player.is_dropped = True
        # Of a link that fell silent, the absence began before it was noticed.
        silence = self.config.timeout if reason is CloseReason.TIMED_OUT else 0.0
        player.away_since = self._seconds() - silence
        self._note(player, "is away: {reason}", reason=reason.name)
        self._call("player_dropped", player)

    def resume(self, player: Player) -> None:
        """Go on with a player whose link was lost."""
        player.is_dropped = False
        # Real time and no more: else who comes and goes could say what they like.
        absence = self._seconds() - player.away_since
        player.messages.grant_absence(absence)
        player.writes.grant_absence(absence)
        self.replication.restart(player)
        self._note(player, "is back over {transport} from {address}")
        self._call("player_resumed", player)

    def leave(self, player: Player, reason: CloseReason, detail: str) -> None:
        """Let a player go whose link has ended."""
        player.is_connected = False
        del self.players[player.id]
        self.writes.forget(player.id)
        player.waiting.end(
            ConnectError(f"{player!r} has left: {reason.advice}", reason, detail)
        )
        for other in self.players.values():
            self._tell(other, PlayerExited(player.id, reason))
        said = printable(detail)
        self._note(player, "left: {reason} {detail}", reason=reason.name, detail=said)
        self._call("player_left", player, reason)
        self.game.teams.leave(player.id)
        self._settle_draining()

    def hear(self, player: Player, channel: int, payload: bytes) -> None:
        """Take what a player sent; what is malformed is counted, never raised."""
        if player.is_leaving:
            return
        try:
            if channel == INPUTS:
                self._hear_inputs(player, payload)
            else:
                self._hear_message(player, channel, payload)
        except RemoteProtocolError as error:
            self._counts["malformed"] += 1
            if not player.mistakes.take():
                player.disconnect(CloseReason.MALFORMED, str(error)[:200])

    def _hear_inputs(self, player: Player, payload: bytes) -> None:
        # The next packet repeats what this one says: leaving it out costs little.
        if player.input_packets.take():
            player.inputs.receive(payload)
        else:
            self._counts["rate_limited"] += 1

    def _hear_message(self, player: Player, channel: int, payload: bytes) -> None:
        if channel in (SNAPSHOTS, EVENTS):
            msg = f"a message on channel {channel}, where only the server speaks"
            raise RemoteProtocolError(msg)
        message = self.protocol.registry.decode(payload)
        is_control = channel == CONTROL
        write = message if is_control and isinstance(message, Written) else None
        if not (player.messages if write is None else player.writes).take():
            self._counts["rate_limited"] += 1
            detail = "more messages than a player may send"
            player.disconnect(CloseReason.RATE_LIMITED, detail)
        elif write is not None:
            self._take_write(player, write)
        elif is_control and isinstance(message, Resync):
            self._resync(player)
        elif (
            isinstance(message, Message)
            and self.protocol.channel_of(message) == channel
        ):
            self._call("message_received", player, message)
        else:
            msg = f"{type(message).__name__} is no message for channel {channel}"
            raise RemoteProtocolError(msg)

    def _resync(self, player: Player) -> None:
        """Tell a player everything again, unless they ask for it too often."""
        if player.resyncs.take():
            self.replication.n_resyncs += 1
            self.replication.restart(player)
        else:
            self._counts["rate_limited"] += 1

    def _take_write(self, player: Player, write: Written) -> None:
        """Take what a player wrote to a component, or tell them why not."""
        row, generation, component = write.row, write.generation, write.component
        refusal = self.writes.take(
            player.id, row, generation, component, write.tick, write.body
        )
        # No client of ours would write a component that there is not.
        if refusal is not None and component < len(self.protocol.components):
            self._refuse(player, row, generation, component, refusal)

    def _refuse(
        self,
        player: Player,
        row: int,
        generation: int,
        component: int,
        refusal: Refusal,
    ) -> None:
        """Tell a player, and the game, that a write was not taken."""
        refused = WriteRefused(row, generation, component, refusal)
        player.refuse((row, component), self.protocol.registry.encode(refused))
        known = self.protocol.components[component]
        self._call("write_refused", player, row, known, refusal)

    def _refuse_overruled(self) -> None:
        """Tell players of writes that the game has undone since they were applied."""
        for player_id, row, generation, component in self.writes.overruled():
            player = self.players.get(player_id)
            if player is not None:
                refusal = Refusal.OVERRULED
                self._refuse(player, row, generation, component, refusal)

    def _note(self, player: Player, what: str, **details: str) -> None:
        """Log what became of a player, if there is not too much of it."""
        more = self._lines.more()
        if more is not None:
            text = "{player} " + what + "{more}"
            self.log.info(
                text,
                player=player,
                transport=player.transport,
                address=player.address,
                more=more,
                **details,
            )

    def _tell(self, player: Player, message: Any) -> None:
        player.send_bytes(CONTROL, self.protocol.registry.encode(message))

    def _call(self, hook: str, player: Player | None, *arguments: Any) -> None:
        """Call a hook of the game; its exception is logged and counted."""
        who = () if player is None else (player,)
        self._run(hook, getattr(self.game, hook), *who, *arguments, player=player)

    def _run(
        self,
        name: str,
        function: Callable[..., Any],
        *arguments: Any,
        player: Player | None = None,
    ) -> None:
        """Call a function of an author's; its exception is logged and counted."""
        try:
            function(*arguments)
        except Exception:  # noqa: BLE001 - an author's errors must not stop the server
            self._report(name, player)

    def _report(self, hook: str, player: Player | None) -> None:
        """Count a hook's exception; log it, unless the same hook raised just now."""
        self._counts["hook_errors"] += 1
        now = self._seconds()
        if now - self._reported.get(hook, -LOG_INTERVAL) < LOG_INTERVAL:
            return
        self._reported[hook] = now
        self.log.failure(
            "{hook} raised for {player}; {n} errors in hooks so far",
            hook=hook,
            player=player,
            n=self._counts["hook_errors"],
        )

    # -- what it knows ----------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """Return what is going on, ready for JSON."""
        return {
            "game": self.protocol.name,
            "protocol_hash": self.protocol.hash.hex(),
            "tick": self.game.tick,
            "tick_rate": self.game.tick_rate,
            "tick_ms_p50": percentile(self._tick_times, 0.5) * 1000,
            "tick_ms_p99": percentile(self._tick_times, 0.99) * 1000,
            "ticks_late": self.ticker.n_late,
            "ticks_skipped": self.ticker.n_skipped,
            "players": len(self.players),
            "players_dropped": sum(p.is_dropped for p in self.players.values()),
            "max_players": self.game.max_players,
            "entities": len(self.world),
            **self.replication.stats(),
            "writes": self.writes.n_applied,
            "writes_refused": {
                refusal.name.lower(): count
                for refusal, count in sorted(self.writes.refused.items())
            },
            "hook_errors": self._counts["hook_errors"],
            "malformed": self._counts["malformed"],
            "rate_limited": self._counts["rate_limited"],
            "inputs_missing": sum(p.inputs.n_missing for p in self.players.values()),
            "inputs_overflowed": sum(
                p.inputs.n_overflowed for p in self.players.values()
            ),
        }


def _check_numbers(game: Game) -> None:
    bounds = (
        ("tick_rate", game.tick_rate, 0.1, MAX_TICK_RATE),
        ("max_players", game.max_players, 1, 65535),
        ("max_entities", game.max_entities, 1, MAX_CAPACITY),
    )
    for name, value, low, high in bounds:
        if not low <= value <= high:
            msg = f"{game.game_name()}.{name} = {value}: allowed are {low} to {high}"
            raise ConfigError(msg)


def _with_players(limits: Limits | None, game: Game) -> Limits:
    return replace(limits or Limits(), max_connections=game.max_players)
