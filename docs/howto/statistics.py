# SPDX-License-Identifier: MIT
"""What a connection measures, read where it is needed."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from examples.drift import Drift, Steer
from gamenet.testing import Stepper
from gamenet.transport import Impairment


# -- line --
def quality(stats):
    """Return one line about a connection, for a corner of the screen."""
    return (
        f"{stats.rtt * 1000:.0f} ms +- {stats.rtt_variation * 1000:.0f}, "
        f"lost {stats.loss_out:.1%} out {stats.loss_in:.1%} in, "
        f"{stats.bandwidth_out / 1000:.1f} kB/s out {stats.bandwidth_in / 1000:.1f} in"
    )


# -- lanes --
def late_lanes(stats, most=0.1):
    """Return the channels whose messages wait for longer than a tenth of a second."""
    return [lane.name for lane in stats.lanes if lane.queue_time > most]


# -- history --
def worst(history):
    """Return the longest round trip of the last minute, and when that was."""
    sample = max(history, key=lambda each: each.rtt)
    return sample.rtt, history[-1].time - sample.time


# -- server --
def hostile(factory):
    """Return what strangers have tried, for an alarm."""
    stats = factory.stats()
    return {**stats.refused, **stats.dropped}


# -- test --
class StatisticsTests(SynchronousTestCase):
    """Figures of a match on a network whose figures are known."""

    def test_figures(self):
        """What is measured is what the network does."""
        bad = Impairment(latency=0.04, loss=0.05)
        stepper = Stepper.of(Drift, n_clients=1, seed=3, down=bad, up=bad)
        (client,) = stepper.clients
        stepper.tick(600, each=lambda: client.send_input(Steer(x=1)))
        stats = client.stats()
        self.assertApproximates(stats.rtt, 0.08, 0.03)
        self.assertApproximates(stats.loss, 0.05, 0.04)
        self.assertIn(" ms +- ", quality(stats))
        self.assertEqual(late_lanes(stats), [])
        player = stepper.server.players[client.player_id]
        rtt, ago = worst(player.history())
        self.assertApproximates(rtt, 0.08, 0.05)
        self.assertLess(ago, 30)
        self.assertEqual(hostile(stepper.server.factory), {})


# -- end --
