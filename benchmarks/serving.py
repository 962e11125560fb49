# SPDX-License-Identifier: MIT
"""A gamenet server on UDP in a process of its own, and clients for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from benchmarks.reactors import answer
from benchmarks.roles import Pipe
from gamenet.connection import ConnectionConfig
from gamenet.transport import (
    GameClientFactory,
    GameProtocol,
    GameServerFactory,
    Limits,
    Listening,
    connect,
    listen,
)

__all__ = ["PROTOCOL_HASH", "RELIABLE", "UNRELIABLE", "connecting", "serve", "udp"]

PROTOCOL_HASH = b"benchmrk"
RELIABLE, UNRELIABLE = 0, 1
"""The channels of the default configuration."""
LIMITS = Limits(max_connections=4096, max_per_address=4096)
"""All clients of a benchmark have one address."""


def serve(
    pipe: Pipe,
    protocol: type[GameProtocol],
    n_tokens: int,
    reply: Callable[[GameServerFactory, Any], Any],
    config: ConnectionConfig | None = None,
    transports: Sequence[str] = ("udp",),
) -> None:
    """Serve until the other end closes the pipe.

    Sends the port of each transport, and then as many connect tokens as clients will
    come. Answers what it is asked by `reply(factory, question)`.
    """
    from twisted.internet import reactor  # noqa: PLC0415 - a process of its own

    factory = GameServerFactory(reactor, PROTOCOL_HASH, config, LIMITS)
    factory.protocol = protocol

    def listening(results: list[Listening]) -> None:
        ids = range(1, n_tokens + 1)
        tokens = [factory.issueToken(client_id=number).encode() for number in ids]
        pipe.send((*(result.port for result in results), tokens))

    specs = [f"{transport}:0:interface=127.0.0.1" for transport in transports]
    opening = [listen(reactor, spec, factory) for spec in specs]
    gatherResults(opening).addCallback(listening)
    answer(reactor, pipe, partial(reply, factory))
    reactor.run()  # type: ignore[attr-defined]


def connecting(
    reactor: Any,
    ways: Sequence[str],
    token: bytes,
    protocol: type[GameProtocol] = GameProtocol,
    config: ConnectionConfig | None = None,
) -> Deferred[Any]:
    """Return a Deferred of the protocol of a client that was let in.

    If it is not, the process says why and ends.
    """

    def give_up(failure: Failure) -> Failure:
        reactor.stop()
        return failure

    factory = GameClientFactory(reactor, PROTOCOL_HASH, config, token=token)
    factory.protocol = protocol
    return connect(reactor, ways, factory).addErrback(give_up)


def udp(port: int) -> list[str]:
    """Return the way to a UDP port of this machine."""
    return [f"udp:127.0.0.1:{port}"]
