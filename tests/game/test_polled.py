# SPDX-License-Identifier: MIT
"""Tests of a polled client in a match: what `poll` tells of the world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gamenet.connection import Connection
from gamenet.errors import LocalProtocolError
from gamenet.game import (
    EntityDespawned,
    EntityLeft,
    EntityReowned,
    EntityReshaped,
    EntitySpawned,
    EventHappened,
    Interest,
    Joined,
    MessageArrived,
    PolledClient,
    Refusal,
    SnapshotArrived,
    WriteWasRefused,
    polled,
)
from tests.game.games import Marker, Place, Push, Say
from tests.game.harbour import (
    Cargo,
    Flag,
    Harbour,
    HarbourTestCase,
    Helm,
    Secret,
    state_of,
)


class MemoryTransport:
    """Be a polled transport on a network in memory."""

    def __init__(self, network: Any, connection: Connection) -> None:
        self.connection = connection
        self._seconds: Callable[[], float] = network.clock.seconds
        self._link = network.open("match")
        self._link.receiver = self
        connection.connect(now=self._seconds())

    def receive(self, packet: bytes) -> None:
        """Take a packet that has arrived."""
        self.connection.receive_datagram(packet, now=self._seconds())

    def poll(self, *, now: float) -> list[Any]:
        """Do what is due, and return what happened."""
        due = self.connection.next_timeout()
        if due is not None and now >= due:
            self.connection.handle_timeout(now=now)
        self.flush(now=now)
        return list(iter(self.connection.next_event, None))

    def flush(self, *, now: float) -> None:
        """Send what is queued."""
        self._link.send(self.connection.datagrams_to_send(now=now))

    def close(self) -> None:
        """Send and receive no more."""
        self._link.close()


class Near(Harbour):
    """Captains see what is within twenty metres of their ships."""

    interest = Interest((Place, "x", "y"), radius=20)


class PolledTests(HarbourTestCase):
    """A loop that polls once a tick is told what a reactor's client is told."""

    game = Near

    def setUp(self) -> None:
        super().setUp()
        network = self.stepper.network

        def transport(ways: Any, core: Connection, **_: Any) -> MemoryTransport:
            return MemoryTransport(network, core)

        self.patch(polled, "PolledTransport", transport)
        self.client = self.connected(Near)
        self.id = self.client.player_id
        self.ship = self.players[self.id].avatar
        self.play(5)

    def connected(self, game: type[Harbour] | None) -> PolledClient:
        """Return a client that has joined."""
        client = PolledClient(game, "ada", seconds=self.stepper.clock.seconds)
        token = self.stepper.network.token("match", b"ada")
        client.connect("udp:127.0.0.1:9", token=token)
        events: list[Any] = []
        while not client.is_joined:
            self.stepper.tick()
            events += client.poll()
        self.assertEqual(sum(isinstance(event, Joined) for event in events), 1)
        return client

    def play(self, n_ticks: int = 3) -> list[Any]:
        """Play on, and return what the polls told, but for snapshots."""
        events: list[Any] = []
        for _ in range(n_ticks):
            self.stepper.tick()
            events += self.client.poll()
        self.assertTrue(any(isinstance(event, SnapshotArrived) for event in events))
        return [each for each in events if not isinstance(each, SnapshotArrived)]

    def test_life(self) -> None:
        """Each thing that becomes of an entity is an event."""
        rock = self.world.spawn(Place(x=3), Secret(depth=5))
        self.assertEqual(self.play(), [EntitySpawned(rock)])
        self.world.add(rock, Marker(number=4))
        self.assertEqual(self.play(), [EntityReshaped(rock)])
        self.assertEqual(self.client.world[rock, Marker].number, 4)
        self.world.set_owner(rock, self.id)
        self.assertEqual(self.play(), [EntityReowned(rock)])
        self.world.set_owner(rock, None)
        self.world[rock, Place].x = 100
        self.assertEqual(self.play(), [EntityLeft(rock)])
        self.world[rock, Place].x = 4
        self.assertEqual(self.play(), [EntitySpawned(rock)])
        self.world.despawn(rock)
        self.assertEqual(self.play(), [EntityDespawned(rock)])

    def test_ticks(self) -> None:
        """Each tick is told once, in order."""
        ticks: list[int] = []
        for _ in range(30):
            self.stepper.tick()
            ticks += [e.tick for e in self.client.poll() if hasattr(e, "tick")]
        self.assertEqual(ticks, list(range(ticks[0], ticks[0] + 30)))

    def test_events(self) -> None:
        """An event comes with its tick; a message comes, too."""
        self.server.game.emit(Flag(number=4), to=self.id)
        tick = self.server.game.tick + 1
        self.assertEqual(self.play(), [EventHappened(Flag(number=4), tick)])
        self.players[self.id].send(Say(words="hi"))
        self.assertEqual(self.play(), [MessageArrived(Say(words="hi"))])

    def test_input_and_secrets(self) -> None:
        """It steers its ship, and knows what only its owner knows."""
        self.client.send_input(Push(x=5))
        self.world[self.ship, Cargo].crates = 9
        x = self.world[self.ship, Place].x
        self.play()
        self.assertEqual(self.client.world[self.ship, Place].x, x + 5)
        self.assertEqual(self.client.world[self.ship, Cargo].crates, 9)
        self.assertEqual(state_of(self.client.world), state_of(self.world))

    def test_write(self) -> None:
        """It writes what is its own; a refusal is an event."""
        self.client.write(self.ship, Helm(angle=5))
        self.assertEqual(self.play(), [])
        self.assertEqual(self.two.world[self.ship, Helm].angle, 5)
        self.assertRaises(
            LocalProtocolError, self.client.write, self.ships[1], Helm(angle=1)
        )
        # The write passes word of the new owner on its way.
        self.client.write(self.ship, Helm(angle=6))
        self.world.set_owner(self.ship, None)
        self.assertEqual(
            self.play(),
            [EntityReshaped(self.ship), EntityReowned(self.ship), refused(self.ship)],
        )
        self.assertEqual(self.client.world[self.ship, Helm].angle, 5)

    def test_asks_again(self) -> None:
        """A base that is missing makes it ask for everything, once a second at most."""
        for _ in range(30):
            self.client.match._receiver.needs_everything = True
            self.play(1)
        self.assertIn(self.server.stats()["resyncs"], (1, 2))
        self.play()
        self.assertEqual(state_of(self.client.world), state_of(self.world))

    def test_learns_the_game(self) -> None:
        """It follows a game whose class it has not."""
        self.client = self.connected(None)
        rock = self.world.spawn(Place(x=3), Marker(number=4))
        self.server.game.emit(Flag(number=4))
        happened = self.play(5)
        marker = self.client.match.protocol.components[1]
        self.assertEqual(self.client.world[rock, marker].number, 4)
        (event,) = [each for each in happened if isinstance(each, EventHappened)]
        self.assertEqual((type(event.event).__name__, event.event.number), ("Flag", 4))

    def test_close(self) -> None:
        """It leaves, and the server knows it at once."""
        self.client.close()
        self.stepper.tick()
        self.client.poll()
        self.assertTrue(self.client.is_closed)
        self.assertNotIn(self.id, self.players)


def refused(entity: int) -> WriteWasRefused:
    """Return what tells that an entity is not ours any more."""
    return WriteWasRefused(entity, Helm, Refusal.NOT_YOURS)
