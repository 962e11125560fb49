# SPDX-License-Identifier: MIT
"""Components that tell of the network: what is told of them, and in how many bytes."""

from __future__ import annotations

import random

from twisted.trial.unittest import SynchronousTestCase

from gamenet.replication.network_components import (
    Authority,
    InterpolationState,
    NetworkConnection,
    NetworkIdentity,
    PredictionState,
    Quality,
)
from gamenet.replication.sync_settings import SyncSettings
from gamenet.world import Audience, Component, World

COMPONENTS = [
    NetworkIdentity,
    SyncSettings,
    PredictionState,
    InterpolationState,
    NetworkConnection,
]


def sampled(component: type[Component], source: random.Random) -> Component:
    """Return an instance of random values that travel unchanged."""
    return component.decode(component.sample(source).encode())


class ComponentTests(SynchronousTestCase):
    """They are components as any others."""

    def test_in_a_world(self) -> None:
        """An entity may have all of them, and keeps their values."""
        world = World(COMPONENTS, 4)
        source = random.Random(4)
        values = [sampled(component, source) for component in COMPONENTS]
        entity = world.spawn(*values)
        for component, value in zip(COMPONENTS, values, strict=True):
            for field in component.schema_fields:
                shown = getattr(world[entity, component], field.name)
                self.assertEqual(shown, getattr(value, field.name), field.name)

    def test_sizes(self) -> None:
        """They travel, and take few bytes."""
        source = random.Random(5)
        sizes = {}
        for component in COMPONENTS:
            value = sampled(component, source)
            packed = value.encode()
            self.assertEqual(component.decode(packed), value)
            sizes[component.__name__] = len(packed)
        self.assertEqual(
            sizes,
            {
                "NetworkIdentity": 13,
                "SyncSettings": 12,
                "PredictionState": 10,
                "InterpolationState": 10,
                "NetworkConnection": 8,
            },
        )

    def test_audiences(self) -> None:
        """Settings stay on the server, a prediction is between it and the owner."""
        audiences = [component.sync.audience for component in COMPONENTS]
        self.assertEqual(
            audiences,
            [
                Audience.EVERYONE,
                Audience.SERVER,
                Audience.OWNER,
                Audience.EVERYONE,
                Audience.EVERYONE,
            ],
        )
        written = [each for each in COMPONENTS if each.sync.owner_writes]
        self.assertEqual(written, [PredictionState])

    def test_defaults(self) -> None:
        """What nobody has filled says that nothing is known."""
        self.assertEqual(NetworkIdentity().authority, Authority.SERVER)
        self.assertEqual(NetworkConnection().quality, Quality.GONE)
        self.assertEqual(SyncSettings().priority, 1.0)
