# SPDX-License-Identifier: MIT
"""Both directions of a link, as one value."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.transport import Impairment, Impairments


class ImpairmentsTests(SynchronousTestCase):
    """`Impairments` are what an option holds, whatever it was given."""

    def test_nothing(self):
        """Without settings nothing happens, either way."""
        both = Impairments()
        self.assertEqual(both.down.admit(1, now=2.0), [2.0])
        self.assertEqual(both.up.admit(1, now=2.0), [2.0])

    def test_from_text(self):
        """A text is read each way."""
        both = Impairments.from_text("latency=10ms; up: latency=20ms")
        self.assertEqual((both.down.latency, both.up.latency), (0.01, 0.02))

    def test_of(self):
        """One for both ways, two, a text, or the thing itself."""
        one, other = Impairment(latency=0.1), Impairment(latency=0.2)
        same = Impairments.of(one)
        self.assertEqual((same.down, same.up), (one, one))
        two = Impairments.of((one, other))
        self.assertEqual((two.down, two.up), (one, other))
        self.assertEqual(Impairments.of("lan").down.latency, 0.0003)
        self.assertIs(Impairments.of(two), two)
        self.assertRaises(ConfigError, Impairments.of, "lag=1")

    def test_links(self):
        """Every link, and each way of it, has a chance of its own."""
        both = Impairments.of(Impairment(loss=0.5, seed=7))
        ways = [way for i in range(20) for way in self.ways(both.link(i))]
        fates = {tuple(bool(way.admit(1, now=0.0)) for _ in range(64)) for way in ways}
        self.assertEqual(len(fates), 40)
        again = [way.seed for i in range(20) for way in self.ways(both.link(i))]
        self.assertEqual(again, [way.seed for way in ways])

    def ways(self, both: Impairments) -> tuple[Impairment, Impairment]:
        return both.down, both.up

    def test_reseeded(self):
        """Another seed is another chance with the same settings."""
        both = Impairments.from_text("lte seed=1").reseeded(5)
        self.assertEqual((both.down.seed, both.up.seed), (5, 5))
        self.assertEqual(both.down.latency, 0.035)
