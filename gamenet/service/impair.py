# SPDX-License-Identifier: MIT
"""Run a proxy that makes the network before a UDP server bad, and tell what it does."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.error import DNSLookupError
from twisted.internet.task import deferLater

from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.transport import Impairments, ImpairmentStats, ProxyStats, UdpProxy

__all__ = ["ImpairOptions", "parse_host_port", "run_impair"]

_REPORT_EVERY = 10.0
"""Seconds between two summaries."""
_ADDRESS = re.compile(r"(?:udp:)?(?:\[([^]]*)\]|([^:\[\]]*)):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class ImpairOptions:
    """What to put a bad network before."""

    listen: str
    """Where clients send to, as HOST:PORT; without a host, all addresses."""
    to: str
    """The server, as HOST:PORT."""
    impair: str
    """The bad network, as "lte" or "down: latency=80ms; up: loss=5%"."""
    seed: int | None = None
    """Seed of the losses and delays; that of `impair` if left out."""
    seconds: float | None = None
    """How long to run; until interrupted if left out."""


def run_impair(
    reactor: Any, options: ImpairOptions, show: Callable[[str], object] | None = None
) -> Deferred[ProxyStats]:
    """Run the proxy until its time is over; cancelling ends it early, with a summary.

    Args:
        reactor: opens sockets; gives delayed calls and the time.
        options: what to do.
        show: called with each line to print; standard output if left out.

    Returns:
        A Deferred of what the proxy did. It fails with `ConfigError`, `ConnectError`
        (the server's host is unknown) or `ListenError`.
    """
    return ensureDeferred(_run(reactor, options, show or _print))


def parse_host_port(option: str, text: str, *, lowest: int = 1) -> tuple[str, int]:
    """Return host and port of HOST:PORT or [HOST]:PORT.

    Args:
        option: that the text belongs to, for the message.
        text: what was written.
        lowest: least port that is allowed; 0 takes a free one.

    Raises:
        ConfigError: it is not of this form.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or not lowest <= int(match[3]) <= 65535:
        raise ConfigError(
            f"{option} is {text!r}; it must be HOST:PORT or [HOST]:PORT, with a port "
            f"from {lowest} to 65535"
        )
    return match[1] or match[2] or "", int(match[3])


async def _run(
    reactor: Any, options: ImpairOptions, show: Callable[[str], object]
) -> ProxyStats:
    listen = parse_host_port("--listen", options.listen, lowest=0)
    host, port = parse_host_port("--to", options.to)
    impairments = Impairments.from_text(options.impair)
    if options.seed is not None:
        impairments = impairments.reseeded(options.seed)
    target = (await _resolve(reactor, host or "127.0.0.1"), port)
    proxy = UdpProxy(reactor, listen, target, impairments.down, impairments.up)
    proxy.start()
    began_at = reactor.seconds()
    show(
        f"ready: {_shown(*proxy.address)} -> {_shown(*target)} through "
        f"{options.impair or 'nothing'!r}"
    )
    with contextlib.suppress(CancelledError):
        await _report(reactor, proxy, options.seconds, show)
    stats = proxy.stats()
    await proxy.stop()
    show(_summary(f"end after {reactor.seconds() - began_at:.0f} s", stats))
    return stats


async def _resolve(reactor: Any, host: str) -> str:
    if isIPAddress(host) or isIPv6Address(host):
        return host
    try:
        return str(await reactor.resolve(host))
    except DNSLookupError:
        raise ConnectError(
            f"--to: no address is known for the host {host!r}", CloseReason.UNREACHABLE
        ) from None


async def _report(
    reactor: Any,
    proxy: UdpProxy,
    seconds: float | None,
    show: Callable[[str], object],
) -> None:
    """Show a summary now and then, until the time is over."""
    passed = 0.0
    while seconds is None or passed < seconds:
        step = (
            _REPORT_EVERY if seconds is None else min(_REPORT_EVERY, seconds - passed)
        )
        await deferLater(reactor, step)
        passed += step
        if seconds is None or passed < seconds:
            show(_summary(f"{passed:.0f} s", proxy.stats()))


def _summary(when: str, stats: ProxyStats) -> str:
    """Return one line: the clients, both directions, and what went wrong."""
    problems = {
        "refused": stats.refused,
        "unreachable": stats.unreachable,
        "not sent": stats.write_failed,
    }
    parts = [
        f"{when}: {stats.clients} clients ({stats.clients_seen} seen)",
        f"up {_way(stats.up, stats.bytes_up)}",
        f"down {_way(stats.down, stats.bytes_down)}",
        *(f"{name} {count}" for name, count in problems.items() if count),
    ]
    return " | ".join(parts)


def _way(stats: ImpairmentStats, size: int) -> str:
    share = 100 * stats.lost / stats.offered if stats.offered else 0.0
    return (
        f"{stats.offered} packets, {size / 1000:.1f} kB, lost {stats.lost} "
        f"({share:.1f} %), overflowed {stats.overflowed}, duplicated "
        f"{stats.duplicated}, reordered {stats.reordered}"
    )


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
