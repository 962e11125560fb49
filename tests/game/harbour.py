# SPDX-License-Identifier: MIT
"""A game with one of everything that replicates, and what its tests share."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import (
    Audience,
    Component,
    EntityId,
    Event,
    Game,
    GameClient,
    Player,
    Sync,
    World,
    int16,
    uint16,
    uint32,
    uint64,
)
from gamenet.testing import Stepper
from gamenet.transport import Impairment
from tests.game.games import Marker, Place, Push, Say


class Helm(Component):
    """What the captain may turn without asking."""

    sync = Sync(owner_writes=True)
    angle: int = int16()


class Cargo(Component):
    """What the captain alone may know."""

    sync = Sync(audience=Audience.OWNER)
    crates: int = uint16()


class Orders(Component):
    """What the captain's team may know."""

    sync = Sync(audience=Audience.TEAM)
    course: int = uint16()


class Secret(Component):
    """What never leaves the server."""

    sync = Sync(audience=Audience.SERVER)
    depth: int = uint32()


class Tide(Component):
    """What is told five times a second at most."""

    sync = Sync(rate=5)
    level: int = uint16()


class Splash(Event):
    """Something fell into the water beside a ship."""

    ship: int = uint64()


class Flag(Event):
    """Somebody hoists a flag, which others may know or not."""

    number: int = uint16()


class Harbour(Game):
    """Everybody has a ship."""

    components = [Place, Marker, Helm, Cargo, Orders, Secret, Tide]
    inputs = [Push]
    messages = [Say]
    events = [Splash, Flag]
    max_entities = 512

    def player_joined(self, player: Player) -> None:
        player.avatar = self.world.spawn(
            *(Place(x=player.id), Helm(), Cargo(), Orders()), owner=player
        )

    def input_received(self, player: Player, input: Push) -> None:
        if player.avatar is not None:
            self.world[player.avatar, Place].x += input.x


def rough(seed: int, loss: float = 0.2) -> Impairment:
    """Return a network that loses, doubles, delays and turns round, one way."""
    return Impairment(
        latency=0.03, jitter=0.05, loss=loss, duplicate=0.05, reorder=0.05, seed=seed
    )


def state_of(world: World, *components: type[Component]) -> dict[EntityId, Any]:
    """Return the owner and the values of every entity, as bytes that may be told."""
    return {
        world.id_of(row): (
            int(world.owner[row]),
            {
                each.__name__: values_of(world, row, each)
                for each in components or (Place, Marker, Helm, Tide)
                if world.columns(each).present[row]
            },
        )
        for row in world.query().tolist()
    }


def values_of(world: World, row: int, component: type[Component]) -> bytes:
    """Return the values of one component of a row, rounded as on the wire."""
    arrays = world.columns(component).arrays
    return component(**{name: each[row] for name, each in arrays.items()}).encode()


class HarbourTestCase(SynchronousTestCase):
    """A match of two captains, over a network that a test may choose."""

    game: type[Game] = Harbour
    n_clients = 2
    network: dict[str, Any] = {}
    n_errors = 0
    """Messages that clients may misunderstand."""

    def setUp(self) -> None:
        """Play until everybody has joined, and sees the others."""
        self.stepper = Stepper.of(self.game, seed=3, **self.network)
        for _ in range(self.n_clients):
            client = self.stepper.begin_joining("", self.network.get("connection"))
            self.stepper.until(lambda client=client: client.player_id != 0)
        self.stepper.tick(15)
        self.server = self.stepper.server
        self.world = self.server.world
        self.one, self.two = self.stepper.clients[:2]
        self.players = self.server.players
        self.ships = {player.id: player.avatar for player in self.players.values()}

    def tearDown(self) -> None:
        """Nothing was raised, and nothing was misunderstood."""
        self.assertEqual(self.flushLoggedErrors(), [])
        n_errors = sum(client.errors for client in self.stepper.clients)
        self.assertEqual(n_errors, self.n_errors)
        self.assertEqual(self.server.stats()["malformed"], 0)

    def tick(self, n_ticks: int = 3) -> None:
        """Play on; by default until what is written now has arrived everywhere."""
        self.stepper.tick(n_ticks)

    def assert_same(self, *clients: GameClient) -> None:
        """Check that clients know the world as it is."""
        for client in clients or self.stepper.clients:
            self.assertEqual(state_of(client.world), state_of(self.world))
