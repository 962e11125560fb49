# SPDX-License-Identifier: MIT
"""The whole thing: an arena match with 48 bots on three transports, on one machine.

One server process and one bot process for each transport, as a user would start them.
A round trip goes from a packet to its acknowledgement, which the server sends with its
next tick, so about half a tick of it is waiting.
"""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

__all__ = ["run"]

BOTS = {"udp": 32, "tcp": 8, "ws": 8}
START_SECONDS = 3
PLAY_SECONDS = 11
ADDRESS = re.compile(r"open (http://[^\s/]+)")
TWISTD = "from twisted.scripts.twistd import run; run()"
GAMENET = "import sys; from gamenet.service.command import main; sys.exit(main())"


def run() -> dict[str, Any]:
    """Return tick time, connect time and round trip, in milliseconds."""
    server = _start_server()
    try:
        address = _address(server)
        crowds = []
        for name, n in BOTS.items():
            # One after another: a process that starts takes a core for a second.
            crowds.append(_start_bots(address, name, n))
            time.sleep(START_SECONDS)
        # The server tells of its last ten seconds: ask while all bots still play.
        time.sleep(PLAY_SECONDS)
        with urllib.request.urlopen(f"{address}/stats") as answer:  # noqa: S310
            stats = json.load(answer)
        results = [json.loads(c.communicate()[0].splitlines()[-1]) for c in crowds]
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate()
    return _figures(results, stats)


def _figures(results: list[dict[str, Any]], stats: dict[str, Any]) -> dict[str, Any]:
    n_bots = sum(BOTS.values())
    connected = sum(result["connected"] for result in results)
    weights = list(zip(results, BOTS.values(), strict=True))
    game = stats["server"]
    return {
        "tick_ms_p50": game["tick_ms_p50"],
        "tick_ms_p99": game["tick_ms_p99"],
        "connect_ms_p50": _median(results, "connect_ms_p50"),
        "rtt_ms_p50": _median(results, "rtt_ms_p50"),
        "rtt_ms_p99": max(result["rtt_ms_p99"] for result in results),
        "bytes_down_per_s": sum(r["bytes_down_per_s"] * n for r, n in weights) / n_bots,
        "snapshots_per_s": min(result["snapshots_per_s"] for result in results),
        "ticks_late": game["ticks_late"],
        "connected": connected,
        "by_transport": {
            name: {key: result[key] for key in ("connect_ms_p50", "rtt_ms_p50")}
            for name, result in zip(BOTS, results, strict=True)
        },
        "errors": sum(result["errors"] for result in results) + n_bots - connected,
    }


def _median(results: list[dict[str, Any]], key: str) -> float:
    """Return the median of the transports' medians, each weighing its bots."""
    weighed = sorted(
        (result[key], n) for result, n in zip(results, BOTS.values(), strict=True)
    )
    return statistics.median(value for value, n in weighed for _ in range(n))


def _start_server() -> subprocess.Popen[str]:
    arguments = ["-n", "--pidfile=", "gamenet", "--game", "examples.arena:Arena"]
    for listen in BOTS:
        arguments += ["--listen", f"{listen}:0:interface=127.0.0.1"]
    return _python(TWISTD, arguments, stderr=subprocess.STDOUT)


def _start_bots(address: str, transport: str, n_bots: int) -> subprocess.Popen[str]:
    arguments = ["bots", "--server", address, "--transport", transport]
    seconds = START_SECONDS * len(BOTS) + PLAY_SECONDS + 2
    arguments += ["--n", str(n_bots), "--seconds", str(seconds), "--json"]
    return _python(GAMENET, arguments, stderr=None)


def _python(
    program: str, arguments: list[str], *, stderr: int | None
) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )


def _address(server: subprocess.Popen[str]) -> str:
    """Return the web address that the server logs when it is up."""
    assert server.stdout is not None
    for line in server.stdout:
        found = ADDRESS.search(line)
        if found:
            return found.group(1)
    msg = "the server ended before it said where to play"
    raise RuntimeError(msg)
