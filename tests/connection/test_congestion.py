# SPDX-License-Identifier: MIT
"""Tests of the congestion control: what it achieves on simulated links.

The time is simulated and the seeds are fixed, so each figure is the same each time.
"""

from __future__ import annotations

import math
from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.congestion import CongestionControl
from tests.connection.links import Bottleneck, Flow, Reno, Simulation

SLOW = 32_000.0  # 256 kbit/s
FAST = 125_000.0  # 1 Mbit/s
LOOPBACK = 20e6


class SlowLinkTests(SynchronousTestCase):
    """One sender of much on 256 kbit/s: the link is used, and its queue stays short."""

    def check(self, least_used: float = 0.88, **settings: object) -> None:
        """Check one flow of half a minute."""
        simulation = Simulation(Bottleneck(SLOW))
        flow = Flow(simulation, **settings)  # type: ignore[arg-type]
        simulation.run(30)
        self.assertLess(simulation.queued(0.95), 0.085, settings)
        self.assertGreater(flow.carried(2, 30) / SLOW, least_used, settings)

    def test_packet_sizes_paths_and_ticks(self) -> None:
        """Large packets and small, short paths and long, quick acks and slow."""
        for size, delay, tick in product((1200, 300), (0.04, 0.1), (0.01, 0.033)):
            self.check(size=size, delay=delay, tick=tick)

    def test_sends_only_what_fits(self) -> None:
        """A sender that never exceeds the budget does as well."""
        self.check(is_strict=True)

    def test_mixed_sizes(self) -> None:
        """Small packets in between do not make large ones look late."""
        self.check(chatter=60, least_used=0.85)

    def test_jitter(self) -> None:
        """Round trips that vary by 20 ms do not matter."""
        self.check(jitter=0.02)


class SharingTests(SynchronousTestCase):
    """Flows on one link share it."""

    def share(
        self, *starts: float, until: float = 60, **settings: object
    ) -> list[Flow]:
        """Return flows that have shared a slow link."""
        self.simulation = Simulation(Bottleneck(SLOW))
        flows = [
            Flow(self.simulation, start=start, seed=seed, **settings)  # type: ignore[arg-type]
            for seed, start in enumerate(starts)
        ]
        self.simulation.run(until)
        return flows

    def check(self, flows: list[Flow], longest: float) -> None:
        """Check the shares, the use and the queue of the last 40 seconds."""
        end = self.simulation.now
        rates = [flow.carried(end - 40, end) for flow in flows]
        self.assertLess(max(rates) / min(rates), 1.6)
        self.assertGreater(sum(rates) / SLOW, 0.85)
        self.assertLess(self.simulation.queued(0.95, end - 40), longest)

    def test_latecomer(self) -> None:
        """A flow that joins later gets as much, though it never saw an empty queue."""
        for delay in (0.04, 0.1):
            flows = self.share(0, 10, delay=delay)
            self.check(flows, 0.12)
            for flow in flows:
                queued = flow.own.min_rtt - delay - 1200 / SLOW
                self.assertLess(queued, 1200 / SLOW)

    def test_small_packets(self) -> None:
        """Flows of small packets share as well."""
        self.check(self.share(0, 10, size=300), 0.12)

    def test_four(self) -> None:
        """Four bulk flows are much for such a link, and yet the queue is bounded."""
        self.check(self.share(0, 5, 10, 15, delay=0.1, until=80), 0.25)

    def test_game_beside_bulk(self) -> None:
        """A game's small packets are not held back by another flow on the link."""
        random = Random(1)
        simulation = Simulation(Bottleneck(SLOW))
        Flow(simulation)
        game = Flow(
            simulation, load=lambda: random.randint(1, 2) * 100, start=5, seed=2
        )
        simulation.run(30)
        self.assertEqual(game.n_blocked, 0)
        self.assertGreater(game.own.window, 2400)

    def test_beside_tcp(self) -> None:
        """A flow that fills every queue does not starve ours."""
        simulation = Simulation(Bottleneck(SLOW))
        flow = Flow(simulation)
        Flow(simulation, control=Reno(), start=5, seed=2)
        simulation.run(40)
        self.assertGreater(flow.carried(10, 40) / SLOW, 0.08)


class LossTests(SynchronousTestCase):
    """Random losses do not slow it down, losses of its own making do."""

    def test_random_losses(self) -> None:
        """Of a link that loses 5 or 10 %, most is used."""
        for loss, delay in ((0.05, 0.04), (0.05, 0.1), (0.1, 0.06)):
            simulation = Simulation(Bottleneck(FAST, loss=loss, seed=1))
            flow = Flow(simulation, delay=delay)
            simulation.run(15)
            used = flow.carried(1, 15) / FAST
            self.assertGreater(used, 0.75, (loss, delay))

    def test_short_queue(self) -> None:
        """A router that drops what it cannot queue is not flooded."""
        for queue, most_lost in ((0.03, 0.06), (0.1, 0.02)):
            simulation = Simulation(Bottleneck(FAST, queue))
            flow = Flow(simulation)
            simulation.run(20)
            self.assertGreater(flow.carried(2, 20) / FAST, 0.8)
            self.assertLess(flow.n_lost / flow.n_sent, most_lost)

    def test_much_loss(self) -> None:
        """Where nearly half is lost the window shrinks, again and again."""
        control = CongestionControl()
        now = 10.0
        windows = []
        for _ in range(40):
            for _ in range(10):
                control.sent(1200, now)
            for index in range(10):
                if index % 2:
                    control.acked(1200, now, 0.05, now + 0.05)
            for index in range(10):
                if not index % 2:
                    control.lost(1200, now, now + 0.05)
            now += 0.06
            windows.append(control.window)
        self.assertLess(windows[-1], max(windows) / 4)

    def test_silence(self) -> None:
        """If nothing arrives the window is halved each time, but not to nothing."""
        control = CongestionControl()
        now = 10.0
        control.sent(1200, now)
        control.acked(1200, now, 0.05, now + 0.05)
        before = control.window
        for _ in range(10):
            now += 0.5
            for _ in range(3):
                control.sent(1200, now)
            for _ in range(3):
                control.lost(1200, now, now + 0.4)
        self.assertEqual(before, 13_200)
        self.assertEqual(control.window, 1200)

    def test_single_losses(self) -> None:
        """Of one who sends little, single packets may be lost now and then."""
        control = CongestionControl()
        for index in range(300):
            now = 10.0 + index / 30
            control.sent(100, now)
            if index % 20:
                control.acked(100, now, 0.06, now + 0.06)
            else:
                control.lost(100, now, now + 0.2)
            control.limited(now + 0.2)
        self.assertGreaterEqual(control.window, 12_000)

    def test_late_and_spurious_losses(self) -> None:
        """Packets that are reported lost, and arrive after all, change little."""
        control = CongestionControl()
        for index in range(400):
            now = 10.0 + index / 100
            control.sent(1200, now)
            control.acked(1200, now, 0.05, now + 0.05)
            if index % 20 == 0:
                control.sent(1200, now)
                control.lost(1200, now, now + 0.06)
                control.acked(0, now, 0.05, now + 0.07)
        self.assertEqual(control.in_flight, 0)
        self.assertGreater(control.window, 12_000)


class ChangeTests(SynchronousTestCase):
    """When the path changes the control follows within seconds."""

    def test_slower_and_faster(self) -> None:
        """A link becomes four times slower, or faster."""
        for before, after in ((FAST, SLOW), (SLOW, FAST)):
            simulation = Simulation(Bottleneck(before))
            flow = Flow(simulation)
            simulation.at(8, lambda s=simulation, r=after: s.link.change(r, s.now))
            simulation.run(18)
            self.assertGreater(flow.carried(11, 18) / after, 0.88)
            self.assertLess(simulation.queued(0.95, 11), 0.1)

    def test_longer_route(self) -> None:
        """A route that becomes 100 ms longer is not taken for a queue for long."""
        simulation = Simulation(Bottleneck(FAST))
        flow = Flow(simulation, delay=0.04)
        simulation.at(10, lambda: setattr(flow, "delay", 0.14))
        simulation.run(25)
        self.assertGreater(flow.carried(17, 25) / FAST, 0.85)
        self.assertLess(abs(flow.own.min_rtt - 0.15), 0.03)

    def test_slightly_longer_route(self) -> None:
        """Nor is one that becomes 30 ms longer."""
        simulation = Simulation(Bottleneck(FAST))
        flow = Flow(simulation, delay=0.04)
        simulation.at(10, lambda: setattr(flow, "delay", 0.07))
        simulation.run(25)
        self.assertGreater(flow.carried(17, 25) / FAST, 0.85)

    def test_shorter_route(self) -> None:
        """A route that becomes shorter does not leave a queue behind."""
        simulation = Simulation(Bottleneck(FAST))
        flow = Flow(simulation, delay=0.14)
        simulation.at(10, lambda: setattr(flow, "delay", 0.04))
        simulation.run(30)
        self.assertLess(simulation.queued(0.95, 20), 0.1)

    def test_interruption(self) -> None:
        """After three seconds without any packet it goes on as before."""
        simulation = Simulation(Bottleneck(FAST))
        flow = Flow(simulation, chatter=40)
        simulation.at(8, lambda: setattr(simulation.link, "loss", 1.0))
        simulation.at(11, lambda: setattr(simulation.link, "loss", 0.0))
        simulation.run(18)
        self.assertGreater(flow.carried(13, 18) / FAST, 0.85)


class PathTests(SynchronousTestCase):
    """Very long paths, and very fast ones."""

    def test_long_round_trips(self) -> None:
        """Up to five seconds the link fills; there it takes its time."""
        for delay, begin, end in ((0.2, 5, 20), (1.0, 10, 40), (5.0, 60, 120)):
            simulation = Simulation(Bottleneck(SLOW))
            flow = Flow(simulation, delay=delay)
            simulation.run(end)
            self.assertGreater(flow.carried(begin, end) / SLOW, 0.85, delay)

    def test_loopback(self) -> None:
        """20 MB/s with timers of 10 ms: it is fast in half a second, and stays so."""
        for tick in (0.01, 0.033):
            simulation = Simulation(Bottleneck(LOOPBACK))
            flow = Flow(simulation, delay=0.0003, tick=tick, timer=0.01, jitter=0.0)
            simulation.run(0.9)
            self.assertGreater(flow.carried(0.4, 0.9) / LOOPBACK, 0.9)
            self.assertLess(simulation.queued(0.95, 0.4), 0.05)


class GameTests(SynchronousTestCase):
    """A game that sends little is never held back."""

    def check(self, size: int, most: int, delay: float, least_budget: int) -> None:
        """Check a game of a quarter of a minute on a fast link."""
        random = Random(1)
        simulation = Simulation(Bottleneck(10 * FAST))
        flow = Flow(
            simulation,
            load=lambda: random.randint(1, most) * size,
            size=size,
            delay=delay,
        )
        budgets: list[int] = []

        def look() -> None:
            budgets.append(flow.control.budget(simulation.now))
            simulation.at(simulation.now + 0.1003, look)

        simulation.at(0.5, look)
        simulation.run(15)
        self.assertEqual(flow.n_blocked, 0)
        self.assertGreater(min(budgets), least_budget)

    def test_small_packets(self) -> None:
        """30 small packets a second, near and far: there is room for many more."""
        for delay in (0.001, 0.06, 0.3):
            self.check(100, 1, delay, 2000)
            self.check(300, 2, delay, 2000)

    def test_full_packets(self) -> None:
        """One or two full packets a tick."""
        self.check(1200, 2, 0.06, 1200)

    def test_first_burst(self) -> None:
        """A newcomer gets 20 kB within three round trips and the time to send them."""
        first = [20_000]
        simulation = Simulation(Bottleneck(10 * FAST))
        flow = Flow(simulation, load=lambda: first.pop() if first else 100)
        simulation.run(0.25)
        self.assertGreater(flow.carried(0, 0.25) * 0.25, 20_000)

    def test_window_is_kept(self) -> None:
        """One who sends little does not gather a huge window, nor lose what it has."""
        simulation = Simulation(Bottleneck(10 * FAST))
        flow = Flow(simulation, load=lambda: 200)
        simulation.run(30)
        self.assertEqual(flow.own.window, 12_000)


class PacingTests(SynchronousTestCase):
    """What may leave, and when to ask again."""

    def test_spreads(self) -> None:
        """The first window is spread over some time."""
        control, now, n_sent = CongestionControl(), 10.0, 0
        while (due := control.next_send(now)) is not None:
            now = max(now, due)
            while control.budget(now) > 0:
                control.sent(1200, now)
                n_sent += 1
        self.assertEqual(n_sent, 10)
        self.assertTrue(10.02 < now < 10.1, now)

    def test_waits_for_acks(self) -> None:
        """When the window is full only an ack helps."""
        control = CongestionControl()
        for _ in range(10):
            control.sent(1200, 10.0)
        self.assertIsNone(control.next_send(20.0))
        self.assertLessEqual(control.budget(20.0), 0)
        control.acked(1200, 10.0, 0.05, 20.0)
        self.assertIsNotNone(control.next_send(20.0))
        self.assertGreater(control.budget(20.0), 0)

    def test_budget_after_next_send(self) -> None:
        """At the time that it named, a full packet is granted."""
        control = CongestionControl()
        control.sent(3000, 10.0)
        due = control.next_send(10.0)
        assert due is not None
        self.assertGreater(due, 10.0)
        self.assertGreaterEqual(control.budget(due + 1e-9), 1200)

    def test_packet_size(self) -> None:
        """The size of a full packet may change."""
        control = CongestionControl()
        control.packet_size = 1452
        self.assertEqual(control.packet_size, 1452)
        control.reset(10.0)
        self.assertEqual((control.packet_size, control.window), (1452, 14_520))

    def test_abandoned(self) -> None:
        """A packet can be forgotten."""
        control = CongestionControl()
        control.sent(1200, 10.0)
        control.abandoned(1200)
        control.abandoned(1200)
        self.assertEqual(control.in_flight, 0)

    def test_reset(self) -> None:
        """After a reset, packets from before count for nothing."""
        control = CongestionControl()
        control.sent(1200, 10.0)
        control.reset(11.0)
        control.sent(500, 11.0)
        control.acked(1200, 10.0, 0.05, 11.1)
        control.lost(1200, 10.0, 11.1)
        self.assertEqual((control.in_flight, control.min_rtt), (500, math.inf))


steps = st.one_of(
    st.just(0.0), st.floats(0, 0.1), st.floats(0, 10), st.sampled_from([3600.0, 1e6])
)
calls = st.tuples(
    st.sampled_from(("sent", "acked", "lost", "abandoned", "limited", "reset", "ask")),
    st.integers(0, 2000),
    st.one_of(st.none(), st.floats(-1, 10), st.floats(-1e6, 1e6)),
    st.floats(0, 20),
    steps,
)


class AnyCallsTests(SynchronousTestCase):
    """Whatever is reported, the answers stay within reason."""

    @given(st.lists(calls, max_size=120), st.floats(-1e6, 1e9))
    def test_invariants(
        self,
        calls: list[tuple[str, int, float | None, float, float]],
        now: float,
    ) -> None:
        """Nothing is raised, negative, infinite or in the past."""
        control = CongestionControl()
        for name, size, rtt, age, step in calls:
            now += step
            if name == "sent":
                control.sent(size, now)
            elif name == "acked":
                control.acked(size, now - age, rtt, now)
            elif name == "lost":
                control.lost(size, now - age, now)
            elif name == "abandoned":
                control.abandoned(size)
            elif name == "limited":
                control.limited(now)
            elif name == "reset" and size < 100:
                control.reset(now)
            self.check(control, now)

    def check(self, control: CongestionControl, now: float) -> None:
        """Check what can be asked."""
        self.assertGreaterEqual(control.in_flight, 0)
        self.assertGreaterEqual(control.window, control.packet_size)
        self.assertGreater(control.rate, 0)
        self.assertLess(control.rate, math.inf)
        self.assertGreaterEqual(control.queue_delay, 0)
        self.assertGreaterEqual(control.min_rtt, 0)
        self.assertLessEqual(control.budget(now), control.window)
        due = control.next_send(now)
        self.assertTrue(due is None or now <= due < math.inf)
        if due is None:
            self.assertLessEqual(control.budget(now), 0)

    @given(st.integers(0, 2**32), st.floats(1e3, 1e7), st.floats(0, 1))
    def test_never_stuck(self, seed: int, rate: float, loss: float) -> None:
        """Once packets arrive again, packets may leave again."""
        random = Random(seed)
        control, now = CongestionControl(), 10.0
        for _ in range(60):
            sent_at = now
            while control.budget(now) > 0 and control.in_flight < 100_000:
                control.sent(1200, now)
            now += 0.05 + control.in_flight / rate
            while control.in_flight:
                if random.random() < loss:
                    control.lost(1200, sent_at, now)
                else:
                    control.acked(1200, sent_at, now - sent_at, now)
            self.assertIsNotNone(control.next_send(now))
            now += 1.0
            self.assertGreater(control.budget(now), 0)
