# SPDX-License-Identifier: MIT
"""What a player notices of the network, in simulated matches.

Two players fly the arena's ships at 30 ticks a second and look 60 times a second, over
a link with 100 ms of round trip, up to 20 ms of jitter on each way and 5 % loss. Server
and clients are the real ones; time is simulated and chance is seeded, so the figures
are the same on every machine.

- `input_ticks`: own ticks from the one in which a key is pressed to the one in which
  the view shows it. The key turns the ship, and nothing else does: without the press
  the nose would stay where it is.
- `corrections_per_min`: how often something else had been predicted, in matches in
  which nobody interferes.
- `view_error_m`: how far the view is from where the server has the ship, 200 ms after a
  push of 2 m by the server has arrived; after 99 of 100 pushes it is nearer.
- `stale_frames`: share of the frames for which no snapshot had come that is newer than
  what the others are shown at.

The same over latencies from 0 to 1,000 ms is in `by_latency`.
"""

from __future__ import annotations

import math
from random import Random
from statistics import mean, median
from typing import Any

import numpy as np

from benchmarks.percentiles import percentile
from examples.arena.flight import (
    Flight,
    Gun,
    Heading,
    Pilot,
    Position,
    Ship,
    Velocity,
)
from gamenet.game import GameClient, Player
from gamenet.prediction import Correction
from gamenet.testing import Stepper
from gamenet.transport import Impairment

__all__ = ["run"]

RTT, JITTER, LOSS = 0.1, 0.02, 0.05
LATENCIES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
FRAME = 1 / 60
SETTLING = 8.0
"""Seconds before anything counts: for the time lines to know the link."""
SECONDS = 60.0
SWEEP_SECONDS = 20.0
SEEDS = range(5)
PUSH = 2.0
PUSH_EVERY = 1.0
N_PUSHES = 30
LOOK_AFTER = 0.2
"""Seconds from a correction to the frame whose error counts."""
START = 20.0
"""Metres from the centre at which ships begin, where there is no wall."""


class Flying(Flight):
    """Ships that fly among walls, and nothing else."""

    max_entities = 64
    components = (Position, Velocity, Heading, Ship, Gun)
    inputs = (Pilot,)

    def player_joined(self, player: Player) -> None:
        """Give the player a ship."""
        x = START if player.id % 2 else -START
        parts = (Position(x / 2, x), Velocity(), Heading(), Ship(), Gun())
        player.avatar = self.world.spawn(*parts, owner=player)

    def step(self, dt: float) -> None:
        """Fly."""
        self.fly(dt)

    def push(self, player: Player, chance: Random) -> None:
        """Move a ship by 2 m, to where there is room."""
        assert player.avatar is not None
        row = np.array([self.world.row_of(player.avatar)])
        x, y = self.position.x[row], self.position.y[row]
        turns = np.arange(8) * math.pi / 4 + chance.random()
        to_x, to_y = x + PUSH * np.cos(turns), y + PUSH * np.sin(turns)
        gaps = np.hypot(*self.gap_to_walls(to_x, to_y)).min(axis=1)
        best = int(gaps.argmax())
        self.position.x[row], self.position.y[row] = to_x[best], to_y[best]
        self.position.changed(row)


class Flyer(GameClient):
    """Turns and thrusts at times, and notes how the view answers."""

    chance: Random

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.corrected_at: list[float] = []
        self.answers: list[int] = []
        """Ticks from a press to the view's answer."""
        self._held = Pilot()
        self._left = 1
        self._pressed: int | None = None
        self._nose = 0.0

    def on_tick(self, tick: int) -> None:
        """Hold something for a while, then let the nose come to rest."""
        self._left -= 1
        if self._left == 0:
            is_press = not self._held.turn
            turn = self.chance.choice((-90, 90)) if is_press else 0
            self._held = Pilot(turn=turn, thrust=self.chance.random() < 0.5)
            self._left = self.chance.randrange(3, 9) if is_press else 20
            if is_press:
                self._pressed = tick
        self.send_input(self._held)

    def on_corrected(self, correction: Correction) -> None:
        """Keep when it was."""
        self.corrected_at.append(self._reactor.seconds())

    def draw(self, row: int) -> tuple[float, float, float]:
        """Return the own time of the frame, in ticks, and where the ship is in it."""
        view: Any = self.look()
        nose = float(view.columns(Heading).angle[row])
        if self._pressed is None:
            self._nose = nose
        elif nose != self._nose:
            self.answers.append(self.own_tick - self._pressed)
            self._pressed = None
        at = view.columns(Position)
        own_time = self.foresight.lines.lead.position(self._reactor.seconds())
        return own_time, float(at.x[row]), float(at.y[row])


class Match:
    """Two players over a network."""

    def __init__(self, rtt: float, seed: int) -> None:
        down, up = (
            Impairment(latency=rtt / 2, jitter=JITTER, loss=LOSS, seed=2 * seed + n)
            for n in range(2)
        )
        self.stepper = Stepper.of(Flying, seed=seed, down=down, up=up)
        self.flyers = [self._join(seed, n) for n in range(2)]
        self.stepper.until(lambda: all(each.player_id for each in self.flyers))
        self._chance = Random(f"pushes {seed}")
        self.stepper.until(lambda: all(len(each.predicted) for each in self.flyers))
        self.pass_time(SETTLING)

    def _join(self, seed: int, number: int) -> Flyer:
        stepper = self.stepper
        chance = Random(f"keys {seed} {number}")
        flyer = Flyer(stepper.clock, Flying, random=chance)
        flyer.chance = Random(f"sticks {seed} {number}")
        flyer.connect("memory:match", memory=stepper.network)
        stepper.clients.append(flyer)
        return flyer

    def pass_time(self, seconds: float) -> None:
        """Draw frame after frame."""
        for _ in range(round(seconds / FRAME)):
            self.frame()

    def frame(self) -> list[tuple[float, float, float]]:
        """Draw a frame of each player."""
        self.stepper.clock.advance(FRAME)
        return [each.draw(self._row(each)) for each in self.flyers]

    def _row(self, flyer: Flyer) -> int:
        avatar = self.stepper.server.players[flyer.player_id].avatar
        assert avatar is not None
        return self.stepper.server.world.row_of(avatar)

    # -- what is measured -----------------------------------------------------------

    def quiet(self, seconds: float) -> dict[str, float]:
        """Return what players notice while nobody interferes."""
        flyers = self.flyers
        playouts = [each.foresight.lines.playout for each in flyers]
        before = [(each.n_stale, each.n_views) for each in playouts]
        for flyer in flyers:
            flyer.answers.clear()
            flyer.corrected_at.clear()
        self.pass_time(seconds)
        n_stale = sum(p.n_stale - b[0] for p, b in zip(playouts, before, strict=True))
        n_views = sum(p.n_views - b[1] for p, b in zip(playouts, before, strict=True))
        n_corrections = sum(len(each.corrected_at) for each in flyers)
        stats = [each.foresight.stats(self.stepper.clock.seconds()) for each in flyers]
        behind = [each["server_tick"] - each["view_tick"] for each in stats]
        return {
            "input_ticks": max(max(each.answers) for each in flyers),
            "corrections_per_min": n_corrections / len(flyers) / (seconds / 60),
            "stale_frames": n_stale / n_views,
            "ahead_ticks": mean(each["ahead"] for each in stats),
            "others_late_ms": mean(behind) / Flying.tick_rate * 1000,
        }

    def pushed(self, n_pushes: int) -> list[float]:
        """Return the errors of the view in metres, a moment after each push."""
        flyer, server = self.flyers[0], self.stepper.server
        game: Any = server.game
        errors = []
        for _ in range(n_pushes):
            game.push(server.players[flyer.player_id], self._chance)
            errors.append(self._error(flyer, round(PUSH_EVERY / FRAME)))
        return errors

    def _error(self, flyer: Flyer, n_frames: int) -> float:
        """Return how far off the first frame is that is 200 ms after the correction."""
        flyer.corrected_at.clear()
        server, row = self.stepper.server, self._row(flyer)
        at: Any = server.world.columns(Position)
        shown: tuple[float, float, float] | None = None
        truth = {}
        for _ in range(n_frames):
            frame = self.frame()[0]
            truth[server.game.tick] = float(at.x[row]), float(at.y[row])
            now = self.stepper.clock.seconds()
            is_due = flyer.corrected_at and now - flyer.corrected_at[0] >= LOOK_AFTER
            if is_due and shown is None:
                shown = frame
        assert shown is not None, f"no correction (seed {self.stepper.seed})"
        return _distance(truth, *shown)


def _distance(
    truth: dict[int, tuple[float, float]], own_time: float, x: float, y: float
) -> float:
    """Return how far a place is from the server's, which a view shows a tick late."""
    tick = math.floor(own_time)
    before, after = np.array(truth[tick - 1]), np.array(truth[tick])
    true_x, true_y = before + (after - before) * (own_time - tick)
    return float(np.hypot(x - true_x, y - true_y))


def run() -> dict[str, Any]:
    """Return what a player notices: medians of some matches."""
    quiet = [Match(RTT, seed).quiet(SECONDS) for seed in SEEDS]
    errors = [each for seed in SEEDS for each in Match(RTT, seed).pushed(N_PUSHES)]
    return {
        **{key: median(each[key] for each in quiet) for key in quiet[0]},
        "worst_match": {key: max(each[key] for each in quiet) for key in quiet[0]},
        "view_error_m": percentile(errors, 99),
        "by_latency": [
            {"rtt_ms": rtt * 1000, **Match(rtt, 1).quiet(SWEEP_SECONDS)}
            for rtt in LATENCIES
        ],
    }
