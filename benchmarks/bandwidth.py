# SPDX-License-Identifier: MIT
"""What a player of the arena downloads.

The arena that ships with gamenet at 20 ticks a second, 32 bots that steer, thrust and
shoot, and everybody sees everything. Server and bots are two processes that talk over
UDP. Counted are all bytes of all datagrams down to a player in the middle of the match:
encryption, acknowledgements, the headers of IPv4 and UDP. Figures are medians of some
spells of it. Where `up_per_player_s` is much below a thousand, the bots had not the
time to play, and the measurement is worth nothing.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.matches import host, play
from benchmarks.roles import playing
from examples.arena import Arena
from examples.arena.flight import Ship
from examples.arena.game import Projectile
from gamenet.game import GameServer
from gamenet.service import Squad

__all__ = ["run"]

N_PLAYERS = 32
WARM_UP = 3.0
N_WINDOWS, WINDOW = 5, 2.0
"""Times that traffic is counted, and the seconds of each."""
LEAST_KNOWN = 0.8
"""Share of what there is on average that a player must know, or it was not told."""
HEADERS = 28
"""Bytes of IPv4 and UDP before each datagram."""


class SlowerArena(Arena):
    """The arena at 20 ticks a second, which counts what is in it."""

    tick_rate = 20

    def started(self) -> None:
        """Begin to count."""
        super().started()
        self.seen = np.zeros(3, np.int64)

    def step(self, dt: float) -> None:
        """Count entities, ships and projectiles."""
        super().step(dt)
        query = self.world.query
        self.seen += (len(self.world), len(query(Ship)), len(query(Projectile)))


@dataclass(slots=True)
class Traffic:
    """What all players together have received, sent and learned."""

    time: float
    down: int
    up: int
    datagrams: int
    snapshots: int
    entities: int
    """How many they know, each player's summed up."""

    def since(self, before: Traffic) -> dict[str, float]:
        """Return the rates of one player."""
        shares = (self.time - before.time) * N_PLAYERS
        n_datagrams = self.datagrams - before.datagrams
        down = self.down - before.down
        return {
            "bytes_per_player_s": (down + HEADERS * n_datagrams) / shares,
            "payload_per_player_s": down / shares,
            "datagrams_per_player_s": n_datagrams / shares,
            "up_per_player_s": (self.up - before.up) / shares,
            "snapshots_per_player_s": (self.snapshots - before.snapshots) / shares,
        }


def run() -> dict[str, Any]:
    """Return bytes for each player and second, and what the match was like."""
    with playing(host, SlowerArena, N_PLAYERS, scene) as server:
        port, tokens = server.hear()
        with playing(play, SlowerArena, port, tokens, traffic) as players:
            joined = players.hear()
            if joined != "playing":
                raise RuntimeError(joined)
            time.sleep(WARM_UP)
            seen_before = server.ask("scene")
            looks = [players.ask("traffic")]
            for _ in range(N_WINDOWS):
                time.sleep(WINDOW)
                looks.append(players.ask("traffic"))
            seen = server.ask("scene")
    n_ticks = seen[0] - seen_before[0]
    entities, ships, projectiles = (seen[1] - seen_before[1]) / n_ticks
    if looks[-1].entities < LEAST_KNOWN * entities * N_PLAYERS:
        raise RuntimeError(f"{N_PLAYERS} players know {looks[-1].entities} entities")
    rates = [after.since(before) for before, after in pairwise(looks)]
    return {
        **{key: statistics.median(each[key] for each in rates) for key in rates[0]},
        "ticks_per_s": n_ticks / (looks[-1].time - looks[0].time),
        "entities": float(entities),
        "ships": float(ships),
        "projectiles": float(projectiles),
    }


def scene(server: GameServer) -> Any:
    """Return the tick, and the sums of what was in the arena in each."""
    game: Any = server.game
    return game.tick, game.seen.copy()


def traffic(squad: Squad) -> Traffic:
    """Return what the players have received and sent."""
    clients = [bot.client for bot in squad.bots]
    each = [client.stats() for client in clients]
    return Traffic(
        time.monotonic(),
        sum(stats.bytes_received for stats in each),
        sum(stats.bytes_sent for stats in each),
        sum(stats.packets_received + sum(stats.dropped.values()) for stats in each),
        sum(client.match.stats()["snapshots"] for client in clients),
        sum(len(client.world) for client in clients),
    )
