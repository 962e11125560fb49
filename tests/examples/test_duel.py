# SPDX-License-Identifier: MIT
"""Let two fight by rollback, as `python -m examples.duel` does."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from examples.duel import Duel, Fighter, Strike, Walk, fight
from gamenet.testing import synctest


class DuelTests(SynchronousTestCase):
    """Two walk and strike."""

    def test_replays_alike(self) -> None:
        """The rules give the same when they run again."""

        def walk(tick, number, chance):
            yield Walk(x=chance.choice([-127, 127]))
            if chance.random() < 0.2:
                yield Strike(power=9)

        synctest(Duel, inputs=walk, ticks=600, n_players=2)

    def test_fight(self) -> None:
        """Host and peer confirm the same fight, and there is one."""
        host, peer = fight(seconds=8, latency=0.12, loss=0.05, prediction=12, seed=2)
        ours, theirs = host.checksums(), peer.checksums()
        common = ours.keys() & theirs.keys()
        self.assertTrue(common)
        for tick in common:
            self.assertEqual(ours[tick], theirs[tick], tick)
        self.assertGreater(host.stats()["rollbacks"], 20)
        fighters = host.world.columns(Fighter)
        rows = host.world.query(Fighter)
        hurt = (fighters.health[rows] < 100) | (fighters.wins[rows] > 0)
        self.assertTrue(hurt.any())
