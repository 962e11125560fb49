# SPDX-License-Identifier: MIT
"""Play whole matches in simulated time: a server, its clients, and a network between.

The same seed gives the same match to the byte, at whatever speed the machine has.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from gamenet.connection import ConnectionConfig
from gamenet.game import Game, GameClient, GameServer
from gamenet.testing.clock import Clock
from gamenet.transport import Impairment, MemoryNetwork, listen

__all__ = ["Stepper"]

ADDRESS = "memory:match"
# A hair after the tick, so that its datagrams without latency have arrived.
SETTLE = 1e-6


class Stepper:
    """Step a server and its clients together.

    Args:
        server: made with the clock; it is started here.
        clients: joined already, or made by `join` later.
        clock: gives both their time.
        network: where the server listens as "memory:match".

    Example:
        >>> from gamenet.game import Game
        >>> class Empty(Game):
        ...     tick_rate = 10
        >>> stepper = Stepper.of(Empty, n_clients=2)
        >>> stepper.tick(5)
        >>> len(stepper.server.players)
        2
    """

    def __init__(
        self,
        server: GameServer,
        clients: list[GameClient],
        *,
        clock: Clock,
        network: MemoryNetwork,
        seed: int = 0,
    ) -> None:
        self.server = server
        self.clients = clients
        self.clock = clock
        self.network = network
        self.seed = seed
        """Printed by whoever fails, so that the match can be played again."""
        self._listening = listen(clock, ADDRESS, server.factory, memory=network)
        self._period = 1.0 / server.game.tick_rate
        server.start()

    @classmethod
    def of(
        cls,
        game: type[Game],
        n_clients: int = 0,
        *,
        seed: int = 0,
        down: Impairment | None = None,
        up: Impairment | None = None,
        connection: ConnectionConfig | None = None,
        predict: bool = True,
    ) -> Stepper:
        """Return a stepper for a new match.

        Args:
            game: the game's class.
            n_clients: how many players join, and have joined on return.
            seed: of everything that is left to chance.
            down: what happens to packets from server to clients.
            up: what happens to packets from clients to server.
            connection: settings of every connection.
            predict: whether clients predict what the game marks as predicted.
        """
        clock = Clock()
        server = GameServer(
            game,
            clock,
            connection=connection,
            seed=seed,
            random=random.Random(seed),
            stopwatch=clock.seconds,
        )
        network = MemoryNetwork(clock, impairment_down=down, impairment_up=up)
        stepper = cls(server, [], clock=clock, network=network, seed=seed)
        for i in range(n_clients):
            stepper.begin_joining(f"player {i + 1}", connection, predict=predict)
        if n_clients:
            stepper.until(lambda: all(c.player_id for c in stepper.clients))
        return stepper

    def begin_joining(
        self,
        name: str = "",
        connection: ConnectionConfig | None = None,
        *,
        predict: bool = True,
    ) -> GameClient:
        """Make a further client that joins as time passes."""
        chance = random.Random(self.seed * 1000 + len(self.clients) + 1)
        client = GameClient(
            self.clock,
            type(self.server.game),
            name,
            connection=connection,
            random=chance,
            predict=predict,
        )
        client.connect(ADDRESS, memory=self.network)
        self.clients.append(client)
        return client

    def join(self, name: str = "") -> GameClient:
        """Make a further client, and play until it has joined."""
        client = self.begin_joining(name)
        self.until(lambda: client.player_id != 0)
        return client

    def tick(self, n_ticks: int = 1, each: Callable[[], Any] | None = None) -> None:
        """Play some ticks.

        Args:
            n_ticks: how many.
            each: called before each of them, for instance to send inputs.
        """
        for _ in range(n_ticks):
            if each is not None:
                each()
            self.clock.advance(self._period)
        self.clock.advance(SETTLE)

    def until(self, condition: Callable[[], bool], limit: int = 600) -> int:
        """Play until a condition holds; return how many ticks it took.

        Raises:
            AssertionError: it does not hold after `limit` ticks; the seed is told.
        """
        for n_ticks in range(limit):
            if condition():
                return n_ticks
            self.tick()
        msg = f"the condition does not hold after {limit} ticks (seed {self.seed})"
        raise AssertionError(msg)
