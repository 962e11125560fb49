# SPDX-License-Identifier: MIT
"""A session whose client moves, with 1,000 messages in flight each way.

Client and server send each other numbered reliable messages, 200 a second, through a
link of 25 ms each way. At a move each sends 1,000 more at once. First the client goes
on from another local port. Then the link carries nothing any more, and the client finds
its way by WebSocket. What counts is that every message arrives once, and how long
either end hears nothing: in round trips for the port, in seconds for the transport.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.task import LoopingCall

from benchmarks.ledger import Ledger
from benchmarks.link import Condition, carry
from benchmarks.reactors import answer
from benchmarks.roles import Pipe, Role, playing
from benchmarks.serving import RELIABLE, connecting, serve, udp
from gamenet.connection import ConnectionConfig
from gamenet.transport import GameProtocol, GameServerFactory

__all__ = ["run"]

CONDITION = Condition(delay=0.025, loss=0.0)
ROUND_TRIP = 2 * CONDITION.delay
INTERVAL = 0.005
SIZE = 64
BURST = 1000
SETTLING = 1.0
WATCH = 2.0
"""Seconds after a move in which the longest silence is looked for."""
LONG_WATCH = 8.0
"""The same after UDP was blocked, which must be noticed first."""
CONFIG = ConnectionConfig(timeout=1.0)


class _Talker:
    """One end: sends numbers, keeps account of those that come."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.n_sent = 0
        self._protocol: GameProtocol | None = None
        self._talking = LoopingCall(self.say)

    def begin(self, protocol: GameProtocol) -> None:
        """Send from now on."""
        self._protocol = protocol
        self._talking.start(INTERVAL)

    def say(self) -> None:
        """Send the next number."""
        assert self._protocol is not None
        message = self.n_sent.to_bytes(8, "little").ljust(SIZE, b"\0")
        self._protocol.sendMessage(RELIABLE, message)
        self.n_sent += 1

    def reply(self, question: Any) -> Any:
        """Do what is asked, or tell what is: the begin and end of a gap, or a word."""
        if isinstance(question, tuple):
            return self.ledger.gap(*question)
        return getattr(self, question)()

    def account(self) -> tuple[int, Ledger]:
        """Return how many messages were sent, and what came."""
        return self.n_sent, self.ledger

    def burst(self) -> str:
        """Send much at once."""
        for _ in range(BURST):
            self.say()
        return "sent"

    def hush(self) -> str:
        """Send no more."""
        self._talking.stop()
        return "hushed"

    def rebind(self) -> str:
        """Go on from another port."""
        assert self._protocol is not None
        self._protocol.rebind()
        return "moved"

    def transport(self) -> str:
        """Return what carries the packets now."""
        assert self._protocol is not None
        return self._protocol.transportName

    def protocol(self) -> type[GameProtocol]:
        """Return the class of the connection that this end talks through."""
        talker = self

        class Talking(GameProtocol):
            def connectionMade(self) -> None:
                talker.begin(self)

            def messageReceived(self, channel: int, payload: bytes) -> None:
                talker.ledger.note(int.from_bytes(payload[:8], "little"))

        return Talking


def run() -> dict[str, Any]:
    """Return lost and duplicated messages, and the silence of each move."""
    with playing(host) as server:
        port, web_port, (token,) = server.hear()
        with playing(carry, [(port, 1)], CONDITION) as link:
            ways = [*udp(*link.hear()), f"ws:127.0.0.1:{web_port}"]
            with playing(visit, ways, token) as client:
                client.hear()
                time.sleep(SETTLING)
                ends = [server, client]
                to_port = _move(ends, WATCH, partial(client.ask, "rebind"))
                to_web = _move(ends, LONG_WATCH, partial(link.ask, "block"))
                return {
                    **_accounts(ends),
                    "gap_rtts": to_port / ROUND_TRIP,
                    "websocket_gap_s": to_web,
                    "transport": client.ask("transport"),
                }


def host(pipe: Pipe) -> None:
    """Talk with one client: the role of the server."""
    talker = _Talker()

    def reply(factory: GameServerFactory, question: Any) -> Any:
        return talker.reply(question)

    serve(pipe, talker.protocol(), 1, reply, CONFIG, ("udp", "ws"))


def visit(pipe: Pipe, ways: list[str], token: bytes) -> None:
    """Talk with the server: the role of the client."""
    from twisted.internet import reactor  # noqa: PLC0415 - a process of its own

    talker = _Talker()
    connected = connecting(reactor, ways, token, talker.protocol(), CONFIG)
    connected.addCallback(lambda protocol: pipe.send("connected"))
    answer(reactor, pipe, talker.reply)
    reactor.run()  # type: ignore[attr-defined]


def _move(ends: list[Role], watch: float, move: Callable[[], Any]) -> float:
    """Move while much is in flight; return the longest silence in seconds."""
    for end in ends:
        end.ask("burst")
    begin = time.monotonic()
    move()
    time.sleep(watch)
    return max(float(end.ask((begin, begin + watch))) for end in ends)


def _accounts(ends: list[Role]) -> dict[str, int]:
    """Return what became of all messages of both ends."""
    for end in ends:
        end.ask("hush")
    time.sleep(SETTLING)
    (n_sent, heard), (n_answered, overheard) = (end.ask("account") for end in ends)
    return {
        "lost": overheard.lost(n_sent) + heard.lost(n_answered),
        "duplicated": heard.n_duplicated + overheard.n_duplicated,
        "misordered": heard.n_misordered + overheard.n_misordered,
        "n_messages": n_sent + n_answered,
    }
