# SPDX-License-Identifier: MIT
"""Run a game with authority: players in, ticks on, snapshots out.

A tick goes one way: the inputs of every player, the game's step, who came and went,
the snapshot, one flush. What a player sends waits for the tick and is bounded.
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
from gamenet.errors import CloseReason, ConfigError, RemoteProtocolError
from gamenet.game.game import Game
from gamenet.game.links import PlayerFactory, PlayerLink
from gamenet.game.messages import (
    MAX_CAPACITY,
    Description,
    Message,
    PlayerEntered,
    PlayerExited,
    Welcome,
)
from gamenet.game.player import Player, player_name
from gamenet.game.protocol import (
    CONTROL,
    INPUTS,
    SNAPSHOTS,
    UNKNOWN_HASH,
    Protocol,
    game_config,
)
from gamenet.game.ticker import Ticker
from gamenet.replication import Sender
from gamenet.stats import percentile
from gamenet.transport import Limits, Throttle, monotonic_seconds, printable
from gamenet.world import World

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
        self.world = World(self.game.components, self.game.max_entities)
        self.players: dict[int, Player] = {}
        self.config = game_config(connection, self.protocol)
        self._sender = Sender(
            self.world, part_size=self.config.packet_size - PACKET_OVERHEAD
        )
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
        self._stopwatch = stopwatch
        self._newcomers: list[Player] = []
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
        begin = self._stopwatch()
        game = self.game
        game.tick += 1
        self.world.tick = game.tick
        dt = 1.0 / game.tick_rate
        for player in list(self.players.values()):
            player.pass_time(dt)
            for item in player.inputs.take():
                self._call("input_received", player, item)
        self._call("step", None, dt)
        self._replicate()
        self.factory.flush()
        self._tick_times.append(self._stopwatch() - begin)

    def _replicate(self) -> None:
        tick = self.game.tick
        encode = self.protocol.registry.encode
        changes = [encode(message) for message in self._sender.changes(tick)]
        newcomers, self._newcomers = self._newcomers, []
        everything = []
        if newcomers:
            everything = [encode(m) for m in self._sender.everything(tick)]
        parts = self._sender.snapshot(tick)
        for player in self.players.values():
            for payload in everything if player in newcomers else changes:
                player.send_bytes(CONTROL, payload)
            player.send_posted()
            for part in parts:
                player.send_bytes(SNAPSHOTS, part)

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
        player = Player(self._n_players, name, self.protocol, link)
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
        self._newcomers.append(player)
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
        player.messages.grant_absence(self._seconds() - player.away_since)
        self._note(player, "is back over {transport} from {address}")
        self._call("player_resumed", player)

    def leave(self, player: Player, reason: CloseReason, detail: str) -> None:
        """Let a player go whose link has ended."""
        player.is_connected = False
        del self.players[player.id]
        if player in self._newcomers:
            self._newcomers.remove(player)
        for other in self.players.values():
            self._tell(other, PlayerExited(player.id, reason))
        said = printable(detail)
        self._note(player, "left: {reason} {detail}", reason=reason.name, detail=said)
        self._call("player_left", player, reason)
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
        if channel == SNAPSHOTS:
            msg = f"a message on channel {channel}, where only the server speaks"
            raise RemoteProtocolError(msg)
        if not player.messages.take():
            self._counts["rate_limited"] += 1
            detail = "more messages than a player may send"
            player.disconnect(CloseReason.RATE_LIMITED, detail)
            return
        message = self.protocol.registry.decode(payload)
        if (
            not isinstance(message, Message)
            or self.protocol.channel_of(message) != channel
        ):
            msg = f"{type(message).__name__} is no message for channel {channel}"
            raise RemoteProtocolError(msg)
        self._call("message_received", player, message)

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
        try:
            getattr(self.game, hook)(*who, *arguments)
        except Exception:  # noqa: BLE001 - the game's errors must not stop the server
            self._counts["hook_errors"] += 1
            self._report(hook, player)

    def _report(self, hook: str, player: Player | None) -> None:
        """Log a hook's exception, unless the same hook was reported just now."""
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
        pools = self._sender.pools
        lent = sum(pool.n_made + pool.n_reused for pool in pools)
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
            "rows_left_out": self._sender.n_rows_left_out,
            "hook_errors": self._counts["hook_errors"],
            "malformed": self._counts["malformed"],
            "rate_limited": self._counts["rate_limited"],
            "inputs_missing": sum(p.inputs.n_missing for p in self.players.values()),
            "inputs_overflowed": sum(
                p.inputs.n_overflowed for p in self.players.values()
            ),
            "buffer_reuse": sum(p.n_reused for p in pools) / lent if lent else 0.0,
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
