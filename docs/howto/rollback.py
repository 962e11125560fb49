# SPDX-License-Identifier: MIT
"""Play without a server, by rollback or in lockstep."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import (
    Component,
    Event,
    Game,
    Input,
    Missing,
    RollbackHost,
    RollbackPeer,
    float32,
    int8,
    uint8,
)
from gamenet.testing import Clock, synctest
from gamenet.transport import Impairment, MemoryNetwork, listen


# -- game --
class Racer(Component):
    """Where somebody is, and what they have left."""

    x: float = float32()
    boosts: int = uint8()


class Steer(Input):
    """What is held."""

    x: int = int8()  # a stick: it is guessed to stay where it is


class Boost(Input):
    """What is pressed."""

    missing = Missing.NOTHING  # a button: it is guessed not to be pressed
    power: int = uint8()


class Boosted(Event):
    """A boost is heard."""

    by: int = uint8()


class Race(Game):
    """Be the first at the end of the road."""

    tick_rate = 60
    max_entities = 16
    components = [Racer]
    inputs = [Steer, Boost]
    events = [Boosted]
    kept = ["laps"]  # what rollback saves beside the world and the game's chance

    def started(self):
        self.laps = 0

    def player_joined(self, player):
        player.avatar = self.world.spawn(Racer(), owner=player)

    def input_received(self, player, item):
        racer = self.world[player.avatar, Racer]
        if isinstance(item, Steer):
            racer.x += item.x / 127
        elif racer.boosts < 3:
            racer.boosts += 1
            racer.x += self.random.uniform(1, 5)
            self.emit(Boosted(by=player.id), by=player.avatar)

    def step(self, dt):
        rows, racer = self.world.query(Racer), self.world.columns(Racer)
        done = rows[racer.x[rows] > 1000]
        self.laps += len(done)
        racer.x[done] = 0
        racer.boosts[done] = 0


# -- host --
def host_match(reactor, where, network=None):
    host = RollbackHost(
        Race,
        reactor,
        name="ada",  # None hosts without playing, as a process of its own does
        input_delay=2,  # ticks; so much latency needs no rollback
        max_prediction=12,  # ticks; 0 is lockstep
        checksum_every=30,
    )
    listen(reactor, where, host.factory, memory=network)
    host.start()
    return host


# -- peer --
class Pilot(RollbackPeer):
    """Plays, and shows what happens."""

    def on_tick(self, tick):
        self.send_input(Steer(x=100))
        if tick % 50 == 0:
            self.send_input(Boost(power=1))

    def on_event(self, event, tick):
        self.log.debug("play {event}", event=event)

    def on_event_cancelled(self, event, tick):
        self.log.debug("stop {event}", event=event)

    def on_desync(self, desync):
        self.found = desync  # str(desync) names tick, entity, component and field


def join_match(reactor, where, network=None):
    pilot = Pilot(reactor, Race, name="bob")
    return pilot, pilot.connect(where, memory=network)


def watch_match(reactor, where, network=None):
    watcher = RollbackPeer(reactor, Race, is_playing=False)
    return watcher, watcher.connect(where, memory=network)


# -- test --
class RaceTests(SynchronousTestCase):
    """The race can be run again."""

    def test_replays_alike(self):
        synctest(Race, n_players=3)


# -- end --
class MatchTests(SynchronousTestCase):
    """What the guide shows works."""

    def setUp(self) -> None:
        """Host a match over a bad network."""
        self.clock = Clock()
        bad = Impairment(latency=0.04, jitter=0.02, loss=0.05, seed=1)
        self.network = MemoryNetwork(self.clock, bad, bad)
        self.host = host_match(self.clock, "memory:race", self.network)
        chance = Random(2)
        self.host.on_tick = lambda tick: self.host.send_input(
            Steer(x=chance.randrange(-127, 128))
        )

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds * 100)):
            self.clock.advance(0.01)

    def test_match(self) -> None:
        """Two play, one looks on, and all confirm the same."""
        pilot, joined = join_match(self.clock, "memory:race", self.network)
        watcher, watching = watch_match(self.clock, "memory:race", self.network)
        self.run_for(5.0)
        self.assertIs(self.successResultOf(joined), pilot)
        self.assertIs(self.successResultOf(watching), watcher)
        self.assertGreater(pilot.stats()["rollbacks"], 10)
        ours = self.host.checksums()
        for each in (pilot, watcher):
            common = ours.keys() & each.checksums().keys()
            self.assertTrue(common)
            for tick in common:
                self.assertEqual(ours[tick], each.checksums()[tick])

    def test_desync(self) -> None:
        """A peer with other rules is found out."""
        pilot, _ = join_match(self.clock, "memory:race", self.network)
        self.run_for(2.0)
        self.host.on_desync = lambda desync: None
        step = pilot.game.step

        def other(dt):
            step(dt)
            pilot.world.columns(Racer).x[0] += 1.0

        pilot.game.step = other
        self.run_for(2.0)
        self.assertEqual(pilot.found.place[:7], "Racer.x")
