# SPDX-License-Identifier: MIT
"""The carrier opens sockets and timers as the connection wants them, and no others."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason
from tests.browser import connection_bytes as wire
from tests.browser.conversation import (
    HASH,
    PROTOCOL,
    RESUME_TOKENS,
    TICKETS,
    TOKEN,
    number,
)
from tests.browser.javascript import run_program

Step = dict[str, Any]
OPENED = [
    {"do": "open"},
    {"do": "receive", "packet": wire.accepted().hex()},
    {
        "do": "receive",
        "packet": wire.packet(0, wire.run(wire.OWN, 0, *TICKETS[:2])).hex(),
    },
]


def wait(seconds: float) -> Step:
    """Return the step in which time passes."""
    return {"do": "wait", "seconds": seconds}


def receive(packet: bytes) -> Step:
    """Return the step in which a packet comes."""
    return {"do": "receive", "packet": packet.hex()}


def carry(*steps: Step, unopened: str = "UNREACHABLE") -> Any:
    """Return what the carrier does."""
    argument = {
        "token": TOKEN.encode().hex(),
        "hash": HASH.hex(),
        "script": steps,
        "unopened": unopened,
    }
    return run_program("carrier_play.js", argument, protocol=PROTOCOL)


def sent(socket: Any) -> list[bytes]:
    """Return what was sent on a socket."""
    return [bytes.fromhex(packet["$bytes"]) for packet in socket["sent"]]


class CarrierTests(SynchronousTestCase):
    """One socket at a time, and one timer."""

    def test_unopened(self) -> None:
        """A first socket that never opens ends it, for the reason that is known."""
        answer = carry({"do": "lose"}, wait(60), unopened="SERVER_FULL")
        (told,) = answer["events"]
        self.assertEqual((told["type"], told["reason"]), ("closed", "SERVER_FULL"))
        self.assertEqual(len(answer["sockets"]), 1)

    def test_heartbeat(self) -> None:
        """A timer sends what is due while nothing comes."""
        answer = carry(*OPENED, wait(1))
        (socket,) = answer["sockets"]
        self.assertEqual(sent(socket)[0], TOKEN.request(HASH))
        self.assertIn(len(sent(socket)), (12, 13))
        self.assertFalse(socket["isClosed"])

    def test_reopened(self) -> None:
        """A socket that is lost is followed by another, which presents a ticket."""
        answer = carry(
            *OPENED,
            wait(0.05),
            {"do": "lose"},
            wait(0.125),
            {"do": "open"},
            receive(wire.accepted()),
            wait(0.3),
        )
        first, second = answer["sockets"]
        self.assertApproximates(second["openedAt"] - first["openedAt"], 0.175, 1e-6)
        self.assertEqual(sent(second)[0], RESUME_TOKENS[1].request(HASH))
        self.assertEqual(sent(second)[1], wire.packet(0))
        kinds = [event["type"] for event in answer["events"]]
        self.assertEqual(kinds, ["connected", "dropped", "resumed"])

    def test_backoff(self) -> None:
        """Sockets that do not open are tried again, ever less often, for 30 seconds."""
        spans = [0.125, 0.25, 0.5, 1, 2, *[4] * 9]
        steps = [step for span in spans for step in ({"do": "lose"}, wait(span))]
        answer = carry(*OPENED, *steps)
        opened = [socket["openedAt"] for socket in answer["sockets"]]
        waits = [b - a for a, b in pairwise(opened)]
        self.assertEqual(waits, [0.125, 0.25, 0.5, 1, 2, 4, 4, 4, 4, 4, 4])
        self.assertEqual(answer["state"], "closed")
        self.assertEqual(answer["events"][-1]["reason"], "LINK_LOST")
        self.assertTrue(all(socket["isClosed"] for socket in answer["sockets"]))

    def test_silent(self) -> None:
        """A socket on which nothing comes is left, and what it says later not heard."""
        late = receive(wire.packet(1, wire.close(number(CloseReason.KICKED))))
        late["socket"] = 0
        answer = carry(
            *OPENED, wait(5.2), late, {"do": "open"}, receive(wire.accepted())
        )
        first, second = answer["sockets"]
        self.assertEqual((first["isClosed"], second["isClosed"]), (True, False))
        self.assertEqual(answer["state"], "connected")

    def test_stuck(self) -> None:
        """A socket that hangs while it opens is left for another."""
        answer = carry(*OPENED, {"do": "lose"}, wait(6))
        self.assertEqual(
            [s["isClosed"] for s in answer["sockets"]], [True, True, False]
        )

    def test_refused(self) -> None:
        """When the session is gone no further socket is opened."""
        gone = wire.refused(number(CloseReason.SESSION_GONE))
        answer = carry(
            *OPENED, {"do": "lose"}, wait(0.2), {"do": "open"}, receive(gone), wait(60)
        )
        self.assertEqual(len(answer["sockets"]), 2)
        self.assertTrue(answer["sockets"][1]["isClosed"])
        self.assertEqual(answer["events"][-1]["reason"], "SESSION_GONE")

    def test_close(self) -> None:
        """The goodbye is sent before the socket is closed, however full it is."""
        answer = carry(
            *OPENED, {"do": "buffer", "bytes": 10**6}, {"do": "close"}, wait(60)
        )
        (socket,) = answer["sockets"]
        self.assertTrue(socket["isClosed"])
        self.assertIn(wire.close(0), sent(socket)[-1])

    def test_closing(self) -> None:
        """A socket that is closing is given nothing; the next one gets it."""
        answer = carry(
            *OPENED,
            {"do": "closing"},
            {"do": "send", "channel": 0, "payload": b"kept".hex()},
            wait(1),
            {"do": "lose"},
            wait(0.125),
            {"do": "open"},
            receive(wire.accepted()),
        )
        first, second = answer["sockets"]
        self.assertEqual(len(sent(first)), 2)
        self.assertEqual(sent(second)[1], wire.packet(0, wire.run(0, 0, b"kept")))

    def test_close_while_away(self) -> None:
        """Who leaves between two sockets opens no other."""
        answer = carry(*OPENED, {"do": "lose"}, {"do": "close"}, wait(60))
        self.assertEqual(len(answer["sockets"]), 1)
        self.assertEqual(answer["state"], "closed")

    def test_text(self) -> None:
        """A message of text is no packet."""
        answer = carry(*OPENED, {"do": "text"})
        self.assertEqual(answer["events"][-1]["reason"], "MALFORMED")

    def test_full(self) -> None:
        """A full socket is given nothing; what is stale by then is forgotten."""
        answer = carry(
            *OPENED,
            {"do": "buffer", "bytes": 10**6},
            {"do": "send", "channel": 2, "payload": b"old".hex()},
            {"do": "send", "channel": 0, "payload": b"kept".hex()},
            wait(1),
            {"do": "buffer", "bytes": 0},
            wait(0.2),
        )
        (socket,) = answer["sockets"]
        whole = b"".join(sent(socket))
        self.assertIn(wire.run(0, 0, b"kept"), whole)
        self.assertNotIn(b"old", whole)
        # Nor does the timer ring again and again meanwhile.
        self.assertLess(answer["wakes"][6], 15)
