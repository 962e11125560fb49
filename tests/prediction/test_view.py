# SPDX-License-Identifier: MIT
"""Tests of the view: what is drawn, and when."""

from __future__ import annotations

import math

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.prediction import View
from gamenet.replication import Teleported
from gamenet.world import Show, World, entity_id
from tests.prediction.watching import (
    COMPONENTS,
    TICK_RATE,
    Door,
    Heading,
    Health,
    Leaper,
    Place,
    Turn,
    Watching,
)
from tests.world.shapes import Dead, Team


class ViewTestCase(SynchronousTestCase):
    """A view of a world with one entity in row 0, told at ticks 1 to 4."""

    def setUp(self) -> None:
        self.watching = Watching()
        self.view, self.world = self.watching.view, self.watching.world
        self.world.spawn(Place(x=1), Health(points=1), Teleported())
        self.tell, self.xs = self.watching.tell, self.watching.xs
        self.tell(1)
        for tick in range(2, 5):
            self.tell(tick, (0, Place(x=tick)), (0, Health(points=tick)))


class MotionTests(ViewTestCase):
    """Others move evenly, whatever arrives when."""

    def test_between(self) -> None:
        """A moment between two snapshots is drawn between them; what steps steps."""
        self.assertEqual(self.xs(2.0, 2.25, 2.5, 3.75, 4.0), [2, 2.25, 2.5, 3.75, 4])
        self.xs(3.99)
        self.assertEqual(self.watching.shown(Health, "points"), 3)
        self.xs(4.0)
        self.assertEqual(self.watching.shown(Health, "points"), 4)

    def test_arrays_stay(self) -> None:
        """A reference to a column is good for as long as the view is."""
        x = self.view.columns(Place).x
        self.xs(2.5)
        self.assertEqual(x[0], 2.5)
        self.assertIs(x, self.view.columns(Place).arrays["x"])
        self.assertIs(self.view.columns(Place), self.view.columns(Place))
        self.assertEqual(list(self.view.columns(Heading).arrays), ["angle", "team"])

    def test_left_out(self) -> None:
        """A row that was left out glides to its new place in equal parts."""
        self.assertEqual(self.xs(3.5), [3.5])
        for tick in (5, 6, 7):
            self.tell(tick)
        self.tell(8, (0, Place(x=12)))
        self.assertEqual(self.xs(4.0, 5.0, 6.5, 8.0), [4, 6, 9, 12])

    def test_left_out_under_the_view(self) -> None:
        """If the view has come by meanwhile, it sets out from where the view is."""
        for tick in (5, 6, 7, 8):
            self.tell(tick)
        self.assertEqual(self.xs(3.5, 5.5), [3.5, 4.0])
        self.tell(9, (0, Place(x=10)))
        self.assertEqual(self.xs(5.5, 6.0, 7.0, 9.0), [4, 4, 6, 10])

    def test_too_late(self) -> None:
        """A row that is told when the view is there catches up little by little."""
        for tick in (5, 6, 7, 8):
            self.tell(tick)
        self.xs(6.5)
        self.tell(6, (0, Place(x=10)))
        xs = self.xs(6.5, 7.0, 7.5, 8.0)
        self.assertEqual(xs[:2], [4, 4])
        self.assertTrue(4 < xs[2] < xs[3] < 10)
        self.tell(9)
        self.tell(10)
        self.assertEqual(self.xs(10.0), [10])

    def test_parts(self) -> None:
        """A snapshot in parts is one moment."""
        row = int(self.world.spawn_rows(1, Place(x=9))[0])
        self.tell(5)
        self.tell(5, (0, Place(x=5)))
        self.tell(6, (row, Place(x=10)))
        self.tell(6, (0, Place(x=6)))
        self.assertEqual(self.xs(5.5), [5.5])
        self.assertEqual(self.watching.shown(Place, "x", row), 9.5)

    def test_angles_and_rotations(self) -> None:
        """An angle takes the short way, a rotation stays unit."""
        half = math.sqrt(0.5)
        entity = self.world.id_of(0)
        self.world.add(entity, Heading(angle=3.0))
        self.world.add(entity, Turn())
        self.tell(5)
        turned = Turn(turn=(0.0, 0.0, half, half))
        self.tell(6, (0, Heading(angle=-3.0, team=Team.BLUE)), (0, turned))
        self.view.update(5.5)
        angle = abs(self.watching.shown(Heading, "angle"))
        self.assertAlmostEqual(angle, math.pi, places=12)
        self.assertEqual(self.watching.shown(Heading, "team"), Team.RED.value)
        turn = self.watching.shown(Turn, "turn")
        eighth = [0, 0, math.sin(math.pi / 8), math.cos(math.pi / 8)]
        np.testing.assert_allclose(turn, eighth, atol=1e-12)
        self.assertEqual(self.view.columns(Turn).turn.shape, (8, 4))

    def test_numbers_that_are_none(self) -> None:
        """A component with a NaN is drawn as such, and harms no other."""
        other = int(self.world.spawn_rows(1, Place(x=9))[0])
        self.tell(5, (0, Place(x=5, y=math.nan)))
        self.tell(6, (0, Place(x=6, y=math.inf)), (other, Place(x=10)))
        self.assertEqual(self.xs(5.5), [5.5])
        self.assertTrue(math.isnan(self.watching.shown(Place, "y")))
        self.assertEqual(self.watching.shown(Place, "x", other), 9.5)


class GuessTests(ViewTestCase):
    """Where nothing is heard, motion goes on for a while."""

    def test_goes_on_and_stops(self) -> None:
        """It goes on as before for `Shown.extrapolate`, and then stands."""
        xs = self.xs(3.5, 4.5, 6.0, 7.0, 7.5, 9.0, 500.0)
        self.assertEqual(xs, [3.5, 4.5, 6, 7, 7, 7, 7])

    def test_right_guess(self) -> None:
        """A guess that was right leaves no trace."""
        self.assertEqual(self.xs(3.5, 5.5), [3.5, 5.5])
        for tick in (5, 6, 7):
            self.tell(tick, (0, Place(x=tick)))
        np.testing.assert_allclose(self.xs(5.5, 6.0, 6.5), [5.5, 6.0, 6.5])

    def test_wrong_guess(self) -> None:
        """A wrong one fades: no jump when the truth comes, none on the way to it."""
        before = self.xs(4.0, 5.0, 6.5)[-1]
        for tick in range(5, 12):
            self.tell(tick, (0, Place(x=4)))
        self.assertEqual(self.xs(6.5), [before])
        xs = np.array(self.xs(*np.arange(6.5, 10.5, 0.25)))
        steps = np.diff(xs)
        self.assertTrue((steps <= 1e-9).all())
        self.assertGreater(steps.min(), -0.25)
        self.assertEqual(xs[-1], 4.0)

    def test_stands(self) -> None:
        """A component that must not be guessed stays where it is."""
        self.world.add(self.world.id_of(0), Heading(angle=0.25))
        self.tell(5)
        self.tell(6, (0, Heading(angle=0.5)))
        self.xs(7.5)
        angle = self.watching.shown(Heading, "angle")
        self.assertAlmostEqual(angle, 0.5, places=3)

    def test_row_that_lags(self) -> None:
        """A row that has not caught up when all goes silent is there in the end."""
        self.xs(4.0)
        self.tell(5)
        self.tell(3, (0, Place(x=9)))
        self.xs(9.0)
        for tick in range(6, 16):
            self.tell(tick)
        self.assertEqual(self.xs(15.0), [9])


class JumpTests(ViewTestCase):
    """Teleports do not slide."""

    def test_teleported(self) -> None:
        """A row is at its old place until the view comes to the tick of the jump."""
        self.tell(5, (0, Place(x=500)), (0, Teleported(count=1)))
        self.tell(6, (0, Place(x=501)))
        self.assertEqual(self.xs(4.5, 4.99, 5.0, 5.5), [4, 4, 500, 500.5])

    def test_teleported_after_a_hole(self) -> None:
        """A jump that was left out for a while is none on the way, either."""
        for tick in (5, 6):
            self.tell(tick)
        self.xs(3.0)
        self.tell(7, (0, Place(x=500)), (0, Teleported(count=1)))
        self.assertEqual(self.xs(4.5, 6.5, 7.0), [4, 4, 500])

    def test_teleported_late(self) -> None:
        """A jump that is heard of too late is drawn at once."""
        for tick in (5, 6, 7):
            self.tell(tick)
        self.xs(6.5)
        self.tell(6, (0, Place(x=500)), (0, Teleported(count=1)))
        self.assertEqual(self.xs(6.5, 7.0), [500, 500])

    def test_teleported_while_guessing(self) -> None:
        """A jump after silence does not fade."""
        self.xs(6.0)
        self.tell(5, (0, Place(x=500)), (0, Teleported(count=1)))
        self.assertEqual(self.xs(6.0, 7.0), [500, 500])

    def test_added(self) -> None:
        """To gain the component is a jump as well."""
        self.world.remove(self.world.id_of(0), Teleported)
        self.tell(5, (0, Place(x=5)))
        self.tell(6, (0, Place(x=500)), (0, Teleported()))
        self.assertEqual(self.xs(5.5, 6.0), [5, 500])

    def test_snap(self) -> None:
        """What goes further than `Shown.snap` jumps; what does not slides."""
        self.world.add(self.world.id_of(0), Leaper(x=0))
        self.tell(5)
        self.tell(6, (0, Leaper(x=5)))
        self.tell(7, (0, Leaper(x=10.5)))
        drawn = []
        for tick in (5.5, 6.0, 6.5, 7.0):
            self.view.update(tick)
            drawn.append(float(self.watching.shown(Leaper, "x")))
        self.assertEqual(drawn, [2.5, 5, 5, 10.5])

    def test_snapped(self) -> None:
        """A component that is snapped has the value of the older snapshot."""
        self.world.add(self.world.id_of(0), Door(gap=1))
        self.tell(5)
        self.tell(6, (0, Door(gap=2)))
        drawn = []
        for tick in (5.0, 5.9, 6.0, 8.0):
            self.view.update(tick)
            drawn.append(float(self.watching.shown(Door, "gap")))
        self.assertEqual(drawn, [1, 1, 2, 2])

    def test_chosen(self) -> None:
        """A single entity may be snapped, or slide, until it is gone."""
        self.world.add(self.world.id_of(0), Door(gap=1))
        self.tell(5, (0, Place(x=5)))
        self.view.show(np.array([0]), Show.SNAPPED)
        self.tell(6, (0, Place(x=6)), (0, Door(gap=2)))
        self.assertEqual(self.xs(5.5, 6.0), [5, 6])
        self.view.show(np.array([0]), Show.INTERPOLATED)
        self.tell(7, (0, Place(x=7)), (0, Door(gap=4)))
        self.assertEqual(self.xs(6.5), [6.5])
        self.assertEqual(self.watching.shown(Door, "gap"), 3)
        self.view.show(np.array([0]), None)
        self.assertEqual(self.xs(6.5), [6.5])
        self.assertEqual(self.watching.shown(Door, "gap"), 2)
        self.view.show(np.array([0]), Show.SNAPPED)
        self.world.despawn(self.world.id_of(0))
        self.world.spawn(Place(x=50))
        self.tell(8)
        self.tell(9, (0, Place(x=51)))
        self.assertEqual(self.xs(8.5), [50.5])

    def test_predicts_nothing(self) -> None:
        """A view cannot be asked to predict."""
        rows = np.array([0])
        error = self.assertRaises(
            LocalProtocolError, self.view.show, rows, Show.PREDICTED
        )
        self.assertIn("put_own", str(error))


class InhabitantTests(ViewTestCase):
    """The moment that is drawn has its own entities."""

    def rows(self, tick: float, *components: type) -> list[int]:
        """Return the rows to draw at a moment."""
        self.view.update(tick)
        return self.view.rows(*components).tolist()

    def test_spawned(self) -> None:
        """An entity is drawn from the tick on in which it was spawned."""
        self.world.spawn(Place(x=9))
        self.tell(5)
        self.assertEqual(self.rows(4.9), [0])
        self.assertEqual(self.rows(5.0), [0, 1])
        self.assertEqual(self.rows(5.0, Place, Health), [0])

    def test_there_before_us(self) -> None:
        """What the first snapshot tells is drawn at once, where it was then."""
        self.assertEqual(self.rows(-3.5, Health), [0])
        self.assertEqual(self.watching.shown(Place, "x"), 1)

    def test_despawned(self) -> None:
        """One that is gone is drawn until the view comes to its last tick."""
        self.tell(5, (0, Place(x=5)))
        self.world.despawn(self.world.id_of(0))
        self.tell(6)
        self.assertEqual(self.rows(5.5, Place, Health), [0])
        self.assertEqual(self.watching.shown(Place, "x"), 5)
        self.assertEqual(self.rows(6.0), [])

    def test_row_used_again(self) -> None:
        """A new entity in a row is drawn after the old one, and slides from nowhere."""
        old = self.world.id_of(0)
        self.tell(5, (0, Place(x=5)))
        self.world.despawn(old)
        new = self.world.spawn(Place(x=700))
        self.tell(6)
        self.tell(7, (0, Place(x=701)))
        self.assertEqual(self.xs(4.5, 5.0, 5.5), [4.5, 5, 5])
        self.assertEqual(self.view.ids_of(np.array([0])).tolist(), [old])
        self.assertEqual(self.rows(5.5, Health), [0])
        self.assertEqual(self.xs(6.0, 6.5), [700, 700.5])
        self.assertEqual(self.view.ids_of(np.array([0])).tolist(), [new])
        self.assertEqual(self.rows(6.5, Health), [])
        self.assertEqual(self.view.ids_of(np.array([3])).tolist(), [0])

    def test_reshaped(self) -> None:
        """A component that comes or goes does so when the view is there."""
        self.world.remove(self.world.id_of(0), Health)
        self.tell(5)
        self.world.add(self.world.id_of(0), Health(points=77))
        self.tell(6)
        self.assertEqual(self.rows(4.5, Health), [0])
        self.assertEqual(self.watching.shown(Health, "points"), 4)
        self.assertEqual(self.rows(5.5, Health), [])
        self.assertEqual(self.rows(6.0, Health), [0])
        self.assertEqual(self.watching.shown(Health, "points"), 77)

    def test_spawned_late(self) -> None:
        """One that is heard of too late is drawn at once, where it is."""
        for tick in (5, 6, 7):
            self.tell(tick)
        self.rows(6.5)
        self.world.spawn(Place(x=9))
        self.tell(5)
        self.assertEqual(self.rows(6.5), [0, 1])
        self.assertEqual(self.watching.shown(Place, "x", 1), 9)

    def test_own(self) -> None:
        """Own entities are drawn as soon as the world has them."""
        self.xs(3.5)
        own = self.world.spawn(Place(x=9))
        self.tell(5)
        self.view.own = np.array([1])
        self.assertEqual(self.view.own.tolist(), [1])
        self.assertEqual(self.rows(3.5), [0, 1])
        self.assertEqual(self.rows(3.5, Health), [0])
        self.assertEqual(self.view.ids_of(np.array([1])).tolist(), [own])
        self.world.despawn(own)
        self.assertEqual(self.rows(3.5), [0])

    def test_put_own(self) -> None:
        """Own rows are drawn between two ticks of the own time line."""
        self.world.add(self.world.id_of(0), Heading())
        self.tell(5)
        self.view.update(4.0)
        rows = np.array([0])
        x, y = np.array([10.0]), np.array([0.0])
        self.view.put_own(Place, rows, {"x": x, "y": y}, {"x": x + 1, "y": y}, 0.25)
        before = {"angle": np.array([3.0]), "team": np.array([1])}
        after = {"angle": np.array([-3.0]), "team": np.array([7])}
        self.view.put_own(Heading, rows, before, after, 0.5)
        self.assertEqual(self.watching.shown(Place, "x"), 10.25)
        self.assertAlmostEqual(abs(self.watching.shown(Heading, "angle")), math.pi)
        self.assertEqual(self.watching.shown(Heading, "team"), 7)
        self.assertEqual(self.xs(4.0), [4.0])

    def test_put_own_rotation(self) -> None:
        """Rotations of own rows are unit between two ticks, too."""
        one, other = np.array([[0, 0, 0, 1.0]]), np.array([[0, 0, -1.0, 0]])
        rows = np.array([2])
        self.view.put_own(Turn, rows, {"turn": one}, {"turn": other}, 0.5)
        half = math.sqrt(0.5)
        turn = self.watching.shown(Turn, "turn", 2)
        np.testing.assert_allclose(turn, [0, 0, -half, half], atol=1e-12)


class SightTests(ViewTestCase):
    """The server is told what was seen."""

    def seen(self, tick: float) -> tuple[float, int, int]:
        """Return the sight at a moment."""
        self.view.update(tick)
        sight = self.view.sight()
        return sight.tick, sight.older, sight.newer

    def test_between(self) -> None:
        """It names the snapshots around the view, also beside a lost one."""
        self.tell(7)
        self.assertEqual(self.seen(3.25), (3.25, 3, 4))
        self.assertEqual(self.seen(4.0), (4.0, 4, 7))
        self.assertEqual(self.seen(6.5), (6.5, 4, 7))
        self.tell(5)
        self.assertEqual(self.seen(6.5), (6.5, 4, 7))

    def test_not_between(self) -> None:
        """Before the first and after the last snapshot there are no two."""
        self.assertEqual(self.seen(0.5), (0.5, 0, 0))
        self.assertEqual(self.seen(4.5), (4.5, 0, 0))
        self.tell(30)
        self.assertEqual(self.seen(20.0), (20.0, 4, 30))

    def test_before_anything(self) -> None:
        """A view of nothing sees nothing, and draws nothing."""
        view = View(World(COMPONENTS, 4), TICK_RATE)
        self.assertEqual((view.sight().tick, view.newest, view.tick), (0.0, None, None))
        self.assertEqual(view.rows().tolist(), [])
        view.update(7.5)
        self.assertEqual((view.sight().tick, view.sight().newer), (7.5, 0))
        self.assertEqual(view.columns(Turn).turn[3].tolist(), [0, 0, 0, 1])

    def test_far_behind(self) -> None:
        """A view that is too far behind shows the oldest moment that is kept."""
        for tick in range(5, 100):
            self.tell(tick, (0, Place(x=tick)))
        self.assertEqual(self.xs(3.0, 67.5, 68.5), [68, 68, 68.5])
        self.tell(2, (0, Place(x=99)))
        self.assertEqual(self.view.newest, 99)

    def test_long_silence(self) -> None:
        """After a silence longer than all that is kept, the view goes on."""
        self.tell(500, (0, Place(x=80)))
        self.tell(501, (0, Place(x=81)))
        self.assertEqual(self.xs(499.0, 500.5)[1], 80.5)

    def test_unknown(self) -> None:
        """A component that the world has not is named, with those that it has."""
        error = self.assertRaises(LocalProtocolError, self.view.columns, Dead)
        self.assertIn("no Dead: its world has Place, Heading", str(error))
        self.assertRaises(LocalProtocolError, self.view.rows, Dead)
        error = self.assertRaises(
            AttributeError, getattr, self.view.columns(Place), "z"
        )
        self.assertIn("x, y", str(error))
        self.assertIn("Place", repr(self.view.columns(Place)))

    def test_ids(self) -> None:
        """An id is that of the world."""
        self.view.update(4.0)
        ids = self.view.ids_of(np.array([0]))
        self.assertEqual(ids.tolist(), [entity_id(0, int(self.world.generation[0]))])
