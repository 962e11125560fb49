# SPDX-License-Identifier: MIT
"""Tests of gamenet.replication.ledger and gamenet.replication.account."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.replication import account
from gamenet.replication.ledger import (
    KEPT_TICKS,
    MOST_WATCHED,
    PATIENCE,
    Ledger,
    shapes_of,
)
from gamenet.world import World
from tests.replication.snapshots import (
    COMPONENTS,
    Life,
    Place,
    entered,
    folded,
    gone,
    message,
    told,
)

CAPACITY = 64
STILL = folded({(0, 2, 0): 1}, 1)


@dataclass
class Part:
    """One part of a snapshot."""

    payload: bytes
    rows: Any = ()
    levels: Any = ()


class LedgerCase(SynchronousTestCase):
    """A case with a ledger of a world in which rows 0 to 2 live."""

    def setUp(self) -> None:
        world = World(COMPONENTS, CAPACITY)
        world.spawn(Place(), Life())
        world.spawn(Place())
        world.spawn()
        self.ledger = self.made(world)
        self.priorities = np.arange(CAPACITY, dtype=np.float32) / 2
        self.levels = np.full(CAPACITY, 1, np.uint8)

    def made(self, world: World, **options: Any) -> Ledger:
        """Return a ledger of a world."""
        shapes = shapes_of(world, COMPONENTS)
        return Ledger(COMPONENTS, CAPACITY, shapes, **options)

    def send(self, tick: int, *blocks: bytes, to: int = 7, **parts: int) -> int:
        """Have the server send a message; return its length."""
        payload = message(tick, *blocks, **parts)
        rows = np.arange(CAPACITY)[::-1]  # more than it tells, and in another order
        part = Part(payload, rows, self.levels[rows])
        self.ledger.sent(to, tick, part, 900.5, 2, self.priorities[rows])
        return len(payload)


class WatchTests(LedgerCase):
    """Accounts are kept of whom somebody looks at."""

    def test_off(self) -> None:
        """Nothing is kept, or even read, of a client that nobody looks at."""
        self.assertFalse(self.ledger.watched)
        self.ledger.sent(7, 1, Part(b"nonsense"), 0, 0, None)
        error = self.assertRaises(LocalProtocolError, self.ledger.report, 7)
        self.assertEqual(str(error), "player 7 is not watched: call watch first")

    def test_on(self) -> None:
        """From then on there is an account, which is empty at first."""
        self.ledger.watch(7, 40)
        self.assertEqual(dict(self.ledger.watched), {7: 40 + PATIENCE})
        report = self.ledger.report(7)
        self.assertEqual((report["bytes"], report["ratio"]), (0, 0.0))
        self.assertEqual((report["history"], report["detail"]), ([], None))

    def test_closes(self) -> None:
        """An account that nobody asks for closes, and one that is asked for stays."""
        self.ledger.watch(7, 0)
        self.ledger.watch(8, 0)
        self.ledger.watch(8, 100)
        self.send(PATIENCE, gone([3], [True]))
        self.assertEqual(list(self.ledger.watched), [7, 8])
        self.send(PATIENCE + 1, gone([3], [True]))
        self.assertEqual(list(self.ledger.watched), [8])
        self.ledger.watch(9, PATIENCE + 200)
        self.assertEqual(list(self.ledger.watched), [9])

    def test_forget(self) -> None:
        """The account of a client that left can be closed, if there is one."""
        self.ledger.watch(7, 0)
        self.ledger.forget(7)
        self.ledger.forget(7)
        self.assertFalse(self.ledger.watched)

    def test_too_many(self) -> None:
        """Only so many clients are watched at a time; who is may be asked for."""
        for player in range(MOST_WATCHED):
            self.ledger.watch(player, 0)
        error = self.assertRaises(LocalProtocolError, self.ledger.watch, 7, 0)
        self.assertIn("4 others are (0, 1, 2, 3)", str(error))
        self.ledger.watch(0, 0)

    def test_malformed(self) -> None:
        """A message that is none of ours is refused, and nothing is entered."""
        self.ledger.watch(7, 0)
        sent = self.ledger.sent
        self.assertRaises(RemoteProtocolError, sent, 7, 0, Part(b"x"), 0, 0, None)
        self.assertEqual(self.ledger.report(7)["history"], [])


class ReportTests(LedgerCase):
    """What an account says."""

    def setUp(self) -> None:
        super().setUp()
        self.ledger.watch(7, 40)

    def test_history(self) -> None:
        """Each tick is a line: its bytes, its rows, what was decided."""
        sent = self.send(40, entered([0, 1], 3), part=0, n_parts=2)
        sent += self.send(40, told([2], 9, STILL), part=1, n_parts=2)
        self.send(41)
        line, empty = self.ledger.report(7)["history"]
        wanted = {"tick": 40, "bytes": sent, "parts": 2, "told": 3, "oldest": 9}
        decided = {"budget": 900.5, "wanted": 5, "left_out": 2}
        self.assertEqual(line, {**wanted, **decided})
        self.assertEqual((empty["tick"], empty["bytes"], empty["told"]), (41, 6, 0))

    def test_rows(self) -> None:
        """Each row of a tick says what it is, why it was sent, and what it took."""
        self.send(40, told([1], 4, STILL), gone([9], [True]))
        moved, left = self.ledger.report(7)["detail"]["rows"]
        self.assertEqual(left.pop("bytes"), 0.125)
        wanted = {"row": 9, "type": "(gone)", "reason": "left", "age": 0, "level": 1}
        self.assertEqual(left, {**wanted, "priority": 4.5, "components": []})
        self.assertEqual(moved["components"], [{"name": "Place", "bytes": 1.25}])
        self.assertEqual((moved["type"], moved["reason"]), ("Place", "delta"))
        self.assertEqual((moved["age"], moved["priority"]), (4, 0.5))

    def test_undecided(self) -> None:
        """Without priorities none is made up; without levels all is for everyone."""
        payload = message(40, told([1], 4, STILL))
        rows, levels = np.array([1]), np.array([1], np.uint8)
        for part, priorities, level in (
            (Part(payload), None, 1),
            (Part(payload), np.zeros(0), 1),
            (Part(payload, rows, levels), None, 1),
            (Part(payload, rows, levels), np.array([np.nan]), 1),
        ):
            self.ledger.sent(7, 40, part, math.inf, 0, priorities)
            detail = self.ledger.report(7)["detail"]
            row = detail["rows"][-1]
            self.assertIsNone(detail["budget"])
            self.assertEqual((row["priority"], row["level"]), (None, level))

    def test_levels(self) -> None:
        """An entity is of the type that the client is told, not of what it may not."""
        self.levels[1] = 0
        self.send(40, told([0, 1], 4, folded({(0, 2, 0): 1}, 2)))
        rows = self.ledger.report(7)["detail"]["rows"]
        types = {row["row"]: row["type"] for row in rows}
        self.assertEqual(types, {0: "Place+Life", 1: "(no components)"})

    def test_tick(self) -> None:
        """Any tick that is kept can be shown; one that is not is an error."""
        for tick in (40, 41, 43):
            self.send(tick, told([tick % 3], 1, STILL))
        detail = self.ledger.report(7, 41)["detail"]
        self.assertEqual((detail["tick"], detail["rows"][0]["row"]), (41, 2))
        self.assertEqual(self.ledger.report(7)["detail"]["tick"], 43)
        error = self.assertRaises(LocalProtocolError, self.ledger.report, 7, 42)
        text = "tick 42 is not kept: allowed are those from 40 to 43"
        self.assertEqual(str(error), text)

    def test_sums(self) -> None:
        """The sums are of all that is kept, and each adds up to all bytes."""
        sent = self.send(40, entered([0, 1], 3))
        sent += self.send(41, told([2], 1, STILL))
        report = self.ledger.report(7)
        self.assertEqual((report["bytes"], report["messages"]), (sent, 2))
        for name in ("types", "components", "reasons"):
            self.assertEqual(sum(each["bytes"] for each in report[name]), sent)
        self.assertEqual({row["row"] for row in report["rows"]}, {0, 1, 2})

    def test_most_ticks(self) -> None:
        """An account goes back so far and no further."""
        sizes = [self.send(tick, gone([tick % 60], [True])) for tick in range(300)]
        report = self.ledger.report(7)
        self.assertEqual(report["ticks"], KEPT_TICKS)
        self.assertEqual(report["history"][0]["tick"], 300 - KEPT_TICKS)
        self.assertEqual(report["bytes"], sum(sizes[-KEPT_TICKS:]))

    def test_most_bytes(self) -> None:
        """Large messages are kept for fewer ticks, but the newest always."""
        self.patch(account, "KEPT_BYTES", 60)
        for tick in range(9):
            size = self.send(tick, entered([0, 1], 3))
        self.assertEqual(self.ledger.report(7)["ticks"], 60 // size)
        self.patch(account, "KEPT_BYTES", 1)
        self.send(10, entered([0, 1], 3))
        self.assertEqual(self.ledger.report(7)["ticks"], 1)

    def test_endless(self) -> None:
        """Where it is wished, the sums are of everything that ever was."""
        self.ledger = self.made(World(COMPONENTS, CAPACITY), keep=3, is_endless=True)
        self.ledger.watch(7, 0)
        sizes = [self.send(tick, gone([tick], [True])) for tick in range(9)]
        report = self.ledger.report(7)
        self.assertEqual((report["ticks"], report["bytes"]), (9, sum(sizes)))
        self.assertEqual([each["tick"] for each in report["history"]], [6, 7, 8])
