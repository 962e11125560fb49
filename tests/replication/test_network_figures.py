# SPDX-License-Identifier: MIT
"""The columns of the network components say what is so."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.replication.network_components import (
    Authority,
    InterpolationState,
    NetworkConnection,
    NetworkIdentity,
    PredictionState,
    Quality,
)
from gamenet.replication.network_figures import (
    fill_connections,
    fill_identity,
    fill_interpolation,
    note_confirmed,
)
from gamenet.stats import ConnectionStats
from gamenet.wire import uint8
from gamenet.world import Component, Sync, World, entity_generation


class Throttle(Component):
    """Something that the owner's client decides."""

    sync = Sync(owner_writes=True)
    level: int = uint8()


class WithoutTests(SynchronousTestCase):
    """Worlds that do not list the components."""

    def test_nothing_happens(self) -> None:
        """Every function is free to call."""
        world = World([Throttle], 4)
        world.spawn(Throttle(3))
        rows = world.query()
        fill_identity(world)
        fill_connections(world, {1: ConnectionStats()})
        fill_interpolation(world, rows, oldest=1, newest=2, delay=3.0)
        note_confirmed(world, rows, 4, 1.0)
        self.assertEqual(world.columns(Throttle).level[0], 3)


class IdentityTests(SynchronousTestCase):
    """Who an entity is."""

    def setUp(self) -> None:
        self.world = World([NetworkIdentity, Throttle, PredictionState], 8)

    def test_identity(self) -> None:
        """Row, generation and owner are those of the entity."""
        self.world.despawn(self.world.spawn())
        entity = self.world.spawn(NetworkIdentity(), owner=7)
        fill_identity(self.world)
        shown = self.world[entity, NetworkIdentity]
        self.assertEqual(shown.row, self.world.row_of(entity))
        self.assertEqual(shown.generation, entity_generation(entity))
        self.assertEqual((shown.owner, shown.authority), (7, Authority.SERVER))

    def test_authority(self) -> None:
        """The owner has a say where they may write, and where there is an owner."""
        owned = self.world.spawn(NetworkIdentity(), Throttle(), owner=7)
        free = self.world.spawn(NetworkIdentity(), Throttle())
        fixed = self.world.spawn(NetworkIdentity(), PredictionState(), owner=7)
        fill_identity(self.world)
        found = [self.world[e, NetworkIdentity].authority for e in (owned, free, fixed)]
        self.assertEqual(found, [Authority.OWNER, Authority.SERVER, Authority.SERVER])

    def test_only_what_differs(self) -> None:
        """A row is marked in the tick in which something about it changes."""
        first = self.world.spawn(NetworkIdentity(), Throttle(), owner=1)
        self.world.spawn(NetworkIdentity(), owner=1)
        ticks = self.world.columns(NetworkIdentity).changed_tick
        for tick in (1, 2, 3):
            self.world.tick = tick
            if tick == 3:
                self.world.set_owner(first, 2)
            fill_identity(self.world)
        self.assertEqual(ticks[:2].tolist(), [3, 1])


class ConnectionTests(SynchronousTestCase):
    """What scoreboards show."""

    def setUp(self) -> None:
        self.world = World([NetworkConnection], 8)

    def shown(self, stats: ConnectionStats) -> tuple[int, float, Quality]:
        """Return what is shown of a connection."""
        entity = self.world.spawn(NetworkConnection(player=3))
        fill_connections(self.world, {3: stats, 9: ConnectionStats(rtt=1.0)})
        shown = self.world[entity, NetworkConnection]
        return shown.rtt_ms, shown.loss, shown.quality

    def test_quality(self) -> None:
        """The word is that of the worse of round trip and loss."""
        for rtt, loss, quality in (
            (0.1, 0.01, Quality.GOOD),
            (0.101, 0.0, Quality.FAIR),
            (0.0, 0.011, Quality.FAIR),
            (0.25, 0.05, Quality.FAIR),
            (0.251, 0.0, Quality.POOR),
            (0.0, 0.051, Quality.POOR),
        ):
            shown = self.shown(ConnectionStats(rtt=rtt, loss_out=loss))
            self.assertEqual(shown[2], quality, (rtt, loss))
            shown = self.shown(ConnectionStats(rtt=rtt, loss_in=loss))
            self.assertEqual(shown[2], quality, (rtt, loss))
            self.world.despawn_rows(self.world.query())

    def test_numbers(self) -> None:
        """Figures are rounded as they travel, and kept in their bounds."""
        shown = self.shown(ConnectionStats(rtt=0.0426, loss_out=0.2))
        self.assertEqual(shown, (43, 0.2, Quality.POOR))
        shown = self.shown(ConnectionStats(rtt=99.0, loss_in=1.0))
        self.assertEqual(shown, (65535, 1.0, Quality.POOR))

    def test_owner(self) -> None:
        """An entity that names no player is its owner's."""
        entity = self.world.spawn(NetworkConnection(), owner=5)
        fill_connections(self.world, {5: ConnectionStats(rtt=0.02)})
        shown = self.world[entity, NetworkConnection]
        self.assertEqual((shown.player, shown.rtt_ms), (5, 20))

    def test_gone(self) -> None:
        """A player who is not there has no connection, and nobody has none."""
        entity = self.world.spawn(NetworkConnection(player=4))
        nobody = self.world.spawn(NetworkConnection())
        fill_connections(self.world, {4: ConnectionStats(rtt=0.02)})
        self.assertEqual(self.world[entity, NetworkConnection].quality, Quality.GOOD)
        for figures in ({}, {3: ConnectionStats(), 5: ConnectionStats()}):
            fill_connections(self.world, figures)
            for each in (entity, nobody):
                shown = self.world[each, NetworkConnection]
                self.assertEqual((shown.rtt_ms, shown.quality), (0, Quality.GONE))

    @settings(max_examples=40)
    @given(
        st.lists(st.integers(1, 12), max_size=8),
        st.dictionaries(st.integers(1, 12), st.floats(0, 70)),
    )
    def test_right_player(self, players: list[int], rtts: dict[int, float]) -> None:
        """Each row has the figures of its own player."""
        world = World([NetworkConnection], 8)
        entities = [world.spawn(NetworkConnection(player=each)) for each in players]
        figures = {number: ConnectionStats(rtt=rtt) for number, rtt in rtts.items()}
        fill_connections(world, figures)
        for entity, player in zip(entities, players, strict=True):
            shown = world[entity, NetworkConnection]
            wanted = min(round(rtts.get(player, 0.0) * 1000), 65535)
            self.assertEqual((shown.player, shown.rtt_ms), (player, wanted))
            self.assertEqual(shown.quality is Quality.GONE, player not in rtts)


class ClientStateTests(SynchronousTestCase):
    """What a client notes of its own work."""

    def setUp(self) -> None:
        self.world = World([PredictionState, InterpolationState], 8)

    def test_confirmed(self) -> None:
        """Corrections are counted, and the size of the last one is kept."""
        entities = [self.world.spawn(PredictionState()) for _ in range(2)]
        self.world.spawn()
        rows = np.arange(3)
        note_confirmed(self.world, rows, 5, np.array([0.0, 1.5, 1.0]))
        note_confirmed(self.world, rows, 8, np.array([0.25, 0.0, 1.0]))
        note_confirmed(self.world, rows, 8, 2.0)
        shown = [self.world[entity, PredictionState] for entity in entities]
        self.assertEqual([each.confirmed for each in shown], [8, 8])
        self.assertEqual([each.corrections for each in shown], [1, 1])
        self.assertEqual([each.correction for each in shown], [0.25, 1.5])

    def test_huge_correction(self) -> None:
        """A correction beyond all bounds is still a number."""
        entity = self.world.spawn(PredictionState())
        note_confirmed(self.world, np.arange(1), 1, 1e9)
        self.assertEqual(self.world[entity, PredictionState].correction, 65504.0)

    def test_interpolation(self) -> None:
        """The state of the buffers is written where there is room for it."""
        self.world.spawn()
        entity = self.world.spawn(InterpolationState())
        self.world.tick = 2
        newest = np.array([7, 9])
        fill_interpolation(self.world, np.arange(2), oldest=4, newest=newest, delay=2.5)
        shown = self.world[entity, InterpolationState]
        self.assertEqual((shown.oldest, shown.newest, shown.delay), (4, 9, 2.5))
        ticks = self.world.columns(InterpolationState).changed_tick
        self.assertEqual(ticks[:2].tolist(), [0, 2])
