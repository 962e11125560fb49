# SPDX-License-Identifier: MIT
"""How much of bare Twisted UDP is left when a message goes through `GameProtocol`.

A sender process blasts 64-byte messages, one datagram each, as fast as the socket takes
them; the receiver process counts what it gets in the time. Once the receiver is a bare
`DatagramProtocol`, once a `GameProtocol` with keys, replay window, acks and channels.
The sender of the second one seals its packets beforehand, with what a real handshake
agreed on, so that both senders do nothing but send, and the receiver is what is
measured.
"""

from __future__ import annotations

import socket
import statistics
import time
from typing import Any

from benchmarks.crowd import Crowd
from benchmarks.reactors import answer
from benchmarks.roles import Pipe, playing
from benchmarks.serving import UNRELIABLE, serve
from gamenet.connection import Connection
from gamenet.connection.headers import write_header
from gamenet.transport import GameProtocol

__all__ = ["run"]

SIZE = 64
N_MESSAGES = 300_000
N_ROUNDS = 5
RECEIVE_BUFFER = 8 << 20
CALM = 0.3
"""Seconds after the last datagram in which the receiver has read them all."""


def run() -> dict[str, Any]:
    """Return the rates and their ratio, medians of the rounds."""
    pairs = [(_bare_rate(), _gamenet_rate()) for _ in range(N_ROUNDS)]
    return {
        "ratio": statistics.median(ours / bare for bare, ours in pairs),
        "bare_per_s": statistics.median(bare for bare, _ in pairs),
        "gamenet_per_s": statistics.median(ours for _, ours in pairs),
        "message_bytes": SIZE,
    }


def _bare_rate() -> float:
    """Return datagrams received in a second, between the first and the last one."""
    with playing(receive_bare) as receiver:
        connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        connected.connect(("127.0.0.1", receiver.hear()))
        _blast(connected, [bytes(SIZE)] * N_MESSAGES)
        return float(receiver.ask("rate"))


def _gamenet_rate() -> float:
    """Return messages received in a second, between the first and the last one."""
    with playing(receive_gamenet) as receiver:
        port, tokens = receiver.hear()
        crowd = Crowd(port, tokens)
        crowd.connect()
        (member,) = crowd.members
        member.socket.setblocking(True)
        _blast(member.socket, _sealed(member.core))
        return float(receiver.ask("rate"))


def _sealed(core: Connection) -> list[bytes]:
    """Return packets of one message each.

    Congestion control would not let them all out without acknowledgements.
    """
    link, envelope = core._traffic.link, core._envelope  # noqa: SLF001
    assert link is not None
    assert envelope is not None
    acks = link.acks
    frame = bytes((UNRELIABLE, SIZE)) + bytes(SIZE)
    first = acks.next_sequence
    return [
        envelope.seal(write_header(n & 0xFFFF, acks.newest, acks.ack_bits) + frame)
        for n in range(first, first + N_MESSAGES)
    ]


def _blast(connected: socket.socket, packets: list[bytes]) -> None:
    for packet in packets:
        connected.send(packet)
    time.sleep(CALM)


class _Count:
    """Count messages and note when the first and the last one came."""

    def __init__(self) -> None:
        self.n_messages = 0
        self.first = self.last = 0.0

    def __call__(self) -> None:
        self.n_messages += 1
        if self.n_messages & 0xFF == 1:
            self.last = time.perf_counter()
            self.first = self.first or self.last

    def rate(self) -> float:
        """Return messages a second."""
        return self.n_messages / max(self.last - self.first, 1e-9)


def receive_bare(pipe: Pipe) -> None:
    """Count datagrams: a role of the receiver."""
    from twisted.internet import reactor  # noqa: PLC0415 - a process of its own
    from twisted.internet.protocol import DatagramProtocol  # noqa: PLC0415

    count = _Count()

    class Bare(DatagramProtocol):
        def datagramReceived(self, datagram: bytes, addr: Any) -> None:
            count()

    port: Any = reactor.listenUDP(0, Bare(), interface="127.0.0.1")  # type: ignore[attr-defined]
    port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    pipe.send(port.getHost().port)
    answer(reactor, pipe, lambda question: count.rate())
    reactor.run()  # type: ignore[attr-defined]


def receive_gamenet(pipe: Pipe) -> None:
    """Count messages: a role of the receiver."""
    count = _Count()

    class Counting(GameProtocol):
        def messageReceived(self, channel: int, payload: bytes) -> None:
            count()

    serve(pipe, Counting, 1, lambda factory, question: count.rate())
