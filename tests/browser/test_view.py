# SPDX-License-Identifier: MIT
"""The browser draws others smoothly, within what was told, and without a jump."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game.protocol import Protocol
from gamenet.replication import Teleported
from gamenet.wire import angle, float32, quaternion, uint8
from gamenet.wire.javascript import javascript_module
from gamenet.world import Component, Show, Shown
from tests.browser.javascript import run_program

SEED = 5
TICK_RATE = 10


class Place(Component):
    """Where something is; a jump of 50 is one."""

    shown = Shown(snap=50.0, half_life=0.1, extrapolate=0.2)
    x: float = float32()
    heading: float = angle()


class Turn(Component):
    """How something is turned."""

    facing: tuple[float, ...] = quaternion()


class Health(Component):
    """What steps."""

    points: int = uint8()


class Marker(Component):
    """What could slide, and is not to."""

    shown = Shown(others=Show.SNAPPED)
    x: float = float32()


COMPONENTS = [Place, Turn, Health, Marker, Teleported]
SETTINGS = Protocol("view", COMPONENTS, [], []).browser_shown()
PROTOCOL = javascript_module(
    protocol_hash=bytes(8),
    version=1,
    components=COMPONENTS,
    inputs=[],
    messages={},
    shown=SETTINGS,
)


class Script:
    """What a view is told and asked, and at the end what it answered."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []

    def arrive(
        self, tick: int, rows: dict[int, Any], view: float = -1.0, gone: Any = ()
    ) -> Script:
        """Tell rows of a tick while a moment is drawn."""
        self.steps.append(
            {
                "do": "arrive",
                "tick": tick,
                "rows": {str(row): values for row, values in rows.items()},
                "gone": list(gone),
                "viewTick": view,
            }
        )
        return self

    def draw(self, view: float, now: float, *ask: tuple[str, int]) -> Script:
        """Draw a moment, and ask for components of rows."""
        step = {"do": "draw", "viewTick": view, "now": now, "ask": list(ask)}
        self.steps.append(step)
        return self

    def do(self, what: str, **values: Any) -> Script:
        """Do anything else."""
        self.steps.append({"do": what, **values})
        return self

    def run(self) -> list[Any]:
        """Return what all steps answered."""
        answers: list[Any] = run_program(
            "view_play.js", {"script": self.steps}, protocol=PROTOCOL
        )
        return answers

    def drawn(self) -> list[Any]:
        """Return the first value of each drawing."""
        answers = zip(self.steps, self.run(), strict=True)
        return [answer[0] for step, answer in answers if step["do"] == "draw"]


def place(x: float, heading: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return a row that is somewhere."""
    return {"Place": {"x": x, "heading": heading}, **more}


PLACE = ("Place", 7)


class SampleTests(SynchronousTestCase):
    """Between samples."""

    def test_hull(self) -> None:
        """What is drawn never leaves the bounds of what was told around it."""
        random = Random(SEED)
        told = [random.uniform(-20, 20) for _ in range(40)]
        script = Script()
        for tick, x in enumerate(told):
            script.arrive(10 + tick, {7: place(x)})
            at = 10 + tick - random.random()
            script.draw(max(at, 10), tick / TICK_RATE, PLACE)
        moments = [step["viewTick"] for step in script.steps if step["do"] == "draw"]
        for at, drawn in zip(moments, script.drawn(), strict=True):
            low, high = sorted((told[math.floor(at) - 10], told[math.ceil(at) - 10]))
            self.assertLessEqual(low - 1e-5, drawn["x"], (SEED, at))
            self.assertLessEqual(drawn["x"], high + 1e-5, (SEED, at))

    def test_left_out(self) -> None:
        """An entity that is told only now and then glides on without a jump."""
        random = Random(SEED)
        script = Script()
        frames, last = 8, 10
        for tick in range(10, 120):
            is_told = tick < 12 or tick - last == 5 or random.random() < 0.3
            last = tick if is_told else last
            rows = {7: place(2.0 * tick)} if is_told else {}
            script.arrive(tick, rows, tick - 3)
            for frame in range(frames):
                at = tick - 3 + frame / frames
                script.draw(at, at / TICK_RATE, PLACE)
        xs = [drawn["x"] for drawn in script.drawn()]
        steps = [b - a for a, b in pairwise(xs)]
        self.assertGreaterEqual(min(steps), -1e-4, SEED)
        self.assertLess(max(steps), 2.0 * 5 / frames, SEED)
        self.assertGreater(xs[-1], 2 * 110)

    def test_angle(self) -> None:
        """An angle takes the short way, a rotation keeps its length."""
        half = math.sqrt(0.5)
        turned = {"Turn": {"facing": [0.0, 0.0, 0.0, 1.0]}}
        further = {"Turn": {"facing": [0.0, 0.0, half, half]}}
        script = Script().arrive(1, {7: place(0, 3.0, **turned)})
        script.arrive(2, {7: place(0, -3.0, **further)})
        answer = script.draw(1.5, 0, PLACE, ("Turn", 7)).run()[-1]
        self.assertAlmostEqual(math.cos(answer[0]["heading"]), -1.0, 6)
        self.assertAlmostEqual(math.hypot(*answer[1]["facing"]), 1.0, 9)
        self.assertAlmostEqual(2 * math.asin(answer[1]["facing"][2]), math.pi / 4, 9)

    def test_snapped(self) -> None:
        """What steps, or is not to slide, is as it was at the last tick before."""
        script = Script()
        for tick in (1, 2):
            health = {"Health": {"points": tick}, "Marker": {"x": tick}}
            script.arrive(tick, {7: health})
        for at in (1.0, 1.99, 2.0):
            script.draw(at, at, ("Health", 7), ("Marker", 7))
        values = [(h["points"], m["x"]) for h, m in script.run()[2:]]
        self.assertEqual(values, [(1, 1), (1, 1), (2, 2)])

    def test_jump(self) -> None:
        """What is far enough, or says so, jumps."""
        script = Script()
        script.arrive(1, {7: place(0), 8: place(0, Teleported={"count": 3})})
        script.arrive(2, {7: place(60), 8: place(4, Teleported={"count": 4})})
        for at in (1.9, 2.0):
            script.draw(at, at, PLACE, ("Place", 8))
        answers = [[each["x"] for each in drawn] for drawn in script.run()[2:]]
        self.assertEqual(answers, [[0, 0], [60, 4]])

    def test_late_part(self) -> None:
        """A row that comes too late for the view does not jump there."""
        script = Script().arrive(1, {7: place(0)}).arrive(2, {8: place(0)})
        script.draw(1.5, 1.0, PLACE).arrive(2, {7: place(10)}, 1.5)
        script.draw(1.5, 1.0, PLACE).draw(1.9, 1.04, PLACE).draw(2.0, 9.0, PLACE)
        xs = [drawn["x"] for drawn in script.drawn()]
        self.assertEqual(xs[:2], [0, 0])
        self.assertGreater(xs[2], 0)
        self.assertLess(xs[2], 9)
        self.assertAlmostEqual(xs[3], 10, 4)

    def test_returned(self) -> None:
        """What was out of sight, or is another entity, does not come gliding."""
        script = Script().arrive(1, {7: place(0), 8: place(0)})
        script.arrive(2, {}, gone=[7]).arrive(
            3, {7: place(9), 8: place(9, generation=2)}
        )
        answers = script.draw(2.5, 0, PLACE, ("Place", 8)).run()[-1]
        self.assertEqual([each["x"] for each in answers], [9, 9])

    def test_many_rows(self) -> None:
        """Rows far apart are kept apart."""
        script = (
            Script().arrive(1, {2: place(1)}).arrive(2, {250: place(5), 2: place(3)})
        )
        answers = script.draw(1.5, 0, ("Place", 2), ("Place", 250)).run()[-1]
        self.assertEqual([each["x"] for each in answers], [2, 5])


class LackTests(SynchronousTestCase):
    """Where no samples are."""

    def test_limit(self) -> None:
        """It goes on for the time that the component allows, and stands then."""
        script = Script().arrive(1, {7: place(0)}).arrive(2, {7: place(3)})
        for at in (2.0, 3.0, 4.0, 5.0, 50.0):
            script.draw(at, at / TICK_RATE, PLACE)
        self.assertEqual([d["x"] for d in script.drawn()], [3, 6, 9, 9, 9])

    def test_back(self) -> None:
        """When samples come it is where it was, and glides from there."""
        script = Script().arrive(1, {7: place(0), 8: place(5)})
        script.arrive(2, {7: place(3)}).draw(4.0, 0.4, PLACE)
        script.arrive(5, {7: place(0)}, 4.0)
        for now in (0.4, 0.5, 0.6, 3.0):
            script.draw(4.0, now, PLACE)
        xs = [drawn["x"] for drawn in script.drawn()]
        self.assertEqual(xs[:2], [9, 9])
        wanted = 3 - 3 * 2 / 3
        self.assertAlmostEqual(xs[2] - wanted, (9 - wanted) / 2, 5)
        self.assertAlmostEqual(xs[3] - wanted, (9 - wanted) / 4, 5)
        self.assertAlmostEqual(xs[4], wanted, 4)

    def test_back_fresh(self) -> None:
        """An entity that came after the lack is where it is as soon as it is drawn."""
        script = Script().arrive(1, {7: place(0)}).arrive(2, {7: place(3)})
        script.draw(4.0, 0.4, PLACE).arrive(5, {7: place(40, generation=2)}, 4.0)
        script.draw(5.0, 0.5, PLACE)
        self.assertEqual(script.drawn()[-1]["x"], 40)

    def test_nothing(self) -> None:
        """A view without any sample draws nothing, and is between none."""
        script = Script().draw(5.0, 0, PLACE).do("sight", viewTick=5.0)
        drawn, sight = script.run()
        self.assertEqual(drawn, [{"x": 0, "heading": 0}])
        self.assertEqual(sight, {"tick": 5.0, "older": 0, "newer": 0})


class ChoiceTests(SynchronousTestCase):
    """What a page chooses."""

    def test_show(self) -> None:
        """One entity is shown otherwise, until that is taken back."""
        script = Script()
        for tick in (1, 2, 3):
            script.arrive(tick, {7: place(10 * tick), 8: place(10 * tick)})
        for mode in ("snapped", "predicted", "interpolated", None):
            script.do("show", row=7, mode=mode)
            script.draw(1.5, 0, PLACE, ("Place", 8))
        answers = script.do("show", row=7, mode="upside down").run()
        drawn = [[d["x"] for d in answers[n]] for n in (4, 6, 8, 10)]
        self.assertEqual(drawn, [[10, 15], [30, 15], [15, 15], [15, 15]])
        self.assertIn(
            "there are predicted, interpolated, snapped", answers[-1]["thrown"]
        )

    def test_own(self) -> None:
        """An own row is drawn between its last two ticks, if nothing else is chosen."""
        own = {
            "component": "Place",
            "row": 7,
            "previous": {"x": 1, "heading": 0},
            "newest": {"x": 3, "heading": 1},
        }
        script = Script().arrive(1, {7: place(0)}).draw(1, 0, PLACE)
        script.do("own", fraction=0.5, **own)
        far = {**own, "newest": {"x": 90, "heading": 0}}
        script.do("own", fraction=0.5, **far)
        script.do("show", row=7, mode="interpolated").do("own", fraction=0.5, **own)
        answers = script.run()
        self.assertEqual(answers[2]["values"], {"x": 2, "heading": 0.5})
        self.assertEqual(answers[3]["values"]["x"], 90)
        self.assertFalse(answers[5]["isDrawn"])

    def test_rows(self) -> None:
        """An entity is drawn from when it was there on, a predicted one at once."""
        script = Script().arrive(1, {7: place(0)}).arrive(2, {})
        script.arrive(3, {8: place(0), 9: place(0, owner=1)}).do("follow", rows=[9])
        for at in (1.5, 2.9, 3.0):
            script.draw(at, 0, PLACE).do("rows", names=["Place"])
        self.assertEqual(script.run()[5::2], [[7, 9], [7, 9], [7, 8, 9]])

    def test_gone(self) -> None:
        """What is gone is drawn until the view comes to where it was gone."""
        both = {7: place(0, Health={"points": 5}), 8: place(0)}
        script = Script().arrive(1, both).arrive(2, both).draw(1.2, 0, PLACE)
        script.arrive(3, {}, 1.2, gone=[7, 8])
        for at in (1.9, 2.9, 3.0):
            script.draw(at, 0, ("Health", 7)).do("rows", names=["Place", "Health"])
        answers = script.run()[4:]
        self.assertEqual(answers[1::2], [[7], [7], []])
        self.assertEqual(answers[2], [{"points": 5}])

    def test_gone_own(self) -> None:
        """A predicted one is gone when the server says so."""
        script = Script().arrive(1, {7: place(0, owner=1)}).do("follow", rows=[7])
        script.arrive(2, {}).draw(1.2, 0).arrive(3, {}, 1.2, gone=[7])
        script.draw(1.3, 0).do("rows", names=["Place"])
        self.assertEqual(script.run()[-1], [])

    def test_taken_row(self) -> None:
        """A row shows one entity to its end, then the next: nothing slides between."""
        script = Script().arrive(1, {7: place(0, owner=2)}).arrive(2, {7: place(4)})
        script.draw(1.5, 0, PLACE)
        script.arrive(3, {7: place(20, generation=2, owner=3)}, 1.5)
        script.arrive(4, {7: place(24, generation=2, owner=3)}, 1.5)
        for at in (1.75, 2.5, 3.0, 3.5):
            script.draw(at, 0, PLACE).do("rows", names=["Place"]).do("who", row=7)
        answers = script.run()[5:]
        self.assertEqual([drawn["x"] for (drawn,) in answers[::3]], [3, 4, 20, 22])
        self.assertEqual(answers[1::3], [[7]] * 4)
        self.assertEqual(answers[2::3], [[1, 0], [1, 0], [2, 3], [2, 3]])

    def test_sight(self) -> None:
        """A view says between which two snapshots it is, if they are near."""
        script = Script().arrive(3, {}).arrive(5, {}).arrive(40, {})
        for at in (2.0, 3.0, 4.75, 5.0, 41.0):
            script.do("sight", viewTick=at)
        sights = [(s["older"], s["newer"]) for s in script.run()[3:]]
        self.assertEqual(sights, [(0, 0), (3, 5), (3, 5), (0, 0), (0, 0)])
