# SPDX-License-Identifier: MIT
"""The client of `gamenet compare-transports`: measure one transport after another."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred

from gamenet.connection import ServerAddress, issue_token
from gamenet.errors import CloseReason, ConnectError
from gamenet.service.compare_server import (
    COUNT,
    COUNT_EVERY,
    CPU,
    ECHO,
    PROTOCOL_HASH,
    SECONDS,
    TAKE,
)
from gamenet.stats import percentile
from gamenet.transport import ConnectSpec, GameClientFactory, GameProtocol, connect

__all__ = ["MESSAGE_SIZE", "TransportFigures", "measure_transport"]

MESSAGE_SIZE = 64
"""Bytes of a message."""
_RELIABLE = 0
"""The channel that every configuration has by default."""
_MOST_UNDER_WAY = 16 * COUNT_EVERY
"""Messages sent that the server has not counted: 256 KiB, below a queue's limit."""
_SHARE = 0.4
"""Of the time, for the round trips."""


@dataclass(frozen=True)
class TransportFigures:
    """What was measured of one transport."""

    transport: str
    """Its name."""
    rtt_us_p50: float
    """Microseconds of a round trip, median."""
    rtt_us_p90: float
    """The same, the value that one of ten exceeds."""
    rtt_us_p99: float
    """The same, the value that one of a hundred exceeds."""
    rtt_us_max: float
    """The longest one."""
    messages_per_s: float
    """Messages a second in one direction."""
    cpu_us_client: float
    """Microseconds of CPU time that a message costs its sender."""
    cpu_us_server: float
    """Microseconds of CPU time that a message costs its receiver."""


async def measure_transport(
    reactor: Any, spec: ConnectSpec, key: bytes, trust: str, seconds: float
) -> TransportFigures:
    """Return what was measured of one transport.

    Args:
        reactor: opens the socket.
        spec: where the server is.
        key: of the server.
        trust: PEM file with the server's certificate.
        seconds: to measure for.

    Raises:
        ConnectError: the connection cannot be made, or breaks.
    """
    token = issue_token(
        key,
        protocol_id=1,
        client_id=1,
        addresses=[ServerAddress(spec.host, spec.port)],
        timeout=5,
        expires_in=30,
        user_data=b"",
        unix_now=int(time.time()),
        random_bytes=secrets.token_bytes,
    )
    factory = GameClientFactory(reactor, PROTOCOL_HASH, token=token)
    factory.protocol = _Measuring
    client: _Measuring = await connect(reactor, spec, factory, tls_trust=trust)
    rtts = await client.go_to_and_fro(seconds * _SHARE)
    rate, cpu_client, cpu_server = await client.pour(seconds * (1 - _SHARE))
    await client.leave()
    return TransportFigures(
        transport=spec.transport,
        rtt_us_p50=percentile(rtts, 0.5) * 1e6,
        rtt_us_p90=percentile(rtts, 0.9) * 1e6,
        rtt_us_p99=percentile(rtts, 0.99) * 1e6,
        rtt_us_max=max(rtts, default=0.0) * 1e6,
        messages_per_s=rate,
        cpu_us_client=cpu_client * 1e6,
        cpu_us_server=cpu_server * 1e6,
    )


class _Measuring(GameProtocol):
    """The client: one stage after the other."""

    def __init__(self) -> None:
        self._rtts: list[float] = []
        self._until = self._sent_at = 0.0
        self._n_poured = self._n_counted = 0
        self._waiting: Deferred[Any] | None = None
        self._ended: Deferred[None] = Deferred()

    async def go_to_and_fro(self, seconds: float) -> list[float]:
        """Return the round trips of messages that go one at a time."""
        self._until = time.perf_counter() + seconds
        self._echo()
        await self._wait()
        return self._rtts

    async def pour(self, seconds: float) -> tuple[float, float, float]:
        """Send as much as goes; return the rate, and CPU times of one message."""
        server_before = await self._server_cpu()
        begin, before = time.perf_counter(), time.process_time()
        self._until = begin + seconds
        self._pour()
        await self._wait()
        server_after = await self._server_cpu()
        n = max(self._n_poured, 1)
        client = time.process_time() - before
        rate = self._n_poured / (time.perf_counter() - begin)
        return rate, client / n, (server_after - server_before) / n

    async def leave(self) -> None:
        """End the connection."""
        self.loseConnection()
        await self._ended

    def messageReceived(self, channel: int, payload: bytes) -> None:
        """Go on with the stage."""
        kind = payload[:1]
        if kind == ECHO:
            self._rtts.append(time.perf_counter() - self._sent_at)
            self._echo()
        elif kind == TAKE:
            self._n_counted = COUNT.unpack(payload)[1]
            self._pour()
        else:
            self._done(SECONDS.unpack(payload)[1])

    def connectionLost(self, reason: CloseReason, detail: str) -> None:
        """Fail whoever waits."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(
                ConnectError(
                    f"the connection over {self.transportName} ended amidst: "
                    f"{reason.name} {detail}",
                    reason,
                    detail,
                )
            )
        self._ended.callback(None)

    def _wait(self) -> Deferred[Any]:
        self._waiting = Deferred()
        return self._waiting

    def _done(self, result: Any = None) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(result)

    def _echo(self) -> None:
        self._sent_at = time.perf_counter()
        if self._sent_at < self._until:
            self.sendMessage(_RELIABLE, ECHO.ljust(MESSAGE_SIZE, b"."), flush=True)
        else:
            self._done()

    def _pour(self) -> None:
        message = TAKE.ljust(MESSAGE_SIZE, b".")
        if time.perf_counter() < self._until:
            n = _MOST_UNDER_WAY - (self._n_poured - self._n_counted)
            for _ in range(n):
                self.sendMessage(_RELIABLE, message)
            self._n_poured += n
        elif self._n_counted == self._n_poured:
            self._done()

    async def _server_cpu(self) -> float:
        self.sendMessage(_RELIABLE, CPU, flush=True)
        seconds: float = await self._wait()
        return seconds
