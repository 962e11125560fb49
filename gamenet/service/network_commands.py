# SPDX-License-Identifier: MIT
"""The commands `impair` and `compare-transports`: try networks, measure transports."""

from __future__ import annotations

import argparse

from gamenet.service.arguments import Commands, number, whole
from gamenet.service.compare import CompareOptions, compare_transports
from gamenet.service.impair import ImpairOptions, run_impair
from gamenet.service.run import run_to_end

__all__ = ["add_compare", "add_impair"]

_IMPAIR_EXAMPLES = """\
examples:
  gamenet impair --listen 127.0.0.1:7000 --to 127.0.0.1:7777 --impair lte
  gamenet impair --listen :7000 --to game.example.com:7777 \\
      --impair "latency=80ms jitter=20ms loss=5% dup=1% rate=1mbit queue=200ms"
  gamenet impair --listen :7000 --to 127.0.0.1:7777 --impair "wifi; up: loss=10%"

The proxy passes datagrams of any protocol. Profiles are lan, wifi, lte, 3g, satellite
and bad. It prints a line every ten seconds; Ctrl-C ends it with a summary.
"""
_COMPARE_EXAMPLES = """\
examples:
  gamenet compare-transports
  gamenet compare-transports --seconds 5 --plot transports.svg
  gamenet compare-transports --json

A server and a client, two processes on this machine, exchange reliable messages of 64
bytes over each transport: one at a time for the round trip, as many as go for the
throughput. What a real network adds is not in the figures: see gamenet impair.
"""


def add_impair(commands: Commands) -> None:
    """Add the command `impair`."""
    text = "Put a bad network before a UDP server."
    parser = commands.add("impair", text, _IMPAIR_EXAMPLES, _impair)
    parser.add_argument(
        "--listen", metavar="HOST:PORT", required=True, help="where clients send to"
    )
    parser.add_argument(
        "--to", metavar="HOST:PORT", required=True, help="where the server is"
    )
    parser.add_argument(
        "--impair",
        metavar="TEXT",
        required=True,
        help="the bad network: a profile, settings, or both",
    )
    parser.add_argument(
        "--seed",
        type=whole(0, 2**63 - 1),
        help="seed of its chance (default: that of --impair, or 0)",
    )
    parser.add_argument(
        "--seconds",
        type=number("seconds", 0, 86_400 * 365),
        metavar="S",
        help="how long to run (default: until Ctrl-C)",
    )


def _impair(arguments: argparse.Namespace) -> int:
    options = ImpairOptions(
        listen=arguments.listen,
        to=arguments.to,
        impair=arguments.impair,
        seed=arguments.seed,
        seconds=arguments.seconds,
    )
    run_to_end(lambda reactor: run_impair(reactor, options))
    return 0


def add_compare(commands: Commands) -> None:
    """Add the command `compare-transports`."""
    text = "Measure each transport on this machine."
    parser = commands.add("compare-transports", text, _COMPARE_EXAMPLES, _compare)
    parser.add_argument(
        "--seconds",
        type=number("seconds", 0, 3600),
        default=4.0,
        metavar="S",
        help="time for each transport (default: 4)",
    )
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the figures, too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _compare(arguments: argparse.Namespace) -> int:
    return compare_transports(
        CompareOptions(
            seconds=arguments.seconds,
            plot=arguments.plot or "",
            is_json=arguments.json,
        )
    )
