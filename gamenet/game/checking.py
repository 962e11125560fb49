# SPDX-License-Identifier: MIT
"""Refuse what no server could run, and fit its settings to the game."""

from __future__ import annotations

from dataclasses import replace

from gamenet.connection import ConnectionConfig
from gamenet.errors import ConfigError
from gamenet.game.game import Game
from gamenet.game.messages import MAX_CAPACITY, MAX_TICK_RATE
from gamenet.transport import Limits

__all__ = ["check_numbers", "with_players", "with_rides"]

RIDE_TICKS = 1.05
LONGEST_RIDE = 0.11  # seconds


def check_numbers(game: Game) -> None:
    """Refuse a game with numbers that no server could serve.

    Raises:
        ConfigError: one is out of bounds.
    """
    bounds = (
        ("tick_rate", game.tick_rate, 0.1, MAX_TICK_RATE),
        ("max_players", game.max_players, 1, 65535),
        ("max_entities", game.max_entities, 1, MAX_CAPACITY),
    )
    for name, value, low, high in bounds:
        if not low <= value <= high:
            msg = f"{game.game_name()}.{name} = {value}: allowed are {low} to {high}"
            raise ConfigError(msg)


def with_players(limits: Limits | None, game: Game) -> Limits:
    """Return limits that let in as many as may play."""
    return replace(limits or Limits(), max_connections=game.max_players)


def with_rides(config: ConnectionConfig, tick_rate: float) -> ConnectionConfig:
    """Let what rides along wait for the packet of the next tick, if that is soon."""
    next_tick = min(RIDE_TICKS / tick_rate, LONGEST_RIDE)
    return replace(config, ride_interval=max(config.ride_interval, next_tick))
