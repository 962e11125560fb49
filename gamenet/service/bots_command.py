# SPDX-License-Identifier: MIT
"""The command `bots`: players with random inputs, for company and as a load."""

from __future__ import annotations

import argparse
import os
import sys

from gamenet.errors import ConfigError
from gamenet.service.arguments import (
    Commands,
    key_from,
    key_option,
    number,
    protocol_option,
    say,
    whole,
)
from gamenet.service.impair import parse_host_port
from gamenet.service.run import run_crowd
from gamenet.service.tickets import Crowd
from gamenet.transport import Impairments, connect_url, parse_connect

__all__ = ["add_bots"]

_TRANSPORTS = ("udp", "tcp", "tls", "ws", "wss")
_INTERRUPTED = 130
"""Exit status after Ctrl-C, by the convention of shells."""
_EXAMPLES = """\
examples:
  gamenet bots --server http://127.0.0.1:8080
  gamenet bots --server http://127.0.0.1:8080 --transport ws --n 50 --seconds 60 --json
  GAMENET_KEY=$(cat server.key) gamenet bots --connect tcp:127.0.0.1:7778 --n 5

Each bot asks the server for a token of its own; with --connect, the tokens are made
with the server's key. A server without a key holds callers of other machines to a rate:
bots beyond it wait until they get theirs.

The last line is the report; with --json it is one JSON object. The exit status is 1
unless every bot joined. Ctrl-C ends the bots early, with a report of what they saw.
"""


def add_bots(commands: Commands) -> None:
    """Add the command `bots`."""
    text = "Play a game with random inputs."
    parser = commands.add("bots", text, _EXAMPLES, _bots)
    _where_options(parser)
    _play_options(parser)


def _where_options(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--server", metavar="URL", help="web address of the server, http://HOST:PORT"
    )
    where.add_argument(
        "--connect",
        metavar="ADDRESS",
        help="address of one listener, as udp:HOST:PORT, for a server without web",
    )
    parser.add_argument(
        "--transport",
        choices=_TRANSPORTS,
        default="udp",
        help="transport to join by, with --server (default: udp)",
    )
    parser.add_argument(
        "--secret",
        metavar="TEXT",
        default="",
        help="the server's connect_secret, with --server (default: that of "
        "GAMENET_CONNECT_SECRET)",
    )
    key_option(parser)
    protocol_option(parser)
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        default="",
        help="the server's own address, where --connect names a proxy before it",
    )
    parser.add_argument(
        "--trust",
        metavar="FILE",
        default="",
        help="PEM file of the certificate to trust, for tls, wss and https",
    )


def _play_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--n",
        type=whole(1, 10_000),
        default=10,
        metavar="N",
        help="number of bots (default: 10)",
    )
    parser.add_argument(
        "--seconds",
        type=number("seconds", 0, 86_400),
        default=10.0,
        metavar="S",
        help="time to play after the last bot joined (default: 10)",
    )
    parser.add_argument(
        "--seed",
        type=whole(-(2**63), 2**63 - 1),
        default=0,
        help="seed of the bots' inputs (default: 0)",
    )
    parser.add_argument(
        "--impair",
        metavar="TEXT",
        default="",
        help="a bad network between each bot and the server, as lte or 'loss=5%%'",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the report as one JSON object"
    )


def _bots(arguments: argparse.Namespace) -> int:
    outcome = run_crowd(_crowd(arguments))
    report = outcome.report
    for text, count in outcome.complaints.items():
        times = f" ({count} times)" if count > 1 else ""
        sys.stderr.write(f"gamenet bots: {text}{times}\n")
    say(report.to_json() if arguments.json else report.to_table())
    if outcome.is_interrupted:
        return _INTERRUPTED
    return 0 if report.is_complete else 1


def _crowd(arguments: argparse.Namespace) -> Crowd:
    """Return what the command line asks for.

    Raises:
        ConfigError: it makes no sense.
    """
    key = b""
    if arguments.server:
        connect_url(arguments.server)
    elif parse_connect(arguments.connect).transport == "memory":
        raise ConfigError("--connect: memory is within a process; use udp:HOST:PORT")
    else:
        key = key_from(arguments)
    if arguments.address:
        parse_host_port("--address", arguments.address)
    Impairments.from_text(arguments.impair)
    return Crowd(
        n=arguments.n,
        seconds=arguments.seconds,
        seed=arguments.seed,
        server=arguments.server or "",
        secret=arguments.secret or os.environ.get("GAMENET_CONNECT_SECRET", ""),
        connect=arguments.connect or "",
        key=key,
        address=arguments.address,
        protocol_id=arguments.protocol_id,
        transport=arguments.transport,
        trust=arguments.trust,
        impair=arguments.impair,
    )
