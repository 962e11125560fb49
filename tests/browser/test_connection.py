# SPDX-License-Identifier: MIT
"""The browser's connection does what Python's does: the same packets at the same time.

A Python client plays against a Python server; what was done with it, and what came of
it, is then replayed on the browser's connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Channel,
    Closed,
    Connection,
    ConnectionConfig,
    DeliveryMode,
    Event,
    Gate,
    Link,
    MessageReceived,
)
from gamenet.connection.acks import AckTracker
from gamenet.errors import CloseReason
from gamenet.wire.javascript import javascript_module
from tests.browser.javascript import marked, run_program

HASH = bytes(range(1, 9))
SALT = 0xFEDCBA9876543210
TAG = 0x8877665544332211
NAME = "Zoë".encode()
CONFIG = ConnectionConfig(
    channels=(
        Channel(0, DeliveryMode.RELIABLE_ORDERED),
        Channel(1, DeliveryMode.UNRELIABLE),
        Channel(2, DeliveryMode.UNRELIABLE),
    )
)
PROTOCOL = javascript_module(
    protocol_hash=HASH, version=1, components=[], inputs=[], messages={}
)

Step = dict[str, Any]


@dataclass
class Tape:
    """A client and a server of Python, and what was done with the client."""

    protocol_hash: bytes = HASH
    now: float = 100.0
    steps: list[Step] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = Connection.client(
            CONFIG, protocol_hash=HASH, salt=SALT, link=Link.STREAM, user_data=NAME
        )
        self.server = Connection.server_stream(
            CONFIG, Gate(self.protocol_hash, "drift"), tag=TAG, now=self.now
        )

    def do(self, action: str, *, drain: bool = True, **arguments: Any) -> list[bytes]:
        """Do something with the client and note what comes of it."""
        call = {
            "connect": lambda: self.client.connect(now=self.now),
            "wake": lambda: self.client.handle_timeout(now=self.now),
            "send": lambda channel, payload: self.client.send(
                channel, payload, now=self.now
            ),
            "receive": lambda packet: self.client.receive_datagram(
                packet, now=self.now
            ),
            "close": lambda reason, detail: self.client.close(
                reason, detail, now=self.now
            ),
        }[action]
        call(**arguments)
        packets = self.client.datagrams_to_send(now=self.now) if drain else []
        plain = {
            key: value.hex()
            if isinstance(value, bytes)
            else getattr(value, "name", value)
            for key, value in arguments.items()
        }
        self.steps.append({"do": action, "now": self.now, "drain": drain, **plain})
        events = []
        while (event := self.client.next_event()) is not None:
            events += described(event)
        self.results.append(
            {
                "packets": [marked(packet) for packet in packets],
                "events": events,
                "rtt": self.client.stats().rtt,
            }
        )
        for packet in packets:
            self.server.receive_datagram(packet, now=self.now)
        return packets

    def answer(self) -> None:
        """Give the client what the server has to send."""
        for packet in self.server.datagrams_to_send(now=self.now):
            self.do("receive", packet=packet)

    def join(self) -> None:
        """Do the handshake."""
        self.do("connect")
        self.now += 0.02
        self.answer()

    def pass_time(self, seconds: float) -> None:
        """Let both sides do what is due, every 5 milliseconds."""
        for _ in range(round(seconds / 0.005)):
            self.now += 0.005
            self.server.handle_timeout(now=self.now)
            self.answer()
            self.do("wake")


def described(event: Event) -> list[list[Any]]:
    """Return an event in the words of the program; none for those it has not."""
    if isinstance(event, MessageReceived):
        return [["message", event.channel, marked(bytes(event.payload))]]
    if isinstance(event, Closed):
        return [["closed", event.reason.name, event.detail]]
    name = type(event).__name__.lower()
    return [[name]] if name == "connected" else []


def replay(*tapes: list[Step], **config: float) -> list[list[dict[str, Any]]]:
    """Return what the browser's connection makes of the steps."""
    argument = {
        "hash": HASH.hex(),
        "salt": str(SALT),
        "userData": NAME.hex(),
        "config": config,
        "replays": tapes,
    }
    answers: list[list[dict[str, Any]]] = run_program(
        "connection_replay.js", argument, protocol=PROTOCOL
    )
    return answers


class ReplayTests(SynchronousTestCase):
    """Step for step, both sides send and tell the same."""

    def check(self, tape: Tape) -> list[dict[str, Any]]:
        """Fail unless the browser's connection did as Python's did."""
        answers = replay(tape.steps)[0]
        rows = zip(tape.steps, tape.results, answers, strict=True)
        for n, (step, wanted, answer) in enumerate(rows):
            self.assertEqual(answer["thrown"], None, (n, step))
            self.assertEqual(answer["packets"], wanted["packets"], (n, step))
            self.assertEqual(answer["events"], wanted["events"], (n, step))
            self.assertAlmostEqual(answer["stats"]["rtt"], wanted["rtt"], 9)
        return answers

    def test_handshake(self) -> None:
        """The request and the first payload are the same bytes."""
        tape = Tape()
        tape.join()
        self.check(tape)
        self.assertEqual(tape.client.state, "Connected")
        self.assertEqual(tape.server.user_data, NAME)

    def test_refused(self) -> None:
        """A denial is told with its reason and detail."""
        tape = Tape(protocol_hash=b"another!")
        tape.join()
        self.check(tape)
        events = tape.results[-1]["events"]
        self.assertEqual(events, [["closed", "PROTOCOL_MISMATCH", "drift"]])

    def test_conversation(self) -> None:
        """Messages, fragments, acks and heartbeats go out alike, at the same time."""
        random = Random(7)
        tape = Tape()
        tape.join()
        for size in (0, 1, 1177, 1178, 1179, 5000, 65536, 300):
            tape.do("send", channel=0, payload=random.randbytes(size), drain=False)
            tape.do("send", channel=2, payload=random.randbytes(min(size, 1180)))
            tape.server.send(0, random.randbytes(size), now=tape.now)
            tape.server.send(1, random.randbytes(min(size, 1180)), now=tape.now)
            tape.pass_time(0.2)
        tape.pass_time(1.0)
        answers = self.check(tape)
        self.assertEqual(answers[-1]["stats"]["queuedBytes"], 0)
        self.assertEqual(answers[-1]["stats"]["loss"], 0)

    def test_close(self) -> None:
        """What is queued goes out before the goodbye."""
        tape = Tape()
        tape.join()
        tape.do("send", channel=0, payload=b"last words", drain=False)
        tape.do("close", reason=CloseReason.NORMAL, detail="bye")
        self.check(tape)
        self.assertTrue(tape.server.is_closed)

    def test_closed_by_server(self) -> None:
        """The server's reason and detail are told."""
        tape = Tape()
        tape.join()
        tape.server.close(CloseReason.KICKED, "too loud", now=tape.now)
        tape.answer()
        self.check(tape)
        self.assertEqual(tape.results[-1]["events"], [["closed", "KICKED", "too loud"]])

    def test_timeout(self) -> None:
        """A silent server is given up after the same time."""
        tape = Tape()
        tape.join()
        for _ in range(220):
            tape.now += 0.05
            tape.do("wake")
        self.check(tape)
        self.assertEqual(tape.client.state, "Closed")

    def test_handshake_timeout(self) -> None:
        """A server that never answers is given up after the same time."""
        tape = Tape()
        tape.do("connect")
        for _ in range(110):
            tape.now += 0.05
            tape.do("wake")
        self.check(tape)
        self.assertEqual(tape.client.state, "Closed")


class AckTests(SynchronousTestCase):
    """What was received is acknowledged as Python acknowledges it."""

    def test_equal(self) -> None:
        """Gaps, repetitions, late packets and the wrap make no difference."""
        random = Random(11)
        newest, sequences = 0, [0]
        for _ in range(3000):
            newest += random.choice((1, 1, 1, 1, 2, 5, 31, 32, 33, 34, 400, 9000))
            late = random.randrange(0, 33) if random.random() < 0.4 else 0
            sequences += [newest & 0xFFFF, (newest - late) & 0xFFFF]
        tracker, wanted = AckTracker(), []
        for sequence in sequences:
            is_new = tracker.is_new(sequence)
            if is_new:
                tracker.receive(sequence)
            wanted.append([is_new, tracker.newest, tracker.ack_bits])
        answers = run_program("received_acks.js", {"sequences": sequences})
        self.assertEqual(answers, wanted)


class HostileTests(SynchronousTestCase):
    """Whatever a server sends, the connection lives or closes; it never throws."""

    def test_malformed(self) -> None:
        """Changed, cut and random packets are taken without a throw."""
        random = Random(3)
        tape = Tape()
        tape.join()
        tape.server.send(0, bytes(3000), now=tape.now)
        tape.server.send(1, b"snapshot", now=tape.now)
        good = tape.server.datagrams_to_send(now=tape.now)
        tapes = []
        for n in range(300):
            packet = bytearray(random.choice(good))
            for _ in range(1 + n % 3):
                packet[random.randrange(len(packet))] = random.randrange(256)
            cut = bytes(packet[: random.randrange(1, len(packet) + 1)])
            bad = [bytes(packet), cut, random.randbytes(n % 40)][n % 3]
            step = {
                "do": "receive",
                "now": tape.now,
                "drain": True,
                "packet": bad.hex(),
            }
            tapes.append([*tape.steps, step, step])
        for answers in replay(*tapes):
            self.assertEqual([row["thrown"] for row in answers], [None] * len(answers))
            closed = [e for row in answers for e in row["events"] if e[0] == "closed"]
            self.assertLessEqual(len(closed), 1)

    def test_full_queue(self) -> None:
        """Messages that cannot go out close the connection; they do not pile up."""
        tape = Tape()
        tape.join()
        send = {
            "do": "send",
            "now": tape.now,
            "drain": False,
            "channel": 0,
            "payload": bytes(900).hex(),
        }
        answers = replay([*tape.steps, send, send], maxQueue=1024)[0]
        self.assertEqual(
            answers[-1]["events"][0][:2], ["closed", "SEND_QUEUE_OVERFLOW"]
        )

    def test_unreliable_bound(self) -> None:
        """Of unreliable messages that cannot go out, the oldest are forgotten."""
        tape = Tape()
        tape.join()
        send = {
            "do": "send",
            "now": tape.now,
            "drain": False,
            "channel": 2,
            "payload": bytes(100).hex(),
        }
        last = {"do": "wake", "now": tape.now, "drain": True}
        answers = replay([*tape.steps, *[send] * 2000, last])[0]
        self.assertLess(len(answers[-1]["packets"]), 30)

    def test_too_large(self) -> None:
        """A message above the limit is refused where it is sent."""
        tape = Tape()
        tape.join()
        send = {
            "do": "send",
            "now": tape.now,
            "drain": False,
            "channel": 2,
            "payload": bytes(1181).hex(),
        }
        self.assertEqual(replay([*tape.steps, send])[0][-1]["thrown"], "WireError")
