# SPDX-License-Identifier: MIT
"""Players with random inputs: inside a server for company, outside of it as a load.

All bots of a squad share one timer. They know nothing of the game but what the server
describes, so they play any game.
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
)
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from gamenet.errors import CloseReason, ConnectError, GamenetError
from gamenet.game import GameClient
from gamenet.service.hand import Hand
from gamenet.service.report import Report
from gamenet.stats import ConnectionStats, percentile
from gamenet.transport import monotonic_seconds

__all__ = ["Bot", "Join", "Squad"]

Join = Callable[[GameClient], Deferred[GameClient]]
"""Connect a client: says where to."""

_AT_ONCE = 16
"""Bots that join at the same time: more would measure the queue, not the handshake."""
_SAMPLE_EVERY = 0.25
"""Seconds between two looks at the round trip of every bot."""
_LONGEST_TURN = 0.1
"""Seconds between inputs in a game that ticks slower than that."""
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
    """

    def __init__(self, client: GameClient, random: Random) -> None:
        self.client = client
        self.joined_at = 0.0
        self.ended_at: float | None = None
        self.rtts: list[float] = []
        """Smoothed round trips, one a sample, in seconds."""
        self.stats = ConnectionStats()
        """What the connection measured by the time of the last look."""
        self._random = random
        self._hand = Hand((), random)

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
            if self.stats.rtt:
                self.rtts.append(self.stats.rtt)

    def end(self, now: float) -> None:
        """Leave, if that did not happen before."""
        if self.ended_at is None:
            self.look()
            self.ended_at = now
            self.client.close()

    def per_second(self, amount: float) -> float:
        """Return an amount per second of this bot's time in the game."""
        time = (self.ended_at or self.joined_at) - self.joined_at
        return amount / time if time > 0 else 0.0


class Squad:
    """Bots that play together.

    Args:
        reactor: gives delayed calls and the time.
        join: connects a client.
        seed: of all inputs.
    """

    log = Logger(namespace="gamenet.bots")

    def __init__(self, reactor: Any, join: Join, seed: int) -> None:
        self.bots: list[Bot] = []
        """Those that have joined."""
        self.n_wanted = 0
        self.n_refused = 0
        self.complaints: Counter[str] = Counter()
        """What went wrong, and how often."""
        self._reactor = reactor
        self._seconds = monotonic_seconds(reactor)
        self._began = self._seconds()
        self._join = join
        self._seed = seed
        self._connect_times: list[float] = []
        self._n_failed = 0
        self._is_leaving = False
        self._act_loop = LoopingCall(self._act)
        self._look_loop = LoopingCall(self._look)
        self._act_loop.clock = self._look_loop.clock = reactor

    def gather(self, n: int) -> Deferred[None]:
        """Let bots join; the Deferred fires when each has, or has failed to."""
        self.n_wanted += n
        places = DeferredSemaphore(_AT_ONCE)
        numbers = range(self.n_wanted - n + 1, self.n_wanted + 1)
        joining = DeferredList(
            [places.run(self._add, number) for number in numbers], consumeErrors=True
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

    def _add(self, number: int) -> Deferred[Any]:
        client = GameClient(self._reactor, name=f"bot {number}")
        bot = Bot(client, Random(f"{self._seed} {number}"))
        client.on_closed = lambda reason, detail: self._closed(bot, reason, detail)  # type: ignore[method-assign]
        begun = self._seconds()
        joining = self._join(client)
        joining.addCallbacks(self._joined, self._not_joined, (bot, begun))
        return joining

    def _joined(self, client: GameClient, bot: Bot, begun: float) -> None:
        now = self._seconds()
        self._connect_times.append(now - begun)
        bot.joined(now)
        self.bots.append(bot)
        if not self._act_loop.running:
            rate = client.match.tick_rate
            turn = min(_LONGEST_TURN, 1 / rate) if rate > 0 else _LONGEST_TURN
            for loop, interval in (
                (self._act_loop, turn),
                (self._look_loop, _SAMPLE_EVERY),
            ):
                loop.start(interval, now=False).addErrback(self._broken)

    def _not_joined(self, failure: Failure) -> None:
        failure.trap(GamenetError)
        error = failure.value
        reason = error.reason if isinstance(error, ConnectError) else None
        if reason is None or reason in _NOT_REFUSALS:
            self._n_failed += 1
        else:
            self.n_refused += 1
        self.complaints[str(error)] += 1

    def _closed(self, bot: Bot, reason: CloseReason, detail: str) -> None:
        if bot.ended_at is None:
            bot.ended_at = self._seconds()
            self._n_failed += 1
            because = f" ({detail})" if detail else ""
            self.complaints[f"a bot lost its connection: {reason.name}{because}"] += 1

    def _broken(self, failure: Failure) -> None:
        self.log.failure("the bots stand still", failure)

    def _act(self) -> None:
        now = self._seconds()
        for bot in self.bots:
            bot.act(now)

    def _look(self) -> None:
        for bot in self.bots:
            bot.look()

    @property
    def n_playing(self) -> int:
        """Return how many bots are in the game now."""
        return sum(bot.ended_at is None for bot in self.bots)

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
            connect_ms_p50=percentile(self._connect_times, 0.5) * 1000,
            rtt_ms_p50=percentile(rtts, 0.5) * 1000,
            rtt_ms_p99=percentile(rtts, 0.99) * 1000,
            bytes_down_per_s=mean(lambda bot: bot.stats.bytes_received),
            bytes_up_per_s=mean(lambda bot: bot.stats.bytes_sent),
            errors=self._n_failed + sum(bot.client.errors for bot in self.bots),
        )
