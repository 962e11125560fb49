# SPDX-License-Identifier: MIT
"""A whole tick of a full server: 100 UDP clients, 2,000 entities, interest on, 30 Hz.

The bodies of `benchmarks/swarm.py`, of which a fresh 10 % move in a tick. Each player
has one of them, which moves in every tick as the player steers, and sees what is near
it. The clients are real ones in another process: they steer, decrypt, acknowledge,
decode and keep their copies of the world. A tick is everything from the first input to
the last datagram; percentiles are those of ten seconds.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.matches import host, play
from benchmarks.roles import playing
from benchmarks.swarm import COMPONENTS, MAX_SPEED, Position, Swarm
from gamenet.game import Game, GameServer, Input, Player, int8
from gamenet.replication import Interest
from gamenet.service import Squad

__all__ = ["run"]

N_PLAYERS, N_LOOKING, N_BODIES = 100, 10, 2000
SIGHT = 70.0
"""Metres that a player sees: about a tenth of all bodies."""
WARM_UP = 2.0
SECONDS = 10.0
FEWEST_SNAPSHOTS = 0.5
"""Share of the ticks that must have reached a player, or the server was broken."""
STRIDE = N_BODIES // N_PLAYERS


class Steer(Input):
    """Where a player wants to go."""

    x: int = int8()
    y: int = int8()


class Yard(Game):
    """Bodies that move, and players who have one each."""

    tick_rate = 30
    max_players = N_PLAYERS
    max_entities = 2048
    components = COMPONENTS
    inputs = [Steer]
    interest = Interest((Position, "x", "y"), radius=SIGHT, hysteresis=SIGHT / 10)

    def started(self) -> None:
        """Put the bodies in place."""
        self.swarm = Swarm(self.world, N_BODIES)
        self.steered = np.zeros(0, np.intp)
        self.looked_at = 0

    def player_joined(self, player: Player) -> None:
        """Give the player a body."""
        row = (player.id - 1) % N_PLAYERS * STRIDE
        player.avatar = self.world.id_of(row)
        self.steered = np.union1d(self.steered, [row])

    def player_left(self, player: Player, reason: Any) -> None:
        """Leave the body where it is."""

    def input_received(self, player: Player, steer: Steer) -> None:
        """Let the body go where the player wants."""
        assert player.avatar is not None
        velocity = self.swarm.velocity[self.world.row_of(player.avatar)]
        velocity[:2] = steer.x / 127 * MAX_SPEED, steer.y / 127 * MAX_SPEED

    def step(self, dt: float) -> None:
        """Move those who move."""
        self.swarm.write(self.swarm.move(self.steered))


def run() -> dict[str, Any]:
    """Return percentiles of the tick, its stages, and what the clients got."""
    with playing(host, Yard, N_PLAYERS, looked) as server:
        port, tokens = server.hear()
        n_walkers = N_PLAYERS - N_LOOKING
        with playing(play, Yard, port, tokens, received, n_walkers) as players:
            joined = players.hear()
            if joined != "playing":
                raise RuntimeError(joined)
            time.sleep(WARM_UP)
            before = players.ask("received")
            _, stats_before, cpu_before = server.ask("begin")
            time.sleep(SECONDS)
            after = players.ask("received")
            ticks, stats, server_cpu = server.ask("end")
    passed = np.subtract(after, before).tolist()
    seconds, cpu, n_bytes, snapshots, errors, _ = passed
    if snapshots < FEWEST_SNAPSHOTS * N_LOOKING * ticks["ticks"]:
        raise RuntimeError(
            f"{N_LOOKING} players got no more than {snapshots} snapshots"
        )
    return {
        "p50_ms": ticks["tick"]["p50_ms"],
        "p99_ms": ticks["tick"]["p99_ms"],
        "max_ms": ticks["tick"]["max_ms"],
        "stages": {each.pop("name"): each for each in ticks["stages"]},
        "ticks_per_s": ticks["ticks"] / SECONDS,
        "cpu_ms_per_tick": (server_cpu - cpu_before) / ticks["ticks"] * 1e3,
        "late": stats["ticks_late"] - stats_before["ticks_late"],
        "bytes_per_player_s": n_bytes / N_LOOKING / seconds,
        "snapshots_per_player_s": snapshots / N_LOOKING / seconds,
        "entities_per_player": after[5] / N_LOOKING,
        "players_busy": cpu / seconds,
        "errors": errors + stats["hook_errors"],
    }


def looked(server: GameServer) -> Any:
    """Return how long ticks took since the last time, what was counted, CPU time."""
    game: Any = server.game
    ticks = server.stages.figures(game.looked_at)
    game.looked_at = server.stages.n_ticks
    return ticks, server.stats(), time.process_time()


def received(squad: Squad) -> tuple[float, ...]:
    """Return what those who look got: times, bytes, snapshots, errors, entities."""
    clients = [bot.client for bot in squad.bots]
    return (
        time.monotonic(),
        time.process_time(),
        sum(client.stats().bytes_received for client in clients),
        sum(client.match.stats()["snapshots"] for client in clients),
        sum(client.errors for client in clients),
        sum(len(client.world) for client in clients),
    )
