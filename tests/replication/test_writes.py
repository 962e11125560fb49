# SPDX-License-Identifier: MIT
"""Tests of what players may write."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, LocalProtocolError, StaleEntityError
from gamenet.replication.writes import Refusal, Writes, check_write
from gamenet.wire import enum, fixed, float32, nbits, quaternion, uint8, uint32
from gamenet.world import Audience, Component, Sync, World, entity_generation
from tests.replication.worlds import everything_in, same

NOBODY, ALICE, BOB = 0, 1, 2
TICK = 100


class Aim(Component):
    """The owner's to write."""

    sync = Sync(owner_writes=True)
    yaw: float = float32()
    pitch: float = float32()


class Health(Component):
    """The server's alone."""

    points: int = uint8(100)


class Note(Component):
    """The owner's to write and to see."""

    sync = Sync(owner_writes=True, audience=Audience.OWNER)
    number: int = uint32()


class Pose(Component):
    """Of fields that have several legal words less than they could have."""

    sync = Sync(owner_writes=True)
    height: float = fixed(0.0, 10.0, step=1.0)
    turn: tuple[float, float, float, float] = quaternion(10)
    level: int = nbits(3)
    refusal: Refusal = enum(Refusal)


class Crafty(Component):
    """Decodes into what no column holds."""

    sync = Sync(owner_writes=True)
    points: int = uint8()

    @staticmethod
    def decode(data: Any) -> Any:
        """Return values that do not fit, as a decoder with a fault might."""
        return Crafty(1000)


KINDS: list[type[Component]] = [Aim, Health, Note, Pose, Crafty]
AIM, HEALTH, NOTE, POSE, CRAFTY = range(5)


class WritesTestCase(SynchronousTestCase):
    """A world with one entity of Alice's, and her writes."""

    def setUp(self) -> None:
        self.world = World(KINDS, 16)
        self.world.tick = TICK - 50
        self.world.spawn(Health(), owner=BOB)
        self.entity = self.world.spawn(
            Aim(1.0, 2.0), Health(), Note(7), Pose(), Crafty(), owner=ALICE
        )
        self.row = self.world.row_of(self.entity)
        self.writes = Writes(self.world, KINDS)
        self.world.tick = TICK

    def take(self, component: int = AIM, tick: int = TICK - 1, **other: Any) -> Any:
        """Take a write, by default a good one of Alice's."""
        values = {
            "player_id": ALICE,
            "row": self.row,
            "generation": entity_generation(self.entity),
            "body": Aim(5.0, 6.0).encode() if component == AIM else b"",
            **other,
        }
        return self.writes.take(component=component, tick=tick, **values)

    def assert_refused(self, reason: Refusal, **write: Any) -> None:
        """Check that a write is refused and counted, and changes nothing."""
        before, counted = everything_in(self.world), self.writes.refused[reason]
        self.assertIs(self.take(**write), reason)
        self.assertEqual(self.writes.refused[reason], counted + 1)
        self.assertTrue(same(before, everything_in(self.world)))
        self.assertEqual(self.writes.n_applied, 0)


class AppliedTests(WritesTestCase):
    """An owner writes what owners may write."""

    def test_applied(self) -> None:
        """The values are in the columns, and marked as changed in this tick."""
        self.assertIsNone(self.take())
        aim = self.world[self.entity, Aim]
        self.assertEqual((aim.yaw, aim.pitch), (5.0, 6.0))
        self.assertEqual(self.world.columns(Aim).changed_tick[self.row], TICK)
        self.assertEqual(self.world.columns(Note).changed_tick[self.row], TICK - 50)
        self.assertEqual((self.writes.n_applied, dict(self.writes.refused)), (1, {}))
        self.assertFalse(self.world.drain_changes().reshaped)

    def test_all_kinds(self) -> None:
        """Fields of every kind come through."""
        pose = Pose(4.0, (0.0, 1.0, 0.0, 0.0), 5, Refusal.OVERRULED)
        self.assertIsNone(self.take(POSE, body=pose.encode()))
        view = self.world[self.entity, Pose]
        self.assertEqual((view.height, view.level), (4.0, 5))
        self.assertIs(view.refusal, Refusal.OVERRULED)

    def test_given_away(self) -> None:
        """Whoever owns the entity now may write, and nobody else."""
        self.world.set_owner(self.entity, BOB)
        self.assert_refused(Refusal.NOT_YOURS)
        self.assertIsNone(self.take(player_id=BOB))
        # The writes of another player are not the server's.
        self.world.set_owner(self.entity, ALICE)
        self.world.tick += 1
        self.assertIsNone(self.take(tick=TICK - 1))


class RefusedTests(WritesTestCase):
    """Anything else is refused, counted, and changes nothing."""

    def test_numbers(self) -> None:
        """The reasons have the numbers of the wire."""
        self.assertEqual([reason.value for reason in Refusal], [1, 2, 3, 4, 5, 6])

    def test_unknown_component(self) -> None:
        """A number that is no component's."""
        for component in (5, 255, -1):
            self.assert_refused(Refusal.NO_SUCH, component=component)

    def test_unknown_row(self) -> None:
        """A row that nobody lives in, or that is beyond the world."""
        for row in (3, 15, 16, 2**24, 2**32 - 1, -1, -15):
            self.assert_refused(Refusal.NO_SUCH, row=row)

    def test_stale(self) -> None:
        """An entity that is gone, also when another lives in its row."""
        self.world.despawn(self.entity)
        self.assert_refused(Refusal.NO_SUCH)
        self.world.spawn(Aim(), owner=ALICE)
        self.assert_refused(Refusal.NO_SUCH)
        for generation in (0, 3, 2**32 - 1, 2**40):
            self.assert_refused(Refusal.NO_SUCH, generation=generation)

    def test_not_there(self) -> None:
        """A component that the entity does not have."""
        self.world.remove(self.entity, Note)
        self.assert_refused(Refusal.NO_SUCH, component=NOTE, body=Note(1).encode())

    def test_not_writable(self) -> None:
        """A component that only the server writes, whosever the entity is."""
        for player_id in (ALICE, BOB):
            self.assert_refused(
                Refusal.NOT_WRITABLE,
                component=HEALTH,
                player_id=player_id,
                body=Health(255).encode(),
            )

    def test_not_yours(self) -> None:
        """Somebody else's entity, and nobody's: also to who claims to be nobody."""
        self.assert_refused(Refusal.NOT_YOURS, player_id=BOB)
        self.world.set_owner(self.entity, None)
        for player_id in (NOBODY, ALICE):
            self.assert_refused(Refusal.NOT_YOURS, player_id=player_id)

    def test_malformed(self) -> None:
        """Bytes that are no encoding of the component."""
        good = Aim(5.0, 6.0).encode()
        for body in (b"", good[:-1], good + b"\0", bytes(1024)):
            self.assert_refused(Refusal.MALFORMED, body=body)
        pose = Pose().encode()
        for place in range(len(pose)):
            body = bytearray(pose)
            body[place] = 0xFF
            if self.take(POSE, body=bytes(body)) is None:
                # Any byte may have a legal value there; the columns hold it then.
                self.assertLessEqual(self.world[self.entity, Pose].height, 10.0)
        self.assertGreaterEqual(self.writes.refused[Refusal.MALFORMED], 5)

    def test_not_finite(self) -> None:
        """Numbers that are none would spread through the rules of the game."""
        for number in (float("nan"), float("inf"), float("-inf")):
            for values in ((number, 0.0), (0.0, number)):
                body = struct.pack("<2f", *values)
                self.assert_refused(Refusal.MALFORMED, body=body)

    def test_does_not_fit(self) -> None:
        """Values that a column cannot hold."""
        self.assert_refused(Refusal.MALFORMED, component=CRAFTY, body=b"\0")

    def test_order(self) -> None:
        """Of several reasons the first counts: existence, rights, then values."""
        bad: dict[str, Any] = {"body": b"bad", "tick": 0}
        server = self.world[self.entity, Aim]
        server.yaw = 9.0
        self.assert_refused(Refusal.NO_SUCH, component=9, row=99, **bad)
        self.assert_refused(Refusal.NO_SUCH, component=HEALTH, generation=9, **bad)
        self.assert_refused(
            Refusal.NOT_WRITABLE, component=HEALTH, player_id=BOB, **bad
        )
        self.assert_refused(Refusal.NOT_YOURS, player_id=BOB, **bad)
        self.assert_refused(Refusal.MALFORMED, **bad)
        self.assert_refused(Refusal.OVERRULED, tick=0)

    @settings(max_examples=60)
    @given(
        st.integers(0, 2**32 - 1) | st.integers(0, 16),
        st.integers(0, 2**32 - 1) | st.integers(0, 3),
        st.integers(0, 255) | st.integers(0, 5),
        st.integers(0, 2**32 - 1) | st.integers(TICK - 60, TICK + 3),
        st.binary(max_size=12),
    )
    def test_anything(
        self, row: int, generation: int, component: int, tick: int, body: bytes
    ) -> None:
        """Whatever comes, it is refused or applied where it belongs."""
        self.setUp()
        before = everything_in(self.world)
        found = self.writes.take(ALICE, row, generation, component, tick, body)
        if found is None:
            self.assertEqual((row, generation), (1, 1))
            self.assertIn(component, (AIM, NOTE, POSE))
        else:
            self.assertIsInstance(found, Refusal)
            self.assertTrue(same(before, everything_in(self.world)))
        self.assertEqual(self.writes.refused.total() + self.writes.n_applied, 1)


class ConflictTests(WritesTestCase):
    """Where both wrote, the server's word stands."""

    def server_writes(self, yaw: float) -> None:
        """Let the game write, as a step does."""
        self.world[self.entity, Aim].yaw = yaw

    def test_overruled(self) -> None:
        """A writer who had not seen what the server wrote is refused."""
        self.server_writes(9.0)
        self.assert_refused(Refusal.OVERRULED, tick=TICK - 1)
        self.assertIsNone(self.take(tick=TICK))

    def test_other_component(self) -> None:
        """What the server wrote elsewhere is no conflict."""
        self.world[self.entity, Note].number = 8
        self.world[self.entity, Health].points = 9
        self.assertIsNone(self.take(tick=TICK - 1))

    def test_own_writes(self) -> None:
        """A writer's own writes are no conflict, however old what it has seen."""
        for tick in range(TICK, TICK + 5):
            self.world.tick = tick
            self.assertIsNone(self.take(tick=TICK - 40, body=Aim(tick, 0).encode()))
        self.assertEqual(self.world[self.entity, Aim].yaw, TICK + 4)

    def test_server_after(self) -> None:
        """What the server wrote after a player did is a conflict for the next."""
        self.assertIsNone(self.take())
        self.world.tick = TICK + 1
        self.server_writes(9.0)
        self.world.tick = TICK + 2
        self.assertIs(self.take(tick=TICK), Refusal.OVERRULED)
        self.assertIsNone(self.take(tick=TICK + 1))
        self.assertIsNone(self.take(tick=TICK + 1))

    def test_server_in_same_tick(self) -> None:
        """Also when it did so in the tick in which the player's write was applied."""
        self.assertIsNone(self.take())
        self.server_writes(9.0)
        self.world.tick = TICK + 1
        self.assertIs(self.take(tick=TICK - 1), Refusal.OVERRULED)
        self.assertIsNone(self.take(tick=TICK))

    def test_server_before_in_same_tick(self) -> None:
        """A player's write does not cover up an earlier one of the server's."""
        self.server_writes(9.0)
        self.assertIsNone(self.take(tick=TICK))
        self.assertIs(self.take(tick=TICK - 1), Refusal.OVERRULED)

    def test_marked_only(self) -> None:
        """A mark says that the server wrote, also where the values are the same."""
        self.assertIsNone(self.take())
        self.world.tick = TICK + 1
        self.world.columns(Aim).changed(self.row)
        self.assertIs(self.take(tick=TICK), Refusal.OVERRULED)

    def test_row_used_anew(self) -> None:
        """Another entity in the same row has nothing of the former's history."""
        self.assertIsNone(self.take())
        aim = Aim(5.0, 6.0)
        self.world.despawn(self.entity)
        self.entity = self.world.spawn(aim, owner=ALICE)
        self.assertEqual(self.world.row_of(self.entity), self.row)
        self.assertIs(self.take(tick=TICK - 1), Refusal.OVERRULED)
        self.assertIsNone(self.take(tick=TICK))

    def test_component_anew(self) -> None:
        """A component that was removed and given anew was written by the server."""
        self.assertIsNone(self.take())
        self.world.tick = TICK + 1
        self.world.remove(self.entity, Aim)
        self.world.add(self.entity, Aim(5.0, 6.0))
        self.assertIs(self.take(tick=TICK), Refusal.OVERRULED)

    def test_replay(self) -> None:
        """An old write that comes again changes nothing that the server wrote since."""
        old = {"tick": TICK - 1, "body": Aim(5.0, 6.0).encode()}
        self.assertIsNone(self.take(**old))
        self.world.tick = TICK + 1
        self.server_writes(9.0)
        for tick in range(TICK + 2, TICK + 50):
            self.world.tick = tick
            self.assertIs(self.take(**old), Refusal.OVERRULED)
        self.assertEqual(self.world[self.entity, Aim].yaw, 9.0)

    def test_future(self) -> None:
        """Nobody has seen a tick that is still to come."""
        for tick in (TICK + 1, TICK + 1000, TICK + 2**31):
            self.assert_refused(Refusal.MALFORMED, tick=tick)
        self.assertIsNone(self.take(tick=TICK))

    def test_wrap_around(self) -> None:
        """The same holds where the count of ticks begins anew."""
        last = 2**32 - 1
        self.world.tick = last
        self.server_writes(9.0)
        self.world.tick = 2
        self.assert_refused(Refusal.OVERRULED, tick=last - 1)
        self.assert_refused(Refusal.MALFORMED, tick=3)
        self.assertIsNone(self.take(tick=last))
        self.server_writes(10.0)
        self.world.tick = 3
        self.assertIs(self.take(tick=last), Refusal.OVERRULED)
        self.assertIs(self.take(tick=1), Refusal.OVERRULED)
        self.assertIsNone(self.take(tick=2))

    def test_long_ago(self) -> None:
        """What the server wrote half a circle ago is old, and not still to come."""
        self.server_writes(9.0)
        self.world.tick = TICK + 2**31 + 5
        self.assertIsNone(self.take(tick=self.world.tick - 1))

    @settings(max_examples=60)
    @given(st.integers(0, 2**32), st.sampled_from([TICK, 2**32 - 10]))
    def test_any_history(self, seed: int, first: int) -> None:
        """Exactly those are refused who had not seen the server's newest write."""
        self.setUp()
        random, now, server_wrote = Random(seed), first, 0
        self.world.tick = first
        self.world.columns(Aim).changed(self.row)
        for number in range(25):
            now += random.choice([0, 0, 1, 2])
            self.world.tick = now % 2**32
            if random.random() < 0.3:
                self.server_writes(float(number))
                server_wrote = now - first
                continue
            seen = now - random.randrange(8)
            body = Aim(random.random(), 100.0).encode()
            found = self.take(tick=seen % 2**32, body=body)
            is_late = seen - first < server_wrote
            self.assertIs(found, Refusal.OVERRULED if is_late else None)


class AllowanceTests(WritesTestCase):
    """Nobody writes more often than allowed."""

    def setUp(self) -> None:
        super().setUp()
        self.writes = Writes(self.world, KINDS, rate=4)

    def taken(self, n_writes: int, **write: Any) -> int:
        """Return how many of so many writes are not too many."""
        found = [self.take(**write) for _ in range(n_writes)]
        return n_writes - found.count(Refusal.TOO_MANY)

    def test_burst(self) -> None:
        """A second's writes may come at once, and no more."""
        self.assertEqual(self.taken(10), 4)
        self.assertEqual(self.writes.refused, {Refusal.TOO_MANY: 6})

    def test_rate(self) -> None:
        """Time brings new ones, as many as allowed."""
        self.taken(10)
        self.writes.pass_time(0.5)
        self.assertEqual(self.taken(10), 2)
        self.writes.pass_time(1000.0)
        self.assertEqual(self.taken(10), 4)

    def test_each(self) -> None:
        """One player's writes take nothing from another's."""
        self.taken(10)
        self.assertEqual(self.taken(10, player_id=BOB), 4)

    def test_refused_too(self) -> None:
        """Writes that are refused count like any other."""
        self.assertEqual(self.taken(10, component=99), 4)
        self.assertEqual(self.taken(10), 0)

    def test_forgotten(self) -> None:
        """Nothing is kept of players who are gone."""
        for player_id in range(1, 50):
            self.take(player_id=player_id)
        for player_id in range(1, 60):
            self.writes.forget(player_id)
        self.assertEqual(self.writes._allowances, {})

    def test_config(self) -> None:
        """A rate that would allow nothing is refused."""
        for rate in (0.0, 0.5, -1.0, float("nan"), float("inf")):
            self.assertRaises(ConfigError, Writes, self.world, KINDS, rate)


class CheckTests(WritesTestCase):
    """A client is told before it sends what would be refused."""

    def refusal(self, component: type[Component], player_id: int = ALICE) -> str:
        """Return the words of the refusal."""
        error = self.assertRaises(
            LocalProtocolError,
            check_write,
            self.world,
            player_id,
            self.entity,
            component,
        )
        return str(error)

    def test_may(self) -> None:
        """What is the player's own is not refused."""
        check_write(self.world, ALICE, self.entity, Aim)
        check_write(self.world, ALICE, self.entity, Note)

    def test_not_writable(self) -> None:
        """The message says how a component becomes the owner's to write."""
        self.assertIn("only the server writes Health", self.refusal(Health))
        self.assertIn("Sync(owner_writes=True)", self.refusal(Health))

    def test_not_yours(self) -> None:
        """The message says whose it is."""
        self.assertIn("which belongs to player 1", self.refusal(Aim, BOB))
        self.world.set_owner(self.entity, None)
        self.assertIn("which belongs to nobody", self.refusal(Aim))
        self.assertIn("player 0 cannot write", self.refusal(Aim, NOBODY))

    def test_not_there(self) -> None:
        """A component that the entity does not have, or that nobody has."""
        self.world.remove(self.entity, Note)
        self.assertIn("has no Note to write", self.refusal(Note))

        class Stranger(Component):
            """Not of this world."""

        self.assertIn("no component of this world", self.refusal(Stranger))

    def test_gone(self) -> None:
        """An entity that is gone."""
        self.world.despawn(self.entity)
        self.assertRaises(
            StaleEntityError, check_write, self.world, ALICE, self.entity, Aim
        )
