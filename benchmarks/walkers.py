# SPDX-License-Identifier: MIT
"""Players who act and acknowledge like any other, but do not look at what they hear.

A hundred clients that decode what they hear would keep more than one core busy, and
what is to be measured is the server. To the server these are no different.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore, gatherResults
from twisted.internet.task import LoopingCall

from gamenet.connection import ConnectionConfig
from gamenet.game import Game, Protocol
from gamenet.prediction import Feedback, Input, InputBuffer, wire_clock
from gamenet.service.hand import Hand
from gamenet.transport import GameClientFactory, GameProtocol, connect

__all__ = ["Walkers"]

INPUTS, SNAPSHOTS = 2, 1
"""The channels of every game on which clients act, and hear the world."""
AT_ONCE = 16
"""Clients that connect at a time."""
AHEAD = 2
"""Ticks that they act ahead of the newest that they have heard of."""
KEPT = 64
"""Ticks for which they remember what they did."""
PHASES = 8
"""Shares of a tick in which clients act: players do not press keys in step."""


class Walker(GameProtocol):
    """One such player."""

    def connectionMade(self) -> None:
        """Take up the game."""
        self.tick = 0
        self.buffer: InputBuffer | None = None

    def messageReceived(self, channel: int, payload: bytes) -> None:
        """Note the tick of a snapshot, and which inputs have arrived."""
        if channel == SNAPSHOTS:
            self.tick = int.from_bytes(payload[:4], "little")
        elif channel == INPUTS and self.buffer is not None:
            self.buffer.acked(Feedback.decode(payload).acked)

    def act(self, item: Input, now: float) -> None:
        """Do something in a tick that the server has not made yet."""
        if self.buffer is not None:
            tick = self.buffer.hold(item, self.tick + AHEAD)
            self.buffer.forget(tick - KEPT)
            self.sendMessage(INPUTS, self.buffer.packet(wire_clock(now)))


class Walkers:
    """Several of them, on UDP.

    Args:
        reactor: opens sockets, gives delayed calls.
        game: what they play.
        seed: of their inputs.
    """

    def __init__(self, reactor: Any, game: type[Game], seed: int) -> None:
        self.walkers: list[Walker] = []
        self._reactor = reactor
        self._protocol = Protocol.of(game)
        self._period = 1 / game.tick_rate
        self._seed = seed
        self._hands: list[tuple[Walker, Hand]] = []
        self._turn = 0
        self._acting = LoopingCall(self._act)

    def join(self, port: int, tokens: Sequence[bytes]) -> Deferred[Any]:
        """Let them join; the Deferred fires when all have."""
        places = DeferredSemaphore(AT_ONCE)
        joining = [places.run(self._connect, port, token) for token in tokens]
        return gatherResults(joining).addCallback(self._joined)

    def _connect(self, port: int, token: bytes) -> Deferred[Any]:
        config = ConnectionConfig(channels=self._protocol.channels)
        factory = GameClientFactory(
            self._reactor, self._protocol.hash, config, token=token
        )
        factory.protocol = Walker
        return connect(self._reactor, f"udp:127.0.0.1:{port}", factory)

    def _joined(self, walkers: list[Walker]) -> None:
        inputs = self._protocol.inputs
        self.walkers = walkers
        for walker in walkers:
            walker.buffer = InputBuffer(inputs)
        self._hands = [
            (walker, Hand(inputs, Random(f"{self._seed} {i}")))
            for i, walker in enumerate(walkers)
        ]
        self._acting.clock = self._reactor
        self._acting.start(self._period / PHASES, now=False)

    def _act(self) -> None:
        """Let the share of the players act whose turn it is."""
        now = self._reactor.seconds()
        self._turn = (self._turn + 1) % PHASES
        for walker, hand in self._hands[self._turn :: PHASES]:
            held = hand.input_at(now)
            if held is not None:
                walker.act(held, now)
