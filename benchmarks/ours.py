# SPDX-License-Identifier: MIT
"""gamenet in the roles of its peers: encrypted UDP through the transport."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import gatherResults

from benchmarks.blasting import Blast, Tally
from benchmarks.reactors import answer
from benchmarks.roles import Pipe
from benchmarks.serving import RELIABLE, UNRELIABLE, connecting, serve, udp
from benchmarks.stamped import Arrivals, Plan, Sending, stamped
from gamenet.transport import GameProtocol

__all__ = ["MODES", "blast", "count", "receive", "send"]

MODES = ("reliable", "unreliable")
CHANNELS = {"reliable": RELIABLE, "unreliable": UNRELIABLE}
LINGER = 1.0
A_TURN = 128
"""Messages that are queued in a turn of the reactor; an unreliable lane holds 256."""


def receive(pipe: Pipe, plan: Plan) -> None:
    """Receive the flows of a plan and time them: a role of `latency`."""
    arrivals = Arrivals(plan.n_flows)

    class Receiving(GameProtocol):
        def messageReceived(self, channel: int, payload: bytes) -> None:
            arrivals.note(payload)

    def reply(factory: Any, question: str) -> Any:
        return arrivals.one_way, arrivals.n_misplaced

    serve(pipe, Receiving, plan.n_flows, reply)


def send(pipe: Pipe, plan: Plan, ports: list[int], ticket: list[bytes]) -> None:
    """Send the flows of a plan: a role of `latency`."""
    from twisted.internet import reactor  # noqa: PLC0415 - a process of its own

    sender = _Sender(reactor, pipe, plan)
    pairs = zip(ports, ticket, strict=True)
    clients = gatherResults(
        [connecting(reactor, udp(port), token) for port, token in pairs]
    )
    clients.addCallback(sender.connected)
    answer(reactor, pipe, sender.begin)
    reactor.run()  # type: ignore[attr-defined]


class _Sender:
    """Send each message of a plan at its time."""

    def __init__(self, reactor: Any, pipe: Pipe, plan: Plan) -> None:
        self._reactor = reactor
        self._pipe = pipe
        self._plan = plan
        self._flows: list[GameProtocol] = []
        self._sendings: Iterator[Sending] = iter(())

    def connected(self, flows: list[GameProtocol]) -> None:
        """Tell that every flow has its connection."""
        self._flows = flows
        self._pipe.send("connected")

    def begin(self, question: str) -> None:
        """Begin to send."""
        self._sendings = self._plan.sendings(time.monotonic())
        self._wait()

    def _wait(self) -> None:
        sending = next(self._sendings, None)
        if sending is None:
            self._reactor.callLater(LINGER, self._pipe.send, "sent")
        else:
            left = max(sending.due - time.monotonic(), 0.0)
            self._reactor.callLater(left, self._send, sending)

    def _send(self, sending: Sending) -> None:
        message = stamped(sending.flow, sending.number, self._plan.size)
        self._flows[sending.flow].sendMessage(RELIABLE, message, flush=True)
        self._wait()


def count(pipe: Pipe, mode: str) -> None:
    """Count what comes as fast as it can: a role of `throughput`."""
    tally = Tally()

    class Counting(GameProtocol):
        def messageReceived(self, channel: int, payload: bytes) -> None:
            if tally.note(payload):
                self.sendMessage(RELIABLE, tally.report())

    serve(pipe, Counting, 1, lambda factory, question: tally.result())


def blast(
    pipe: Pipe, mode: str, port: int, ticket: list[bytes], blasting: Blast
) -> None:
    """Send as much as the counter keeps up with: a role of `throughput`."""
    from twisted.internet import reactor  # noqa: PLC0415 - a process of its own

    class Blasting(GameProtocol):
        def connectionMade(self) -> None:
            blasting.begin()
            self.fill()

        def messageReceived(self, channel: int, payload: bytes) -> None:
            blasting.hear(payload)

        def fill(self) -> None:
            if blasting.is_over():
                pipe.send(blasting.result())
                return
            for _ in range(min(blasting.room(), self.share())):
                self.sendMessage(CHANNELS[mode], blasting.next_message())
            reactor.callLater(0, self.fill)  # type: ignore[attr-defined]

        def share(self) -> int:
            """Return how many messages to queue: what is unreliable must leave now."""
            if not blasting.can_lose:
                return A_TURN
            return min(A_TURN, int(self.sendBudget() / blasting.size))

    connecting(reactor, udp(port), ticket[0], Blasting)
    answer(reactor, pipe, lambda question: None)
    reactor.run()  # type: ignore[attr-defined]
