# SPDX-License-Identifier: MIT
"""The server that `gamenet compare-transports` measures, as a process of its own.

It is told by a line of JSON on its input which key and which certificate to use,
answers by a line with its ports, and ends when its input does: so it ends with whoever
started it, too.
"""

from __future__ import annotations

import json
import struct
import sys
import threading
import time
from typing import Any

from gamenet.errors import GamenetError
from gamenet.service.process import install_reactor
from gamenet.transport import (
    GameProtocol,
    GameServerFactory,
    Listening,
    listen,
)

__all__ = [
    "COUNT",
    "COUNT_EVERY",
    "CPU",
    "ECHO",
    "MEASURED",
    "PROTOCOL_HASH",
    "SECONDS",
    "TAKE",
    "Measured",
]

MEASURED = ("udp", "tcp", "tls", "ws", "wss")
"""Transports that are compared."""
PROTOCOL_HASH = b"compare1"
ECHO, TAKE, CPU = b"e", b"t", b"c"
"""First byte of a message: send it back; count it; say how much CPU time was used."""
COUNT = struct.Struct("<cI")
SECONDS = struct.Struct("<cd")
COUNT_EVERY = 256
"""Messages after which the client is told how many have come."""


class Measured(GameProtocol):
    """Do what the first byte of a message says."""

    n_taken = 0

    def messageReceived(self, channel: int, payload: bytes) -> None:
        """Send it back, count it, or tell the CPU time."""
        kind = payload[:1]
        if kind == TAKE:
            self.n_taken += 1
            if self.n_taken % COUNT_EVERY == 0:
                self.sendMessage(channel, COUNT.pack(TAKE, self.n_taken))
        elif kind == ECHO:
            self.sendMessage(channel, payload, flush=True)
        else:
            used = SECONDS.pack(CPU, time.process_time())
            self.sendMessage(channel, used, flush=True)


def _listen_string(transport: str, told: dict[str, str]) -> str:
    text = f"{transport}:0:interface=127.0.0.1"
    if transport in ("tls", "wss"):
        text += f":certificate={_escaped(told['certificate'])}"
        text += f":key={_escaped(told['certificate_key'])}"
    return text


def _escaped(path: str) -> str:
    return "".join(f"\\{each}" if each in "\\:=[" else each for each in path)


def _serve(reactor: Any, told: dict[str, str]) -> dict[str, int]:
    """Listen on every transport, and return the ports."""
    factory = GameServerFactory(reactor, PROTOCOL_HASH, key=bytes.fromhex(told["key"]))
    factory.protocol = Measured
    ports = {}
    for transport in MEASURED:
        opening = listen(reactor, _listen_string(transport, told), factory)
        found: list[Any] = []
        opening.addBoth(found.append)
        if not isinstance(found[0], Listening):
            found[0].raiseException()
        ports[transport] = found[0].port
    return ports


def _end_with_input(reactor: Any) -> None:
    sys.stdin.read()
    reactor.callFromThread(reactor.stop)


def main() -> int:
    """Serve until the input ends."""
    install_reactor()
    from twisted.internet import reactor as installed  # noqa: PLC0415

    reactor: Any = installed
    told = json.loads(sys.stdin.readline())
    try:
        ports = _serve(reactor, told)
    except GamenetError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        return 1
    sys.stdout.write(json.dumps({"ports": ports}) + "\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_input, args=(reactor,), daemon=True).start()
    reactor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
