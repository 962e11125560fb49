# SPDX-License-Identifier: MIT
"""Make every tick of a game again, and see whether it comes out the same.

Rollback and prediction stand on it: from the same state, with the same inputs, a game
must come to the same state, bit for bit. What breaks it is found by playing and going
back all the time: state that the game keeps where it is not saved, a clock, chance of
its own, an order that is left to memory addresses.

Source: GGPO's SyncTest, https://github.com/pond3r/ggpo
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from gamenet.errors import ConfigError
from gamenet.game import Game, Input, SavedGame, Serverless, game_difference

__all__ = ["synctest"]

HOLD = 0.75
"""How likely a player goes on with what they do, in each tick."""

Inputs = Mapping[int, Iterable[Input]]
Script = Callable[[int, int, Random], Iterable[Input]]


@dataclass(slots=True)
class _Tick:
    """What a tick was made of, and what came of it."""

    inputs: dict[int, list[Input]]
    saved: SavedGame
    emitted: list[Any]


def synctest(
    game: type[Game] | Callable[[], Game],
    *,
    inputs: Script | None = None,
    ticks: int = 300,
    n_players: int = 2,
    check_distance: int = 8,
    seed: int = 0,
) -> int:
    """Play a game, and in each tick go back and make the last ticks again.

    Args:
        game: the game's class, or what makes a game.
        inputs: called with tick, player id and a source of chance for what a player
            does in a tick; by default random values of all the game's inputs, each
            held for some ticks.
        ticks: how many are played.
        n_players: how many play; their ids are 1, 2, and so on.
        check_distance: how many ticks are made again after each.
        seed: of the game's chance and of the inputs.

    Returns:
        The checksum of the world at the end: two machines that play alike agree on it.

    Raises:
        AssertionError: a tick came out otherwise when it was made again. It tells the
            tick, the first entity, component and field that differ, both values and
            the seed.
        ConfigError: a number makes no sense.

    Example:
        class ArenaTests(SynchronousTestCase):
            def test_replays_alike(self) -> None:
                synctest(Arena, n_players=4)
    """
    if ticks < 1 or check_distance < 1 or n_players < 0:
        msg = (
            f"synctest(ticks={ticks}, check_distance={check_distance}, "
            f"n_players={n_players}): play and check at least one tick"
        )
        raise ConfigError(msg)
    test = _SyncTest(Serverless(game(), seed), check_distance, seed)
    for number in range(1, n_players + 1):
        test.match.join(number)
    script = inputs or _random_inputs(test.match.game)
    chance = Random(seed)
    test.begin()
    for tick in range(1, ticks + 1):
        test.play(
            {
                number: list(script(tick, number, chance))
                for number in range(1, n_players + 1)
            }
        )
        test.replay()
    return test.match.world.checksum()


class _SyncTest:
    """Make ticks, keep the last ones, and make them again."""

    def __init__(self, match: Serverless, check_distance: int, seed: int) -> None:
        self.match = match
        self._seed = seed
        self._past: deque[_Tick] = deque(maxlen=check_distance + 1)
        self._again: SavedGame | None = None

    def begin(self) -> None:
        """Keep the state before the first tick."""
        self._past.append(_Tick({}, self.match.save(), []))

    def play(self, inputs: dict[int, list[Input]]) -> None:
        """Make a new tick."""
        self.match.advance(inputs)
        is_full = len(self._past) == self._past.maxlen
        oldest = self._past[0].saved if is_full else None
        tick = _Tick(inputs, self.match.save(oldest), self.match.emitted)
        self._past.append(tick)

    def replay(self) -> None:
        """Go back to the oldest tick that is kept, and make those after it again."""
        first, *later = self._past
        self.match.load(first.saved)
        for tick in later:
            try:
                self.match.advance(tick.inputs)
            except Exception as error:
                what = f"raised {type(error).__name__}: {error}"
                raise self._failure(tick, first, what) from error
            self._again = self.match.save(self._again)
            found = game_difference(tick.saved, self._again)
            if found is None and tick.emitted != self.match.emitted:
                found = "the events", tick.emitted, self.match.emitted
            if found is not None:
                place, one, other = found
                what = f"{place} was {one!r} at first, and then {other!r}"
                raise self._failure(tick, first, what)

    def _failure(self, tick: _Tick, first: _Tick, what: str) -> AssertionError:
        return AssertionError(
            f"{type(self.match.game).__name__} does not replay alike (seed "
            f"{self._seed}): tick {tick.saved.tick}, made again from tick "
            f"{first.saved.tick}: {what}. Keep what the rules depend on in components "
            "or in attributes that Game.kept lists, and take chance from self.random "
            "alone"
        )


def _random_inputs(game: Game) -> Script:
    held: dict[tuple[int, type[Input]], Input] = {}

    def script(tick: int, number: int, chance: Random) -> Iterable[Input]:
        for kind in game.inputs:
            key = number, kind
            if key not in held or chance.random() >= HOLD:
                held[key] = kind.sample(chance)
            yield held[key]

    return script
