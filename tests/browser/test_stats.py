# SPDX-License-Identifier: MIT
"""What the browser's connection measures is what happened."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.browser import connection_bytes as wire
from tests.browser.conversation import (
    ALL_MODES,
    ORDERED,
    PLAIN,
    Script,
    play,
)


class MeasureTests(SynchronousTestCase):
    """What is measured is what happened."""

    def test_round_trip(self) -> None:
        """What the server took to answer is no part of the round trip."""
        script = Script().join()
        for n in range(200):
            trip = 0.05 if n % 2 else 0.03
            script.do("send", channel=2, payload=b"x").wait(trip + 0.02)
            script.get(wire.ack_delay(0.02), ack=n + 1, stats=n == 199)
        stats = play(script)[0][-1]["stats"]
        self.assertApproximates(stats["rtt"], 0.04, 0.002)
        self.assertApproximates(stats["jitter"], 0.01, 0.002)
        self.assertApproximates(stats["rttMin"], 0.03, 1e-4)
        self.assertApproximates(stats["rttMax"], 0.05, 1e-4)

    def test_absurd_delay(self) -> None:
        """However long the server claims to have waited, no round trip is below 0."""
        script = Script().join().wait(0.01).get(wire.ack_delay(4), ack=0, stats=True)
        self.assertEqual(play(script)[0][-1]["stats"]["rtt"], 0)

    def test_figures(self) -> None:
        """Bytes, messages and waits are counted, of each lane and of the whole."""
        script = Script().join()
        for n in range(40):
            script.wait(0.05)
            script.do("send", channel=ORDERED, payload=bytes(100), drain=False).wait(
                0.01
            )
            script.get(wire.message(PLAIN, bytes(200)), ack=n)
        script.do("wake", stats=True)
        stats = play(script, channels=ALL_MODES)[0][-1]["stats"]
        plain, ordered = stats["lanes"][PLAIN], stats["lanes"][ORDERED]
        self.assertEqual((ordered["sent"], plain["received"]), (40, 40))
        self.assertApproximates(ordered["queueTime"], 0.01, 0.001)
        self.assertApproximates(plain["bytesDownPerSecond"], 200 / 0.06, 400)
        self.assertApproximates(ordered["bytesUpPerSecond"], 106 / 0.06, 200)
        self.assertGreater(stats["bytesDownPerSecond"], plain["bytesDownPerSecond"])
        self.assertEqual((stats["lossDown"], stats["lossUp"]), (0, 0))
        self.assertEqual(stats["packetsReceived"], 41)
        self.assertEqual((stats["packetsLost"], stats["packetsMissed"]), (0, 0))
        self.assertEqual(stats["deliveryRatio"], 1)

    def test_history(self) -> None:
        """There is a sample for each of the last 120 seconds, slept through or not."""
        script = Script().join()
        for _ in range(300):
            script.wait(0.5).get().do("wake")
        script.wait(3).do("wake", stats=True)
        history = play(script, timeout=1000)[0][-1]["stats"]["history"]
        self.assertEqual(len(history), 120)
        self.assertEqual({sample["state"] for sample in history}, {"connected"})
        self.assertGreater(history[0]["bytesDownPerSecond"], 5)

    def test_missing(self) -> None:
        """Sequences that never come count as loss."""
        script = Script().join()
        for _ in range(300):
            script.sequence += 1
            script.get()
        script.do("wake", stats=True)
        stats = play(script)[0][-1]["stats"]
        self.assertApproximates(stats["lossDown"], 0.5, 0.02)
        self.assertEqual(stats["packetsMissed"], 300)

    def test_lost_with_a_link(self) -> None:
        """What was on its way when the link broke is lost, as far as anybody knows."""
        script = Script().join().get_tickets()
        for n in range(4):
            script.wait(0.01).do("send", channel=2, payload=b"x")
            script.get(ack=n) if n < 2 else None
        script.wait(0.01).do("lost", stats=True)
        stats = play(script)[0][-1]["stats"]
        self.assertGreaterEqual(stats["packetsLost"], 2)
        ratio = 1 - stats["packetsLost"] / stats["packetsSent"]
        self.assertApproximates(stats["deliveryRatio"], ratio, 1e-9)
