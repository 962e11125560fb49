# SPDX-License-Identifier: MIT
"""Tests of rollback matches of whole games, over a network in memory."""

from __future__ import annotations

from random import Random

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason, ConnectError, LocalProtocolError
from gamenet.game import (
    Component,
    Event,
    Game,
    Input,
    RollbackHost,
    RollbackPeer,
    float64,
    int8,
    uint8,
)
from gamenet.prediction import ChangeKind
from gamenet.testing import Clock
from gamenet.transport import Impairment, MemoryNetwork, listen


class Place(Component):
    """Where somebody is."""

    x: float = float64()


class Push(Input):
    """What a player does."""

    x: int = int8()


class Bump(Event):
    """Something that happens now and then."""

    n: int = uint8()


class Crowd(Game):
    """A game with chance, kept attributes, calls for later, and events."""

    tick_rate = 50
    max_entities = 16
    max_players = 4
    components = [Place]
    inputs = [Push]
    events = [Bump]
    kept = ["table", "log", "fans"]

    def prepare(self) -> None:
        self.table = np.zeros(4)

    def started(self) -> None:
        self.log: list[tuple[int, int]] = []
        self.fans = set()

    def player_joined(self, player) -> None:
        x = self.random.uniform(-1.0, 1.0)
        player.avatar = self.world.spawn(Place(x=x), owner=player)
        self.fans.add(player)

    def player_left(self, player, reason) -> None:
        self.fans.discard(player)
        super().player_left(player, reason)

    def input_received(self, player, push) -> None:
        self.world[player.avatar, Place].x += push.x / 64
        self.table[player.id % 4] += push.x
        if push.x == 100:
            self.emit(Bump(player.id), by=player.avatar)
            self.after(0.1, self.bumped, player.id)

    def bumped(self, number) -> None:
        self.log = [*self.log[-9:], (self.tick, number)]

    def step(self, dt) -> None:
        rows = self.world.query(Place)
        x = self.world.columns(Place).x
        x[rows] = x[rows] * 0.99 + self.random.normal(size=len(rows)) * 0.01


class Broken(Crowd):
    """A game that raises."""

    def step(self, dt) -> None:
        if self.tick % 50 == 7:
            msg = "broken"
            raise RuntimeError(msg)
        super().step(dt)


class Lambda(Crowd):
    """A game that keeps what cannot be sent."""

    def started(self) -> None:
        super().started()
        self.log = [len]


class MatchTestCase(SynchronousTestCase):
    """A host in memory, and peers that come."""

    game = Crowd

    def setUp(self) -> None:
        self.clock = Clock()
        bad = Impairment(latency=0.04, jitter=0.02, loss=0.05, seed=3)
        self.network = MemoryNetwork(self.clock, bad, bad)
        self.sums: dict[object, dict[int, int]] = {}
        self.runs: dict[object, object] = {}

    def host(self, **settings) -> RollbackHost:
        """Return a host that runs."""
        host = RollbackHost(
            self.game,
            self.clock,
            random=Random(1),
            **{"checksum_every": 5, "seed": 4, **settings},
        )
        listen(self.clock, "memory:match", host.factory, memory=self.network)
        self.follow("host", host)
        host.start()
        return host

    def peer(self, name, game=None, **settings) -> RollbackPeer:
        """Return a peer that connects."""
        peer = RollbackPeer(
            self.clock, game or self.game, name, random=Random(name), **settings
        )
        self.follow(name, peer)
        peer.joined = peer.connect("memory:match", memory=self.network)
        return peer

    def follow(self, name, run) -> None:
        """Let a player act, and write down what happens."""
        chance = Random(name)
        run.told = []

        def act(tick) -> None:
            run.send_input(Push(chance.choice([0, 0, 3, -3, 100])))

        run.on_tick = act
        run.on_desync = lambda desync: run.told.append(("desync", desync))
        run.on_player_changed = lambda *what: run.told.append(("player", *what))
        self.sums[name], self.runs[name] = {}, run

    def run_for(self, seconds) -> None:
        """Let time pass."""
        for _ in range(round(seconds * 100)):
            self.clock.advance(0.01)
            for name, run in self.runs.items():
                self.sums[name].update(run.checksums())

    def check_alike(self, n_common=20) -> None:
        """Check that all have confirmed the same."""
        first = self.sums["host"]
        for name, sums in self.sums.items():
            common = first.keys() & sums.keys()
            self.assertGreater(len(common), n_common, name)
            differing = [tick for tick in sorted(common) if first[tick] != sums[tick]]
            self.assertEqual(differing, [], name)


class RollbackMatchTests(MatchTestCase):
    """A whole game runs by its inputs alone."""

    def test_alike(self) -> None:
        """All confirm the same: world, chance and what the game keeps."""
        host = self.host(name="ada")
        peers = [self.peer("bob"), self.peer("eve")]
        self.run_for(4.0)
        for peer in peers:
            self.assertIs(self.successResultOf(peer.joined), peer)
        self.assertEqual(host.player_id, 1)
        self.assertEqual(sorted(peer.player_id for peer in peers), [2, 3])
        names = [player.name for player in peers[0].game.players.values()]
        self.assertEqual(sorted(names), ["ada", "bob", "eve"])
        self.assertGreater(host.stats()["rollbacks"], 10)
        self.assertEqual(host.stats()["hook_errors"], 0)
        self.check_alike()

    def test_dedicated(self) -> None:
        """A host need not play."""
        host = self.host()
        self.peer("bob")
        self.peer("eve")
        self.run_for(3.0)
        self.assertEqual(host.player_id, 0)
        self.assertEqual(len(host.game.players), 2)
        self.check_alike()

    def test_late_and_looking_on(self) -> None:
        """Who comes late has all that the game keeps, chance included."""
        host = self.host(name="ada")
        self.peer("bob")
        self.run_for(3.0)
        late = self.peer("eve")
        watcher = self.peer("kim", is_playing=False)
        self.run_for(4.0)
        self.assertIs(self.successResultOf(watcher.joined), watcher)
        self.assertEqual(watcher.player_id, 0)
        self.assertEqual(len(host.game.players), 3)
        self.assertEqual(late.game.fans, set(late.game.players.values()))
        self.check_alike()

    def test_full(self) -> None:
        """Who finds no room looks on."""
        host = self.host(name="ada")
        for n in range(5):
            self.peer(f"guest {n}")
            self.run_for(0.5)
        self.run_for(1.0)
        self.assertEqual(len(host.game.players), 4)
        self.assertEqual(host.stats()["peers"], 5)

    def test_leaves(self) -> None:
        """Who leaves is gone in the same tick everywhere; the host's end is told."""
        host = self.host(name="ada")
        bob, eve = self.peer("bob"), self.peer("eve")
        self.run_for(2.0)
        number = bob.player_id
        closed = bob.close()
        self.run_for(2.0)
        self.successResultOf(closed)
        self.assertFalse(bob.is_connected)
        self.assertEqual(sorted(host.game.players), sorted(eve.game.players))
        self.assertEqual(len(eve.game.players), 2)
        self.assertIn(("player", number, ChangeKind.LEAVES), [w[:3] for w in eve.told])
        eve.on_closed = lambda reason, detail: eve.told.append(("closed", reason))
        stopped = host.stop()
        self.run_for(1.0)
        self.successResultOf(stopped)
        self.assertIn(("closed", CloseReason.SERVER_SHUTDOWN), eve.told)
        del self.runs["bob"], self.sums["bob"]
        self.check_alike()

    def test_desync(self) -> None:
        """What one peer keeps to itself is found, with name and values."""
        host = self.host(name="ada")
        bob = self.peer("bob")
        self.run_for(2.0)
        step = bob.game.step

        def spoiled(dt) -> None:
            step(dt)
            bob.world.columns(Place).x[1] += 0.5

        bob.game.step = spoiled
        self.run_for(1.0)
        (told,) = [what[1] for what in host.told if what[0] == "desync"]
        self.assertEqual((told.component, told.field), (Place, "x"))
        self.assertEqual(told.entity, host.game.players[2].avatar)
        self.assertNotEqual(told.ours, told.theirs)
        self.assertEqual(told.ours, bob.told[-1][1].theirs)

    def test_desync_of_kept(self) -> None:
        """So is a difference in what the game keeps beside the world."""
        host = self.host(name="ada")
        bob = self.peer("bob")
        self.run_for(2.0)
        step = bob.game.step

        def spoiled(dt) -> None:
            step(dt)
            bob.game.table[3] += 1.0

        bob.game.step = spoiled
        self.run_for(1.0)
        (told,) = [what[1] for what in host.told if what[0] == "desync"]
        self.assertEqual((told.entity, told.field), (None, "self.table"))

    def test_lockstep(self) -> None:
        """With `max_prediction` 0 nothing is ever made again."""
        host = self.host(name="ada", max_prediction=0, input_delay=6)
        bob = self.peer("bob", input_delay=6)
        self.run_for(4.0)
        for run in (host, bob):
            self.assertEqual(run.stats()["ticks_remade"], 0)
            self.assertGreater(run.confirmed, 60)
        self.check_alike(10)

    def test_another_game(self) -> None:
        """Who has other rules is not let in."""
        self.host(name="ada")

        class Other(Crowd):
            tick_rate = 20

        bob = self.peer("bob", Other)
        self.run_for(1.0)
        failure = self.failureResultOf(bob.joined, ConnectError)
        self.assertEqual(failure.value.reason, CloseReason.PROTOCOL_MISMATCH)

    def test_connects_once(self) -> None:
        """A peer is for one match."""
        self.host(name="ada")
        bob = self.peer("bob")
        self.assertRaises(LocalProtocolError, bob.connect, "memory:match")
        bob.close()
        self.failureResultOf(bob.joined)

    def test_nonsense(self) -> None:
        """A peer that talks nonsense without end is sent away."""
        host = self.host(name="ada")
        bob = self.peer("bob")
        self.run_for(1.0)
        link = bob._links["host"]
        for _ in range(30):
            for _ in range(50 if bob.is_connected else 0):
                link.sendMessage(0, b"\x09nonsense")
            self.run_for(0.1)
        self.assertFalse(bob.is_connected)
        self.run_for(1.0)
        self.assertEqual(list(host.game.players), [1])

    def test_silent(self) -> None:
        """Who does not say what they want is sent away."""
        self.host(name="ada")
        bob = self.peer("bob")
        bob.made = lambda link: bob._links.update(host=link)
        bob.on_closed = lambda reason, detail: bob.told.append(reason)
        self.run_for(4.0)
        self.assertTrue(bob.is_connected)
        self.run_for(2.0)
        self.assertEqual(bob.told, [CloseReason.HANDSHAKE_TIMED_OUT])
        self.failureResultOf(bob.joined, ConnectError)


class BrokenMatchTests(MatchTestCase):
    """What a game raises stops nobody."""

    game = Broken

    def test_goes_on(self) -> None:
        """It is logged and counted, and all still agree."""
        host = self.host(name="ada")
        self.peer("bob")
        self.run_for(3.0)
        self.assertGreater(len(self.flushLoggedErrors(RuntimeError)), 0)
        self.assertGreater(host.stats()["hook_errors"], 0)
        self.check_alike()


class UnsendableMatchTests(MatchTestCase):
    """A game that keeps what cannot be sent."""

    game = Lambda

    def test_told_why(self) -> None:
        """Who comes is sent away with the reason; the host goes on."""
        host = self.host(name="ada")
        bob = self.peer("bob")
        self.run_for(1.0)
        failure = self.failureResultOf(bob.joined, ConnectError)
        self.assertIn("self.log", failure.value.detail)
        self.assertGreater(host.tick, 30)
