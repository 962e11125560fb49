# SPDX-License-Identifier: MIT
"""Tests of events: what happens once, in a tick that the world has reached."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason, LocalProtocolError, StaleEntityError
from gamenet.game import (
    EventHappened,
    Game,
    GameClient,
    Interest,
    Joined,
    Message,
    Protocol,
    SnapshotArrived,
)
from gamenet.game.match import Match
from gamenet.game.messages import Welcome
from gamenet.game.protocol import CONTROL, EVENTS, SNAPSHOTS
from gamenet.replication import EventCodec
from gamenet.replication.blocks import SNAPSHOT_HEAD
from tests.game.games import Marker, Place
from tests.game.harbour import Flag, Harbour, HarbourTestCase, Splash, rough


def listen(client: GameClient) -> list[tuple[Any, int]]:
    """Return the list into which a client's events go from now on."""
    heard: list[tuple[Any, int]] = []
    client.on_event = lambda event, tick: heard.append((event, tick))
    return heard


class EmittingTests(HarbourTestCase):
    """A game emits; clients hear it in the tick in which it happened."""

    def setUp(self) -> None:
        super().setUp()
        self.first, self.second = listen(self.one), listen(self.two)

    def test_everybody(self) -> None:
        """All hear an event, once, with its tick."""
        self.server.game.emit(Flag(number=7))
        tick = self.server.game.tick + 1
        self.tick(10)
        self.assertEqual(self.first, [(Flag(number=7), tick)])
        self.assertEqual(self.second, self.first)

    def test_in_order(self) -> None:
        """Events come in the order of their ticks, and in a tick as they happened."""
        for number in range(12):
            self.server.game.emit(Flag(number=number))
            if number % 3 == 0:
                self.tick(1)
        self.tick(5)
        self.assertEqual([event.number for event, _ in self.first], list(range(12)))

    def test_to(self) -> None:
        """An event for some is heard by these alone, named in any way."""
        one, two = self.players[1], self.players[2]
        for number, to in enumerate((one, 2, [one, two], [1], (), [two, 2])):
            self.server.game.emit(Flag(number=number), to=to)
        self.tick()
        self.assertEqual([event.number for event, _ in self.first], [0, 2, 3])
        self.assertEqual([event.number for event, _ in self.second], [1, 2, 5])

    def test_late_joiner(self) -> None:
        """Who comes later hears nothing of it: it is no state."""
        self.server.game.emit(Flag(number=1))
        self.tick()
        late = self.stepper.begin_joining("late")
        heard = listen(late)
        self.tick(20)
        self.assertNotEqual(late.player_id, 0)
        self.assertEqual(heard, [])

    def test_refused(self) -> None:
        """What cannot be emitted is the author's mistake, told at once."""
        game = self.server.game
        gone = self.world.spawn(Place())
        self.world.despawn(gone)
        self.assertRaises(StaleEntityError, game.emit, Flag(), seen=gone)
        self.assertRaises(LocalProtocolError, game.emit, Place())
        self.assertRaises(LocalProtocolError, game.emit, Flag(), to="ada")
        error = self.assertRaises(LocalProtocolError, Harbour().emit, Flag())
        self.assertIn("Harbour has no server", str(error))
        self.tick()
        self.assertEqual(self.first, [])

    def test_many(self) -> None:
        """A tick has a limit; what was taken before it arrives."""
        game = self.server.game
        for number in range(1024):
            game.emit(Flag(number=number))
        self.assertRaises(LocalProtocolError, game.emit, Flag())
        self.tick()
        self.assertEqual([event.number for event, _ in self.first], list(range(1024)))

    def test_while_away(self) -> None:
        """A player whose link is lost misses it; it would come too late."""
        self.server.drop(self.players[1], CloseReason.LINK_LOST)
        self.server.game.emit(Flag(number=3))
        self.tick()
        self.server.resume(self.players[1])
        self.server.game.emit(Flag(number=4))
        self.tick()
        self.assertEqual([event.number for event, _ in self.first], [4])
        self.assertEqual([event.number for event, _ in self.second], [3, 4])


class Near(Harbour):
    """Captains see what is within ten metres of their ships."""

    interest = Interest((Place, "x", "y"), radius=10.0)


class SeenTests(HarbourTestCase):
    """An event about an entity is for those who see it."""

    game = Near

    def test_seen(self) -> None:
        """Who sees the entity hears of it; who does not, does not."""
        first, second = listen(self.one), listen(self.two)
        self.world[self.ships[2], Place].x = 100
        rock = self.world.spawn(Place(x=101))
        self.tick()
        self.server.game.emit(Splash(ship=rock), seen=rock)
        self.tick()
        self.assertEqual([event for event, _ in first], [])
        self.assertEqual([event for event, _ in second], [Splash(ship=rock)])

    def test_its_end(self) -> None:
        """Who saw an entity hears how it ended, although it is gone."""
        first = listen(self.one)
        rock = self.world.spawn(Place(x=2))
        self.tick()
        self.assertIn(rock, self.one.world)
        self.server.game.emit(Splash(ship=rock), seen=rock)
        self.world.despawn(rock)
        self.tick()
        self.assertEqual([event for event, _ in first], [Splash(ship=rock)])

    def test_its_beginning(self) -> None:
        """An entity that is new in the tick is seen, if it is near."""
        first, second = listen(self.one), listen(self.two)
        self.world[self.ships[2], Place].x = 100
        self.tick()
        rock = self.world.spawn(Place(x=2))
        self.server.game.emit(Splash(ship=rock), seen=rock)
        self.tick()
        self.assertEqual(([event for event, _ in first], second), ([Splash(rock)], []))

    def test_seen_and_to(self) -> None:
        """Both conditions hold together."""
        first, second = listen(self.one), listen(self.two)
        rock = self.world.spawn(Place(x=2))
        self.tick()
        self.server.game.emit(Splash(ship=rock), seen=rock, to=2)
        self.world[self.ships[2], Place].x = 100
        self.tick()
        self.server.game.emit(Splash(ship=rock), seen=rock, to=[1, 2])
        self.tick()
        self.assertEqual((len(first), len(second)), (1, 1))


class LossTests(HarbourTestCase):
    """Every event arrives, and none before the world has reached its tick."""

    network = {"down": rough(4, 0.3), "up": rough(5, 0.3)}

    def test_reliable(self) -> None:
        """Under loss each event comes once; soon what it names is there, too."""
        heard: dict[int, int] = {}
        known_at: dict[int, int] = {}
        early: list[int] = []

        def hear(event: Splash, tick: int) -> None:
            self.assertNotIn(event.ship, heard)
            heard[event.ship] = self.one.tick
            if tick > self.one.tick:
                early.append(tick)

        def look() -> None:
            for ship in heard.keys() - known_at.keys():
                if ship in self.one.world:
                    known_at[ship] = self.one.tick

        self.one.on_event = hear
        for _ in range(100):
            ship = self.world.spawn(Marker())
            self.server.game.emit(Splash(ship=ship))
            self.stepper.tick(1, look)
        self.stepper.tick(60, look)
        self.assertEqual((len(heard), len(known_at), early), (100, 100, []))
        waits = [known_at[ship] - heard[ship] for ship in heard]
        self.assertLess(max(waits), 60)
        self.assertEqual(self.one.match.stats()["events_early"], 0)

    def test_seen(self) -> None:
        """Under loss an event that needs to see an entity finds it there."""
        heard: dict[int, bool] = {}

        def hear(event: Splash, tick: int) -> None:
            heard[event.ship] = event.ship in self.one.world

        self.one.on_event = hear
        for _ in range(100):
            ship = self.world.spawn(Marker())
            self.server.game.emit(Splash(ship=ship), seen=ship)
            self.stepper.tick()
        self.stepper.tick(60)
        self.assertEqual((len(heard), sum(heard.values())), (100, 100))
        viewer = self.server.players[self.one.player_id].outlook.viewer
        self.assertEqual(len(viewer._insisted), 0)


class HoldingTests(SynchronousTestCase):
    """A match without a server holds what came too early."""

    def test_before_joining(self) -> None:
        """Events that overtake the welcome are kept, but not any number of them."""
        match = Match(None)
        packet = EventCodec((Flag,)).encode(Flag(number=1))
        for tick in range(300):
            match.receive(EVENTS, tick.to_bytes(4, "little") + packet, now=0.0)
        self.assertEqual(match.counts["early"], 300)
        self.assertEqual(len(match._early), 256)
        self.assertEqual([e for e in match.events if isinstance(e, EventHappened)], [])

    def test_malformed_before_joining(self) -> None:
        """What overtakes the welcome and is malformed harms nothing that follows."""
        protocol = Protocol.of(Harbour)
        match = Match(protocol)
        packet = EventCodec(protocol.events).encode(Flag(number=1))
        for payload in (b"", b"\xff" * 9, bytes(4) + packet):
            match.receive(EVENTS, payload, now=0.0)
        match.receive(SNAPSHOTS, b"nonsense", now=0.0)
        match.receive(SNAPSHOTS, SNAPSHOT_HEAD.pack(1, 0, 1), now=0.0)
        welcome = Welcome(player_id=1, tick=0, tick_rate=30.0, capacity=16)
        match.receive(CONTROL, protocol.registry.encode(welcome), now=0.0)
        self.assertEqual(match.counts["early_malformed"], 3)
        self.assertEqual(
            list(match.events),
            [Joined(1), SnapshotArrived(1), EventHappened(Flag(number=1), 0)],
        )


class NoEventsTests(SynchronousTestCase):
    """A message is no event."""

    def test_message(self) -> None:
        """Events and messages are declared apart."""
        self.assertFalse(issubclass(Flag, Message))
        self.assertEqual(Game.events, ())
