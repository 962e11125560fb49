# SPDX-License-Identifier: MIT
"""The conditions of a network, as people write them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.transport import PROFILES, Impairments
from gamenet.transport.conditions import read_conditions


class TextTests(SynchronousTestCase):
    """A text says what happens down and up."""

    def read(self, text: str) -> tuple[dict, dict]:
        conditions = read_conditions(text)
        return conditions["down"], conditions["up"]

    def test_nothing(self):
        """An empty text, and empty parts of one, say nothing."""
        for text in ("", "  ", ";", "down:", "; up: ;"):
            self.assertEqual(self.read(text), ({}, {}))

    def test_both_ways(self):
        """A part without a direction is about both."""
        settings = {"latency": 0.08, "loss": 0.05}
        self.assertEqual(self.read("latency=80ms loss=5%"), (settings, settings))

    def test_directions(self):
        """A part with a direction is about that one."""
        down, up = self.read("down: latency=0.5s ; up: latency=0.25 seed=3")
        self.assertEqual((down, up), ({"latency": 0.5}, {"latency": 0.25, "seed": 3}))
        self.assertEqual(self.read("up:loss=0.5"), ({}, {"loss": 0.5}))

    def test_later_parts_count(self):
        """What is said later counts, for the direction that it is said of."""
        down, up = self.read("loss=0.5 seed=1; up: loss=0.25; seed=2")
        self.assertEqual(down, {"loss": 0.5, "seed": 2})
        self.assertEqual(up, {"loss": 0.25, "seed": 2})

    def test_profile(self):
        """A profile is a part of its own, or begins one that changes it."""
        lte = self.read(PROFILES["lte"])
        self.assertEqual(self.read("lte"), lte)
        down, up = self.read("lte loss=10%")
        self.assertEqual(down, {**lte[0], "loss": 0.1})
        self.assertEqual(up, {**lte[1], "loss": 0.1})
        self.assertNotEqual(down["jitter"], up["jitter"])

    def test_profile_of_one_way(self):
        """Each way may have a profile of its own."""
        down, up = self.read("down: lan; up: 3g seed=1")
        self.assertEqual(down, self.read("lan")[0])
        self.assertEqual(up, {**self.read("3g")[1], "seed": 1})

    def test_errors(self):
        """A text that is not understood is an error that shows the word."""
        for text, message in {
            "5g": "'5g' is no profile.* there are lan, wifi, lte, 3g",
            "loss=1% lte": "'lte' is no profile, or does not stand first",
            "left: loss=1%": "'left:' is no profile",
            "down: up: loss=1%": "'up:' is no profile",
            "lte, loss=1%": "'lte,' is no profile",
            "up: lag=1": "'lag=1' has no known key",
            "down: loss=much": "impairment loss is 'much'",
        }.items():
            with self.assertRaisesRegex(ConfigError, message):
                read_conditions(text)

    @given(st.text(alphabet="lte3g downup:;=.%ms01 \n", max_size=30))
    def test_any_text(self, text):
        """A text is read, or refused by name; nothing else happens."""
        try:
            Impairments.from_text(text)
        except ConfigError as error:
            self.assertIn("impairment", str(error))


class ProfileTests(SynchronousTestCase):
    """The profiles are networks that there are, from good to bad."""

    def test_names(self):
        """There are the profiles that the documentation names."""
        names = ["lan", "wifi", "lte", "3g", "satellite", "bad"]
        self.assertEqual(list(PROFILES), names)

    def test_all_are_models(self):
        """Every profile is a model each way, and may lose 10 % instead."""
        for name in PROFILES:
            for text in (name, f"{name} loss=10%"):
                both = Impairments.from_text(text)
                for way in (both.down, both.up):
                    self.assertTrue(0 < way.latency < 0.5, text)
                    self.assertTrue(way.rate, text)

    def test_round_trips(self):
        """Round trips without load grow from one profile to the next."""
        loaded = [Impairments.from_text(name) for name in PROFILES if name != "bad"]
        trips = [both.down.latency + both.up.latency for both in loaded]
        self.assertEqual(trips, sorted(trips))
