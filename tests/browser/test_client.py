# SPDX-License-Identifier: MIT
"""The browser's client understands a server, and a server understands it."""

from __future__ import annotations

from types import new_class
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Channel, DeliveryMode
from gamenet.errors import CloseReason
from gamenet.game import Component, Game, Input, Message, fixed, int8, text
from gamenet.game.messages import PlayerEntered, PlayerExited, Welcome
from gamenet.game.protocol import CONTROL, INPUTS, SNAPSHOTS, Protocol
from gamenet.prediction import InputBuffer, InputQueue
from gamenet.replication import Sender
from gamenet.replication.sender import SNAPSHOT_HEAD
from gamenet.wire import Schema, javascript_module
from gamenet.world import World
from tests.browser.javascript import marked, run_program


class Position(Component):
    """Where something is."""

    x: float = fixed(-512, 512, step=1 / 64)


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

    components = [Position]
    inputs = [Steer, Jump, Shout]
    messages = [Chat, Emote]
    channels = [Channel(9, DeliveryMode.UNRELIABLE, "emotes")]


PROTOCOL = Protocol.of(Words)
CODEC = javascript_module(
    protocol_hash=PROTOCOL.hash,
    version=1,
    components=PROTOCOL.components,
    inputs=PROTOCOL.inputs,
    messages=dict(PROTOCOL.registry),
    **PROTOCOL.browser_channels(),
)
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


def part(tick: int, number: int, count: int) -> Step:
    """Return the step in which a part of a tick comes, without rows."""
    head = SNAPSHOT_HEAD.pack(tick, number, count)
    return step("receive", tick / 20, channel=SNAPSHOTS, bytes=head.hex())


def play(*script: Step, codec: str = CODEC) -> Any:
    """Return what programs/client_play.js answers."""
    return run_program("client_play.js", {"script": script}, protocol=codec)


class Host:
    """A world, and the steps that tell of it."""

    def __init__(self) -> None:
        self.world = World(PROTOCOL.components, CAPACITY)
        self.sender = Sender(self.world, part_size=1000)

    def tick(self, number: int, now: float) -> list[Step]:
        """Return the steps of a tick."""
        changes = [control(m, now) for m in self.sender.changes(number)]
        parts = [
            step("receive", now, channel=SNAPSHOTS, bytes=part.hex())
            for part in self.sender.snapshot(number)
        ]
        return changes + parts


class ListenTests(SynchronousTestCase):
    """What the server says is told to the page."""

    def test_welcome(self) -> None:
        """The welcome tells who we are and makes the world."""
        answer = play(control(WELCOME))
        self.assertEqual(answer["playerId"], 2)
        self.assertEqual(answer["capacity"], CAPACITY)
        self.assertEqual(answer["delay"], 0.1)

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
        """Entities and snapshots are told."""
        host = Host()
        entity = host.world.spawn(Position(x=4), owner=2)
        script = host.tick(101, 0.05)
        host.world.despawn(entity)
        script += [control(m, 0.1) for m in host.sender.changes(102)]
        answer = play(control(WELCOME), *script)
        told = [(event, value) for event, value in answer["told"]]
        self.assertEqual(
            [event for event, _ in told], ["spawned", "snapshot", "despawned"]
        )
        self.assertEqual(told[0][1]["components"], ["Position"])
        self.assertEqual(told[0][1]["owner"], 2)
        self.assertEqual(told[1][1], 101)

    def test_empty_snapshot(self) -> None:
        """A tick in which nothing lives is a tick: it is told, and sets the clock."""
        answer = play(control(WELCOME), part(110, 0, 1), step("wait", 5.6))
        self.assertEqual(answer["told"], [["snapshot", 110]])
        self.assertEqual(answer["tick"], 110)
        self.assertApproximates(answer["serverTick"], 112, 0.01)
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
            step("receive", channel=SNAPSHOTS, bytes="00"),
        ]
        for one in bad:
            answer = play(control(WELCOME), one)
            self.assertEqual(answer["thrown"], [None, None])
            self.assertEqual(answer["closed"][0][0], "MALFORMED")

    def test_out_of_order(self) -> None:
        """Without a welcome there is no world; a second or endless one is refused."""
        snapshot = step("receive", channel=SNAPSHOTS, bytes="000000000001")
        huge = Welcome(player_id=1, tick_rate=20, capacity=2**32 - 1)
        for script in (
            [snapshot],
            [control(PlayerEntered(1, "Ada"))],
            [control(WELCOME), control(WELCOME)],
            [control(huge)],
        ):
            self.assertEqual(play(*script)["closed"][0][0], "MALFORMED")

    def test_unknown_message(self) -> None:
        """A message of a newer server is skipped."""
        unknown = step("receive", channel=CONTROL, bytes="7f0102")
        self.assertEqual(play(control(WELCOME), unknown)["closed"], [])


class SpeakTests(SynchronousTestCase):
    """What the page says reaches the game."""

    def test_inputs(self) -> None:
        """Inputs arrive with their defaults; a packet repeats those before it."""
        names = [("Steer", {"x": -5}), ("Jump", {}), ("Steer", {"y": 7}), ("Jump", {})]
        inputs = [step("input", name=name, values=values) for name, values in names]
        sent = play(control(WELCOME), *inputs)["sent"]
        self.assertEqual([channel for channel, _ in sent], [INPUTS] * 4)
        packets = [bytes.fromhex(payload["$bytes"]) for _, payload in sent]
        wanted = [Steer(x=-5), Jump(), Steer(y=7), Jump()]
        whole, lossy = InputQueue(PROTOCOL.inputs), InputQueue(PROTOCOL.inputs)
        for packet in packets:
            whole.receive(packet)
        lossy.receive(packets[2])
        self.assertEqual([*whole.take(), *whole.take()], wanted)
        self.assertEqual([*lossy.take(), *lossy.take()], wanted[:3])
        self.assertEqual(whole.snapshot_tick, 100)

    def packets(self, inputs: list[Input], codec: str = CODEC) -> list[bytes]:
        """Return what the browser sends for these inputs."""
        steps = [
            step("input", name=type(item).__name__, values=marked(item))
            for item in inputs
        ]
        sent = play(control(WELCOME), *steps, codec=codec)["sent"]
        return [bytes.fromhex(payload["$bytes"]) for _, payload in sent]

    def test_repeats(self) -> None:
        """Packets are those of Python: three of a kind, and no more than fit."""
        shouts = [Shout("x" * size) for size in (200, 300, 4, 505, 1, 600, 2)]
        steers = [Steer(x=n) for n in range(20)]
        buffer = InputBuffer(PROTOCOL.inputs)
        inputs: list[Input] = [*steers, *shouts, *steers]
        wanted = [buffer.add(item, snapshot_tick=100) for item in inputs]
        self.assertEqual(self.packets(inputs), wanted)
        counts = [packet[8] for packet in wanted]
        self.assertEqual(max(counts), 3 * len(PROTOCOL.inputs))
        self.assertIn(1, counts[len(steers) :])

    def test_many_kinds(self) -> None:
        """However many kinds there are, a packet has at most 16 inputs."""
        kinds: list[type[Input]] = [new_class(f"Kind{n}", (Input,)) for n in range(7)]
        codec = javascript_module(
            protocol_hash=PROTOCOL.hash,
            version=1,
            components=PROTOCOL.components,
            inputs=kinds,
            messages=dict(PROTOCOL.registry),
        )
        buffer = InputBuffer(kinds)
        inputs: list[Input] = [kinds[n % 7]() for n in range(25)]
        wanted = [buffer.add(item, snapshot_tick=100) for item in inputs]
        self.assertEqual(self.packets(inputs, codec), wanted)
        self.assertEqual(wanted[-1][8], 16)

    def test_input_too_large(self) -> None:
        """What no packet can carry is refused, and nothing of it is repeated."""
        huge = step("input", name="Shout", values={"words": "x" * 66_000})
        jump = step("input", name="Jump", values={})
        answer = play(control(WELCOME), huge, jump)
        self.assertIn("above the limit 65535", answer["thrown"][1])
        (packet,) = [bytes.fromhex(payload["$bytes"]) for _, payload in answer["sent"]]
        self.assertEqual(
            packet, InputBuffer(PROTOCOL.inputs).add(Jump(), snapshot_tick=100)
        )

    def test_message(self) -> None:
        """A message arrives as the game's own class."""
        script = [
            step("send", name="Chat", values={"words": "Zoë"}),
            step("send", name="Chat", values={}),
        ]
        sent = play(control(WELCOME), *script)["sent"]
        messages = [
            PROTOCOL.registry.decode(bytes.fromhex(payload["$bytes"]))
            for _, payload in sent
        ]
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
        host = Host()
        host.world.spawn(Position())
        script = [control(WELCOME)]
        for n in range(1, 81):
            late = 0.02 if n % 7 == 0 else 0.0
            script += host.tick(100 + n, n / 20 + late)
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

    def test_clock(self) -> None:
        """The server's tick is known between snapshots, late ones notwithstanding."""
        answer = play(*self.script(), step("wait", 4.025))
        self.assertApproximates(answer["serverTick"], 180.5, 0.1)
