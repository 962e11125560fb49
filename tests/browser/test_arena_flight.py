# SPDX-License-Identifier: MIT
"""The arena's page flies the own ship as the server does, word for word."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from examples.arena import Arena, flight
from gamenet.game.protocol import Protocol
from gamenet.wire.javascript import javascript_module
from tests.browser.javascript import BROWSER, run_program
from tests.vectors import arena_flight_vectors

PAGE = BROWSER.parent.parent / "examples" / "arena" / "page"
VECTORS = json.loads(arena_flight_vectors.FILE.read_text(encoding="utf-8"))
SPEEDS = slice(2, 4)
"""The words of the velocity."""
SHOVE = 2 / flight.SPEED_STEP
"""A change of speed within a tick that no engine makes, in words."""


def arena_codec() -> str:
    """Return the generated codec of the arena."""
    return javascript_module(
        protocol_hash=bytes(8),
        version=1,
        components=Arena.components,
        inputs=Arena.inputs,
        messages={},
        events=Arena.events,
        shown=Protocol("arena", Arena.components, [], []).browser_shown(),
    )


class FlightVectorTests(SynchronousTestCase):
    """One file says how ships fly, for both languages."""

    def test_python(self) -> None:
        """What the file says is what Python's flight does now."""
        text = arena_flight_vectors.FILE.read_text(encoding="utf-8")
        made = arena_flight_vectors.to_text(arena_flight_vectors.make())
        self.assertEqual(text, made, "run python -m tests.vectors.arena_flight_vectors")

    def test_javascript(self) -> None:
        """The page's flight has the same words after every tick, and the same beams."""
        flights = [
            {**each, "words": None, "ticks": len(each["words"])}
            for each in VECTORS["flights"]
        ]
        argument = {
            "flights": flights,
            "tickRate": VECTORS["tick_rate"],
            "hue": VECTORS["hue"],
        }
        flown = run_program(
            "arena_flights.js",
            argument,
            protocol=arena_codec(),
            modules=[PAGE / "flight.js"],
        )
        for n, (wanted, its) in enumerate(zip(VECTORS["flights"], flown, strict=True)):
            pairs = zip(wanted["words"], its["states"], strict=True)
            for tick, (one, other) in enumerate(pairs):
                self.assertEqual(other, one, (n, tick))
            beams = [[tick, body] for tick, body, _, _ in its["beams"]]
            self.assertEqual(beams, wanted["beams"], n)

    def test_they_say_something(self) -> None:
        """Every flight meets a wall, and beams leave ships."""
        for n, each in enumerate(VECTORS["flights"]):
            self.assertGreater(self.n_bounces(each["words"]), 0, n)
        beams = [beam for each in VECTORS["flights"] for beam in each["beams"]]
        self.assertGreater(len(beams), len(VECTORS["flights"]))

    def n_bounces(self, words: list[Any]) -> int:
        """Return in how many ticks the speed changed by more than an engine does."""
        speeds = [line[SPEEDS] for line in words]
        return sum(
            any(abs(a - b) > SHOVE for a, b in zip(one, other, strict=True))
            for one, other in pairwise(speeds)
        )


class MomentTests(SynchronousTestCase):
    """What the page shows when its view gets there."""

    def test_order(self) -> None:
        """A call is made when its tick is drawn, by tick, then as it was asked for."""
        ticks = [12, 10, None, 12, 11.5, 10]
        answers = run_program(
            "arena_moments.js",
            {"ticks": ticks, "views": [9.5, 10.2, 10.9, 12]},
            modules=[PAGE / "moments.js"],
        )
        self.assertEqual(answers, [[2], [1, 5], [], [4, 0, 3]])
