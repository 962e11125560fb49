# SPDX-License-Identifier: MIT
"""ENet through pyenet: reliable UDP of 2002 in C, without encryption."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from typing import Any

import enet

from benchmarks.blasting import Blast, Tally
from benchmarks.roles import Pipe
from benchmarks.stamped import Arrivals, Plan, stamped

__all__ = ["MODES", "blast", "count", "receive", "send"]

MODES = ("reliable", "unreliable")

LINGER = 1.0
NAP = 0.0005
REPORTS = 1
"""Channel on which a counter tells how far it is."""
FLAGS = {"reliable": enet.PACKET_FLAG_RELIABLE, "unreliable": 0}


def receive(pipe: Pipe, plan: Plan) -> None:
    """Receive the flows of a plan and time them: a role of `latency`."""
    host = _server(plan.n_flows)
    arrivals = Arrivals(plan.n_flows)
    pipe.send((host.address.port, b""))
    while not pipe.poll():
        event = host.service(1, True)
        if event is not None and event.type == enet.EVENT_TYPE_RECEIVE:
            arrivals.note(event.packet.data)
    pipe.send((arrivals.one_way, arrivals.n_misplaced))


def send(pipe: Pipe, plan: Plan, ports: list[int], ticket: bytes) -> None:
    """Send the flows of a plan: a role of `latency`."""
    host = enet.Host(None, len(ports), 1, 0, 0)
    peers = [_connecting(host, port, 1) for port in ports]
    _connect(host, len(peers))
    pipe.send("connected")
    pipe.recv()
    for sending in plan.sendings(time.monotonic()):
        _serve_until(host, sending.due)
        message = stamped(sending.flow, sending.number, plan.size)
        peers[sending.flow].send(0, enet.Packet(message, enet.PACKET_FLAG_RELIABLE))
        host.flush()
    _serve_until(host, time.monotonic() + LINGER)
    pipe.send("sent")


def count(pipe: Pipe, mode: str) -> None:
    """Count what comes as fast as it can: a role of `throughput`."""
    host = _server(1)
    tally = Tally()
    pipe.send((host.address.port, b""))
    while not pipe.poll():
        for event in _events(host, 1):
            if event.type == enet.EVENT_TYPE_RECEIVE and tally.note(event.packet.data):
                report = enet.Packet(tally.report(), enet.PACKET_FLAG_RELIABLE)
                event.peer.send(REPORTS, report)
    pipe.send(tally.result())


def blast(pipe: Pipe, mode: str, port: int, ticket: bytes, blasting: Blast) -> None:
    """Send as much as the counter keeps up with: a role of `throughput`."""
    host = enet.Host(None, 1, 2, 0, 0)
    peer = _connecting(host, port, 2)
    _connect(host, 1)
    flags = FLAGS[mode]
    for message in blasting.messages(lambda: _reports(host)):
        peer.send(0, enet.Packet(message, flags))
    pipe.send(blasting.result())


def _reports(host: Any) -> Iterator[bytes]:
    for event in _events(host, 0):
        if event.type == enet.EVENT_TYPE_RECEIVE:
            yield event.packet.data


def _server(n_peers: int) -> Any:
    return enet.Host(enet.Address(b"127.0.0.1", 0), n_peers, 2, 0, 0)


def _connecting(host: Any, port: int, n_channels: int) -> Any:
    return host.connect(enet.Address(b"127.0.0.1", port), n_channels)


def _connect(host: Any, n_peers: int) -> None:
    while n_peers:
        event = host.service(10, True)
        n_peers -= event is not None and event.type == enet.EVENT_TYPE_CONNECT


def _serve_until(host: Any, due: float) -> None:
    while (left := due - time.monotonic()) > 0:
        for _ in _events(host, 0):
            pass
        select.select([host.socket.fileno()], [], [], min(left, NAP))


def _events(host: Any, patience_ms: int) -> Iterator[Any]:
    while (event := host.service(patience_ms, True)) is not None:
        yield event
        patience_ms = 0
