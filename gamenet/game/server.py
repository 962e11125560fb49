# SPDX-License-Identifier: MIT
"""Run a game with authority: players in, ticks on, snapshots out.

A tick goes one way: the inputs of every player, the game's step, the state that comes
of it, what each player is told of it, one flush. What a player sends waits for the tick
and is bounded.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from gamenet.connection import ConnectionConfig
from gamenet.errors import (
    CloseReason,
    ConnectError,
)
from gamenet.game.changed import watch_methods
from gamenet.game.checking import check_numbers, with_players, with_rides
from gamenet.game.game import Game
from gamenet.game.hearing import Hearing
from gamenet.game.hooks import Hooks
from gamenet.game.inspection import Inspection
from gamenet.game.links import PlayerFactory, PlayerLink
from gamenet.game.messages import (
    Description,
    Message,
    PlayerEntered,
    PlayerExited,
    Welcome,
)
from gamenet.game.observing import Observers
from gamenet.game.player import Player, player_name
from gamenet.game.protocol import (
    CONTROL,
    UNKNOWN_HASH,
    Protocol,
    game_config,
)
from gamenet.game.replicating import RULES, Replication
from gamenet.game.settling import Settling
from gamenet.game.stages import StageTimes
from gamenet.game.ticker import Ticker
from gamenet.game.waiting import Waiting
from gamenet.replication import (
    Event,
    Watches,
    Writes,
)
from gamenet.stats import percentile
from gamenet.transport import Limits, Throttle, monotonic_seconds, printable
from gamenet.world import Changes, World

__all__ = ["GameServer"]

TICK_HISTORY = 300
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
        check_numbers(self.game)
        self.protocol = Protocol.of(type(self.game))
        self._reactor = reactor
        self.world = World(self.game.components, self.game.max_entities)
        self.players: dict[int, Player] = {}
        self.config = with_rides(
            game_config(connection, self.protocol), self.game.tick_rate
        )
        self.factory = PlayerFactory(
            self,
            reactor,
            self.config,
            with_players(limits, self.game),
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
        self._seconds = monotonic_seconds(reactor)
        self._lines = Throttle(self._seconds)
        self.hooks = Hooks(self.game, self._seconds, self.log)
        """What calls the game."""
        self._draining: list[Deferred[None]] = []
        self.is_stopped = False
        """Whether the match is over: nobody may join any more."""
        self.game.bind(self.world, np.random.default_rng(seed))
        self.game.players = self.players
        self.game.attach(self)
        self._compose()
        # What is written between two ticks is told with the later one.
        self.world.tick = 1
        self.hooks.call("prepare", None)
        self.hooks.call("started", None)

    def _compose(self) -> None:
        """Make what tells the players, and what hears them."""
        self.replication = Replication(
            self.game,
            self.world,
            self.protocol,
            self.config.packet_size - PACKET_OVERHEAD,
            self.stages,
            self.hooks.report,
        )
        """What tells players the world."""
        self.settling = Settling(self.game, self.world, self.replication.sender.mirror)
        """What lets clients predict it, and remembers it."""
        self.inspection = Inspection(self.replication, self.world, self.protocol)
        """What watches how they are told, when somebody wants to know."""
        self.writes = Writes(self.world, self.protocol.components)
        """What takes what players write to what they own."""
        self.hearing = Hearing(
            self.game,
            self.protocol,
            self.players,
            self.replication,
            self.writes,
            self.hooks,
            self.server_time,
        )
        """What takes all that players send."""
        self.watches = Watches(self.protocol.components)
        """Who is called when values change."""
        self.observers = Observers(self.hooks.run, self.world)
        """Who hears of what happens to entities."""
        watch_methods(self.game, self.watches)

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
            self.hooks.call("stopped", None)
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
        for due in game.schedule.due(game.tick):
            self.hooks.run("a scheduled call", due)
        self.writes.pass_time(dt)
        for player in list(self.players.values()):
            player.pass_time(dt)
            for item in self.hearing.take_inputs(player):
                self.hooks.call("input_received", player, item)
        self.stages.mark("inputs")
        self.hooks.call("step", None, dt)
        self.hooks.call("pull_tracked", None)
        self.hearing.refuse_overruled()
        insisted = self.settling.settle()
        self.stages.mark("step")
        self._replicate(insisted)
        self.factory.flush()
        self.stages.mark("send")
        self._tick_times.append(self.stages.end())
        if self.observers.wants("stage"):
            for name, seconds in self.stages.newest().items():
                self.observers.tell("stage", name, seconds)

    def server_time(self) -> float:
        """Return the server's time in ticks: the tick's number, and how much of it."""
        return self.game.tick + self.ticker.fraction()

    def _replicate(self, insisted: NDArray[np.intp]) -> None:
        tick, replication = self.game.tick, self.replication
        changes = replication.begin(tick, insisted)
        self.settling.record(tick)
        # What is written from now on is told with the next tick.
        self.world.tick = tick + 1
        self._tell_author(changes)
        for player in list(self.players.values()):
            player.send_posted()
            if not player.is_dropped:
                self.hearing.answer(player)
                # The game's rules are asked: what they raise is that player's loss.
                self.hooks.run(RULES, replication.tell, player, tick, player=player)
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
            watches.dispatch(self.world, changed, self.hooks.run)
            observers.tell_values(changed)
        observers.tell("ticked", self.game.tick)

    def emit(
        self, event: Event, *, to: Any, seen: int | None, origin: int | None
    ) -> None:
        """Tell players of an event with the coming tick; `Game.emit` calls it."""
        # Between two ticks it belongs to the later one, as what is written then.
        tick = self.world.tick
        self.replication.emit(event, tick, to=to, seen=seen, origin=origin)

    def broadcast(self, message: Message) -> None:
        """Send a message to every player.

        Raises:
            LocalProtocolError: the message is not one of the game's, or too large.
        """
        payload = self.protocol.registry.encode(message)
        channel = self.protocol.channel_of(message)
        for player in self.players.values():
            player.post(payload, channel)

    # -- players come and go; their links call these ------------------------------

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
        self.hooks.call("player_joined", player)
        return player

    def drop(self, player: Player, reason: CloseReason) -> None:
        """Wait for a player whose link is lost."""
        player.is_dropped = True
        # Of a link that fell silent, the absence began before it was noticed.
        silence = self.config.timeout if reason is CloseReason.TIMED_OUT else 0.0
        player.away_since = self._seconds() - silence
        self._note(player, "is away: {reason}", reason=reason.name)
        self.hooks.call("player_dropped", player)

    def resume(self, player: Player) -> None:
        """Go on with a player whose link was lost."""
        player.is_dropped = False
        # Real time and no more: else who comes and goes could say what they like.
        absence = self._seconds() - player.away_since
        player.messages.grant_absence(absence)
        player.writes.grant_absence(absence)
        self.replication.restart(player)
        self._note(player, "is back over {transport} from {address}")
        self.hooks.call("player_resumed", player)

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
        self.hooks.call("player_left", player, reason)
        self.game.teams.leave(player.id)
        self._settle_draining()

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
            "hook_errors": self.hooks.n_errors,
            **self.hearing.stats(),
            **self.settling.stats(),
        }
