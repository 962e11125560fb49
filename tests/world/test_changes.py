# SPDX-License-Identifier: MIT
"""Tests of the journal of changes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.world import Changes
from gamenet.world.changes import Journal
from gamenet.world.entity import EntityId

ONE, TWO, THREE = (EntityId((1 << 32) + row) for row in (1, 2, 3))


class JournalTests(SynchronousTestCase):
    """The journal tells the net effect since the last drain."""

    def setUp(self) -> None:
        self.journal = Journal()

    def assert_drained(
        self,
        spawned: tuple[EntityId, ...] = (),
        despawned: tuple[EntityId, ...] = (),
        reshaped: tuple[EntityId, ...] = (),
        reowned: tuple[EntityId, ...] = (),
    ) -> None:
        """Check what the next drain gives."""
        expected = Changes(
            list(spawned), list(despawned), list(reshaped), list(reowned)
        )
        self.assertEqual(self.journal.drain(), expected)

    def test_in_order(self) -> None:
        """Entities come in the order of what happened to them."""
        self.journal.spawned(TWO)
        self.journal.spawned_many([THREE, ONE])
        self.assert_drained(spawned=(TWO, THREE, ONE))

    def test_drained_once(self) -> None:
        """A drain starts anew."""
        self.journal.spawned(ONE)
        self.journal.drain()
        self.assert_drained()

    def test_short_life(self) -> None:
        """Who came and went between two drains was never there."""
        self.journal.spawned(ONE)
        self.journal.reshaped(ONE)
        self.journal.despawned(ONE)
        self.assert_drained()

    def test_new_is_not_reshaped(self) -> None:
        """A new entity is only spawned, whatever it gained since."""
        self.journal.spawned(ONE)
        self.journal.reshaped(ONE)
        self.assert_drained(spawned=(ONE,))

    def test_gone_is_not_reshaped(self) -> None:
        """An entity that is gone is only despawned, whatever it gained before."""
        self.journal.reshaped(ONE)
        self.journal.despawned(ONE)
        self.assert_drained(despawned=(ONE,))

    def test_reshaped_once(self) -> None:
        """An entity that was touched twice is listed once."""
        self.journal.reshaped(TWO)
        self.journal.reshaped(ONE)
        self.journal.reshaped(TWO)
        self.assert_drained(reshaped=(TWO, ONE))

    def test_reowned(self) -> None:
        """An entity that was given away is listed once, also if it was reshaped."""
        self.journal.reowned(TWO)
        self.journal.reshaped(ONE)
        self.journal.reowned(ONE)
        self.journal.reowned(TWO)
        self.assert_drained(reshaped=(ONE,), reowned=(TWO, ONE))
        self.assert_drained()

    def test_new_is_not_reowned(self) -> None:
        """A new entity is only spawned, whoever got it since, or gone."""
        self.journal.spawned(ONE)
        self.journal.reowned(ONE)
        self.assert_drained(spawned=(ONE,))
        self.journal.reowned(ONE)
        self.journal.despawned(ONE)
        self.assert_drained(despawned=(ONE,))

    def test_restored(self) -> None:
        """An entity that went and came back under its id was there all the time.

        Its components and its owner may be others.
        """
        self.journal.despawned(ONE)
        self.journal.spawned(ONE)
        self.assert_drained(reshaped=(ONE,), reowned=(ONE,))

    def test_restored_and_gone(self) -> None:
        """It may go again."""
        self.journal.despawned(ONE)
        self.journal.spawned(ONE)
        self.journal.despawned(ONE)
        self.assert_drained(despawned=(ONE,))
