# SPDX-License-Identifier: MIT
"""Measure each transport between two processes of this machine.

One process serves, this one is the client. Over each transport, one after the other,
messages go to and fro one at a time, which shows the round trip; then as many as go in
one direction, which shows the throughput and what a message costs of CPU time on both
sides.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.service.answered import aligned
from gamenet.service.arguments import say
from gamenet.service.bar_plot import Panel, bar_plot
from gamenet.service.compare_client import (
    MESSAGE_SIZE,
    TransportFigures,
    measure_transport,
)
from gamenet.service.compare_server import MEASURED
from gamenet.service.run import run_to_end
from gamenet.transport import ConnectSpec, write_development_certificate

__all__ = ["CompareOptions", "compare_transports"]


@dataclass(frozen=True)
class CompareOptions:
    """What to measure, and how to show it."""

    seconds: float = 4.0
    """Time for each transport."""
    plot: str = ""
    """File to draw the figures to; empty for none."""
    is_json: bool = False
    """Whether to print one JSON object."""
    transports: Sequence[str] = MEASURED
    """What to compare."""


def compare_transports(options: CompareOptions) -> int:
    """Measure, print a table, draw a plot, and return the exit status.

    Raises:
        ConfigError: the plot cannot be written.
        ConnectError: the server did not start, or a connection broke.
    """
    if options.plot:
        _check_plot(options.plot)
    figures = []
    with (
        tempfile.TemporaryDirectory(prefix="gamenet-") as folder,
        _server(Path(folder)) as (ports, key, trust),
    ):

        async def measure(reactor: Any) -> None:
            for transport in options.transports:
                spec = ConnectSpec(transport, "127.0.0.1", ports[transport])
                measuring = measure_transport(
                    reactor, spec, key, trust, options.seconds
                )
                figures.append(await measuring)

        run_to_end(measure)
    if options.is_json:
        rows = [asdict(each) for each in figures]
        say(json.dumps({"seconds": options.seconds, "transports": rows}))
    else:
        say(_table(figures))
    if options.plot:
        Path(options.plot).write_text(_plot(figures), encoding="utf-8")
    return 0


def _check_plot(name: str) -> None:
    if not name.endswith(".svg"):
        raise ConfigError(f"--plot {name}: allowed: a file that ends in .svg")
    try:
        Path(name).touch()
    except OSError as error:
        raise ConfigError(f"--plot {name}: {error.strerror}") from None


@contextmanager
def _server(folder: Path) -> Iterator[tuple[dict[str, int], bytes, str]]:
    """Run the server; yield its ports, its key and its certificate."""
    key = secrets.token_bytes(32)
    certificate, certificate_key = folder / "certificate.pem", folder / "key.pem"
    write_development_certificate(certificate, certificate_key)
    told = {
        "key": key.hex(),
        "certificate": str(certificate),
        "certificate_key": str(certificate_key),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gamenet.service.compare_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline() or "{}")
        if "ports" not in answer:
            why = answer.get("error", "it ended at once")
            raise ConnectError(
                f"the server to compare with did not start: {why}",
                CloseReason.UNREACHABLE,
            )
        yield answer["ports"], key, str(certificate)


def _table(figures: Sequence[TransportFigures]) -> str:
    head = (
        *("transport", "rtt p50 us", "p90", "p99", "max", "messages/s", "MB/s"),
        *("CPU us/message: sender", "receiver"),
    )
    rows = [
        (
            each.transport,
            f"{each.rtt_us_p50:.0f}",
            f"{each.rtt_us_p90:.0f}",
            f"{each.rtt_us_p99:.0f}",
            f"{each.rtt_us_max:.0f}",
            f"{each.messages_per_s:,.0f}",
            f"{each.messages_per_s * MESSAGE_SIZE / 1e6:.1f}",
            f"{each.cpu_us_client:.2f}",
            f"{each.cpu_us_server:.2f}",
        )
        for each in figures
    ]
    return "\n".join(aligned([head, *rows], n_left=1))


def _plot(figures: Sequence[TransportFigures]) -> str:
    def panel(title: str, note: str, name: str) -> Panel:
        values = {each.transport: getattr(each, name) for each in figures}
        return Panel(title, note, values)

    cpu = {each.transport: each.cpu_us_client + each.cpu_us_server for each in figures}
    return bar_plot(
        f"Transports on this machine, reliable messages of {MESSAGE_SIZE} bytes",
        [
            panel("Round trip, median, us", "lower is better", "rtt_us_p50"),
            panel("Round trip, 99 %, us", "lower is better", "rtt_us_p99"),
            panel("Messages a second", "higher is better", "messages_per_s"),
            Panel("CPU a message, us", "lower is better", cpu),
        ],
    )
