# SPDX-License-Identifier: MIT
"""Tests of what a game declares, and of teams."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.replication.interest import Eye, Interest
from gamenet.replication.teams import Ownership, Teams
from gamenet.world import World
from tests.replication.worlds import Condition, Ghost, Motion, Position
from tests.world.shapes import Everything


class InterestTests(SynchronousTestCase):
    """A declaration is checked where it is written."""

    def refused(self, *words: str, **settings: Any) -> None:
        """Assert that settings are refused, and with which words."""
        message = str(self.assertRaises(ConfigError, Interest, **settings))
        for word in words:
            self.assertIn(word, message)

    def test_kept(self) -> None:
        """What is declared can be read; lists become tuples."""
        interest = Interest(
            (Position, "x", "y"), radius=60, hysteresis=6, always=[Ghost]
        )
        self.assertEqual(interest.reach, 66)
        self.assertEqual(interest.always, (Ghost,))
        self.assertTrue(interest.owned)
        self.assertFalse(interest.teams)
        self.assertRaises(AttributeError, setattr, interest, "radius", 3)
        position: Any = [Position, "x", "y"]
        self.assertEqual(Interest(position, radius=1).position, (Position, "x", "y"))

    def test_without_position(self) -> None:
        """An interest may be without places, but then also without lengths."""
        self.assertEqual(Interest(always=[Ghost]).reach, 0)
        self.refused("without a position", radius=5.0)
        self.refused("without a position", hysteresis=5.0)
        self.refused("without a position", cell=5.0)

    def test_position(self) -> None:
        """A position is a component and two or three fields, different numbers."""
        for fields in ((), ("x",), ("x", "y", "x", "y")):
            self.refused("parts", position=(Position, *fields), radius=1)
        self.refused("component classes", position=("Position", "x", "y"), radius=1)
        self.refused("component classes", position=(int, "x", "y"), radius=1)
        self.refused(
            "Position.z", "['x', 'y']", position=(Position, "x", "z"), radius=1
        )
        self.refused("Position.x", position=(Position, "x", "x"), radius=1)

    def test_fields(self) -> None:
        """Of the kinds of fields, those that are numbers can be measured."""
        usable = []
        for field in Everything.schema_fields:
            other = "single" if field.name != "single" else "half"
            try:
                Interest((Everything, field.name, other), radius=1)
            except ConfigError:
                continue
            usable.append(field.name)
        numbers = "tiny signed huge half single bounded heading level"
        self.assertEqual(usable, numbers.split())

    def test_lengths(self) -> None:
        """Lengths are finite, and large enough for a grid."""
        position = (Position, "x", "y")
        for wrong in (0, -1, math.nan, math.inf, 1e16, "60", None):
            self.refused("radius", repr(wrong), position=position, radius=wrong)
        for wrong in (-1, math.nan, math.inf, None):
            self.refused("hysteresis", position=position, radius=1, hysteresis=wrong)
        for wrong in (0, -1, math.nan, math.inf, 1e-9):
            self.refused("cell", position=position, radius=1, cell=wrong)
        self.assertEqual(Interest(position, radius=1, cell=2.5).cell, 2.5)

    def test_always(self) -> None:
        """What is always seen are component classes."""
        self.refused("always", "3", always=[Ghost, 3])
        self.refused("always", always=[Ghost()])

    def test_eye(self) -> None:
        """An eye needs a player, and sees by what the game declared."""
        eye = Eye(7)
        self.assertEqual((eye.where, eye.radius, eye.team), (None, None, None))
        self.assertEqual(eye, Eye(7))


class TeamsTests(SynchronousTestCase):
    """Each player is in one team, or in none."""

    def test_joining(self) -> None:
        """A player who joins a team leaves the one before."""
        teams = Teams()
        self.assertEqual(teams.of(3), 0)
        teams.join(3, 1)
        teams.join(3, 2)
        self.assertEqual(teams.of(3), 2)
        teams.leave(3)
        version = teams.version
        teams.leave(3)
        self.assertEqual((teams.of(3), teams.version), (0, version))

    def test_refused(self) -> None:
        """Nobody has no team, and no team is none."""
        teams = Teams()
        for player, team in ((0, 1), (1, 0), (-1, 1), (1, 1 << 32), ("me", 1)):
            player_id: Any = player
            self.assertRaises(LocalProtocolError, teams.join, player_id, team)
        self.assertEqual(teams.version, 0)

    @settings(max_examples=40)
    @given(
        st.dictionaries(st.integers(1, 12), st.integers(1, 3)),
        st.lists(st.integers(0, 14)),
    )
    def test_many(self, members: dict[int, int], players: list[int]) -> None:
        """Asking for many is asking for each."""
        teams = Teams()
        for player, team in members.items():
            teams.join(player, team)
        found = teams.of_many(np.array(players, np.uint32))
        self.assertEqual(found.tolist(), [teams.of(player) for player in players])
        self.assertEqual(found.dtype, np.uint32)


class OwnershipTests(SynchronousTestCase):
    """Rows are grouped by player and by team."""

    def setUp(self) -> None:
        self.world = World([Position, Motion, Condition], capacity=12)
        self.teams = Teams()
        self.ownership = Ownership(self.world, self.teams)

    def groups(self) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
        """Return the groups as lists."""
        by_player = self.ownership.by_player.items()
        by_team = self.ownership.by_team.items()
        return (
            {player: rows.tolist() for player, rows in by_player},
            {team: rows.tolist() for team, rows in by_team},
        )

    def test_followed(self) -> None:
        """Groups follow spawns, despawns, new owners and new teams, and say so."""
        self.assertFalse(self.ownership.refresh())
        ships = [self.world.spawn(owner=owner) for owner in (2, 0, 5, 2, 9)]
        self.teams.join(2, 7)
        self.teams.join(5, 7)
        self.assertTrue(self.ownership.refresh())
        self.assertEqual(self.groups(), ({2: [0, 3], 5: [2], 9: [4]}, {7: [0, 2, 3]}))
        self.assertFalse(self.ownership.refresh())
        self.world.set_owner(ships[0], 9)
        self.world.despawn(ships[2])
        self.assertTrue(self.ownership.refresh())
        self.assertEqual(self.groups(), ({2: [3], 9: [0, 4]}, {7: [3]}))
        self.teams.join(9, 8)
        self.assertTrue(self.ownership.refresh())
        self.assertEqual(self.groups()[1], {7: [3], 8: [0, 4]})
        self.world.despawn_rows([0, 3, 4])
        self.assertTrue(self.ownership.refresh())
        self.assertEqual(self.groups(), ({}, {}))
