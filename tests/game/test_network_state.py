# SPDX-License-Identifier: MIT
"""Tests of what clients say of their predictions and their buffers."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Connection
from gamenet.game import (
    InterpolationState,
    Player,
    PolledClient,
    PredictionState,
    polled,
)
from tests.game.playing import (
    RATE,
    Crafts,
    Match,
    Paint,
    Pilot,
    Position,
    Steer,
    Velocity,
)


class Telling(Crafts):
    """Crafts that say how they are predicted and buffered."""

    components = (*Crafts.components, PredictionState, InterpolationState)

    def player_joined(self, player: Player) -> None:
        """Give the player a craft."""
        parts = Position(), Velocity(), Paint(), PredictionState(), InterpolationState()
        player.avatar = self.world.spawn(*parts, owner=player)


class PolledTransport:
    """Be a polled transport on a network in memory."""

    def __init__(self, network: Any, connection: Connection) -> None:
        self.connection = connection
        self._link = network.open("match")
        self._link.receiver = self
        self._seconds = network.clock.seconds
        connection.connect(now=self._seconds())

    def receive(self, packet: bytes) -> None:
        """Take a packet that has arrived."""
        self.connection.receive_datagram(packet, now=self._seconds())

    def poll(self, *, now: float) -> list[Any]:
        """Do what is due, and return what happened."""
        due = self.connection.next_timeout()
        if due is not None and now >= due:
            self.connection.handle_timeout(now=now)
        self._link.send(self.connection.datagrams_to_send(now=now))
        return list(iter(self.connection.next_event, None))


class NetworkStateTests(SynchronousTestCase):
    """The components say what is so, at their rate, and cost nobody else anything."""

    def setUp(self) -> None:
        """Play until the time lines know the link."""
        self.match = Match(0.1, seed=51, game=Telling)
        self.one, self.two = self.match.pilots
        for pilot in self.match.pilots:
            pilot.stick = (0, 0)
        self.match.play(5)

    def said(self, world: Any, pilot: Pilot) -> PredictionState:
        """Return what a world has of the prediction of a pilot's craft."""
        return world[self.match.avatar(pilot), PredictionState]

    def buffered(self, world: Any, pilot: Pilot) -> InterpolationState:
        """Return what a world has of the buffer of a pilot's craft."""
        return world[self.match.avatar(pilot), InterpolationState]

    def test_corrections_are_counted(self) -> None:
        """The server hears of each correction, how large it was, and of right ticks."""
        server = self.match.server
        n_before = self.said(server.world, self.one).corrections
        made = len(self.one.corrections)
        for push in (4.0, 1.5, 2.5):
            self.match.push(self.one, push)
            self.match.play(1)
        self.match.play(1)
        made = len(self.one.corrections) - made
        self.assertGreaterEqual(made, 3)
        for world in (server.world, self.one.world, self.one.predicted):
            said = self.said(world, self.one)
            self.assertEqual(said.corrections - n_before, made)
            self.assertAlmostEqual(said.correction, 2.5, delta=1 / 64)
            self.assertGreater(said.confirmed, server.game.tick - 2 * RATE)
            self.assertLess(said.confirmed, server.game.tick)
        self.assertEqual(self.one.told, [])
        self.assertEqual(server.stats()["writes_refused"], {})

    def test_what_is_right_counts_none(self) -> None:
        """Where every prediction is right only the confirmed tick goes on."""
        world = self.match.server.world
        before = self.said(world, self.one)
        n_before, confirmed = before.corrections, before.confirmed
        self.match.play(2)
        after = self.said(world, self.one)
        self.assertEqual(after.corrections, n_before)
        self.assertGreater(after.confirmed, confirmed)

    def test_twice_a_second(self) -> None:
        """Each predicting client writes about twice a second, for its own craft."""
        server = self.match.server
        before = server.stats()["writes"]
        self.match.play(5)
        self.assertAlmostEqual(server.stats()["writes"] - before, 20, delta=4)
        ship = self.match.avatar(self.two)
        self.assertFalse(self.one.world.has(ship, PredictionState))

    def test_who_does_not_predict(self) -> None:
        """A client that predicts nothing writes nothing."""
        watcher = self.match.join(predict=False)
        self.match.until_joined()
        self.match.play(2)
        said = self.said(self.match.server.world, watcher)
        self.assertEqual((said.confirmed, said.corrections), (0, 0))

    def test_buffers(self) -> None:
        """Who draws says what is buffered, and the server leaves it alone."""
        self.match.play(1)
        for world in (self.one.world, self.one.predicted):
            state = self.buffered(world, self.two)
            self.assertLess(state.oldest, state.newest)
            self.assertLessEqual(state.newest, self.one.tick)
            self.assertGreater(state.newest, self.one.tick - RATE)
            delay = self.one.foresight.lines.playout.delay * self.one.match.tick_rate
            self.assertAlmostEqual(state.delay, delay, delta=1)
        # The second pilot draws nothing.
        for world, pilot in (
            (self.match.server.world, self.two),
            (self.two.world, self.one),
        ):
            state = self.buffered(world, pilot)
            self.assertEqual((state.oldest, state.newest, state.delay), (0, 0, 0.0))

    def test_polled(self) -> None:
        """A client without a reactor says the same."""
        stepper = self.match.stepper

        def transport(ways: Any, core: Connection, **_: Any) -> PolledTransport:
            return PolledTransport(stepper.network, core)

        self.patch(polled, "PolledTransport", transport)
        client = PolledClient(Telling, "ada", seconds=stepper.clock.seconds)
        token = stepper.network.token("match", b"ada")
        client.connect("udp:127.0.0.1:9", token=token)
        for _ in range(6 * RATE):
            stepper.clock.advance(1 / RATE)
            client.poll()
            if client.is_joined:
                for _ in client.ticks():
                    client.send_input(Steer())
                client.look()
        craft = self.match.server.players[client.player_id].avatar
        assert craft is not None
        said = self.match.server.world[craft, PredictionState]
        self.assertGreater(said.confirmed, self.match.server.game.tick - 2 * RATE)
        self.assertGreater(self.buffered(client.world, self.one).newest, 0)

    def test_neither(self) -> None:
        """Where a game lists neither nothing is sent."""
        match = Match(0.1, seed=52)
        match.play(3)
        self.assertEqual(match.server.stats()["writes"], 0)
        for pilot in match.pilots:
            self.assertEqual(pilot.match.network_packets(1e9), [])
