# SPDX-License-Identifier: MIT
"""The browser's connection and Python's talk over a stream that may break.

Each end keeps a ledger of what it sent, and what the other one got of it. Time is
passed in and everything random is drawn from a seed, so that a match of the two is the
same each time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from gamenet.connection import (
    Admitted,
    Channel,
    Closed,
    Connection,
    ConnectionConfig,
    DeliveryMode,
    Door,
    Link,
    MessageAcked,
    MessageLost,
    MessageReceived,
    ServerAddress,
    StreamServerHandshake,
)
from gamenet.errors import CloseReason
from gamenet.wire import javascript_module
from tests.browser.javascript import NodeProgram

HASH = bytes(range(1, 9))
PROTOCOL = javascript_module(
    protocol_hash=HASH, version=1, components=[], inputs=[], messages={}
)
SERVER = ServerAddress("192.0.2.9", 40000)
STEP = 0.005
LATENCY = 0.03
SIZES = (0, 3, 40, 300, 1100)
LARGE = (1132, 1133, 9000, 100_000)  # a piece has 1,136 bytes, each message a number
MODES = tuple(DeliveryMode)
CHANNELS = tuple(
    Channel(
        number,
        mode,
        mode.value,
        priority=number % 2,
        weight=1 + number,
        max_message=200_000 if mode.is_streamed else 0,
        compression=mode in {DeliveryMode.UNRELIABLE, DeliveryMode.RELIABLE_ORDERED},
        receipts=True,
    )
    for number, mode in enumerate(MODES)
)
CHANNEL = {channel.mode: channel.id for channel in CHANNELS}


@dataclass
class Ledger:
    """What one end sent, and what became of it."""

    sent: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    """By message id: channel and payload."""
    came: list[tuple[int, bytes]] = field(default_factory=list)
    """At the other end, in order."""
    acked: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)

    def sent_on(self, mode: DeliveryMode) -> list[bytes]:
        """Return the messages that were sent in a mode."""
        return [
            data for channel, data in self.sent.values() if channel == CHANNEL[mode]
        ]

    def came_on(self, mode: DeliveryMode) -> list[bytes]:
        """Return the messages that came in a mode."""
        number = CHANNEL[mode]
        return [data for channel, data in self.came if channel == number]


class Wire:
    """One direction of a stream."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, bytes]] = []

    def put(self, packets: list[bytes], now: float) -> None:
        """Send packets."""
        self._waiting += [(now + LATENCY, packet) for packet in packets]

    def take(self, now: float) -> list[bytes]:
        """Return what has arrived."""
        packets = [packet for at, packet in self._waiting if at <= now]
        del self._waiting[: len(packets)]
        return packets

    def cut(self) -> None:
        """Lose what is on its way."""
        self._waiting.clear()


class Exchange:
    """Both ends, the stream between them, and what they have to say.

    Args:
        seed: of everything random.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 100.0
        self.up, self.down = Ledger(), Ledger()
        self.resumes = 0
        self.endings: list[tuple[str, str, str]] = []
        """Who ended, the reason and the detail."""
        self.browser_state, self.browser_queue, self.resent = "idle", 0, 0
        self.server: Connection | None = None
        self._door = Door(
            key=self.random.randbytes(32),
            protocol_id=7,
            protocol_hash=HASH,
            summary="exchange 1",
            addresses=lambda: [SERVER],
            unix_time=lambda: 1_800_000_000 + self.now,
            random_bytes=self.random.randbytes,
            max_clients=8,
        )
        self._handshake: StreamServerHandshake | None = None
        self._up_wire, self._down_wire = Wire(), Wire()
        self._opens_at: float | None = self.now
        self._calls: list[list[Any]] = []
        self._is_linked = False
        self._n_messages = 0
        self._program = NodeProgram("end.js", PROTOCOL)
        self._program.ask(self._beginning(seed))

    def _beginning(self, seed: int) -> dict[str, Any]:
        token = self._door.issue(
            client_id=5, user_data=b"Ada", timeout=5, expires_in=30, addresses=[SERVER]
        )
        channels = [
            {
                "id": channel.id,
                "mode": channel.mode.value,
                "name": channel.name,
                "priority": channel.priority,
                "weight": channel.weight,
                "maxMessage": channel.max_message,
                "compression": channel.compression,
                "receipts": channel.receipts,
            }
            for channel in CHANNELS
        ]
        return {
            "token": token.encode().hex(),
            "hash": HASH.hex(),
            "channels": channels,
            "seed": seed,
        }

    def end(self) -> None:
        """End the program."""
        self._program.end()

    # -- what the ends do -----------------------------------------------------

    def call(self, name: str, *arguments: Any) -> Any:
        """Let the browser do something now; return what comes of it."""
        self._calls.append([name, *arguments])
        return self._ask_browser()[-1]

    def send_up(self, mode: DeliveryMode, payload: bytes) -> int:
        """Let the browser send a message; return its id."""
        number: int = self.call("send", CHANNEL[mode], payload.hex())
        self.up.sent[number] = CHANNEL[mode], payload
        return number

    def send_down(self, mode: DeliveryMode, payload: bytes) -> int:
        """Let the server send a message; return its id."""
        assert self.server is not None
        number = self.server.send(CHANNEL[mode], payload, now=self.now)
        self.down.sent[number] = CHANNEL[mode], payload
        return number

    def say(self) -> None:
        """Let either end send a message of any mode."""
        self._n_messages += 1
        mode = self.random.choice(MODES)
        is_large = mode.is_streamed and self.random.random() < 0.2
        size = self.random.choice(LARGE if is_large else SIZES)
        is_dull = self.random.random() < 0.5
        body = bytes(size) if is_dull else self.random.randbytes(size)
        send = self.random.choice((self.send_up, self.send_down))
        send(mode, self._n_messages.to_bytes(4, "big") + body)

    # -- time -----------------------------------------------------------------

    def run(self, seconds: float, *, talk: float = 0.0, breaks: float = 0.0) -> None:
        """Let time pass.

        Args:
            seconds: how long.
            talk: chance of a message at each step.
            breaks: chance that the stream breaks at each step.
        """
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            if self.server is not None and self.random.random() < talk:
                self.say()
            if self._is_linked and self.random.random() < breaks:
                self.cut()
            self.step()

    def settle(self) -> None:
        """Let time pass until nothing waits any more."""
        for _ in range(60):
            self.run(1.0)
            assert self.server is not None
            if not self.browser_queue and not self.server.stats().queued_bytes:
                return
        raise AssertionError("messages still wait after a minute")

    def cut(self) -> None:
        """Break the stream; both ends learn of it at once."""
        assert self.server is not None
        self._is_linked = False
        self._up_wire.cut()
        self._down_wire.cut()
        self.server.drop(CloseReason.LINK_LOST, now=self.now)
        self._calls.append(["lost"])

    def step(self) -> None:
        """Do what is due."""
        self._open()
        self._calls += [["receive", p.hex()] for p in self._down_wire.take(self.now)]
        self._ask_browser()
        for packet in self._up_wire.take(self.now):
            self._receive(packet)
        self._serve()

    def _open(self) -> None:
        """Open the stream that the browser wants."""
        if self._opens_at is None or self.now < self._opens_at:
            return
        self._opens_at = None
        self._handshake = StreamServerHandshake(self._door)
        self._calls.append(["connect"])

    def _ask_browser(self) -> list[Any]:
        answer = self._program.ask({"now": self.now, "calls": self._calls})
        self._calls = []
        packets = [bytes.fromhex(packet["$bytes"]) for packet in answer["packets"]]
        self._up_wire.put(packets, self.now)
        self.browser_state = answer["state"]
        self.browser_queue, self.resent = answer["queuedBytes"], answer["resent"]
        if answer["wantsLink"]["$flag"]:
            self._opens_at = self.now + LATENCY
        for event in answer["events"]:
            self._note(event)
        return [_unflagged(value) for value in answer["values"]]

    def _note(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "message":
            payload = bytes.fromhex(event["payload"]["$bytes"])
            self.down.came.append((event["channel"], payload))
        elif kind in {"acked", "lost"}:
            (self.up.acked if kind == "acked" else self.up.lost).add(event["id"])
        elif kind == "resumed":
            self.resumes += 1
        elif kind == "closed":
            self.endings.append(("browser", event["reason"], event["detail"]))

    def _receive(self, packet: bytes) -> None:
        """Give the server a packet; the first of a stream is the request."""
        if self._is_linked:
            assert self.server is not None
            self.server.receive_datagram(packet, now=self.now)
            return
        assert self._handshake is not None
        admitted = self._handshake.receive(packet, "192.0.2.1", now=self.now)
        assert isinstance(admitted, Admitted), admitted
        assert self._handshake.accept(0) is None
        self._is_linked = True
        self._admit(admitted)

    def _admit(self, admitted: Admitted) -> None:
        """Begin the session, or go on with it."""
        pass_ = admitted.pass_
        assert pass_ is not None
        if self.server is not None:
            assert self.server.can_resume(pass_.generation)
            self.server.attach(admitted, link=Link.STREAM, now=self.now)
            return
        self.server = Connection.accepted(
            ConnectionConfig(channels=CHANNELS),
            admitted,
            link=Link.STREAM,
            now=self.now,
            random_bytes=self.random.randbytes,
            issue=lambda session, n: self._door.issue_resume(session, n, pass_),
        )

    def _serve(self) -> None:
        if self._handshake is not None:
            self._down_wire.put(self._handshake.packets_due(now=self.now), self.now)
        if self.server is None:
            return
        due = self.server.next_timeout()
        if due is not None and due <= self.now:
            self.server.handle_timeout(now=self.now)
        packets = self.server.datagrams_to_send(now=self.now)
        self._down_wire.put(packets, self.now)
        while (event := self.server.next_event()) is not None:
            self._note_served(event)

    def _note_served(self, event: Any) -> None:
        if isinstance(event, MessageReceived):
            self.up.came.append((event.channel, bytes(event.payload)))
        elif isinstance(event, MessageAcked):
            self.down.acked.add(event.message_id)
        elif isinstance(event, MessageLost):
            self.down.lost.add(event.message_id)
        elif isinstance(event, Closed):
            self.endings.append(("server", event.reason.name, event.detail))


def _unflagged(value: Any) -> Any:
    return value["$flag"] if isinstance(value, dict) else value
