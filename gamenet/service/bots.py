# SPDX-License-Identifier: MIT
"""Players with random inputs: inside a server for company, outside of it as a load.

All bots of a squad share one timer. They need know nothing of the game but what the
server describes, so they play any game.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    DeferredSemaphore,
    succeed,
)
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from gamenet.errors import CloseReason, ConnectError, GamenetError
from gamenet.game import Game, GameClient
from gamenet.service.hand import Hand
from gamenet.service.report import Report
from gamenet.stats import ConnectionStats, percentile
from gamenet.transport import monotonic_seconds

__all__ = ["Bot", "Invite", "Join", "Squad", "known"]

Join = Callable[[GameClient], Deferred[GameClient]]
"""Connect a client: says where to, and with which token."""
Invite = Callable[[str], Deferred[Join]]
"""Find out how a player of a name joins: asks the server for a token."""

_AT_ONCE = 16
"""Bots that join at the same time: more would measure the queue, not the handshake."""
_SAMPLE_EVERY = 0.25
"""Seconds between two looks at what the connection of every bot has counted."""
_LONGEST_TURN = 0.1
"""Seconds between inputs in a game that ticks slower than that."""
_PHASES = 8
"""Shares of a turn in which bots act, for players do not press keys in step."""
_LONGEST_PAUSE = 0.02
_LONGEST_MUSTER = 2.0
"""Seconds between two joins, and those in which all begin to join: what one costs this
process should not count as the time that another one needs to connect."""
_NOT_REFUSALS = (
    CloseReason.UNREACHABLE,
    CloseReason.HANDSHAKE_TIMED_OUT,
    CloseReason.TIMED_OUT,
    CloseReason.LINK_LOST,
    CloseReason.MALFORMED,
)
"""Reasons for which a connection fails although nobody refused it."""


class Bot:
    """One player with random inputs.

    Args:
        client: not connected yet.
        random: where the inputs come from.
        number: which of its squad it is, from 1 on.
    """

    def __init__(self, client: GameClient, random: Random, number: int) -> None:
        self.client = client
        self.number = number
        self.began_at = 0.0
        """When it set out to join, the token in its hand."""
        self.joined_at: float | None = None
        self.ended_at: float | None = None
        self.rtts: list[float] = []
        """Round trips as they were measured, of its last snapshots, in seconds."""
        self.stats = ConnectionStats()
        """What the connection measured by the time of the last look."""
        self._random = random
        self._hand = Hand((), random)

    @property
    def is_playing(self) -> bool:
        """Return whether it is in the game."""
        return self.joined_at is not None and self.ended_at is None

    @property
    def waited(self) -> float:
        """Return the seconds from setting out to having joined; 0 until it has."""
        return 0.0 if self.joined_at is None else self.joined_at - self.began_at

    @property
    def time(self) -> float:
        """Return the seconds that it was in the game; 0 until it has left."""
        if self.joined_at is None or self.ended_at is None:
            return 0.0
        return self.ended_at - self.joined_at

    def joined(self, now: float) -> None:
        """Take up the game that the server has described."""
        protocol = self.client.match.protocol
        self.joined_at = now
        self._hand = Hand(protocol.inputs if protocol else (), self._random)

    def act(self, now: float) -> None:
        """Send what the hand holds."""
        held = self._hand.input_at(now)
        if held is not None and self.client.is_connected:
            self.client.send_input(held)

    def look(self) -> None:
        """Take a sample of the connection."""
        if self.client.is_connected:
            self.stats = self.client.stats()

    def lost(self, now: float) -> None:
        """Note that the connection has ended."""
        self.ended_at = now
        self.rtts = [rtt for rtt in self.client.rtts if rtt > 0]

    def end(self, now: float) -> None:
        """Leave, if that did not happen before."""
        if self.is_playing:
            self.look()
            self.lost(now)
            self.client.close()

    def per_second(self, amount: float) -> float:
        """Return an amount per second of this bot's time in the game."""
        return amount / self.time if self.time > 0 else 0.0


class Squad:
    """Bots that play together.

    Args:
        reactor: gives delayed calls and the time.
        invite: finds out how each of them joins.
        seed: of all inputs.
        game: what they play, where its class is at hand; None has each server describe
            it, from which a client has to be compiled first.
    """

    log = Logger(namespace="gamenet.bots")

    def __init__(
        self, reactor: Any, invite: Invite, seed: int, game: type[Game] | None = None
    ) -> None:
        self.bots: list[Bot] = []
        """Those that have joined."""
        self.n_wanted = 0
        self.n_refused = 0
        self.complaints: Counter[str] = Counter()
        """What went wrong, and how often."""
        self._reactor = reactor
        self._seconds = monotonic_seconds(reactor)
        self._began = self._seconds()
        self._invite = invite
        self._seed = seed
        self._game = game
        self._places = DeferredSemaphore(_AT_ONCE)
        self._n_failed = 0
        self._phase = 0
        self._act_loop = LoopingCall(self._act)
        self._look_loop = LoopingCall(self._look)
        self._act_loop.clock = self._look_loop.clock = reactor

    def gather(self, n: int) -> Deferred[None]:
        """Let bots join; the Deferred fires when each has, or has failed to."""
        self.n_wanted += n
        first = self.n_wanted - n + 1
        pause = min(_LONGEST_PAUSE, _LONGEST_MUSTER / max(n, 1))
        joining = DeferredList(
            [
                deferLater(self._reactor, i * pause, self.add, first + i)
                for i in range(n)
            ],
            consumeErrors=True,
        )
        # Each of them takes its cancellation for granted; together they must not.
        gathered: Deferred[None] = Deferred(lambda _: joining.cancel())
        joining.addCallback(self._gathered, gathered)
        return gathered

    def _gathered(
        self, results: list[tuple[bool, Any]], gathered: Deferred[None]
    ) -> None:
        broken = [result for is_good, result in results if not is_good]
        if any(failure.check(CancelledError) for failure in broken):
            return
        if broken:
            gathered.errback(broken[0])
        else:
            gathered.callback(None)

    def add(self, number: int) -> Deferred[Any]:
        """Let one bot join; the Deferred fires when it has, or has failed to.

        Args:
            number: gives its name and the seed of its inputs.
        """
        return self._places.run(self._add, number)

    def on_gone(self, bot: Bot, why: str) -> None:
        """Override me: a bot could not join, or has lost its connection."""

    def _add(self, number: int) -> Deferred[Any]:
        name = f"bot {number}"
        client = GameClient(self._reactor, self._game, name=name, predict=False)
        bot = Bot(client, Random(f"{self._seed} {number}"), number)
        client.on_closed = lambda reason, detail: self._closed(bot, reason, detail)  # type: ignore[method-assign]
        joining: Deferred[Any] = self._invite(name)
        joining.addCallback(self._set_out, bot)
        joining.addCallbacks(self._joined, self._not_joined, (bot,), {}, (bot,))
        return joining

    def _set_out(self, join: Join, bot: Bot) -> Deferred[GameClient]:
        bot.began_at = self._seconds()
        return join(bot.client)

    def _joined(self, client: GameClient, bot: Bot) -> None:
        bot.joined(self._seconds())
        self.bots.append(bot)
        if not self._act_loop.running:
            rate = client.match.tick_rate
            turn = min(_LONGEST_TURN, 1 / rate) if rate > 0 else _LONGEST_TURN
            for loop, interval in (
                (self._act_loop, turn / _PHASES),
                (self._look_loop, _SAMPLE_EVERY),
            ):
                loop.start(interval, now=False).addErrback(self._broken)

    def _not_joined(self, failure: Failure, bot: Bot) -> None:
        failure.trap(GamenetError)
        error = failure.value
        reason = error.reason if isinstance(error, ConnectError) else None
        if reason is None or reason in _NOT_REFUSALS:
            self._n_failed += 1
        else:
            self.n_refused += 1
        self.complaints[str(error)] += 1
        self.on_gone(bot, str(error))

    def _closed(self, bot: Bot, reason: CloseReason, detail: str) -> None:
        if not bot.is_playing:
            return
        bot.lost(self._seconds())
        self._n_failed += 1
        why = f"{reason.name} ({detail})" if detail else reason.name
        self.complaints[f"a bot lost its connection: {why}"] += 1
        self.on_gone(bot, why)

    def _broken(self, failure: Failure) -> None:
        self.log.failure("the bots stand still", failure)

    def _act(self) -> None:
        now = self._seconds()
        # An input too many may end a connection, and with it the bot's place here.
        self._phase = (self._phase + 1) % _PHASES
        for bot in list(self.bots):
            if bot.number % _PHASES == self._phase:
                bot.act(now)

    def _look(self) -> None:
        for bot in self.bots:
            bot.look()

    @property
    def n_playing(self) -> int:
        """Return how many bots are in the game now."""
        return sum(bot.is_playing for bot in self.bots)

    def leave(self) -> None:
        """Have every bot leave the game."""
        for loop in (self._act_loop, self._look_loop):
            if loop.running:
                loop.stop()
        now = self._seconds()
        for bot in self.bots:
            bot.end(now)

    def report(self, transport: str) -> Report:
        """Return what the bots measured."""
        bots = [bot for bot in self.bots if bot.ended_at is not None]
        rtts = [rtt for bot in bots for rtt in bot.rtts]
        waits = [bot.waited for bot in self.bots]

        def mean(amount: Callable[[Bot], float]) -> float:
            rates = [bot.per_second(amount(bot)) for bot in bots]
            return sum(rates) / len(rates) if rates else 0.0

        return Report(
            transport=transport,
            wanted=self.n_wanted,
            seconds=self._seconds() - self._began,
            connected=len(self.bots),
            refused=self.n_refused,
            snapshots_per_s=mean(lambda bot: bot.client.match.stats()["snapshots"]),
            connect_ms_p50=percentile(waits, 0.5) * 1000,
            rtt_ms_p50=percentile(rtts, 0.5) * 1000,
            rtt_ms_p99=percentile(rtts, 0.99) * 1000,
            bytes_down_per_s=mean(lambda bot: bot.stats.bytes_received),
            bytes_up_per_s=mean(lambda bot: bot.stats.bytes_sent),
            errors=self._n_failed + sum(bot.client.errors for bot in self.bots),
        )


def known(join: Join) -> Invite:
    """Return the invite of a server that need not be asked."""
    return lambda _: succeed(join)
