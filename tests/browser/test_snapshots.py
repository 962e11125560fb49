# SPDX-License-Identifier: MIT
"""Whatever a snapshot holds, it costs the browser an error, and never its world."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from types import new_class
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.wire import enum, fixed, flag, nbits, quaternion, uint8, uint64
from gamenet.wire.javascript import javascript_module
from gamenet.world import Component
from tests.browser import snapshot_bytes as wire
from tests.browser.following import Match, all_shown
from tests.browser.javascript import run_program
from tests.browser.schemas import Region
from tests.browser.snapshot_bytes import Entity, Layout, Told

CAPACITY = 70_000
TICK = 100
RESULTS = {"taken", "refused", "missing", "late"}


class Body(Component):
    """Lanes with a limit, and lanes without."""

    x: float = fixed(-100, 100, step=1)
    far: float = fixed(-1e9, 1e9, step=1e-6)
    facing: tuple[float, ...] = quaternion()
    region: Region = enum(Region)
    number: int = uint64()
    alert: bool = flag()
    level: int = nbits(3)


LAYOUT = Layout([Body])
PROTOCOL = javascript_module(
    protocol_hash=bytes(8), version=1, components=[Body], inputs=[], messages={}
)
ZEROS = LAYOUT.zeros
HERE = LAYOUT.state(Entity(1, 2, {Body: Body(x=3, region=Region.NORTH)}))
FAR_STEPS = Body.schema_fields[1].quantizer.steps
X, FAR, FACING, REGION = 3, 4, 6, 9
#: Lanes of Body, after generation, owner and shape; each as no value has it.
BAD_LANES = {
    "step above the last": {X: 201},
    "wide step above the last": {FAR + 1: (FAR_STEPS >> 32) + 1},
    "wide step just above": {
        FAR: (FAR_STEPS + 1) & 0xFFFFFFFF,
        FAR + 1: FAR_STEPS >> 32,
    },
    "first step of a rotation": {FACING: 1023 << 2},
    "second step of a rotation": {FACING + 1: 1023},
    "third step of a rotation": {FACING + 2: 1023},
    "no member": {REGION: 2},
    "generation 0": {0: 0},
}


def whole(*rows: int) -> bytes:
    """Return a block that tells of rows, compared with nothing."""
    return wire.states(LAYOUT, {row: Told(HERE, ZEROS, 0) for row in rows})


def block(flags: int, rest: bytes) -> bytes:
    """Return a block of any bytes."""
    return bytes([flags]) + rest


def listed(first: int, n: int, rest: bytes = b"") -> bytes:
    """Return a list of rows of any bytes."""
    return first.to_bytes(3, "little") + n.to_bytes(2, "little") + rest


ONE = listed(0, 1, b"\1")
"""Row 0 as a bitmap."""
BAD_BLOCKS = {
    "rows mode 3": block(3, listed(0, 1)),
    "kind 3": block(12, ONE + b"\0\0"),
    "flag that is none": block(16, ONE + b"\0\0"),
    "no rows": block(0, listed(0, 0)),
    "no rows as gaps": block(1, listed(0, 0)),
    "bitmap that begins with 0": block(8, listed(0, 2, b"\2") + b"\0"),
    "bitmap that ends with 0": block(8, listed(0, 2, b"\1") + b"\0"),
    "bitmap with an unused bit": block(8, listed(0, 1, b"\3") + b"\0"),
    "row beyond the world": block(8, listed(CAPACITY, 1, b"\1") + b"\0"),
    "gap beyond the world": block(9, listed(CAPACITY - 2, 2, b"\1") + b"\0"),
    "row far beyond": block(8, listed(2**24 - 1, 1, b"\1") + b"\0"),
    "bitmap longer than the bytes": block(8, listed(0, 65_535, bytes(9))),
    "gaps longer than the bytes": block(10, listed(0, 65_535, bytes(9))),
    "gone with an unused bit": block(8, ONE + b"\2"),
    "age 32": block(0, ONE + b"\x20\0"),
    "age 255": block(0, ONE + b"\xff\0"),
    "more groups than there are": block(0, ONE + b"\0\xff\xff"),
    "small above medium": block(0, ONE + b"\0\1\0" + b"\1" + b"\1\0" + bytes(9)),
    "medium above full": block(0, ONE + b"\0\2\0" + b"\x08" + b"\1\0" + bytes(9)),
    "top bits of sizes": block(0, ONE + b"\0\1\0" + b"\x40" + b"\1\0" + bytes(9)),
    "changed with an unused bit": block(0, ONE + b"\0\1\0" + b"\0\3\0" + b"\2"),
    "large with an unused bit": block(0, ONE + b"\0\1\0" + b"\0\1\2" + b"\2"),
    "full with an unused bit": block(0, ONE + b"\0\1\0" + b"\0\1\1\2" + bytes(8)),
    "cells that overrun": block(0, ONE + b"\0\1\0" + b"\x3f\1\0" + bytes(7)),
    "nothing where an entity should be": block(0, ONE + b"\0\0\0"),
}


def follow(
    messages: list[bytes], capacity: int = CAPACITY, codec: str = PROTOCOL
) -> list[Any]:
    """Return what becomes of messages, and the world after each."""
    steps = [{"bytes": data.hex(), "show": True} for data in messages]
    argument = {"capacity": capacity, "steps": steps}
    answers: list[Any] = run_program("world_follow.js", argument, protocol=codec)[
        "answers"
    ]
    return answers


def _wide() -> Any:
    """Return a component of so many fields that not all rows have a history."""
    fields = {f"n{number}": uint8() for number in range(120)}

    def fill(namespace: dict[str, Any]) -> None:
        namespace |= fields
        namespace["__annotations__"] = dict.fromkeys(fields, int)

    return new_class("Wide", (Component,), exec_body=fill)


class HostileTests(SynchronousTestCase):
    """Of a malformed message nothing is taken, and all is asked for again."""

    def check(self, cases: dict[str, bytes], result: str) -> None:
        """Fail unless each message has a result, and changes nothing."""
        good = wire.message(TICK, whole(4, 9))
        again = wire.message(TICK + 1, whole(4, 9))  # so that they are not doubted
        messages = [each for data in cases.values() for each in (data, again)]
        before, *answers = follow([good, *messages])
        self.assertEqual(before["result"], "taken")
        self.assertEqual({answer["result"] for answer in answers[1::2]}, {"taken"})
        for name, answer in zip(cases, answers[::2], strict=True):
            self.assertEqual(answer["result"], result, name)
            self.assertEqual(answer["world"], before["world"], name)
            self.assertEqual(answer["happened"], [], name)
            if result == "refused":
                self.assertTrue(answer["asked"], name)

    def test_blocks(self) -> None:
        """Each way in which a block can be wrong is refused, and what was before it."""
        good = whole(1, 4)
        cases = {
            name: wire.message(TICK + 1, good, bad) for name, bad in BAD_BLOCKS.items()
        }
        self.check(cases, "refused")

    def test_lanes(self) -> None:
        """Each lane that no value has is refused, whatever it is compared with."""
        cases = {}
        for name, lanes in BAD_LANES.items():
            bad = [lanes.get(n, word) for n, word in enumerate(HERE)]
            told = {3: Told(HERE, ZEROS, 0), 5: Told(bad, ZEROS, 0)}
            cases[name] = wire.message(TICK + 1, wire.states(LAYOUT, told))
            changed = {4: Told(bad, HERE, 1), 9: Told(HERE, HERE, 1)}
            cases[f"{name}, changed"] = wire.message(
                TICK + 1, wire.states(LAYOUT, changed)
            )
        self.check(cases, "refused")

    def test_limits(self) -> None:
        """The last legal lanes are taken."""
        last = Body(x=100, far=1e9, region=Region.SOUTH, number=2**64 - 1, level=7)
        entity = Entity(2**32 - 1, 2**32 - 1, {Body: last})
        told = {CAPACITY - 1: Told(LAYOUT.state(entity), ZEROS, 0)}
        (answer,) = follow([wire.message(2**32 - 1, wire.states(LAYOUT, told))])
        self.assertEqual(answer["result"], "taken")
        self.assertEqual(answer["world"], all_shown({CAPACITY - 1: entity}))

    def test_absent(self) -> None:
        """A component that is not there has no value that could be illegal."""
        bare = LAYOUT.state(Entity(1, 0, {}))
        data = wire.message(TICK, wire.states(LAYOUT, {4: Told(bare, ZEROS, 0)}))
        self.assertEqual(follow([data])[0]["result"], "taken")

    def test_heads(self) -> None:
        """A message that is cut in its head, or a part that cannot be, is refused."""
        cases = {f"head of {n} bytes": bytes(n) for n in range(6)}
        cases["part of none"] = wire.message(TICK + 1, part=0, parts=0)
        cases["part beyond the last"] = wire.message(TICK + 1, part=2, parts=2)
        self.check(cases, "refused")

    def test_missing(self) -> None:
        """A baseline of before the window, or before the first tick, is missing."""
        far = wire.message(TICK, whole(4))
        changed = {4: Told(HERE, HERE, 31)}
        cases = [
            far,
            wire.message(TICK - 31, wire.states(LAYOUT, changed)),
            wire.message(TICK - 1, wire.states(LAYOUT, {4: Told(HERE, HERE, 31)})),
        ]
        results = [answer["result"] for answer in follow(cases)]
        self.assertEqual(results, ["taken", "missing", "missing"])
        blocks = [wire.states(LAYOUT, {age: Told(HERE, HERE, age)}) for age in (6, 7)]
        early = [
            wire.message(0, whole(6, 7)),
            wire.message(6, blocks[0]),
            wire.message(6, *blocks),
        ]
        results = [answer["result"] for answer in follow(early)]
        self.assertEqual(results, ["taken", "taken", "missing"])

    def test_never_sent(self) -> None:
        """A baseline that was never sent is nothing, and what results must be legal."""
        told = {11: Told(HERE, HERE, 1)}
        self.check(
            {"unknown row": wire.message(TICK + 1, wire.states(LAYOUT, told))},
            "refused",
        )

    def test_late(self) -> None:
        """What is too old is dropped, whatever it is."""
        self.check({"late": wire.message(TICK - 32, whole(1))}, "late")
        self.check({"empty": wire.message(0)}, "late")

    def test_doubts(self) -> None:
        """What was dropped ends trust in differences of its rows, until told whole."""
        changed = {row: Told(HERE, HERE, 1) for row in (4, 5, 9)}
        far = {9: Told(HERE, HERE, 31)}

        def told(tick: int, *rows: int) -> bytes:
            some = {row: changed[row] for row in rows}
            return wire.message(tick, wire.states(LAYOUT, some))

        script = [
            (wire.message(TICK, whole(4, 5, 9)), "taken"),
            (told(TICK + 1, 4, 5, 9), "taken"),
            (wire.message(TICK - 40, whole(4)), "late"),
            (told(TICK + 2, 5), "taken"),
            (told(TICK + 3, 4, 9), "missing"),  # and 9 is doubted with it
            (told(TICK + 4, 9), "missing"),
            (wire.message(TICK + 5, whole(4)), "taken"),
            (told(TICK + 6, 4), "taken"),
            (wire.message(TICK + 6, wire.gone({9: False})), "taken"),
            (told(TICK + 7, 5), "taken"),
            (wire.message(TICK + 8, whole(9)), "taken"),
            (told(TICK + 9, 4, 5, 9), "taken"),
            (wire.message(TICK, wire.states(LAYOUT, far), whole(5)), "missing"),
            (told(TICK + 10, 5), "missing"),
            (wire.message(TICK + 11, whole(9), b"\xff"), "refused"),
            (told(TICK + 12, 9), "missing"),
            (wire.message(TICK - 40, wire.gone({4: True})), "late"),
            (wire.message(TICK + 13, whole(5, 9)), "taken"),
            (told(TICK + 14, 5, 9), "taken"),
            (told(TICK + 15, 4), "missing"),
        ]
        answers = follow([data for data, _ in script])
        self.assertEqual(
            [answer["result"] for answer in answers], [r for _, r in script]
        )

    def test_unknown_rows_gone(self) -> None:
        """That a row is gone which never was changes nothing that can be seen."""
        self.check(
            {"gone": wire.message(TICK + 1, wire.gone({3: True, 8: False}))}, "taken"
        )

    def test_many_spawns(self) -> None:
        """Ten thousand entities are taken, and so is the next message."""
        rows = range(0, 30_000, 3)
        told = {row: Told(HERE, ZEROS, 0) for row in rows}
        data = wire.message(TICK, wire.states(LAYOUT, told))
        more = wire.message(TICK + 1, whole(1))
        answers = follow([data, more])
        self.assertEqual([len(a["world"]) for a in answers], [10_000, 10_001])
        self.assertEqual(len(answers[0]["happened"]), 10_000)

    def test_twice(self) -> None:
        """A message tells of a row once."""
        cases = {
            "state": [whole(5, 9), whole(7, 9)],
            "gone": [whole(9), wire.gone({4: False, 9: False})],
        }
        messages = {
            name: wire.message(TICK + 1, *blocks) for name, blocks in cases.items()
        }
        self.check(messages, "refused")

    def test_memory(self) -> None:
        """The history grows with the highest row, up to the capacity or a gibibyte."""
        argument = {
            "lanes": 99,
            "capacity": 1 << 20,
            "reserve": [1, 65, 60, 200, 81_345],
        }
        *rows, refusal = run_program("history_rows.js", argument)
        self.assertEqual(rows, [64, 128, 128, 256])
        self.assertRegex(refusal, "row 81344 is above the limit 81343: .* 13200 bytes")
        small = {"lanes": 9, "capacity": 70, "reserve": [1, 65, 70]}
        self.assertEqual(run_program("history_rows.js", small), [64, 70, 70])

    def test_no_room(self) -> None:
        """Rows that the history has no room for are refused, and doubted too."""
        wide = _wide()
        codec = javascript_module(
            protocol_hash=bytes(8), version=1, components=[wide], inputs=[], messages={}
        )
        layout = Layout([wide])
        here = layout.state(Entity(1, 2, {wide: wide()}))

        def told(tick: int, row: int, age: int) -> bytes:
            old = here if age else layout.zeros
            block = wire.states(layout, {row: Told(here, old, age)})
            return wire.message(tick, block)

        far = told(0, CAPACITY - 1, 0)[6:]
        script = [
            (wire.message(TICK, told(0, 4, 0)[6:], told(0, 5, 0)[6:]), "taken"),
            (told(TICK + 1, 4, 0) + far, "refused"),
            (told(TICK + 2, CAPACITY - 1, 1), "missing"),
            (told(TICK + 3, 4, 1), "missing"),
            (told(TICK + 4, 5, 1), "taken"),
            (told(TICK - 40, CAPACITY - 1, 0), "late"),
            (wire.message(TICK + 5, far, b"\xff"), "refused"),
            (told(TICK + 6, 4, 0), "taken"),
            (told(TICK + 7, 4, 1), "taken"),
        ]
        answers = follow([data for data, _ in script], codec=codec)
        self.assertEqual(
            [(answer["result"], answer["asked"]) for answer in answers],
            [(result, result != "taken") for _, result in script],
        )

    def test_cut(self) -> None:
        """A message that is cut is refused, unless whole blocks are left."""
        blocks = [whole(1, 4), wire.gone({9: True}), whole(7, 70, 700)]
        data = wire.message(TICK + 1, *blocks)
        ends = [len(wire.message(0, *blocks[:n])) for n in range(4)]
        cuts = [n for n in range(len(data)) if n not in ends]
        self.check({f"{n} bytes": data[:n] for n in cuts}, "refused")

    def test_damaged(self) -> None:
        """Damaged messages are taken or not, and never throw."""
        random = Random(5)
        match = Match([Body], 60, seed=4)
        match.run(40)
        good = [bytes.fromhex(step["bytes"]) for step in match.steps]
        steps = list(good)
        for data in good * 12:
            bad = bytearray(data)
            for _ in range(random.randrange(1, 4)):
                bad[random.randrange(4, len(bad))] = random.randrange(256)
            if random.random() < 0.2:
                del bad[random.randrange(4, len(bad)) :]
            steps.append(bytes(bad))
        answers = follow(steps, capacity=60)
        for before, after in pairwise(answers):
            self.assertIn(after["result"], RESULTS)
            if after["result"] != "taken":
                self.assertEqual(after["world"], before["world"])
        results = {answer["result"] for answer in answers[len(good) :]}
        self.assertLessEqual({"taken", "refused"}, results)
