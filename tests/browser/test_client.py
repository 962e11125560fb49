# SPDX-License-Identifier: MIT
"""The browser's client understands a server, and a server understands it."""

from __future__ import annotations

import math
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Channel, DeliveryMode
from gamenet.errors import CloseReason
from gamenet.game import (
    Component,
    Event,
    Game,
    Input,
    Message,
    angle,
    fixed,
    float16,
    int8,
    int64,
    quaternion,
    text,
    uint8,
    uint64,
)
from gamenet.game.messages import (
    PlayerEntered,
    PlayerExited,
    Resync,
    Welcome,
    WriteRefused,
    Written,
)
from gamenet.game.protocol import CONTROL, EVENTS, INPUTS, SNAPSHOTS, Protocol
from gamenet.prediction import InputCodec, InputQueue
from gamenet.replication import EventCodec, Refusal
from gamenet.wire import Schema, flag, javascript_module
from tests.browser import snapshot_bytes as wire
from tests.browser.javascript import marked, run_program
from tests.browser.snapshot_bytes import Entity, Layout, Told


class Position(Component):
    """Where something is."""

    x: float = fixed(-512, 512, step=1 / 64)


class Health(Component):
    """What an owner may write, with fields of several kinds."""

    points: int = uint8(100)
    safe: bool = flag()
    score: int = uint64()
    facing: tuple[float, ...] = quaternion()


class Route(Component):
    """What the wire rounds a lot."""

    length: float = fixed(0, 100, step=8)
    heading: float = angle(8)
    weight: float = float16()
    count: int = int64()


class Shot(Event):
    """A loud noise."""

    x: float = fixed(-512, 512, step=1)


class Flash(Event):
    """A bright light."""


class Steer(Input):
    """Which way to go."""

    x: int = int8(3)
    y: int = int8()


class Jump(Input):
    """Another input."""


class Chat(Message):
    """Words."""

    words: str = text(40, "hello")


class Emote(Message):
    """A word with a channel of its own."""

    channel = "emotes"
    number: int = int8()


class Shout(Input):
    """An input that may be large."""

    words: str = text(70_000, length="u32")


class Words(Game):
    """A game with one of each."""

    components = [Position, Health, Route]
    inputs = [Steer, Jump, Shout]
    messages = [Chat, Emote]
    events = [Shot, Flash]
    channels = [Channel(9, DeliveryMode.UNRELIABLE, "emotes")]


PROTOCOL = Protocol.of(Words)
CODEC = javascript_module(
    protocol_hash=PROTOCOL.hash,
    version=1,
    components=PROTOCOL.components,
    inputs=PROTOCOL.inputs,
    messages=dict(PROTOCOL.registry),
    events=PROTOCOL.events,
    **PROTOCOL.browser_channels(),
)
LAYOUT = Layout(PROTOCOL.components)
CAPACITY = 64
WELCOME = Welcome(player_id=2, tick=100, tick_rate=20, capacity=CAPACITY)

Step = dict[str, Any]


def step(action: str, now: float = 0.0, **arguments: Any) -> Step:
    """Return a step of a script."""
    return {"do": action, "now": now, **arguments}


def control(message: Schema, now: float = 0.0) -> Step:
    """Return the step in which a message of the server comes."""
    data = PROTOCOL.registry.encode(message)
    return step("receive", now, channel=CONTROL, bytes=data.hex())


def snapshot(tick: int, *blocks: bytes, now: float | None = None) -> Step:
    """Return the step in which a snapshot comes."""
    data = wire.message(tick, *blocks)
    return step(
        "receive",
        tick / 20 if now is None else now,
        channel=SNAPSHOTS,
        bytes=data.hex(),
    )


def part(tick: int, number: int, count: int) -> Step:
    """Return the step in which a part of a tick comes, without rows."""
    data = wire.message(tick, part=number, parts=count)
    return step("receive", tick / 20, channel=SNAPSHOTS, bytes=data.hex())


def telling(row: int, *parts: Any, generation: int = 1, owner: int = 0) -> bytes:
    """Return a block that tells all of an entity."""
    entity = Entity(generation, owner, {type(each): each for each in parts})
    return wire.states(LAYOUT, {row: Told(LAYOUT.state(entity), LAYOUT.zeros, 0)})


def events(tick: int, *happened: Any, raw: bytes = b"") -> Step:
    """Return the step in which events of a tick come."""
    codec = EventCodec(PROTOCOL.events)
    data = tick.to_bytes(4, "little") + b"".join(map(codec.encode, happened)) + raw
    return step("receive", channel=EVENTS, bytes=data.hex())


def play(*script: Step, codec: str = CODEC, **more: Any) -> Any:
    """Return what programs/client_play.js answers."""
    return run_program("client_play.js", {"script": script, **more}, protocol=codec)


def kinds(answer: Any, *wanted: str) -> list[Any]:
    """Return what was told, of some kinds only."""
    return [told for told in answer["told"] if told[0] in wanted]


class ListenTests(SynchronousTestCase):
    """What the server says is told to the page."""

    def test_welcome(self) -> None:
        """The welcome tells who we are and makes the world."""
        answer = play(control(WELCOME))
        self.assertEqual(answer["playerId"], 2)
        self.assertEqual(answer["capacity"], CAPACITY)
        self.assertEqual(answer["delay"], 0)

    def test_players(self) -> None:
        """Who comes and goes is told, and listed meanwhile."""
        answer = play(
            control(WELCOME),
            control(PlayerEntered(1, "<b>Ada</b>")),
            control(PlayerEntered(2, "Bo")),
            control(PlayerExited(1, CloseReason.KICKED)),
        )
        self.assertEqual(
            answer["told"],
            [
                ["player_entered", {"id": 1, "name": "<b>Ada</b>"}],
                ["player_entered", {"id": 2, "name": "Bo"}],
                ["player_exited", {"id": 1, "name": "<b>Ada</b>", "reason": "KICKED"}],
            ],
        )
        self.assertEqual(answer["players"], [{"id": 2, "name": "Bo"}])

    def test_entities(self) -> None:
        """Entities and snapshots are told, in the order in which they change."""
        answer = play(
            control(WELCOME),
            snapshot(101, telling(5, Position(x=4), owner=2)),
            snapshot(102, telling(5, Health(), owner=3)),
            snapshot(103, wire.gone({5: True})),
            snapshot(104, telling(5, Health(), generation=2)),
            snapshot(105, wire.gone({5: False})),
        )
        names = [event for event, *_ in answer["told"]]
        self.assertEqual(
            [name for name in names if name != "snapshot"],
            ["spawned", "reshaped", "reowned", "left", "spawned", "despawned"],
        )
        spawned, reshaped, reowned, left, *_ = [
            told[1] for told in answer["told"] if told[0] != "snapshot"
        ]
        entity = {"row": 5, "generation": 1, "owner": 2, "components": ["Position"]}
        self.assertEqual(spawned, entity)
        entity |= {"owner": 3, "components": ["Health"]}
        changed = {"added": ["Health"], "removed": ["Position"]}
        self.assertEqual(reshaped, entity | changed)
        self.assertEqual(reowned, entity | {"previous": 2})
        self.assertEqual(left, entity)

    def test_empty_snapshot(self) -> None:
        """A tick in which nothing lives is a tick: it is told."""
        answer = play(control(WELCOME), part(110, 0, 1))
        self.assertEqual(answer["told"], [["snapshot", 110]])
        self.assertEqual(answer["tick"], 110)
        self.assertEqual(answer["closed"], [])

    def test_snapshot_parts(self) -> None:
        """A tick is told once, with its last part or before the first newer one."""
        cases: dict[str, tuple[list[Step], list[int]]] = {
            "whole": ([part(110, 0, 2), part(110, 1, 2)], [110]),
            "in another order": ([part(110, 1, 2), part(110, 0, 2)], [110]),
            "not yet": ([part(110, 0, 2)], []),
            "last one lost": ([part(110, 0, 2), part(111, 0, 1)], [110, 111]),
            "newer one not whole": ([part(110, 0, 2), part(111, 0, 2)], [110]),
            "late": ([part(110, 0, 2), part(111, 0, 1), part(110, 1, 2)], [110, 111]),
            "older": ([part(110, 0, 1), part(109, 0, 1)], [110]),
        }
        for name, (parts, wanted) in cases.items():
            answer = play(control(WELCOME), *parts)
            told = [["snapshot", tick] for tick in wanted]
            self.assertEqual(answer["told"], told, name)

    def test_message(self) -> None:
        """The game's own messages are told by name."""
        answer = play(control(WELCOME), control(Chat("hi")))
        self.assertEqual(answer["told"], [["message", "Chat", {"words": "hi"}]])

    def test_closed(self) -> None:
        """The end comes with advice for the user."""
        answer = play(step("closed", reason="SERVER_FULL", detail="64 of 64"))
        advice = CloseReason.SERVER_FULL.advice
        told = {"reason": "SERVER_FULL", "advice": advice, "detail": "64 of 64"}
        self.assertEqual(answer["told"], [["closed", told]])

    def test_dropped(self) -> None:
        """A lost link is told with advice, and that the game goes on."""
        script = [
            step("tell", event={"type": "dropped", "reason": "LINK_LOST"}),
            step("input", name="Jump", values={}),
            step("tell", event={"type": "resumed"}),
            step("tell", event={"type": "progress", "id": 4, "acked": 1, "total": 9}),
        ]
        answer = play(control(WELCOME), *script)
        advice = CloseReason.LINK_LOST.advice
        told = {"reason": "LINK_LOST", "advice": advice, "detail": ""}
        wanted = [["dropped", told], ["resumed"], ["progress", 4, 1, 9]]
        self.assertEqual(answer["told"], wanted)
        # The connection knows what to forget meanwhile.
        self.assertEqual(len(answer["sent"]), 1)

    def test_channels(self) -> None:
        """A message comes on the channel of its class, and on no other."""
        data = PROTOCOL.registry.encode(Emote(3)).hex()
        good = step("receive", channel=9, bytes=data)
        answer = play(control(WELCOME), good)
        self.assertEqual(answer["told"], [["message", "Emote", {"number": 3}]])
        welcome = PROTOCOL.registry.encode(WELCOME).hex()
        for bad in (
            step("receive", channel=CONTROL, bytes=data),
            step("receive", channel=INPUTS, bytes=data),
            step("receive", channel=9, bytes=welcome),
        ):
            self.assertEqual(play(control(WELCOME), bad)["closed"][0][0], "MALFORMED")

    def test_malformed(self) -> None:
        """What cannot be understood ends the connection, and is not thrown."""
        bad = [
            step("receive", channel=CONTROL, bytes="01ff"),
            step("receive", channel=CONTROL, bytes=""),
            step("receive", channel=EVENTS, bytes="00"),
        ]
        for one in bad:
            answer = play(control(WELCOME), one)
            self.assertEqual(answer["thrown"], [None, None])
            self.assertEqual(answer["closed"][0][0], "MALFORMED")

    def test_out_of_order(self) -> None:
        """Without a welcome there is no world; a second or endless one is refused."""
        huge = Welcome(player_id=1, tick_rate=20, capacity=2**32 - 1)
        rates = (-1.0, 0.0, 1001.0, math.inf, math.nan)
        hasty = [Welcome(tick_rate=rate, capacity=CAPACITY) for rate in rates]
        for script in (
            [control(PlayerEntered(1, "Ada"))],
            [events(101, Flash())],
            [control(WELCOME), control(WELCOME)],
            [control(huge)],
            *([control(each)] for each in hasty),
        ):
            self.assertEqual(play(*script)["closed"][0][0], "MALFORMED")
        fast = Welcome(tick_rate=1000.0, capacity=CAPACITY)
        self.assertEqual(play(control(fast))["closed"], [])

    def test_unknown_message(self) -> None:
        """A message of a newer server is skipped."""
        unknown = step("receive", channel=CONTROL, bytes="7f0102")
        self.assertEqual(play(control(WELCOME), unknown)["closed"], [])


class SnapshotTests(SynchronousTestCase):
    """Snapshots that are of no use are counted, and the connection stays."""

    def counts(self, answer: Any) -> list[int]:
        """Return what was counted: malformed, without baseline, late."""
        names = ("snapshotErrors", "baselinesMissing", "snapshotsLate")
        return [answer["stats"][name] for name in names]

    def test_malformed(self) -> None:
        """A malformed snapshot changes nothing, and all is asked for again."""
        bad = step("receive", channel=SNAPSHOTS, bytes="00")
        answer = play(bad, control(WELCOME), bad, bad, snapshot(101))
        self.assertEqual(self.asked(answer), [Resync(0), Resync(101)])
        self.assertEqual(self.counts(answer), [3, 0, 0])
        self.assertEqual(answer["closed"], [])
        self.assertEqual(answer["thrown"], [None] * 5)
        self.assertEqual(answer["told"], [["snapshot", 101]])

    def test_late(self) -> None:
        """A snapshot that is too late is counted, and not told."""
        answer = play(control(WELCOME), snapshot(200), snapshot(168), snapshot(169))
        self.assertEqual(self.counts(answer), [0, 0, 1])
        self.assertEqual(answer["told"], [["snapshot", 200]])
        self.assertEqual(answer["tick"], 200)

    def asked(self, answer: Any) -> list[Any]:
        """Return what was said on the control channel."""
        return [PROTOCOL.registry.decode(data) for data in sent_on(answer, CONTROL)]

    def test_resync(self) -> None:
        """Without its baseline a snapshot is not taken; all is asked for."""
        state = LAYOUT.state(Entity(1, 0, {}))
        block = wire.states(LAYOUT, {5: Told(state, state, 31)})
        script = [snapshot(200, telling(5), now=10)]
        script += [snapshot(190, block, now=10 + n / 4) for n in range(9)]
        answer = play(control(WELCOME), *script)
        self.assertEqual(self.counts(answer), [0, 9, 0])
        self.assertEqual(self.asked(answer), [Resync(200)] * 3)

    def test_resync_refused(self) -> None:
        """What is malformed was acknowledged; so differences to it are not taken."""
        state = LAYOUT.state(Entity(1, 0, {}))
        changed = wire.states(LAYOUT, {5: Told(state, state, 1)})
        twice = [telling(5), wire.gone({5: True})]
        answer = play(
            control(WELCOME),
            snapshot(200, telling(5), now=10),
            snapshot(201, *twice, now=10),
            snapshot(202, changed, now=10.25),
            snapshot(203, *twice, now=10.5),
            snapshot(204, telling(5), now=11),
            snapshot(205, changed, now=11.5),
        )
        self.assertEqual(self.counts(answer), [2, 1, 0])
        self.assertEqual(self.asked(answer), [Resync(200), Resync(204)])
        self.assertEqual(answer["tick"], 205)

    def test_resync_later(self) -> None:
        """What is asked for too soon is asked for a second after the last time."""
        state = LAYOUT.state(Entity(1, 0, {}))
        block = wire.states(LAYOUT, {5: Told(state, state, 31)})
        script = [snapshot(200, telling(5), now=10)]
        script += [snapshot(190, block, now=now) for now in (10, 10.5)]
        script += [
            snapshot(201, now=10.9),
            snapshot(202, now=11),
            snapshot(203, now=13),
        ]
        answer = play(control(WELCOME), *script)
        self.assertEqual(self.asked(answer), [Resync(200), Resync(202)])

    def test_late_rows(self) -> None:
        """Rows that came too late are asked for, and their differences not taken."""
        state = LAYOUT.state(Entity(1, 0, {}))
        changed = wire.states(LAYOUT, {5: Told(state, state, 1)})
        script = [snapshot(200, telling(5), now=10), snapshot(168, telling(5), now=10)]
        answer = play(control(WELCOME), *script, snapshot(201, changed, now=10))
        self.assertEqual(self.counts(answer), [0, 1, 1])
        self.assertEqual(self.asked(answer), [Resync(200)])
        answer = play(control(WELCOME), script[0], snapshot(168, now=10))
        self.assertEqual(self.asked(answer), [])


class EventTests(SynchronousTestCase):
    """What happens in a tick is told when the world is there."""

    def told(self, *script: Step) -> list[Any]:
        """Return events and snapshots, in the order in which they are told."""
        return kinds(play(control(WELCOME), *script), "event", "snapshot")

    def test_held_back(self) -> None:
        """An event waits for a snapshot of its tick, or of a later one."""
        told = self.told(
            events(103, Shot(x=3)),
            events(101, Flash()),
            snapshot(100),
            snapshot(102),
            snapshot(104),
            events(104, Flash(), Shot(x=4)),
        )
        self.assertEqual(
            told,
            [
                ["snapshot", 100],
                ["snapshot", 102],
                ["event", "Flash", {}, 101],
                ["snapshot", 104],
                ["event", "Shot", {"x": 3}, 103],
                ["event", "Flash", {}, 104],
                ["event", "Shot", {"x": 4}, 104],
            ],
        )

    def test_parts(self) -> None:
        """An event waits for all parts of its tick, as far as they come."""
        told = self.told(
            events(103, Shot(x=3)), part(103, 0, 2), part(103, 1, 2), part(104, 0, 2)
        )
        self.assertEqual([each[0] for each in told], ["snapshot", "event"])
        told = self.told(
            events(103, Shot(x=3)),
            events(104, Flash()),
            part(103, 0, 2),
            part(104, 0, 2),
        )
        self.assertEqual(told, [["snapshot", 103], ["event", "Shot", {"x": 3}, 103]])

    def test_many(self) -> None:
        """Of more than 256 the oldest are told early."""
        shots = [Shot(x=n) for n in range(200)]
        told = self.told(events(300, *shots), events(250, *shots))
        self.assertEqual([each[2]["x"] for each in told], list(range(144)))
        self.assertEqual({each[3] for each in told}, {250})

    def test_malformed(self) -> None:
        """A malformed message of events ends the connection; none of it is told."""
        for raw in (
            b"\0",
            b"\0\2\xff\xff",
            b"\2\1\0",
            b"\3\x80\x80\x80\x08\0",
            b"\3",
            b"\4\x81\x08",
            b"\4\0" * 1025,
        ):
            answer = play(
                control(WELCOME), snapshot(101), events(101, Flash(), raw=raw)
            )
            self.assertEqual(answer["closed"][0][0], "MALFORMED", raw[:9])
            self.assertEqual(kinds(answer, "event"), [])

    def test_large(self) -> None:
        """A message of events has 16,384 bytes at most."""
        for size, is_taken in ((16384, True), (16385, False)):
            unknown = b"\x0e\x80\x08" + bytes(1024)
            n_whole, n_rest = divmod(size - 4, len(unknown))
            raw = unknown * n_whole + b"\2\0" * (n_rest // 2)
            if n_rest % 2:
                raw = b"\x0e\1\0" + raw[:-2]
            self.assertEqual(len(raw), size - 4)
            answer = play(control(WELCOME), snapshot(101), events(101, raw=raw))
            self.assertEqual(answer["closed"] == [], is_taken, answer["closed"])

    def test_unknown(self) -> None:
        """An event of a newer server is skipped."""
        told = self.told(snapshot(101), events(101, raw=b"\x0e\3abc\x0f\5\0\2\0"))
        self.assertEqual(told[1:], [["event", "Flash", {}, 101]])


class WaitTests(SynchronousTestCase):
    """A page can wait for an entity, and watch a field."""

    def test_changes(self) -> None:
        """A change is told once its snapshot is applied, as long as it is wanted."""
        watch = [["Health", "points"], ["Position", "x"]]
        answer = play(
            control(WELCOME),
            step("watch", watch=watch),
            snapshot(101, telling(5, Position(x=1), Health(points=9))),
            snapshot(102, telling(5, Position(x=1), Health(points=8))),
            step("unwatch"),
            snapshot(103, telling(5, Position(x=1), Health(points=7))),
        )
        self.assertEqual(
            kinds(answer, "changed"), [["changed", "Health", "points", 5, 8, 9]]
        )

    def test_unknown(self) -> None:
        """A component or a field that there is not is named."""
        answer = play(
            control(WELCOME),
            step("watch", watch=[["Helth", "points"]]),
            step("watch", watch=[["Health", "point"]]),
            step("await", component="Ship"),
        )
        known = "this game has Position, Health, Route"
        self.assertEqual(
            answer["thrown"][1:],
            [
                f"no component Helth: {known}",
                "Health has no field point",
                f"no component Ship: {known}",
            ],
        )

    def awaited(self, *script: Step, **options: Any) -> Any:
        """Return what the promise of an entity with Health comes to."""
        first = step("await", component="Health", **options)
        (answer,) = play(control(WELCOME), first, *script)["awaited"]
        return answer

    def test_spawned(self) -> None:
        """The promise resolves with an entity: there, new, or given it."""
        entity = {"row": 5, "generation": 1, "owner": 0, "components": ["Health"]}
        script = [
            snapshot(101, telling(4, Position())),
            snapshot(102, telling(5, Health())),
            snapshot(103, telling(6, Health())),
        ]
        self.assertEqual(self.awaited(*script), entity)
        late = [*script, step("await", component="Health")]
        self.assertEqual(play(control(WELCOME), *late)["awaited"], [entity])
        given = self.awaited(script[0], snapshot(102, telling(4, Position(), Health())))
        self.assertEqual(given["row"], 4)

    def test_given_up(self) -> None:
        """Without such an entity the promise fails: by time, signal, or end."""
        closed = step("closed", reason="SERVER_FULL", detail="")
        self.assertEqual(
            self.awaited(timeout=0.01), {"failed": "no Health came within 0.01 s"}
        )
        self.assertEqual(self.awaited(abort=True), {"failed": "not wanted"})
        self.assertEqual(
            self.awaited(step("abort"), signal=True), {"failed": "not wanted"}
        )
        advice = CloseReason.SERVER_FULL.advice
        self.assertEqual(self.awaited(closed), {"failed": f"no Health came: {advice}"})


class WriteTests(SynchronousTestCase):
    """A page can write what its player owns."""

    HERE = (
        control(WELCOME),
        snapshot(101, telling(5, Health(points=9, safe=True, score=2**60), owner=2)),
        snapshot(102, telling(6, Health(), owner=3)),
    )

    def write(self, row: int = 5, component: str = "Health", **values: Any) -> Step:
        """Return the step of a write."""
        return step("write", row=row, component=component, values=values)

    def test_write(self) -> None:
        """What is written is shown, told and sent; fields left out stay."""
        answer = play(
            *self.HERE,
            step("watch", watch=[["Health", "points"]]),
            self.write(points=3),
            step("show", component="Health", row=5),
        )
        self.assertEqual(
            kinds(answer, "changed"), [["changed", "Health", "points", 5, 3, 9]]
        )
        body = Health(points=3, safe=True, score=2**60)
        self.assertEqual(answer["values"][-1], marked(body))
        (data,) = sent_on(answer, CONTROL)
        self.assertEqual(
            PROTOCOL.registry.decode(data), Written(5, 1, 1, 102, body.encode())
        )

    def test_as_carried(self) -> None:
        """What is shown at once is what the server will have, not what was meant."""
        meant: dict[str, Any] = {"length": 29.0, "heading": 1.0, "weight": 0.1}
        written = Route(**meant, count=7)
        held = Route.decode(written.encode())
        self.assertEqual(held.length, 32)
        answer = play(
            control(WELCOME),
            snapshot(101, telling(5, Route(length=8), owner=2)),
            step("watch", watch=[["Route", "length"]]),
            self.write(5, "Route", **meant, count=7),
            step("show", component="Route", row=5),
            snapshot(102, telling(5, held, owner=2)),
            step("show", component="Route", row=5),
        )
        self.assertEqual(
            kinds(answer, "changed"), [["changed", "Route", "length", 5, 32, 8]]
        )
        shown = [values for values in answer["values"] if isinstance(values, dict)]
        self.assertEqual(shown, [marked(held)] * 2)
        (data,) = sent_on(answer, CONTROL)
        self.assertEqual(
            PROTOCOL.registry.decode(data), Written(5, 1, 2, 101, held.encode())
        )

    def test_confirmed(self) -> None:
        """What the server says of it counts, and is no change if it is the same."""
        written = Health(points=3, safe=True, score=2**60)
        other = Health(points=4, safe=True, score=2**60)
        answer = play(
            *self.HERE,
            step("watch", watch=[["Health", "points"]]),
            self.write(points=3),
            snapshot(103, telling(5, written, owner=2)),
            snapshot(104, telling(5, other, owner=2)),
        )
        changes = [told[4:] for told in kinds(answer, "changed")]
        self.assertEqual(changes, [[3, 9], [4, 3]])

    def test_refused(self) -> None:
        """What the server refuses is taken back, and told with a reason."""
        for reason in Refusal:
            answer = play(
                *self.HERE,
                self.write(points=3),
                step("watch", watch=[["Health", "points"]]),
                control(WriteRefused(5, 1, 1, reason)),
                step("show", component="Health", row=5),
            )
            self.assertEqual(answer["values"][-1]["points"], 9)
            refused = {"row": 5, "generation": 1, "component": "Health"}
            self.assertEqual(
                kinds(answer, "write_refused", "changed"),
                [
                    ["changed", "Health", "points", 5, 9, 3],
                    ["write_refused", refused | {"reason": reason.name}],
                ],
            )

    def test_refused_strange(self) -> None:
        """A refusal of what there is not changes nothing, and is told."""
        strange = [(99, 1, 1, 1), (5, 2, 1, 1), (5, 1, 9, 99), (5, 1, 0, 0)]
        refusals = [control(WriteRefused(*each)) for each in strange]
        answer = play(*self.HERE, self.write(points=3), *refusals)
        told = [each[1] for each in kinds(answer, "write_refused")]
        self.assertEqual(
            [(each["component"], each["reason"]) for each in told],
            [
                ("Health", "NOT_YOURS"),
                ("Health", "NOT_YOURS"),
                ("", "MALFORMED"),
                ("Position", "MALFORMED"),
            ],
        )
        self.assertEqual(answer["closed"], [])

    def test_mistakes(self) -> None:
        """What cannot be right is told to the page, and not sent."""
        answer = play(
            *self.HERE,
            self.write(6, points=3),
            self.write(7, points=3),
            self.write(5, "Position", x=3),
            self.write(points=300),
            self.write(health=3),
            step("show", component="Health", row=5),
        )
        self.assertEqual(
            answer["thrown"][3:-1],
            [
                "row 6 is of player 3, and we are 2",
                "row 7 has no Health",
                "row 5 has no Position",
                "300 is not an integer from 0 to 255",
                "Health has no field health",
            ],
        )
        self.assertEqual(answer["values"][-1]["points"], 9)
        self.assertEqual(sent_on(answer, CONTROL), [])


def sent_on(answer: Any, channel: int) -> list[bytes]:
    """Return what was sent on a channel."""
    return [
        bytes.fromhex(each["$bytes"]) for on, each in answer["sent"] if on == channel
    ]


class SpeakTests(SynchronousTestCase):
    """What the page says reaches the game."""

    def test_inputs(self) -> None:
        """Inputs arrive with their defaults; a packet repeats those before it."""
        names = [("Steer", {"x": -5}), ("Jump", {}), ("Steer", {"y": 7}), ("Jump", {})]
        inputs = [step("input", name=name, values=values) for name, values in names]
        packets = sent_on(play(control(WELCOME), *inputs), INPUTS)
        self.assertEqual(len(packets), 4)
        wanted = [Steer(x=-5), Jump(), Steer(y=7), Jump()]
        for arrived in (packets, packets[-1:]):
            queue = InputQueue(PROTOCOL.inputs, 20)
            for packet in arrived:
                queue.receive(packet, tick=100, at=100.5)
            taken = [item for tick in range(101, 120) for item in queue.take(tick)]
            self.assertEqual(taken, wanted)
            self.assertEqual([queue.n_late, queue.n_missing, queue.depth], [0, 0, 0])

    def test_input_too_large(self) -> None:
        """What no packet can carry is refused, and nothing of it is repeated."""
        huge = step("input", name="Shout", values={"words": "x" * 66_000})
        jump = step("input", name="Jump", values={})
        answer = play(control(WELCOME), huge, jump)
        self.assertIn("the limit is 498", answer["thrown"][1])
        (packet,) = sent_on(answer, INPUTS)
        (frame,) = InputCodec(PROTOCOL.inputs).decode(packet).frames
        self.assertEqual(frame.inputs, (Jump(),))

    def test_message(self) -> None:
        """A message arrives as the game's own class."""
        script = [
            step("send", name="Chat", values={"words": "Zoë"}),
            step("send", name="Chat", values={}),
        ]
        sent = sent_on(play(control(WELCOME), *script), CONTROL)
        messages = [PROTOCOL.registry.decode(data) for data in sent]
        self.assertEqual(messages, [Chat("Zoë"), Chat("hello")])

    def test_channel(self) -> None:
        """A message goes on the channel of its class, and can be given up."""
        answer = play(
            control(WELCOME),
            step("send", name="Chat", values={}),
            step("send", name="Emote", values={"number": 3}),
            step("cancel", id=1),
        )
        self.assertEqual([channel for channel, _ in answer["sent"]], [CONTROL, 9])
        self.assertEqual(answer["values"][1:], [0, 1, True])

    def test_refused(self) -> None:
        """A mistake of the page is told to the page, with what would be right."""
        thrown = play(
            control(WELCOME),
            step("input", name="Stear", values={}),
            step("input", name="Steer", values={"z": 1}),
            step("input", name="Steer", values={"x": 128}),
            step("send", name="Welcome", values={}),
        )["thrown"]
        self.assertEqual(thrown[1], "no input Stear: this game has Steer, Jump, Shout")
        self.assertEqual(thrown[2], "Steer has no field z")
        self.assertEqual(thrown[3], "128 is not an integer from -128 to 127")
        self.assertEqual(thrown[4], "no message Welcome in this game")

    def test_after_close(self) -> None:
        """What is sent after the end is lost without an error."""
        answer = play(
            control(WELCOME), step("close"), step("input", name="Jump", values={})
        )
        self.assertEqual(answer["closed"], [["NORMAL", ""]])
        self.assertEqual(answer["thrown"], [None, None, None])
        self.assertEqual(answer["sent"], [])


class MeasureTests(SynchronousTestCase):
    """What the client measures is what happened."""

    def script(self) -> list[Step]:
        """Return four seconds of snapshots, some of them late."""
        script = [control(WELCOME)]
        for n in range(1, 81):
            late = 0.02 if n % 7 == 0 else 0.0
            block = telling(0, Position(x=n))
            script.append(snapshot(100 + n, block, now=n / 20 + late))
        return script

    def test_rates(self) -> None:
        """Snapshots and bytes are counted by the second."""
        script = self.script()
        stats = play(*script, step("wait", 4.0))["stats"]
        self.assertApproximates(stats["snapshotsPerSecond"], 20, 1.5)
        size = len(script[-1]["bytes"]) // 2
        self.assertApproximates(stats["bytesDownPerSecond"], 20 * size, 2 * size)
        self.assertEqual(stats["rtt"], 0.05)

    def test_silence(self) -> None:
        """When nothing comes any more, the rates fall to nothing."""
        stats = play(*self.script(), step("wait", 9.0))["stats"]
        self.assertEqual(stats["snapshotsPerSecond"], 0)
