# SPDX-License-Identifier: MIT
"""Tests of how components say that they are shared."""

from __future__ import annotations

import dataclasses
import math

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, SchemaError
from gamenet.wire import uint8
from gamenet.world import Audience, Component, Sync
from tests.world.shapes import Health


class SyncTests(SynchronousTestCase):
    """A component says who is told, who may write, how often, how urgently."""

    def test_default(self) -> None:
        """Without a word, everybody is told, every tick, and only the server writes."""
        self.assertEqual(Health.sync, Sync())
        self.assertIs(Health.sync.audience, Audience.EVERYONE)
        self.assertFalse(Health.sync.owner_writes)
        self.assertEqual((Health.sync.rate, Health.sync.priority), (0.0, 1.0))

    def test_declared(self) -> None:
        """What a class says is its own, and that of those derived from it."""

        class Cards(Component):
            sync = Sync(audience=Audience.OWNER, owner_writes=True, rate=5, priority=2)
            rounds: int = uint8()

        class MoreCards(Cards):
            more: int = uint8()

        self.assertIs(Cards.sync.audience, Audience.OWNER)
        self.assertIs(MoreCards.sync, Cards.sync)
        self.assertEqual([f.name for f in Cards.schema_fields], ["rounds"])
        self.assertEqual(Health.sync, Sync())

    def test_bits(self) -> None:
        """Audiences are bits of a level."""
        self.assertEqual([int(each) for each in Audience], [0, 1, 2, 4])

    def test_frozen(self) -> None:
        """It does not change: every entity was told by it."""
        with self.assertRaises(dataclasses.FrozenInstanceError):
            Health.sync.rate = 3  # type: ignore[misc]

    def test_rates(self) -> None:
        """A rate is a number of times a second."""
        Sync(rate=0.1)
        for rate in (-1, math.inf, math.nan):
            error = self.assertRaises(ConfigError, Sync, rate=rate)
            self.assertIn(f"rate={rate}", str(error))

    def test_priorities(self) -> None:
        """A priority is above nothing, so that nothing starves."""
        Sync(priority=1e-9)
        for priority in (0, -1, math.inf, math.nan):
            error = self.assertRaises(ConfigError, Sync, priority=priority)
            self.assertIn(f"priority={priority}", str(error))

    def test_nobody_writes_secrets(self) -> None:
        """A client cannot write what it is never told of."""
        self.assertRaises(
            ConfigError, Sync, audience=Audience.SERVER, owner_writes=True
        )

    def test_something_else(self) -> None:
        """What is no Sync is refused when the class is made."""
        for wrong in (None, True, Audience.OWNER, uint8()):
            body = {"sync": wrong}
            error = self.assertRaises(
                SchemaError, type(Component), "Wrong", (Component,), body
            )
            self.assertIn("sync", str(error))

    def test_field_name(self) -> None:
        """No field is called sync."""
        body = {"sync": uint8(), "__annotations__": {"sync": int}}
        self.assertRaises(SchemaError, type(Component), "Wrong", (Component,), body)
