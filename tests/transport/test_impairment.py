# SPDX-License-Identifier: MIT
"""The model of a bad network: each setting does what it says, and only that."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.transport import Impairment, ImpairmentStats
from gamenet.transport.impairment import REORDER_HOLD

SETTINGS = st.fixed_dictionaries(
    {
        "latency": st.floats(0, 2),
        "jitter": st.floats(0, 1),
        "loss": st.floats(0, 0.5),
        "burst": st.sampled_from([0.0, 1.0, 2.5, 10.0]),
        "duplicate": st.floats(0, 1),
        "reorder": st.floats(0, 1),
        "rate": st.none() | st.floats(100, 1e6),
        "queue": st.floats(0, 1),
        "seed": st.integers(0, 2**32),
    }
)
PACKETS = st.lists(st.tuples(st.floats(0, 0.1), st.integers(1, 1200)), max_size=60)


def run(impairment: Impairment, packets: list[tuple[float, int]]) -> list[list[float]]:
    """Return the arrivals of packets given as (seconds after the one before, size)."""
    now, arrivals = 0.0, []
    for gap, size in packets:
        now += gap
        arrivals.append(impairment.admit(size, now=now))
    return arrivals


def steady(impairment: Impairment, n: int, gap: float = 0.01) -> list[list[float]]:
    """Return the arrivals of n packets of 100 bytes at a steady pace."""
    return run(impairment, [(gap, 100)] * n)


class AdmitTests(SynchronousTestCase):
    """`admit` says when copies of a packet arrive."""

    @given(SETTINGS, PACKETS)
    def test_same_seed_same_result(self, chosen, packets):
        """One seed and one sequence of packets give one result, to the bit."""
        self.assertEqual(
            run(Impairment(**chosen), packets), run(Impairment(**chosen), packets)
        )

    @given(SETTINGS, PACKETS)
    def test_arrivals_are_possible(self, chosen, packets):
        """Nothing arrives before the latency has passed, or more than twice."""
        impairment = Impairment(**chosen)
        now = 0.0
        for gap, size in packets:
            now += gap
            times = impairment.admit(size, now=now)
            self.assertLessEqual(len(times), 2)
            self.assertEqual(times, sorted(times))
            for time in times:
                self.assertGreaterEqual(time, now + impairment.latency)

    @given(SETTINGS, PACKETS)
    def test_every_packet_is_counted(self, chosen, packets):
        """The counts add up: what is offered is lost, overflows, or arrives."""
        impairment = Impairment(**chosen)
        arrivals = run(impairment, packets)
        stats = impairment.stats()
        self.assertEqual(stats.offered, len(packets))
        n_arrived = sum(bool(times) for times in arrivals)
        self.assertEqual(stats.lost + stats.overflowed + n_arrived, stats.offered)
        self.assertEqual(stats.duplicated, sum(len(times) == 2 for times in arrivals))

    @given(PACKETS)
    def test_nothing_set_nothing_happens(self, packets):
        """Without settings a packet arrives at once, once."""
        now = 0.0
        impairment = Impairment()
        for gap, size in packets:
            now += gap
            self.assertEqual(impairment.admit(size, now=now), [now])

    @given(SETTINGS, PACKETS)
    def test_order_is_kept_without_jitter(self, chosen, packets):
        """Without jitter and reordering, packets arrive in the order of sending."""
        orderly = {**chosen, "jitter": 0.0, "reorder": 0.0}
        times = [time for each in run(Impairment(**orderly), packets) for time in each]
        self.assertEqual(times, sorted(times))

    @settings(max_examples=20)
    @given(st.floats(0.01, 0.6), st.integers(0, 1000))
    def test_loss_rate(self, loss, seed):
        """The share of packets lost is the share asked for."""
        impairment = Impairment(loss=loss, seed=seed)
        steady(impairment, 4000)
        self.assertApproximates(impairment.stats().lost / 4000, loss, 0.05)

    def test_loss_of_everything(self):
        """A loss of 1 lets nothing through, a loss of 0 everything."""
        self.assertEqual(steady(Impairment(loss=1), 100), [[]] * 100)
        self.assertNotIn([], steady(Impairment(loss=0), 100))

    def test_bursts(self):
        """Bursts have the asked mean length, and the same average loss."""
        impairment = Impairment(loss=0.1, burst=5, seed=3)
        arrivals = steady(impairment, 40000)
        fates = "".join("." if times else "x" for times in arrivals)
        bursts = [len(burst) for burst in fates.split(".") if burst]
        self.assertApproximates(sum(bursts) / len(bursts), 5, 0.5)
        self.assertApproximates(impairment.stats().lost / 40000, 0.1, 0.02)

    def test_seed_and_latency_are_independent(self):
        """A change of latency does not change which packets are lost."""
        near = steady(Impairment(latency=0.01, loss=0.3, seed=5), 500)
        far = steady(Impairment(latency=0.2, jitter=0.1, loss=0.3, seed=5), 500)
        self.assertEqual([bool(t) for t in near], [bool(t) for t in far])

    def test_jitter_is_spread(self):
        """Delays fill the range from latency to latency and jitter."""
        impairment = Impairment(latency=0.1, jitter=0.05, seed=1)
        delays = [impairment.admit(1, now=0.0)[0] for _ in range(1000)]
        self.assertLess(min(delays), 0.105)
        self.assertGreater(max(delays), 0.145)
        self.assertLessEqual(max(delays), 0.15)

    def test_reordered_packets_are_overtaken(self):
        """A reordered packet is held back, so that its followers arrive first."""
        impairment = Impairment(reorder=0.1, seed=2)
        arrivals = [times[0] for times in steady(impairment, 1000, gap=0.02)]
        overtaken = sum(a > b for a, b in pairwise(arrivals))
        n_reordered = impairment.stats().reordered
        self.assertGreater(n_reordered, 50)
        self.assertGreater(overtaken, n_reordered / 2)
        self.assertEqual(Impairment(reorder=1).admit(1, now=1.0), [1.0 + REORDER_HOLD])

    def test_duplicates(self):
        """Every packet arrives twice where the share is 1."""
        self.assertTrue(all(len(t) == 2 for t in steady(Impairment(duplicate=1), 50)))

    def test_rate(self):
        """A slow link delivers as many bytes a second as it carries."""
        impairment = Impairment(rate=1000, queue=3600)
        arrivals = run(impairment, [(0.0, 100)] * 50)
        expected = [0.1 * (i + 1) for i in range(50)]
        for times, time in zip(arrivals, expected, strict=True):
            self.assertAlmostEqual(times[0], time)

    def test_an_idle_link_does_not_save_up(self):
        """A packet after a pause takes its full time on a slow link."""
        impairment = Impairment(rate=1000)
        impairment.admit(100, now=0.0)
        self.assertAlmostEqual(impairment.admit(100, now=10.0)[0], 10.1)

    def test_queue_overflow(self):
        """Packets that would wait longer than the queue holds are dropped."""
        impairment = Impairment(rate=1000, queue=0.25)
        arrivals = run(impairment, [(0.0, 100)] * 10)
        self.assertEqual([len(times) for times in arrivals], [1, 1, 1] + [0] * 7)
        self.assertEqual(impairment.stats().overflowed, 7)
        self.assertEqual(len(impairment.admit(100, now=1.0)), 1)

    def test_reseeded(self):
        """A reseeded copy has the settings, fresh counts and other randomness."""
        one = Impairment(loss=0.5, latency=0.1, seed=1)
        first = steady(one, 100)
        other = one.reseeded(2)
        self.assertEqual((other.loss, other.latency, other.seed), (0.5, 0.1, 2))
        self.assertEqual(other.stats().offered, 0)
        self.assertNotEqual(steady(other, 100), first)
        self.assertEqual(steady(one.reseeded(1), 100), first)


class CarryTests(SynchronousTestCase):
    """`carry` says when the pieces of a stream arrive."""

    @given(SETTINGS, PACKETS)
    def test_once_and_in_order(self, chosen, packets):
        """A stream loses nothing, doubles nothing and keeps the order."""
        impairment = Impairment(**chosen)
        now, last = 0.0, 0.0
        for gap, size in packets:
            now += gap
            arrival = impairment.carry(size, now=now)
            self.assertGreaterEqual(arrival, last)
            self.assertGreaterEqual(arrival, now + impairment.latency)
            last = arrival
        stats = impairment.stats()
        self.assertEqual((stats.offered, stats.overflowed), (len(packets), 0))

    @given(SETTINGS, PACKETS)
    def test_same_seed_same_result(self, chosen, packets):
        """One seed and one sequence of pieces give one result, to the bit."""
        one, other = Impairment(**chosen), Impairment(**chosen)
        now = 0.0
        for gap, size in packets:
            now += gap
            arrival = one.carry(size, now=now)
            self.assertEqual(arrival, other.carry(size, now=now))

    def test_nothing_set_nothing_happens(self):
        """Without settings a piece arrives at once."""
        self.assertEqual(Impairment().carry(10_000, now=3.0), 3.0)

    def test_loss_is_delay(self):
        """What is lost comes two round trips later, and holds up what follows."""
        impairment = Impairment(latency=0.05, loss=0.1, seed=6)
        delays = [impairment.carry(100, now=0.01 * i) - 0.01 * i for i in range(2000)]
        on_time = sum(abs(delay - 0.05) < 1e-9 for delay in delays)
        self.assertEqual(round(min(delays), 9), 0.05)
        # A pause of 200 ms delays the piece that was lost and the 19 that follow it.
        self.assertApproximates(on_time / 2000, 0.9**20, 0.05)
        n_lost = impairment.stats().lost
        self.assertApproximates(n_lost / 2000, 0.1, 0.02)
        longest = max(delays)
        self.assertGreater(longest, 0.05 + 0.2)

    def test_repeats_double_the_pause(self):
        """A segment lost again and again waits twice as long each time."""
        arrival = Impairment(latency=0.05, loss=1).carry(100, now=0.0)
        expected = 0.05 + sum(min(0.2 * 2**i, 60) for i in range(15))
        self.assertAlmostEqual(arrival, expected)

    def test_a_large_piece_has_many_segments(self):
        """The more segments a piece has, the more likely one of them is lost."""
        small, large = (Impairment(latency=0.05, loss=0.05, seed=1) for _ in range(2))
        for i in range(500):
            small.carry(100, now=100.0 * i)
            large.carry(20_000, now=100.0 * i)
        self.assertLess(small.stats().lost, 50)
        self.assertGreater(large.stats().lost, 200)

    def test_rate(self):
        """A slow link makes a stream wait, and says for how long it is busy."""
        impairment = Impairment(rate=1000, queue=0.1)
        arrivals = [impairment.carry(100, now=0.0) for _ in range(10)]
        for i, arrival in enumerate(arrivals):
            self.assertAlmostEqual(arrival, 0.1 * (i + 1))
        self.assertAlmostEqual(impairment.backlog(now=0.25), 0.75)
        self.assertEqual(impairment.backlog(now=5.0), 0.0)

    def test_reordering_is_delay(self):
        """A packet that is overtaken holds up those that overtook it."""
        arrival = Impairment(reorder=1).carry(100, now=1.0)
        self.assertEqual(arrival, 1.0 + REORDER_HOLD)


class StatsTests(SynchronousTestCase):
    """Counts can be added up, over links and what was refused before them."""

    def test_sum(self):
        """Each count of a sum is the sum of the counts."""
        one, other = ImpairmentStats(5, 1, 2, 3, 4), ImpairmentStats(10, 20, 30, 40, 50)
        self.assertEqual(one + other, ImpairmentStats(15, 21, 32, 43, 54))

    def test_refuse(self):
        """A packet for which there is no room overflows."""
        impairment = Impairment()
        impairment.refuse()
        self.assertEqual(impairment.stats(), ImpairmentStats(offered=1, overflowed=1))


class SettingTests(SynchronousTestCase):
    """A setting that means nothing is refused by name."""

    def test_out_of_range(self):
        """Each setting out of its range is an error that names it and its range."""
        for name, value in {
            "latency": -1,
            "jitter": float("nan"),
            "queue": float("inf"),
            "loss": 1.5,
            "duplicate": -0.1,
            "reorder": True,
            "rate": 0,
            "burst": 0.5,
            "seed": 1.5,
        }.items():
            with self.assertRaisesRegex(ConfigError, f"impairment {name} is"):
                Impairment(**{name: value})

    def test_bursts_bound_the_loss(self):
        """Bursts of one packet cannot lose nine in ten."""
        with self.assertRaisesRegex(ConfigError, r"at most burst / \(1 \+ burst\)"):
            Impairment(loss=0.9, burst=1)

    def test_from_text(self):
        """Every setting can be written with the units that people use."""
        impairment = Impairment.from_text(
            "latency=80ms jitter=0.02s loss=5% burst=3 dup=1% reorder=0.01 rate=1mbit "
            "queue=200ms seed=7"
        )
        self.assertAlmostEqual(impairment.latency, 0.08)
        self.assertAlmostEqual(impairment.jitter, 0.02)
        self.assertAlmostEqual(impairment.loss, 0.05)
        self.assertAlmostEqual(impairment.duplicate, 0.01)
        self.assertAlmostEqual(impairment.reorder, 0.01)
        self.assertEqual(impairment.burst, 3)
        self.assertEqual(impairment.rate, 125000)
        self.assertAlmostEqual(impairment.queue, 0.2)
        self.assertEqual(impairment.seed, 7)

    def test_from_text_one_way(self):
        """Of a text that tells the ways apart, one is read."""
        text = "3g; up: loss=10%"
        down, up = Impairment.from_text(text), Impairment.from_text(text, "up")
        self.assertEqual((down.loss, up.loss), (0.01, 0.1))
        self.assertEqual((down.rate, up.rate), (200_000, 96_000))

    def test_from_text_errors(self):
        """A word that is not understood is an error that shows it."""
        for text, message in {
            "lag=1": "'lag=1' has no known key; allowed are burst, dup",
            "latency": "impairment latency is ''",
            "latency=fast": "impairment latency is 'fast'",
            "loss=5ms": "impairment loss is '5ms'",
            "burst=x": "impairment burst is 'x'",
            "seed=1.5": "impairment seed is '1.5'",
            "rate=1mb": "a rate such as 500kbit",
            "loss=200%": "a share from 0 to 1",
        }.items():
            with self.assertRaisesRegex(ConfigError, message):
                Impairment.from_text(text)
