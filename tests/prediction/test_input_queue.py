# SPDX-License-Identifier: MIT
"""Tests of the server's frames of a player."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.prediction import (
    Feedback,
    Frame,
    Input,
    InputBuffer,
    InputCodec,
    InputQueue,
    Sight,
    missing_input,
)
from tests.connection.strategies import seeds
from tests.prediction.pilots import INPUTS, Aim, Fire, Steer

RATE = 30.0


class Game:
    """A queue, and the ticks of its game."""

    def __init__(self, tick: int = 100, inputs: Sequence[type[Input]] = INPUTS) -> None:
        """Begin after a tick."""
        self.queue = InputQueue(inputs, RATE)
        self.codec = InputCodec(inputs)
        self.tick = tick
        self.clock = 0

    def hear(
        self, *frames: Frame, steady: bool = True, clock: int | None = None
    ) -> None:
        """Take a packet of frames, newest first."""
        self.clock += 33_333
        sent = self.clock if clock is None else clock
        data = self.codec.encode(frames, sent, is_steady=steady)
        self.queue.receive(data, tick=self.tick, at=self.tick + 0.25)

    def make(self, missing: Any = None) -> list[Input]:
        """Make a tick, and return its inputs."""
        self.tick += 1
        return self.queue.take(self.tick, missing)

    @property
    def n_frames(self) -> int:
        """Return how many frames the queue has accounted for."""
        queue = self.queue
        counted = queue.n_taken + queue.n_late + queue.n_duplicate + queue.n_early
        return counted + queue.depth


def steer(tick: int) -> Frame:
    """Return a frame that says its tick."""
    return Frame(tick, (Steer(tick),), Sight(tick - 3.5, tick - 4, tick - 3))


class TakeTests(SynchronousTestCase):
    """A frame is taken in its tick, once."""

    def setUp(self) -> None:
        self.game = Game()
        self.queue = self.game.queue

    def test_in_its_tick(self) -> None:
        """Frames wait for their tick, whenever they came."""
        self.game.hear(steer(103), steer(102))
        self.game.hear(steer(101), clock=7)
        self.assertEqual(self.queue.depth, 3)
        for tick in (101, 102, 103):
            self.assertEqual(self.game.make(), [Steer(tick)])
            self.assertEqual(self.queue.sight, steer(tick).sight)
        self.assertEqual((self.queue.n_taken, self.queue.depth), (3, 0))
        self.assertEqual(self.queue.newest, 103)

    def test_duplicates(self) -> None:
        """What packets repeat is counted and nothing else."""
        for _ in range(3):
            self.game.hear(steer(102), steer(101))
        self.game.make()
        self.game.hear(steer(102), steer(101))
        self.assertEqual(self.queue.n_duplicate, 6)
        self.assertEqual(self.game.make(), [Steer(102)])
        self.assertEqual(self.queue.n_late, 0)

    def test_missing(self) -> None:
        """A steady player's gap is filled as each class says."""
        full = (Steer(1), Fire(2), Aim(0.5))
        self.game.hear(Frame(101, full))
        self.assertEqual(self.game.make(), list(full))
        self.assertEqual(self.game.make(), [Steer(1), Aim()])
        self.assertEqual(self.game.make(lambda kind, last: None), [])
        asked = []
        self.game.make(lambda kind, last: asked.append((kind, last)))
        self.assertEqual([kind for kind, _ in asked], INPUTS)
        self.assertEqual(asked[0][1], Steer(1))
        self.assertEqual(self.queue.n_missing, 3)

    def test_let_go(self) -> None:
        """What was not done in the last frame is not repeated."""
        self.game.hear(Frame(102), steer(101))
        self.assertEqual(self.game.make(), [Steer(101)])
        self.assertEqual(self.game.make(), [])
        self.assertEqual(self.game.make(), [Aim()])

    def test_last(self) -> None:
        """A rule is given the last one of each class, however long ago that was."""
        self.game.hear(Frame(102, (Fire(2),)), Frame(101, (Steer(1), Fire(1))))
        self.game.make()
        self.game.make()
        asked = {}
        self.game.make(lambda kind, last: asked.update({kind: last}))
        self.assertEqual((asked[Steer], asked[Fire]), (Steer(1), Fire(2)))
        self.assertIsNone(asked[Aim])
        # What comes too late to be used is known nevertheless.
        self.game.make(lambda kind, last: last)
        self.game.hear(Frame(103, (Steer(3),)))
        self.game.make(lambda kind, last: asked.update({kind: last}))
        self.assertEqual(asked[Steer], Steer(3))

    def test_stand_ins_are_not_added(self) -> None:
        """Where something stood in for an input, it does not act when it comes."""
        self.game.hear(steer(101))
        self.assertEqual(self.game.make(), [Steer(101)])
        self.assertEqual(self.game.make(), [Steer(101), Aim()])
        self.game.hear(Frame(103), Frame(102, (Steer(102), Fire(102), Aim(1.0))))
        # Nothing has stood in for the button.
        self.assertEqual(self.game.make(), [Fire(102)])
        self.assertEqual(self.queue.n_dropped, 2)
        self.game.hear(Frame(104), steady=False)
        self.assertEqual(self.game.make(), [])

    def test_stand_ins_follow(self) -> None:
        """Of a player whose frames are all late, the newest known one is repeated."""
        self.game.hear(steer(101))
        self.game.make()
        told = []
        for tick in range(102, 112):
            told += [each.number for each in self.game.make() if type(each) is Steer]
            self.game.hear(steer(tick))
        self.assertEqual(told, [*range(101, 111)])

    def test_away(self) -> None:
        """After a second without frames nothing stands in for them."""
        self.game.hear(steer(101))
        given = [bool(self.game.make()) for _ in range(60)]
        self.assertEqual(given, [True] * 31 + [False] * 29)
        self.assertEqual(self.queue.n_missing, 30)
        self.game.hear(steer(170))
        self.assertEqual([self.game.make() for _ in range(10)][-1], [Steer(170)])

    def test_before_the_first(self) -> None:
        """Nothing is missing before the first frame of a player."""
        self.game.hear(steer(105))
        self.assertEqual([self.game.make() for _ in range(4)], [[]] * 4)
        self.assertEqual(self.queue.n_missing, 0)

    def test_late_steady(self) -> None:
        """A late input is used if nothing newer of its class was."""
        self.game.hear(steer(101))
        self.game.make()
        self.game.make()
        self.game.hear(Frame(103, (Steer(103),)), Frame(102, (Steer(102), Fire(102))))
        self.assertEqual(self.game.make(), [Steer(103), Fire(102)])
        self.assertEqual(self.game.make(), [Steer(103), Aim()])
        self.assertEqual((self.queue.n_late, self.queue.n_missing), (1, 2))
        self.assertEqual(self.queue.n_dropped, 1)

    def test_late_sparse(self) -> None:
        """Who sends now and then loses no input, however late."""
        self.game.tick = 200
        self.game.hear(steer(101), steady=False)
        self.game.hear(steer(103), steer(102), steady=False)
        self.game.hear(steer(202), steady=False)
        taken = [self.game.make() for _ in range(5)]
        self.assertEqual(
            taken, [[Steer(101)], [Steer(202)], [Steer(102)], [Steer(103)], []]
        )
        self.assertEqual(self.queue.n_missing, 0)
        self.assertEqual(self.queue.sight, steer(103).sight)

    def test_too_late(self) -> None:
        """What may have been used long ago is not used."""
        self.game.tick = 5000
        self.game.hear(steer(1000), steady=False)
        self.assertEqual((self.game.make(), self.queue.n_late), ([], 1))

    def test_skipped_ticks(self) -> None:
        """Frames whose tick the server left out are late."""
        self.game.hear(steer(103), steer(102), steer(101), steady=False)
        self.game.tick = 102
        self.assertEqual(self.game.make(), [Steer(103)])
        self.assertEqual(
            [self.game.make() for _ in range(2)], [[Steer(101)], [Steer(102)]]
        )
        self.assertEqual(self.queue.n_late, 2)

    def test_restart(self) -> None:
        """A player whose own time went back says the same ticks anew."""
        for tick in range(101, 121):
            self.game.hear(steer(tick))
        self.game.make()
        self.game.hear(Frame(105, (Fire(1),)))
        self.game.hear(Frame(106, (Fire(2),)), Frame(105, (Fire(1),)))
        self.game.hear(steer(120), steer(119), clock=33_333 * 20)
        taken = [self.game.make() for _ in range(6)]
        self.assertEqual(taken[:3], [[Steer(tick)] for tick in (102, 103, 104)])
        self.assertEqual(taken[3:5], [[Fire(1)], [Fire(2)]])
        self.assertEqual(self.queue.newest, 106)
        self.assertEqual(self.game.n_frames, 20 + 1 + 2 + 2)

    def test_sight_of_a_late_input(self) -> None:
        """A late input is judged by what was seen when it was made, and no more."""
        self.game.hear(steer(101))
        self.game.make()
        self.game.make()
        late = Frame(102, (Fire(2),), steer(102).sight)
        self.game.hear(steer(103), late)
        self.assertEqual(self.game.make(), [Steer(103), Fire(2)])
        self.assertEqual(self.queue.sight, steer(102).sight)
        self.game.hear(steer(104))
        self.game.make()
        self.assertEqual(self.queue.sight, steer(104).sight)

    def test_sight_moves_on(self) -> None:
        """While something stands in for frames the player's view goes on."""
        self.game.hear(steer(101))
        self.game.make()
        for tick in range(102, 110):
            self.game.make()
            self.assertEqual(self.queue.sight, steer(tick).sight)
        self.game.hear(Frame(110, (Steer(110),), Sight(107.25)))
        for tick in range(110, 113):
            self.game.make()
            self.assertEqual(self.queue.sight, Sight(tick - 2.75))

    def test_another_clock(self) -> None:
        """After a second of silence a player's clock may be any other one."""
        for tick in range(101, 151):
            self.game.hear(steer(tick))
            self.game.make()
        old = self.game.clock
        self.game.tick += 20
        self.game.hear(steer(self.game.tick + 1), clock=old - 2_000_000)
        self.assertEqual(self.queue._clock, old)
        self.game.tick += 40
        for n in range(200):
            self.game.hear(steer(self.game.tick + 1), clock=1000 + n * 33_333)
            self.game.make()
        self.assertEqual(self.queue._clock, 1000 + 199 * 33_333)
        self.assertLess(self.queue.wanted, 1.2)
        self.assertLess(abs(self.queue.slack - 0.75), 0.05)
        # What was on its way before does not count as a restart.
        self.game.hear(steer(self.game.tick + 1), clock=500)
        self.assertEqual(self.queue.n_duplicate, 0)

    def test_wraps(self) -> None:
        """Ticks go on beyond 32 bits."""
        self.game.tick = 2**32 - 3
        for tick in range(self.game.tick + 2, self.game.tick + 7):
            self.game.hear(steer(tick & 0xFFFFFFFF))
            self.game.make()
        self.assertEqual(self.queue.n_taken, 4)
        sight = self.queue.sight
        assert sight is not None
        self.assertEqual(sight.newer, 2**32 - 1)
        self.assertEqual(self.queue.n_early + self.queue.n_late, 0)


class FeedbackTests(SynchronousTestCase):
    """The player is told what the lead needs."""

    def test_once(self) -> None:
        """Feedback follows a packet, also one without frames, once."""
        game = Game()
        self.assertIsNone(game.queue.feedback(100.0))
        game.hear(clock=77)
        feedback = game.queue.feedback(100.25 + 0.3)
        assert feedback is not None
        self.assertEqual((feedback.echo, feedback.acked), (77, 0))
        self.assertLess(abs((feedback.held or 0.0) - 0.01), 1e-9)
        self.assertIsNone(game.queue.feedback(101.0))

    def test_slack(self) -> None:
        """Slack is the mean of how early frames came, of each the first time."""
        game = Game()
        for tick in range(103, 203):
            game.hear(steer(tick), steer(tick - 1))
            game.make()
        self.assertLess(abs(game.queue.slack - 2.75), 0.05)
        feedback = game.queue.feedback(game.tick)
        assert feedback is not None
        self.assertEqual((feedback.acked, feedback.missing), (202, 0))
        self.assertEqual(feedback.server_tick, game.tick)

    def test_wanted_is_what_loss_needs(self) -> None:
        """A frame that came two packets later makes the queue two deeper."""
        wanted = []
        for n_lost in (0, 1, 2):
            game, buffer = Game(), InputBuffer(INPUTS)
            for n in range(300):
                buffer.hold(Steer(n), n + 105)
                buffer.close(n + 105)
                data = buffer.packet(n * 33_333)
                if n % 100 >= n_lost:
                    game.queue.receive(data, tick=game.tick, at=game.tick + 0.5)
                    buffer.acked(game.queue.newest)
                game.make()
            wanted.append(game.queue.wanted)
            self.assertEqual(game.queue.n_late, 0)
        self.assertLess(wanted[0], 1.1)
        self.assertTrue(1.9 < wanted[1] < 2.4 and 2.9 < wanted[2] < 3.6, wanted)

    def test_outage(self) -> None:
        """The lead does not follow an outage of the network."""
        game = Game()
        for n in range(600):
            if n == 300:
                game.tick += 90
            game.hear(steer(n + 105))
            game.make()
            self.assertLess(game.queue.wanted, 10.0)
        self.assertLess(game.queue.wanted, 1.2)

    def test_server_stands_still(self) -> None:
        """What comes while the server makes no ticks is no reason to come earlier."""
        game = Game()
        for n in range(600):
            game.hear(steer(n + 105))
            if not 300 <= n < 360:
                game.make()
            self.assertLess(game.queue.wanted, 3.0)
        self.assertLess(game.queue.wanted, 1.2)

    def test_moving_lead_is_no_jitter(self) -> None:
        """A client that changes its lead does not look like a bad link."""
        queue = InputQueue([Steer], RATE)
        buffer = InputBuffer([Steer])
        at, tick = 0.0, 20
        while at < 300.0:
            speed = 1.1 if at < 100 else 0.9
            at += 1 / speed
            tick += 1
            buffer.close(tick)
            data = buffer.packet(round(at / RATE * 1e6))
            buffer.acked(tick)
            queue.receive(data, tick=int(at), at=at)
            queue.take(int(at) + 1)
        self.assertLess(queue.wanted, 2.6)


class HostileTests(SynchronousTestCase):
    """What a player sends harms nobody, and is counted."""

    def test_malformed_takes_nothing(self) -> None:
        """A malformed packet changes nothing, whatever it begins with."""
        game = Game()
        good = game.codec.encode([steer(103), steer(102)], 9, is_steady=True)
        self.assertRaises(
            RemoteProtocolError, game.queue.receive, good + b"\0", tick=100, at=100.0
        )
        self.assertEqual((game.n_frames, game.queue.newest), (0, 0))
        self.assertIsNone(game.queue.feedback(100.0))

    def test_malformed_frame_takes_nothing(self) -> None:
        """A frame whose inputs are none spoils the packet that brings it."""
        game = Game()
        good = [Frame(103, (Aim(0.5),)), Frame(102, (Aim(0.25),)), steer(101)]
        data = game.codec.encode(good, 9, is_steady=True)
        self.assertEqual(data.count(struct.pack("<f", 0.25)), 1)
        bad = data.replace(struct.pack("<f", 0.25), struct.pack("<f", float("nan")))
        hear = game.queue.receive
        self.assertRaises(RemoteProtocolError, hear, bad, tick=100, at=100.0)
        self.assertEqual((game.n_frames, game.queue.newest), (0, 0))
        hear(data, tick=100, at=100.0)
        self.assertEqual((game.queue.depth, game.queue.newest), (3, 103))

    def test_repeats_change_nothing(self) -> None:
        """What a packet says again of a tick is not used, whatever it says."""
        game = Game()
        game.hear(steer(102), steer(101))
        game.hear(Frame(102, (Fire(1),)), Frame(101, (Fire(1),)))
        self.assertEqual([game.make() for _ in (1, 2)], [[Steer(101)], [Steer(102)]])
        self.assertEqual(game.queue.n_duplicate, 2)

    def test_future(self) -> None:
        """Frames from the future are refused, and do not wait."""
        game = Game()
        game.hear(*[Frame(100 + n) for n in range(127, 63, -1)])
        self.assertEqual((game.queue.n_early, game.queue.depth), (63, 1))
        game.hear(steer(2**31))
        game.hear(steer(100 + 2**31 - 1))
        # Of what is not absurd the player hears, and so how far ahead they are.
        self.assertEqual((game.queue.n_early, game.queue.newest), (65, 227))
        self.assertGreater(game.queue.slack, 64)

    def test_past(self) -> None:
        """Frames from the past change no tick that was made."""
        game = Game(2**31)
        game.hear(*[Frame(n, (), None) for n in range(64, 0, -1)])
        self.assertEqual((game.queue.n_late, game.queue.depth), (64, 0))
        self.assertEqual(game.make(lambda kind, last: last), [])

    def test_thousand_a_tick(self) -> None:
        """A thousand packets in a tick do not make a player faster."""
        game, random = Game(), Random(7)
        n_sent = 0
        for _ in range(20):
            for _ in range(1000):
                first = random.randrange(2**32)
                frames = [Frame((game.tick + first) % 2**32, (Steer(1), Fire(1)))]
                near = game.tick + random.randrange(-200, 200)
                frames = [Frame(near, (Steer(1), Fire(1)))] if first % 2 else frames
                game.hear(*frames, steady=bool(first % 3))
                n_sent += 1
            taken = game.make()
            self.assertEqual(len(taken), len({type(item) for item in taken}))
            self.assertLessEqual(game.queue.depth, 64)
            feedback = game.queue.feedback(game.tick)
            assert feedback is not None
            Feedback.decode(feedback.encode())
        self.assertEqual(game.n_frames, n_sent)
        self.assertLess(game.queue._known.bit_length(), 1200)

    @settings(max_examples=200)
    @given(st.lists(st.tuples(*[st.integers(0, 2**32 - 1)] * 3), max_size=60))
    def test_any_packets(self, packets: list[tuple[int, int, int]]) -> None:
        """No order of ticks and clocks breaks the queue or its counts."""
        game = Game(2**16)
        for newest, clock, bits in packets:
            near = game.tick + newest % 500 - 250
            tick = near if bits & 1 else max(newest, 1)
            head = struct.pack("<IIBB", tick, clock, bits >> 1 & 1, 2)
            data = head + bytes.fromhex("00 0001 00 00 41 ffff 00")
            at = game.tick + bits / 2**32
            game.queue.receive(data, tick=game.tick, at=at)
            if bits & 4:
                game.make()
            feedback = game.queue.feedback(at)
            if feedback is not None:
                self.assertEqual(len(feedback.encode()), 23)
        self.assertEqual(game.n_frames, 2 * len(packets))


class NetworkTests(SynchronousTestCase):
    """Over any network each input is taken at most once, in its tick if it can be."""

    @settings(max_examples=150, deadline=None)
    @given(
        seeds,
        st.sampled_from([0.0, 0.1, 0.5]),
        st.integers(0, 12),
        st.integers(0, 8),
    )
    def test_steady(self, seed: int, loss: float, delay: int, lead: int) -> None:
        """A steady player's frames are taken in their ticks, or counted."""
        random, game, buffer = Random(seed), Game(100, [Fire]), InputBuffer([Fire])
        travelling: list[tuple[int, bytes]] = []
        arrived: dict[int, int] = {}
        for n in range(80):
            own = game.tick + 1 + lead
            buffer.hold(Fire(own), own)
            buffer.close(own)
            data = buffer.packet(n * 33_333)
            travelling += [
                (n + random.randrange(delay + 1), data)
                for _ in range(random.choice((1, 1, 2)))
                if random.random() >= loss
            ]
            for when, data in [each for each in travelling if each[0] <= n]:
                travelling.remove((when, data))
                for frame in InputCodec([Fire]).decode(data).frames:
                    arrived.setdefault(frame.tick, game.tick)
                game.queue.receive(data, tick=game.tick, at=float(game.tick))
                if random.random() < 0.5:
                    buffer.acked(game.queue.newest)
            taken = game.make()
            in_time = arrived.get(game.tick, game.tick) < game.tick
            told = [item.number for item in taken]
            if in_time:
                self.assertEqual(told, [game.tick], seed)
            else:
                self.assertTrue(all(number < game.tick for number in told), seed)
            self.assertLessEqual(game.queue.depth, 64)
        queue = game.queue
        first_times = queue.n_taken + queue.n_late + queue.depth
        self.assertEqual(first_times, len(arrived), seed)
        self.assertEqual(queue.n_early, 0, seed)

    @settings(max_examples=150, deadline=None)
    @given(
        seeds,
        st.sampled_from([0.0, 0.05, 0.4]),
        st.integers(0, 8),
        st.integers(0, 4),
    )
    def test_taps(self, seed: int, loss: float, delay: int, lead: int) -> None:
        """An input that something has stood in for does not act in addition to it."""
        random, game, buffer = Random(seed), Game(100, [Steer]), InputBuffer([Steer])
        travelling: list[tuple[int, bytes]] = []
        replaced: set[int] = set()
        genuine: list[int] = []
        held: set[int] = set()

        def instead(kind: type[Input], last: Input | None) -> Input | None:
            if last is not None:
                replaced.add(game.tick)
            return missing_input(kind, last)

        for n in range(120):
            own = game.tick + 1 + lead
            if random.random() < 0.4:
                buffer.hold(Steer(own), own)
                held.add(own)
            buffer.close(own)
            data = buffer.packet(n * 33_333)
            if random.random() >= loss:
                travelling.append((n + random.randrange(delay + 1), data))
            for when, data in [each for each in travelling if each[0] <= n]:
                travelling.remove((when, data))
                game.queue.receive(data, tick=game.tick, at=float(game.tick))
                buffer.acked(game.queue.newest)
            told = [item.number for item in game.make(instead)]
            self.assertLessEqual(len(told), 1, seed)
            if game.tick not in replaced:
                genuine += told
        self.assertEqual(sorted(genuine), sorted(set(genuine)), seed)
        self.assertLessEqual(set(genuine), held - replaced, seed)
        self.assertLessEqual(len(replaced), game.queue.n_missing, seed)

    @settings(max_examples=150, deadline=None)
    @given(seeds, st.sampled_from([0.0, 0.2]), st.integers(0, 30), st.integers(-9, 9))
    def test_sparse(self, seed: int, loss: float, delay: int, lead: int) -> None:
        """Who sends now and then loses nothing that arrives, and gains nothing."""
        random, game, buffer = Random(seed), Game(100), InputBuffer(INPUTS)
        travelling: list[tuple[int, bytes]] = []
        taken: list[int] = []
        n_held = 0
        for n in range(200):
            if n < 120 and random.random() < 0.15:
                buffer.hold(Fire(n_held), game.tick + lead)
                n_held += 1
            if buffer.n_unacked:
                data = buffer.packet(n * 33_333)
                if random.random() >= loss:
                    travelling.append((n + random.randrange(delay + 1), data))
            for when, data in [each for each in travelling if each[0] <= n]:
                travelling.remove((when, data))
                game.queue.receive(data, tick=game.tick, at=float(game.tick))
            buffer.acked(game.queue.newest)
            now = [item.number for item in game.make()]
            self.assertLessEqual(len(now), 1, seed)
            taken += now
        self.assertEqual(sorted(taken), sorted(set(taken)), seed)
        lost = set(range(n_held)) - set(taken)
        self.assertEqual(len(lost), game.queue.n_dropped + buffer.n_replaced, seed)
        self.assertEqual(game.queue.n_missing, 0, seed)
