# SPDX-License-Identifier: MIT
"""How much of bare Twisted UDP is left when a message goes through `GameProtocol`.

A sender process blasts 64-byte messages, one datagram each, as fast as the socket takes
them; the receiver process counts what it gets in the time. Once the receiver is a bare
`DatagramProtocol`, once a `GameProtocol` with handshake, sequence, acks and channels.
The sender of the second one prepares its packets with a real `Connection` beforehand,
so that both senders do nothing but send, and the receiver is what is measured.
"""

from __future__ import annotations

import multiprocessing
import secrets
import socket
import statistics
import time
from multiprocessing.connection import Connection as Pipe
from typing import Any

from gamenet.connection import Connected, Connection, ConnectionConfig, Link

__all__ = ["run"]

SIZE = 64
N_MESSAGES = 300_000
N_ROUNDS = 5
PROTOCOL_HASH = b"udpfloor"
RECEIVE_BUFFER = 8 << 20


def run() -> dict[str, Any]:
    """Return the rates and their ratio, medians of the rounds."""
    pairs = [(_rate(bare=True), _rate(bare=False)) for _ in range(N_ROUNDS)]
    return {
        "ratio": statistics.median(ours / bare for bare, ours in pairs),
        "bare_per_s": statistics.median(bare for bare, _ in pairs),
        "gamenet_per_s": statistics.median(ours for _, ours in pairs),
        "message_bytes": SIZE,
    }


def _rate(*, bare: bool) -> float:
    """Return messages received in a second, between the first and the last one."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    receive = _receive_bare if bare else _receive_gamenet
    receiver = context.Process(target=receive, args=(theirs,))
    receiver.start()
    port = ours.recv()
    (_send_bare if bare else _send_gamenet)(port)
    ours.send("stop")
    n_messages, seconds = ours.recv()
    receiver.join()
    return float(n_messages / seconds)


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

    def result(self) -> tuple[int, float]:
        """Return how many messages came in how many seconds."""
        return self.n_messages, max(self.last - self.first, 1e-9)


def _serve(pipe: Pipe, count: _Count, reactor: Any) -> None:
    def poll() -> None:
        if pipe.poll():
            pipe.send(count.result())
            reactor.stop()
        else:
            reactor.callLater(0.05, poll)

    reactor.callLater(0.05, poll)
    reactor.run()


def _receive_bare(pipe: Pipe) -> None:
    from twisted.internet import reactor  # noqa: PLC0415 - a process of its own
    from twisted.internet.protocol import DatagramProtocol  # noqa: PLC0415

    count = _Count()

    class Bare(DatagramProtocol):
        def datagramReceived(self, datagram: bytes, addr: Any) -> None:
            count()

    port: Any = reactor.listenUDP(0, Bare(), interface="127.0.0.1")  # type: ignore[attr-defined]
    port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    pipe.send(port.getHost().port)
    _serve(pipe, count, reactor)


def _receive_gamenet(pipe: Pipe) -> None:
    from twisted.internet import reactor  # noqa: PLC0415 - a process of its own

    from gamenet.transport import (  # noqa: PLC0415 - imports Twisted
        GameProtocol,
        GameServerFactory,
        Listening,
        listen,
    )

    count = _Count()

    class Counting(GameProtocol):
        def messageReceived(self, channel: int, payload: bytes) -> None:
            count()

    factory = GameServerFactory(reactor, PROTOCOL_HASH)
    factory.protocol = Counting

    def listening(result: Listening) -> None:
        pipe.send(result.port)

    listen(reactor, "udp:0:interface=127.0.0.1", factory).addCallback(listening)
    _serve(pipe, count, reactor)


def _send_bare(port: int) -> None:
    connected = _connected_socket(port)
    for packet in [bytes(SIZE)] * N_MESSAGES:
        connected.send(packet)


def _send_gamenet(port: int) -> None:
    connected = _connected_socket(port)
    core = _handshake(connected)
    packets = []
    for _ in range(N_MESSAGES):
        core.send(1, bytes(SIZE), now=time.monotonic())
        packets += core.datagrams_to_send(now=time.monotonic())
    for packet in packets:
        connected.send(packet)


def _connected_socket(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.connect(("127.0.0.1", port))
    return made


def _handshake(connected: socket.socket) -> Connection:
    config = ConnectionConfig()
    core = Connection.client(
        config,
        protocol_hash=PROTOCOL_HASH,
        salt=secrets.randbits(64),
        link=Link.DATAGRAM,
    )
    core.connect(now=time.monotonic())
    connected.settimeout(0.2)
    while not isinstance(core.next_event(), Connected):
        for packet in core.datagrams_to_send(now=time.monotonic()):
            connected.send(packet)
        try:
            core.receive_datagram(connected.recv(2048), now=time.monotonic())
        except TimeoutError:
            core.handle_timeout(now=time.monotonic())
    connected.settimeout(None)
    return core
