# SPDX-License-Identifier: MIT
"""Write arena_flight.json: how a ship of the arena flies, tick by tick.

The flight that the page of the arena predicts is written twice, in Python and in
JavaScript. This is what Python's does with keys that a seed chose, in the words that
the wire has for it; tests hold both to it.

    python -m tests.vectors.arena_flight_vectors      writes the file beside this one
"""

from __future__ import annotations

import json
from math import pi
from pathlib import Path
from random import Random
from typing import Any

from examples.arena import Arena
from examples.arena.flight import Gun, Heading, Pilot, Position, Ship, Velocity
from gamenet.game import PredictedWorld
from gamenet.game.own_player import OwnPlayer
from gamenet.prediction import Rounding

FILE = Path(__file__).with_name("arena_flight.json")
SEED = 9
OWNER, HUE = 3, 97
N_TICKS = 150
STARTS = (  # x, y, heading, first tick: each flies towards another wall
    *((0, -26, -1.5, 1), (-40, 28, 1.4, 900), (-44, 4, 3.0, 77), (43, -25, 0.1, 4000)),
    *((-30, 2, 0.2, 61), (29, -3, 3.1, 2**31), (1, -10, -1.4, 350), (3, 11, 1.5, 12)),
    *((-33, -14, -1.6, 33), (27, -21, 0.3, 500), (-33, 25, -1.5, 7), (39, 21, 3.0, 2)),
)
"""Where ships start, and with which tick."""


class Pilotage:
    """One ship that a player's client flies.

    Args:
        start: of STARTS.
    """

    def __init__(self, start: tuple[float, float, float, int]) -> None:
        x, y, nose, first = start
        self.world = PredictedWorld(Arena.components, 8)
        self.beams: list[Any] = []
        parts = Position(x, y), Velocity(), Heading(nose), Ship(hue=HUE), Gun()
        ship = self.world.spawn(*parts, owner=OWNER)
        self.player = OwnPlayer(OWNER, "me", ship)
        self.game = Arena()
        self.game.begin_predicting(self.world, self.player, self._hear)
        self.game.tick = first - 1
        self.rounding = Rounding(self.world, (Position, Velocity, Heading, Gun))
        self.row = self.world.row_of(ship)
        self.words = self._round()

    def _hear(self, event: Any, _origin: object) -> None:
        """Keep an event of a tick as its bytes."""
        self.beams.append([self.game.tick, event.encode().hex()])

    def _round(self) -> list[int]:
        """Round the ship, and return its words without those that say what it has."""
        block = self.rounding.round(self.game.predicted_rows())
        words: list[int] = block[len(self.rounding.components) :, 0].tolist()
        return words

    def tick(self, pilot: Pilot | None) -> list[int]:
        """Fly a tick; return the words after it."""
        self.game.tick += 1
        if pilot is not None:
            self.game.input_received(self.player, pilot)
        self.game.predict(1 / Arena.tick_rate)
        return self._round()


def keys_of(random: Random) -> dict[str, Any]:
    """Return what a player holds, as the server reads it."""
    pilot = Pilot(
        turn=random.choice([0, 0, random.randint(-128, 127)]),
        thrust=random.random() < 0.75,
        beam=random.random() < 0.3,
        aiming=random.random() < 0.3,
        aim=random.uniform(-pi, pi),
    )
    pilot = Pilot.decode(pilot.encode())
    names = ("turn", "thrust", "beam", "aiming", "aim")
    return {name: getattr(pilot, name) for name in names}


def flight_of(start: tuple[float, float, float, int], random: Random) -> dict[str, Any]:
    """Return a flight: it pushes ahead first, and does anything after that."""
    pilotage = Pilotage(start)
    keys: list[Any] = []
    words = [pilotage.words]
    for tick in range(N_TICKS):
        held = None
        if tick == 0:
            held = {**keys_of(random), "turn": 0, "aiming": False, "thrust": True}
        elif tick > 50 and random.random() < 0.15:
            held = keys_of(random)
        keys.append(held)
        words.append(pilotage.tick(None if held is None else Pilot(**held)))
    return {
        "first": start[-1],
        "start": words[0],
        "keys": {str(n): held for n, held in enumerate(keys) if held is not None},
        "words": words[1:],
        "beams": pilotage.beams,
    }


def make() -> dict[str, Any]:
    """Return what the file says."""
    random = Random(SEED)
    return {
        "tick_rate": Arena.tick_rate,
        "hue": HUE,
        "flights": [flight_of(start, random) for start in STARTS],
    }


def to_text(vectors: dict[str, Any]) -> str:
    """Return the file's text: a line for each flight."""
    flights = ",\n".join(json.dumps(each) for each in vectors["flights"])
    head = {name: value for name, value in vectors.items() if name != "flights"}
    return f'{json.dumps(head)[:-1]}, "flights": [\n{flights}\n]}}\n'


if __name__ == "__main__":
    FILE.write_text(to_text(make()), encoding="utf-8")
