# SPDX-License-Identifier: MIT
"""Tests of prediction: ahead of the server, and back to what it confirms."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.prediction import EffectLedger, Predictor
from gamenet.world import entity_generation
from tests.prediction.crafts import (
    COMPONENTS,
    Attitude,
    Authority,
    Client,
    Gun,
    Loose,
    Place,
    Shield,
    Speed,
    Stream,
    crafts,
)

ALL = [0, 1]


class PredictorCase(SynchronousTestCase):
    """An authority, and a client ahead of it."""

    def setUp(self) -> None:
        self.authority = Authority()
        self.client = Client(self.authority)
        self.predictor = self.client.predictor


class AheadTests(PredictorCase):
    """What was right is never touched."""

    def test_no_corrections(self) -> None:
        """Where nothing interferes nothing is corrected, however it is confirmed."""
        for seed in range(4):
            with self.subTest(seed=seed):
                authority = Authority(3)
                client = Client(authority, [0, 1, 2])
                stream = Stream(client, Random(seed), delay=4 + 10 * seed)
                for tick in range(1, 1001):
                    client.advance(tick + 8)
                    authority.step()
                    stream.send(tick)
                    self.assertEqual(stream.deliver(tick), [])
                predictor = client.predictor
                self.assertEqual(predictor.n_corrections, 0)
                self.assertEqual(predictor.n_resimulated, 0)
                self.assertGreater(predictor.n_confirmed, 700)
                self.assertTrue(client.is_right())

    def test_at_once(self) -> None:
        """A tick is computed when it is asked for, once, in its order."""
        self.client.advance(5)
        self.assertEqual(self.client.computed, [1, 2, 3, 4, 5])
        self.predictor.advance(5)
        self.predictor.advance(2)
        self.assertEqual(self.client.computed, [1, 2, 3, 4, 5])
        self.assertEqual(self.predictor.tick, 5)

    def test_gap(self) -> None:
        """After a gap the world as it is counts as the tick before."""
        self.client.advance(5)
        self.predictor.advance(50)
        self.assertEqual(self.client.computed[-2:], [5, 50])
        self.assertIsNone(self.predictor.state(48))
        state = self.predictor.state(49)
        assert state is not None
        self.assertEqual(set(state), set(COMPONENTS))

    def test_no_rows(self) -> None:
        """Ticks pass and are confirmed without anything to predict."""
        self.predictor.follow(np.empty(0, np.intp))
        self.client.advance(5)
        self.authority.step(5)
        self.assertIsNone(self.client.confirm(3, ALL))
        state = self.predictor.state(5)
        assert state is not None
        self.assertEqual(len(state[Place]["x"]), 0)
        self.assertEqual(self.predictor.n_confirmed, 0)

    def test_depth(self) -> None:
        """A depth that makes no sense is refused, with its limits."""
        world, _ = crafts()
        for depth in (0, 1, 65537):
            error = self.assertRaises(
                ConfigError, Predictor, world, COMPONENTS, print, depth=depth
            )
            self.assertIn(f"{depth} ticks", str(error))


class BackTests(PredictorCase):
    """What was wrong is computed again, from what was confirmed."""

    @given(
        st.integers(1, 20), st.integers(0, 20), st.floats(-3, 3), st.sampled_from(ALL)
    )
    def test_replay_is_the_straight_run(
        self, at: int, ahead: int, push: float, row: int
    ) -> None:
        """To restore and replay gives, bit for bit, what one run from there gives."""
        authority = Authority()
        client = Client(authority)
        client.advance(at + ahead)
        authority.step(at)
        authority.push(row, push)
        client.computed.clear()
        correction = client.confirm(at)
        self.assertTrue(client.is_right())
        if correction is None:
            self.assertLess(abs(push), 1 / 32)
            self.assertEqual(client.computed, [])
        else:
            self.assertEqual(client.computed, list(range(at + 1, at + ahead + 1)))
            self.assertEqual(correction.n_ticks, ahead)
            self.assertEqual(correction.mispredicted.tolist(), [row])
            self.assertLessEqual(abs(correction.sizes[Place] - abs(push)), 1 / 64)
        for tick in range(at, at + ahead + 1):
            there = authority.rounding.all_values(authority.past[tick])
            np.testing.assert_equal(client.predictor.state(tick), there)

    def test_interference(self) -> None:
        """After any interference it is right again as soon as that is confirmed."""
        for seed in range(6):
            with self.subTest(seed=seed):
                chance = Random(seed)
                authority = Authority()
                client = Client(authority)
                stream = Stream(client, chance, delay=chance.randint(0, 30), loss=0.2)
                n_pushes = n_corrections = last = 0
                for tick in range(1, 601):
                    client.advance(tick + 1 + chance.randint(0, 2))
                    authority.step()
                    if tick < 500 and chance.random() < 0.02:
                        authority.push(chance.choice(ALL), chance.uniform(0.5, 5))
                        n_pushes, last = n_pushes + 1, tick
                    stream.send(tick)
                    n_corrections += len(stream.deliver(tick))
                self.assertGreater(last, 0)
                self.assertTrue(client.is_right())
                predictor = client.predictor
                self.assertEqual(predictor.n_corrections, n_corrections)
                self.assertLessEqual(n_corrections, 2 * n_pushes)
                self.assertGreater(n_corrections, 0)
                self.assertEqual(
                    predictor.n_resimulated, sum(c.n_ticks for c in predictor.log)
                )

    def test_one_correction(self) -> None:
        """What was corrected once is right at all ticks that follow."""
        self.client.advance(20)
        self.authority.step(5)
        self.authority.push(0, 2.0)
        self.authority.step(15)
        self.assertIsNotNone(self.client.confirm(5))
        for tick in range(6, 21):
            self.assertIsNone(self.client.confirm(tick))
        self.assertEqual(self.predictor.n_corrections, 1)
        self.assertEqual(self.predictor.n_resimulated, 15)

    def test_is_replaying(self) -> None:
        """It says whether a tick is computed for the first time."""
        seen: list[tuple[int, bool]] = []
        world, _ = crafts()
        predictor = Predictor(
            world, COMPONENTS, lambda tick: seen.append((tick, predictor.is_replaying))
        )
        predictor.follow(np.array(ALL))
        predictor.reset(0)
        predictor.advance(1)
        predictor.advance(2)
        self.authority.push(0, 1.0)
        self.authority.past[1] = self.authority.past[0]
        predictor.confirm(1, np.array(ALL), *self.client.parts(self.authority.past[1]))
        self.assertEqual(seen, [(1, False), (2, False), (2, True)])

    def test_correction(self) -> None:
        """A correction says where the rows were taken for, and where they are."""
        self.client.advance(10)
        self.authority.step(5)
        self.authority.push(1, 2.0)
        before = self.client.world.columns(Place).x[:2].copy()
        correction = self.client.confirm(5)
        assert correction is not None
        self.assertEqual((correction.tick, correction.n_ticks), (5, 5))
        self.assertEqual(correction.rows.tolist(), [1])
        self.assertEqual(correction.size, 2.0)
        self.assertEqual(list(correction.sizes), [Place])
        after = self.client.world.columns(Place).x[:2]
        self.assertEqual(correction.before[Place]["x"].tolist(), [before[1]])
        self.assertEqual(correction.after[Place]["x"].tolist(), [after[1]])
        self.assertEqual(list(self.predictor.log), [correction])

    def test_log_is_bounded(self) -> None:
        """Only the newest corrections are kept."""
        for tick in range(1, 301):
            self.client.advance(tick)
            self.authority.step()
            self.authority.push(0, 0.5 if tick % 2 else -0.5)
            self.client.confirm(tick)
        self.assertEqual(self.predictor.n_corrections, 300)
        self.assertEqual(self.predictor.log[0].tick, 45)
        self.assertEqual(len(self.predictor.log), 256)


class ToleranceTests(PredictorCase):
    """Small differences stay, and never become large ones."""

    def nudge(self, by: float) -> None:
        """Let the authority be a little off in a component that tolerates it."""
        self.authority.world.columns(Loose).x[0] += by
        self.authority.remember()

    def test_within(self) -> None:
        """What is off by the tolerance is right; what is off by more is not."""
        self.client.advance(20)
        self.authority.step()
        self.nudge(0.25)
        self.authority.step(9)
        for tick in range(1, 11):
            self.assertIsNone(self.client.confirm(tick))
        self.assertFalse(self.client.is_right())
        self.nudge(0.25 + 1 / 32)
        self.client.confirm(self.authority.tick)
        self.assertIsNone(self.client.confirm(10))

    def test_adding_up(self) -> None:
        """Many small differences are corrected once they are a large one."""
        off = []
        for tick in range(1, 401):
            self.client.advance(tick + 6)
            self.authority.step()
            self.nudge(1 / 32)
            self.client.confirm(tick)
            state = self.predictor.state(tick)
            assert state is not None
            off.append(state[Loose]["x"][0] - self.authority.world.columns(Loose).x[0])
        self.assertLessEqual(max(map(abs, off)), 0.25)
        self.assertEqual(max(map(abs, off)), 0.25)
        self.assertGreaterEqual(self.predictor.n_corrections, 20)
        self.assertLessEqual(self.predictor.n_corrections, 50)
        self.assertEqual(set(self.predictor.log[0].sizes), {Loose})

    def test_steps_have_none(self) -> None:
        """What cannot slide is right or wrong, in a tolerant component, too."""
        self.client.advance(3)
        self.authority.step()
        self.authority.world.columns(Loose).shots[0] += 1
        self.authority.remember()
        correction = self.client.confirm(1)
        assert correction is not None
        self.assertEqual(correction.sizes, {Loose: 0.0})
        self.assertTrue(self.client.is_right())

    def test_angles(self) -> None:
        """Angles are compared the short way round."""
        self.client.world.columns(Attitude).nose[:2] = -np.pi
        self.authority.world.columns(Attitude).nose[:2] = np.pi - 2 * np.pi / 1024
        self.authority.remember()
        self.predictor.reset(0)
        self.client.advance(1)
        self.authority.step()
        correction = self.client.confirm(1)
        assert correction is not None
        self.assertAlmostEqual(correction.sizes[Attitude], 2 * np.pi / 1024)

    def test_minus_zero(self) -> None:
        """Numbers that are equal are, whatever their bits say."""
        self.client.advance(1)
        self.authority.step()
        for side in (self.client.world, self.authority.world):
            side.columns(Speed).x[:2] = 0.0
        self.authority.world.columns(Speed).x[:2] = -0.0
        self.authority.remember()
        self.client.world.columns(Place).x[:2] = 0.0
        lanes, present = self.client.parts(self.authority.past[1])
        speeds = lanes[1].view(np.float32)
        self.assertTrue(np.signbit(speeds[0]).all())
        before = self.predictor.state(1)
        assert before is not None
        lanes[1][:] = np.stack([before[Speed]["x"], before[Speed]["y"]]).view(np.uint32)
        plain, signed = [each.copy() for each in lanes], lanes
        plain[1][0], signed[1][0] = 0, 1 << 31
        self.predictor.confirm(1, np.array(ALL), plain, present)
        n_corrections = self.predictor.n_corrections
        self.client.world.columns(Speed).x[:2] = 0.0
        self.predictor.reset(1)
        self.predictor.follow(np.array([0]))
        self.predictor.follow(np.array(ALL))
        self.predictor.confirm(1, np.array(ALL), signed, present)
        self.assertEqual(self.predictor.n_corrections, n_corrections)


class ArrivalTests(PredictorCase):
    """What is confirmed comes in any order, twice, in parts, late or not at all."""

    def test_older_is_ignored(self) -> None:
        """Of each row the newest confirmed tick counts, and each only once."""
        self.client.advance(10)
        self.authority.step(8)
        self.client.confirm(8)
        n_confirmed = self.predictor.n_confirmed
        self.authority.past[5] = self.authority.past[0]
        self.authority.past[8] = self.authority.past[0]
        self.assertIsNone(self.client.confirm(5))
        self.assertIsNone(self.client.confirm(8))
        self.assertEqual(self.predictor.n_confirmed, n_confirmed)
        self.assertEqual(self.predictor.confirmed, 8)

    def test_parts(self) -> None:
        """A row told at an older tick does not undo what another was told since."""
        self.client.advance(20)
        self.authority.step(6)
        self.authority.push(0, 2.0)
        self.authority.step(6)
        self.authority.push(1, 3.0)
        self.authority.step(3)
        self.assertIsNotNone(self.client.confirm(14, [1]))
        self.assertTrue(self.client.is_right([1]))
        correction = self.client.confirm(8, [0])
        assert correction is not None
        self.assertEqual(correction.rows.tolist(), [0])
        self.assertTrue(self.client.is_right())
        self.assertEqual(self.client.predictor.n_corrections, 2)

    def test_newer_than_ours(self) -> None:
        """A tick that we have not reached is taken as it is, and gone on from."""
        self.client.advance(5)
        self.authority.step(9)
        self.authority.push(0, 2.0)
        self.assertIsNone(self.client.confirm(9))
        self.assertEqual(self.predictor.tick, 9)
        self.assertTrue(self.client.is_right())
        self.predictor.advance(6)
        self.client.advance(12)
        self.assertTrue(self.client.is_right())
        self.assertEqual(self.client.computed, [1, 2, 3, 4, 5, 10, 11, 12])
        self.assertEqual(self.predictor.n_corrections, 0)

    def test_newer_in_parts(self) -> None:
        """So are the other parts of such a tick; none of it is a misprediction."""
        self.client.advance(5)
        self.authority.step(9)
        self.client.confirm(9, [0])
        self.client.confirm(9, [1])
        self.assertTrue(self.client.is_right())
        self.assertEqual(self.predictor.n_corrections, 0)

    def test_before_a_reset(self) -> None:
        """What is confirmed of ticks before a reset is taken, and gone on from."""
        self.client.advance(5)
        self.authority.step(20)
        self.predictor.reset(30)
        self.client.advance(33)
        correction = self.client.confirm(20)
        self.assertIsNone(correction)
        self.assertEqual(self.client.computed[-13:], list(range(21, 34)))
        self.assertTrue(self.client.is_right())
        self.assertEqual(self.predictor.n_corrections, 0)
        again = self.client.confirm(25)
        self.assertIsNone(again)

    def test_moved_by_a_reset(self) -> None:
        """If that moves what was told before, the view is told, nobody blamed."""
        self.client.advance(5)
        self.authority.step(20)
        self.client.confirm(3)
        self.predictor.reset(30)
        correction = self.client.confirm(20)
        assert correction is not None
        self.assertEqual(correction.rows.tolist(), ALL)
        self.assertEqual(correction.mispredicted.tolist(), [])
        self.assertEqual(self.predictor.n_corrections, 0)
        self.assertTrue(self.client.is_right())

    def test_older_than_the_ring(self) -> None:
        """What is from too long ago stands for now; later ticks put it right."""
        client = Client(self.authority, depth=16)
        client.advance(100)
        self.authority.step(100)
        client.computed.clear()
        client.confirm(84)
        self.assertEqual(client.computed, [])
        there = self.authority.rounding.all_values(self.authority.past[84])
        np.testing.assert_equal(client.predictor.state(100), there)
        client.advance(110)
        client.confirm(95)
        self.assertTrue(client.is_right())
        self.assertEqual(client.predictor.n_corrections, 0)

    def test_ends_of_the_ring(self) -> None:
        """The whole depth can be computed again, and not a tick more."""
        for age, is_known in ((14, True), (16, False)):
            authority = Authority()
            client = Client(authority, depth=16)
            client.advance(100)
            authority.step(100 - age)
            authority.push(0, 2.0)
            client.computed.clear()
            client.confirm(100 - age)
            self.assertEqual(len(client.computed), 14 * is_known)
            self.assertEqual(client.predictor.n_corrections, int(is_known))
            if is_known:
                self.assertTrue(client.is_right())

    def test_seconds(self) -> None:
        """Five seconds of latency and more are computed again like one tick."""
        self.client.advance(1000)
        self.authority.step(3)
        self.authority.push(0, 2.0)
        correction = self.client.confirm(3)
        assert correction is not None
        self.assertEqual(correction.n_ticks, 997)
        self.assertTrue(self.client.is_right())

    def test_first(self) -> None:
        """Before any tick of ours, what is confirmed is where we begin."""
        world, _ = crafts()
        predictor = Predictor(world, COMPONENTS, lambda _: None)
        predictor.follow(np.array(ALL))
        self.authority.step(4)
        block = self.authority.past[4]
        self.assertIsNone(predictor.state(4))
        predictor.confirm(4, np.array(ALL), *self.client.parts(block))
        self.assertEqual((predictor.tick, predictor.confirmed), (4, 4))
        there = self.authority.rounding.all_values(block)
        np.testing.assert_equal(predictor.state(4), there)
        np.testing.assert_equal(predictor.told(), there)


class RowTests(PredictorCase):
    """Rows come, go and change while ticks are on their way."""

    def test_new(self) -> None:
        """A row that is new is taken from the server, and moves no other."""
        client = Client(self.authority, [0])
        client.advance(10)
        self.authority.step(4)
        client.confirm(4)
        client.predictor.follow(np.array([1, 0]))
        self.assertIsNone(client.predictor.state(9))
        client.advance(12)
        self.assertIsNone(client.confirm(4, [1]))
        self.assertTrue(client.is_right())
        self.assertEqual(client.predictor.n_corrections, 0)
        self.authority.step(3)
        self.assertIsNone(client.confirm(7))
        self.assertEqual(client.predictor.n_corrections, 0)

    def test_new_while_replaying(self) -> None:
        """A row that begins later than where replay does begins there again."""
        client = Client(self.authority, [0])
        client.advance(10)
        words = Client(self.authority, [1]).words()
        client.predictor.follow(np.array(ALL))
        client.advance(12)
        after = client.words()[:, 1]
        self.authority.step(6)
        self.authority.push(0, 2.0)
        client.confirm(6, [0])
        np.testing.assert_array_equal(client.words()[:, 1], after)
        self.assertFalse(np.array_equal(words[:, 0], after))
        self.assertTrue(client.is_right([0]))

    def test_gone(self) -> None:
        """An entity that is gone is not written to, whatever is confirmed of it."""
        self.client.advance(10)
        self.authority.step(6)
        self.authority.push(0, 2.0)
        self.authority.push(1, 2.0)
        self.client.world.despawn(self.client.crafts[0])
        before = self.client.world.columns(Place).x[0]
        correction = self.client.confirm(6, ALL)
        assert correction is not None
        self.assertEqual(correction.rows.tolist(), [1])
        self.assertEqual(self.predictor.rows.tolist(), [1])
        self.assertEqual(self.client.world.columns(Place).x[0], before)
        self.assertTrue(self.client.is_right([1]))

    def test_another_generation(self) -> None:
        """Another entity in the same row begins anew."""
        self.client.advance(10)
        self.authority.step(6)
        self.client.confirm(3)
        self.client.world.despawn(self.client.crafts[0])
        other = self.client.world.spawn(
            Place(x=40.0), Speed(), Attitude(), Gun(), Loose(), owner=7
        )
        self.assertEqual(entity_generation(other), 2)
        self.predictor.follow(np.array(ALL))
        self.assertIsNone(self.predictor.state(9))
        self.assertIsNone(self.client.confirm(6))
        self.assertEqual(self.predictor.n_corrections, 0)
        self.assertTrue(self.client.is_right())

    def test_another_generation_unfollowed(self) -> None:
        """Nobody has to say that the entity is another one."""
        self.client.advance(10)
        self.client.world.despawn(self.client.crafts[0])
        self.client.world.spawn(Place(x=40.0), Speed())
        self.client.advance(11)
        self.assertEqual(self.predictor.rows.tolist(), [1])
        self.predictor.reset(20)
        self.assertEqual(self.client.world.columns(Place).x[0], 40.0)

    def test_given_away_and_back(self) -> None:
        """A row that is followed no more is left alone; back, it begins anew."""
        self.client.advance(10)
        self.authority.step(6)
        self.authority.push(0, 2.0)
        self.predictor.follow(np.array([1]))
        self.assertIsNone(self.client.confirm(6, ALL))
        self.client.advance(12)
        self.predictor.follow(np.array(ALL))
        self.authority.step(2)
        self.client.confirm(8)
        self.assertEqual(self.predictor.n_corrections, 0)
        self.assertTrue(self.client.is_right())

    def test_empty_rows_refused(self) -> None:
        """Where nobody lives there is nothing to predict."""
        error = self.assertRaises(
            LocalProtocolError, self.predictor.follow, np.array([0, 5])
        )
        self.assertIn("[5]", str(error))
        self.assertEqual(self.predictor.rows.tolist(), ALL)

    def test_lost_component(self) -> None:
        """A component that the server took away is a misprediction, once."""
        self.client.advance(10)
        self.authority.step(5)
        self.authority.world.remove(self.authority.crafts[0], Gun)
        self.authority.remember()
        self.client.world.remove(self.client.crafts[0], Gun)
        correction = self.client.confirm(5)
        assert correction is not None
        self.assertEqual(correction.sizes, {Gun: 0.0})
        self.authority.step(3)
        self.assertIsNone(self.client.confirm(8))
        self.assertTrue(self.client.is_right())

    def test_gained_tag(self) -> None:
        """A component without fields is there or not; rows count one by one."""
        self.client.advance(10)
        self.authority.step(5)
        for side, entities in (
            (self.authority.world, self.authority.crafts),
            (self.client.world, self.client.crafts),
        ):
            for entity in entities:
                side.add(entity, Shield())
        self.authority.remember()
        correction = self.client.confirm(5)
        assert correction is not None
        self.assertEqual(correction.sizes, {Shield: 0.0})
        self.assertEqual(correction.mispredicted.tolist(), ALL)
        self.authority.step()
        self.assertIsNone(self.client.confirm(6))

    def test_gained_component(self) -> None:
        """One that it gave is taken with its values, and slides from nowhere."""
        authority, world = self.authority, self.client.world
        for side, entity in (
            (authority.world, authority.crafts[0]),
            (world, self.client.crafts[0]),
        ):
            side.remove(entity, Place)
        authority.remember()
        self.predictor.reset(0)
        self.client.advance(10)
        authority.step(5)
        self.client.confirm(4)
        self.assertEqual(self.predictor.n_corrections, 0)
        authority.world.add(authority.crafts[0], Place(x=30.0))
        authority.remember()
        world.add(self.client.crafts[0], Place())
        correction = self.client.confirm(5)
        assert correction is not None
        self.assertEqual(correction.sizes, {Place: 0.0})
        np.testing.assert_equal(correction.before[Place], correction.after[Place])
        self.assertTrue(self.client.is_right())

    def test_any_life(self) -> None:
        """Whatever happens, what is confirmed of the newest tick is what is there."""
        for seed in range(16):
            with self.subTest(seed=seed):
                _live(self, Random(seed))


def _live(case: SynchronousTestCase, chance: Random) -> None:
    authority = Authority(4)
    client = Client(authority, [0, 1, 2, 3], depth=chance.choice((8, 32, 1024)))
    predictor = client.predictor
    stream = Stream(client, chance, delay=chance.randint(0, 12))
    for now in range(1, 201):
        authority.step()
        happening = chance.random() if now < 190 else 1.0
        if happening < 0.05:
            authority.push(chance.randrange(4), chance.uniform(-3, 3))
        elif happening < 0.1:
            rows = chance.sample(range(4), chance.randint(0, 4))
            predictor.follow(np.array(rows, np.intp))
        elif happening < 0.12:
            predictor.reset(now + chance.randint(0, 9))
        elif happening < 0.14:
            predictor.advance(now + chance.randint(0, 30))
        elif happening < 0.2:
            entity = client.world.id_of(chance.randrange(4))
            client.world.despawn(entity)
            new = client.world.spawn(*(each() for each in COMPONENTS[:-1]))
            case.assertEqual(int(new) & 0xFF, int(entity) & 0xFF)
        stream.send(now)
        stream.deliver(now)
        client.advance(max(now, predictor.tick or 0) + chance.randint(0, 1))
    predictor.follow(np.arange(4))
    assert predictor.tick is not None
    authority.step(max(0, predictor.tick - authority.tick))
    client.advance(authority.tick)
    client.confirm(authority.tick - 3)
    case.assertTrue(client.is_right())
    case.assertEqual(predictor.rows.tolist(), [0, 1, 2, 3])


class EffectTests(PredictorCase):
    """Replay makes effects known to whoever keeps them."""

    def test_played_once(self) -> None:
        """Shots are played once each, and cancelled where the server did not shoot."""
        effects = EffectLedger()
        client = Client(self.authority, effects=effects)
        client.advance(60)
        self.authority.step(10)
        played = list(client.played)
        self.assertGreater(len(played), 6)
        self.authority.push(0, 2.0)
        self.assertIsNotNone(client.confirm(10))
        self.assertEqual(client.played, played)
        self.assertEqual(client.predictor.cancelled, [])
        self.authority.step()
        self.authority.world.columns(Gun).heat[0] = 200
        self.authority.remember()
        self.assertIsNotNone(client.confirm(11))
        cancelled = [tick for _, tick in client.predictor.cancelled]
        expected = [tick for row, tick in played if row == 0 and tick > 11]
        self.assertGreater(len(expected), 1)
        self.assertEqual(cancelled, expected)
        self.assertEqual(client.played, played)
