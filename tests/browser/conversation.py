# SPDX-License-Identifier: MIT
"""Play a server, byte by byte, against the browser's connection."""

from __future__ import annotations

from random import Random
from typing import Any

from gamenet.errors import CloseReason
from gamenet.wire.javascript import javascript_module
from tests.browser import connection_bytes as wire
from tests.browser.javascript import run_program

HASH = bytes(range(1, 9))
RANDOM = Random(3)
TOKEN = wire.Token.random(RANDOM)
RESUME_TOKENS = [wire.Token.random(RANDOM, is_resume=True) for _ in range(6)]
TICKETS = [
    wire.ticket(token, n + 1, TOKEN.server_key) for n, token in enumerate(RESUME_TOKENS)
]
PROTOCOL = javascript_module(
    protocol_hash=HASH, version=1, components=[], inputs=[], messages={}
)
#: One channel of each mode, by id, as a generated codec declares them.
ALL_MODES = [
    {"id": n, "mode": mode}
    for n, mode in enumerate(
        "unreliable unreliable-sequenced unreliable-receipts reliable-unordered "
        "reliable-ordered reliable-sequenced".split()
    )
]
PLAIN, SEQUENCED, RECEIPTS, UNORDERED, ORDERED, LATEST = range(6)

Step = dict[str, Any]
Answer = dict[str, Any]


class Script:
    """What is done with a connection, step by step, and when."""

    def __init__(self) -> None:
        self.now = 100.0
        self.steps: list[Step] = []
        self.sequence = 0

    def do(self, action: str, *, drain: bool = True, **arguments: Any) -> Script:
        """Do something now; note what comes of it."""
        plain = {
            key: value.hex() if isinstance(value, bytes) else value
            for key, value in arguments.items()
        }
        self.steps.append({"do": action, "now": self.now, "drain": drain, **plain})
        return self

    def wait(self, seconds: float) -> Script:
        """Let time pass in which nothing is done."""
        self.now += seconds
        return self

    def join(self) -> Script:
        """Be let in."""
        self.do("connect")
        return self.wait(0.02).do("receive", packet=wire.accepted())

    def get(self, *frames: bytes, ack: int = -1, **arguments: Any) -> Script:
        """Receive the next packet, which acknowledges ours up to one."""
        acks = {} if ack < 0 else {"ack": ack & 0xFFFF, "bits": wire.ALL_BITS}
        data = wire.packet(self.sequence, *frames, **acks)
        self.sequence = (self.sequence + 1) & 0xFFFF
        return self.do("receive", packet=data, **arguments)

    def get_tickets(self, count: int = 2) -> Script:
        """Receive the tickets with which to resume."""
        return self.get(wire.run(wire.OWN, 0, *TICKETS[:count]))


def play(
    *scripts: Script | list[Step], channels: list[Any] | None = None, **config: Any
) -> list[list[Answer]]:
    """Return what the browser's connection makes of each script."""
    steps = [s.steps if isinstance(s, Script) else s for s in scripts]
    argument = {
        "token": TOKEN.encode().hex(),
        "hash": HASH.hex(),
        "channels": channels,
        "config": config,
        "plays": steps,
    }
    answers: list[list[Answer]] = run_program(
        "connection_play.js", argument, protocol=PROTOCOL
    )
    return answers


def packets(answers: list[Answer]) -> list[bytes]:
    """Return every packet that was sent, in order."""
    sent = [packet for answer in answers for packet in answer["packets"]]
    return [bytes.fromhex(packet["$bytes"]) for packet in sent]


def events(answers: list[Answer], *kinds: str) -> list[dict[str, Any]]:
    """Return what was told, of some kinds or of all."""
    told = [event for answer in answers for event in answer["events"]]
    return [event for event in told if not kinds or event["type"] in kinds]


def messages(answers: list[Answer]) -> list[tuple[int, bytes]]:
    """Return the messages that came out: channel and payload."""
    return [
        (event["channel"], bytes.fromhex(event["payload"]["$bytes"]))
        for event in events(answers, "message")
    ]


def ending(answers: list[Answer]) -> str | None:
    """Return the reason with which the connection closed, if it did."""
    closed = events(answers, "closed")
    assert len(closed) <= 1
    return closed[0]["reason"] if closed else None


def number(reason: CloseReason) -> int:
    """Return a reason's number on the wire."""
    return reason.value
