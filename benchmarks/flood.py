# SPDX-License-Identifier: MIT
"""A flood of connection requests that look right and cannot be opened.

Each has the protocol and an expiry of a real token, and random bytes for its sealed
part, so that a server has to try its key on it. In between come random bytes of random
sizes. They leave at an even rate from many ports.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import time
from dataclasses import dataclass

from benchmarks.roles import Pipe

__all__ = ["Flood", "flood"]

VERSION = b"NETCODE 1.02\0"
PUBLIC = struct.Struct("<13sQQQ")
"""How a connect token begins: version, protocol id, created, expires."""
N_PORTS = 64
BREATH = 0.005


@dataclass(frozen=True)
class Flood:
    """What to send, how fast."""

    n_requests: int
    n_garbage: int
    per_s: float


def flood(pipe: Pipe, port: int, token: bytes, plan: Flood) -> None:
    """Send a flood when told to: the role of the attacker.

    Sends the times at which it began and ended.
    """
    sockets = [_connected(port) for _ in range(N_PORTS)]
    _, protocol_id, _, expires = PUBLIC.unpack_from(token)
    head = b"\0" + VERSION + struct.pack("<QQ", protocol_id, expires)
    n_all = plan.n_requests + plan.n_garbage
    draw = random.Random(1)
    is_garbage = [turn < plan.n_garbage for turn in range(n_all)]
    draw.shuffle(is_garbage)
    pipe.send("ready")
    pipe.recv()
    begin = time.monotonic()
    for turn, garbage in enumerate(is_garbage):
        if turn / plan.per_s - (time.monotonic() - begin) > BREATH:
            time.sleep(BREATH)
        data = os.urandom(draw.randint(1, 1200)) if garbage else head + os.urandom(1048)
        _send(sockets[turn % N_PORTS], data)
    pipe.send((begin, time.monotonic()))


def _connected(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.connect(("127.0.0.1", port))
    return made


def _send(connected: socket.socket, data: bytes) -> None:
    try:
        connected.send(data)
    except ConnectionRefusedError:
        raise RuntimeError("the server has gone under the flood") from None
