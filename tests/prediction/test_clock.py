# SPDX-License-Identifier: MIT
"""Tests of the server's time as a client knows it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction import ClockSync
from tests.prediction.loops import Link

RATE = 30.0
DRIFT = 100e-6


class Errand:
    """Ten round trips a second to a server whose clock runs fast."""

    def __init__(self, up: Link, down: Link, seed: int, known: float | None = None):
        """Begin with a welcome."""
        self.up, self.down, self.random = up, down, Random(seed)
        self.clock = ClockSync(RATE)
        self.now, self.skipped, self.slept = 0.0, 0.0, 0.0
        self.errors: list[float] = []
        self._underway: list[tuple[float, float, float, float]] = []
        rtt = up.delay + down.delay if known is None else known
        self.clock.seed(self.server_tick(-down.delay), rtt, 0.0)

    def server_tick(self, now: float) -> float:
        """Return the true time."""
        return 1000 + (now + self.slept) * (1 + DRIFT) * RATE - self.skipped

    def run(self, seconds: float, *, quiet: Callable[[float], bool] | None = None):
        """Let time pass, and note the errors in seconds."""
        self.errors = []
        end = self.now + seconds
        while self.now < end:
            there, back = self.up.takes(self.random), self.down.takes(self.random)
            held = self.random.random() * 0.03
            is_quiet = quiet is not None and quiet(self.now)
            if there is not None and back is not None and not is_quiet:
                answered = self.now + there + held
                self._underway.append((answered + back, self.now, answered, held))
            self.now += 0.1
            for received, sent, answered, held in sorted(self._underway):
                if received <= self.now:
                    told = self.server_tick(answered)
                    self.clock.sample(sent, received, told, held)
            self._underway = [each for each in self._underway if each[0] > self.now]
            wrong = self.clock.server_tick(self.now) - self.server_tick(self.now)
            self.errors.append(wrong / RATE)

    def p99(self, offset: float = 0.0) -> float:
        """Return what 99 of 100 errors are at most, beside an offset."""
        found = sorted(abs(error - offset) for error in self.errors)
        return found[int(len(found) * 0.99)]


def noisy(delay: float, kind: str = "normal", jitter: float = 0.02) -> Link:
    """Return a way with jitter and loss."""
    return Link(delay, jitter, kind, 0.05)


class SyncTests(SynchronousTestCase):
    """The estimate is right within 5 ms after 5 s, and stays so."""

    def test_symmetric(self) -> None:
        """Over 10 minutes, with each kind of jitter, loss and drift."""
        for kind in ("normal", "uniform", "exponential"):
            for seed in range(2):
                errand = Errand(noisy(0.05, kind), noisy(0.05, kind), seed)
                errand.run(5.0)
                errand.run(595.0)
                self.assertLess(errand.p99(), 0.005, (kind, seed))
                self.assertLess(abs(errand.clock.drift - DRIFT), 20e-6, (kind, seed))
                self.assertEqual(errand.clock.n_resyncs, 0)

    def test_asymmetric(self) -> None:
        """What is sent now arrives at server time and half a round trip."""
        for up, down in ((0.15, 0.03), (0.02, 0.2)):
            errand = Errand(noisy(up, "uniform"), noisy(down, "uniform"), 3)
            errand.run(10.0)
            errand.run(110.0)
            self.assertLess(errand.p99((up - down) / 2), 0.005)
            clock, now = errand.clock, errand.now
            arrival = clock.server_tick(now) / RATE + clock.rtt / 2
            true = errand.server_tick(now) / RATE + up
            self.assertLess(abs(arrival - true), 0.012)

    def test_loopback(self) -> None:
        """Without a network it is right at once."""
        errand = Errand(Link(0.0), Link(0.0), 1)
        errand.run(60.0)
        self.assertLess(errand.p99(), 0.001)
        self.assertLess(errand.clock.error, 0.001)
        self.assertLess(errand.clock.rtt, 1e-6)

    def test_far(self) -> None:
        """Five seconds are no reason to be wrong."""
        errand = Errand(noisy(2.5), noisy(2.5), 1)
        errand.run(15.0)
        errand.run(60.0)
        self.assertLess(errand.p99(), 0.008)
        self.assertLess(abs(errand.clock.rtt - 5.0), 0.05)

    def test_wrong_welcome(self) -> None:
        """A welcome that came late is forgotten soon."""
        errand = Errand(noisy(0.05), noisy(0.05), 1, known=1.0)
        errand.run(5.0)
        errand.run(60.0)
        self.assertLess(errand.p99(), 0.006)

    def test_error_is_honest(self) -> None:
        """The error that it states is about that which it makes."""
        errand = Errand(noisy(0.05), noisy(0.05), 5)
        errand.run(60.0)
        errand.run(120.0)
        self.assertLess(errand.p99(), 4 * errand.clock.error)
        self.assertLess(errand.clock.error, 0.003)
        self.assertTrue(0.015 < errand.clock.jitter < 0.035)


class StepTests(SynchronousTestCase):
    """When the server's time jumps, the estimate follows."""

    def test_server_skips(self) -> None:
        """Skipped ticks are made up for in three seconds; large ones at once."""
        for seconds, settling, n_resyncs in (
            (1 / RATE, 4.0, 0),
            (0.1, 4.0, None),
            (1.0, 1.0, 1),
            (30.0, 1.0, 1),
            (-5.0, 1.0, 1),
        ):
            errand = Errand(noisy(0.05), noisy(0.05), 2)
            errand.run(60.0)
            errand.skipped += seconds * RATE
            errand.run(settling)
            errand.run(60.0)
            self.assertLess(errand.p99(), 0.01, seconds)
            if n_resyncs is not None:
                self.assertEqual(errand.clock.n_resyncs, n_resyncs, seconds)

    def test_suspended(self) -> None:
        """A laptop whose clock stood still for an hour."""
        errand = Errand(noisy(0.05), noisy(0.05), 2)
        errand.run(30.0)
        errand.slept += 3600.0
        errand.run(1.5)
        errand.run(60.0)
        self.assertLess(errand.p99(), 0.012)
        self.assertEqual(errand.clock.n_resyncs, 1)

    def test_outage(self) -> None:
        """Without answers for a minute the drift carries the estimate."""
        errand = Errand(noisy(0.05), noisy(0.05), 2)
        errand.run(120.0)
        errand.run(60.0, quiet=lambda _now: True)
        self.assertLess(errand.p99(), 0.008)
        self.assertEqual(errand.clock.n_resyncs, 0)

    def test_one_way_queue(self) -> None:
        """A queue on one way, of half a second for two, does not move the time."""
        errand = Errand(noisy(0.05), noisy(0.05), 2)
        errand.run(30.0)
        errand.up.delay = 0.55
        errand.run(2.0)
        errand.up.delay = 0.05
        errand.run(10.0)
        self.assertLess(errand.p99(), 0.04)
        self.assertEqual(errand.clock.n_resyncs, 0)


class SampleTests(SynchronousTestCase):
    """What cannot be a round trip teaches nothing."""

    def test_unusable(self) -> None:
        """An echo that was held too long, or longer than it was away."""
        clock = ClockSync(RATE)
        for held in (None, 0.2, -0.1, float("nan")):
            clock.sample(1.0, 1.1, 500.0, held)
        self.assertEqual((clock.n_samples, clock.is_synced), (0, False))

    def test_first(self) -> None:
        """The first sample is enough to begin with."""
        clock = ClockSync(RATE)
        clock.sample(1.0, 1.2, 300.0, 0.1)
        self.assertTrue(clock.is_synced)
        self.assertLess(abs(clock.server_tick(1.2) - 301.5), 1e-9)
        self.assertLess(abs(clock.rtt - 0.1), 1e-9)

    def test_seed(self) -> None:
        """A welcome tells the time of its sending."""
        clock = ClockSync(RATE)
        clock.seed(300.0, 0.2, now=5.0)
        self.assertLess(abs(clock.server_tick(5.0) - 303.0), 1e-9)
        self.assertEqual((clock.is_synced, clock.rtt), (True, 0.2))
