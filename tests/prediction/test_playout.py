# SPDX-License-Identifier: MIT
"""Tests of the view's time."""

from __future__ import annotations

from random import Random
from statistics import fmean

from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction import Playout
from tests.prediction.loops import Link


class Show:
    """A server's snapshots over a link, and a client's pictures."""

    def __init__(
        self,
        link: Link,
        rate: float = 30.0,
        *,
        seed: int = 1,
        delay: float | None = None,
    ) -> None:
        """Begin with nothing shown."""
        self.link, self.rate, self.random = link, rate, Random(seed)
        self.playout = Playout(rate, delay)
        self.now, self.tick = 0.0, 1000
        self.views: list[float] = []
        self.behind: list[float] = []
        self._underway: list[tuple[float, int]] = []

    def run(self, seconds: float, every: int = 1, *, is_sending: bool = True) -> None:
        """Let time pass; the server sends every so many ticks."""
        end = self.now + seconds
        self.views.clear()
        self.behind.clear()
        while self.now < end:
            self.now += 1 / 60
            while self.tick < 1000 + self.now * self.rate:
                takes = self.link.takes(self.random)
                if self.tick % every == 0 and takes is not None and is_sending:
                    sent = (self.tick - 1000) / self.rate
                    self._underway.append((sent + takes, self.tick))
                self.tick += 1
            for when, tick in sorted(self._underway):
                if when <= self.now:
                    self.playout.arrived(tick, when)
            self._underway = [each for each in self._underway if each[0] > self.now]
            view = self.playout.view_tick(self.now)
            self.views.append(view)
            self.behind.append(self.now - (view - 1000) / self.rate - self.link.delay)

    def stale_of(self, seconds: float, every: int = 1) -> float:
        """Return the share of pictures without fresh data."""
        before = self.playout.n_stale, self.playout.n_views
        self.run(seconds, every)
        n_views = self.playout.n_views - before[1]
        return (self.playout.n_stale - before[0]) / n_views


def bad(kind: str = "normal") -> Link:
    """Return 50 ms with 20 ms of jitter and 5 % loss."""
    return Link(0.05, 0.02, kind, 0.05)


class AdaptiveTests(SynchronousTestCase):
    """The delay follows what the link needs."""

    def test_stale_share(self) -> None:
        """At most 0.5 % of the pictures are without fresh data, and not far behind."""
        for rate, every, most in (
            (20.0, 1, 0.16),
            (30.0, 1, 0.12),
            (60.0, 2, 0.12),
            (60.0, 3, 0.16),
        ):
            for kind in ("normal", "uniform"):
                for seed in range(2):
                    show = Show(bad(kind), rate, seed=seed)
                    show.run(10.0, every)
                    case = (rate, every, kind, seed)
                    self.assertLessEqual(show.stale_of(120.0, every), 0.005, case)
                    self.assertLess(fmean(show.behind), most, case)
                    self.assertLess(abs(show.playout.pace - every / rate), 1e-9)

    def test_one_loss(self) -> None:
        """On a clean link the delay is what a single lost snapshot needs."""
        show = Show(Link(0.05))
        show.run(1.0)
        show.run(5.0)
        self.assertLess(max(show.behind) - 2 / 30, 0.001)
        self.assertLess(show.playout.jitter, 1e-6)
        before, tick = show.playout.n_stale, show.tick
        show.link.loss = 1.0
        while show.tick == tick:
            show.run(1 / 60)
        show.link.loss = 0.0
        show.run(5.0)
        self.assertEqual(show.playout.n_stale, before)

    def test_pace_changes(self) -> None:
        """A server that sends less often is followed, and back."""
        show = Show(bad(), 60.0)
        show.run(20.0)
        show.run(5.0, 3)
        self.assertLessEqual(show.stale_of(60.0, 3), 0.005)
        show.run(60.0)
        self.assertLess(show.playout.delay, 0.1)

    def test_jitter_is_measured(self) -> None:
        """The mean deviation of the arrivals is stated."""
        show = Show(bad())
        show.run(60.0)
        self.assertTrue(0.01 < show.playout.jitter < 0.025)


class ViewTests(SynchronousTestCase):
    """The view moves on steadily, and never back."""

    def test_monotonic(self) -> None:
        """On bad links and through short outages it never goes back, nor fast."""
        show = Show(bad("exponential"))
        for seconds, is_sending in ((20.0, True), (0.4, False), (20.0, True)):
            show.run(seconds, is_sending=is_sending)
            steps = [b - a for a, b in zip(show.views, show.views[1:], strict=False)]
            self.assertGreaterEqual(min(steps[60:], default=0.5), 0.89 * 30 / 60)
            self.assertLessEqual(max(steps[60:], default=0.5), 1.11 * 30 / 60)

    def test_server_stood_still(self) -> None:
        """However long a server stood still, its players soon see others move again."""
        playout = Playout(30.0)
        for n in range(90):
            playout.arrived(n + 100, n / 30)
            playout.view_tick(n / 30)
        for n in range(90, 18_000, 2):
            self.assertLessEqual(playout.view_tick(n / 30), 189 + 7.5)
        for n in range(90):
            playout.arrived(n + 190, 600 + n / 30)
            view = playout.view_tick(600 + n / 30)
        self.assertTrue(275 < view < 279, view)

    def test_long_outage(self) -> None:
        """After a long outage the view is where it would have been."""
        show = Show(bad())
        show.run(20.0)
        show.run(30.0, is_sending=False)
        show.run(2.0)
        self.assertLess(abs(show.behind[-1] - show.playout.delay), 0.05)

    def test_outage_is_not_bridged(self) -> None:
        """After an outage the delay is what it was."""
        show = Show(bad())
        show.run(20.0)
        before = show.playout.delay
        show.run(3.0, is_sending=False)
        show.run(1.0)
        self.assertLess(abs(show.playout.delay - before), 0.05)
        self.assertLessEqual(show.stale_of(30.0), 0.005)

    def test_server_jumps(self) -> None:
        """A leap of the ticks is followed at once; it waits for a server that stood."""
        playout = Playout(30.0)
        for n in range(90):
            playout.arrived(n + 100, n / 30)
            playout.view_tick(n / 30)
        for n in range(90, 120):
            playout.arrived(n + 400, n / 30)
            view = playout.view_tick(n / 30)
        self.assertTrue(510 < view < 519)

    def test_fixed(self) -> None:
        """A delay that was asked for is kept."""
        show = Show(bad(), delay=0.2)
        show.run(10.0)
        show.run(60.0)
        self.assertEqual(show.playout.delay, 0.2)
        self.assertLess(abs(fmean(show.behind) - 0.2), 0.005)

    def test_stale(self) -> None:
        """The view is stale once it is beyond the newest snapshot."""
        playout = Playout(30.0, 0.1)
        self.assertEqual((playout.view_tick(0.0), playout.is_stale(0.0)), (0.0, False))
        playout.arrived(30, 1.0)
        self.assertFalse(playout.is_stale(1.05))
        self.assertTrue(playout.is_stale(1.2))
        playout.arrived(29, 1.2)
        self.assertEqual(playout.newest, 30)
