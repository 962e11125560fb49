# SPDX-License-Identifier: MIT
"""The command `inspect`: what a player is sent, and why; now, or in a recording."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from gamenet.errors import ConfigError
from gamenet.service.arguments import Commands, key_from, number, say, whole
from gamenet.service.inspect_access import access_options, inspection_pass
from gamenet.service.inspect_asking import ask_inside
from gamenet.service.inspect_file import file_report
from gamenet.service.inspect_table import account_table, players_table

__all__ = ["add_inspect"]

_EXAMPLES = """\
examples:
  gamenet inspect http://127.0.0.1:8080
  gamenet inspect http://127.0.0.1:8080 --player 7 --seconds 5
  gamenet inspect match.rec --player 7 --tick 1200
  gamenet inspect match.rec --player 7 --json | python -m json.tool
  GAMENET_KEY=$(cat server.key) gamenet inspect https://game.example.com --player 7
  GAMENET_KEY=$(cat server.key) gamenet inspect --pass

A server begins to keep the account of a player when it is asked for it, so the first
answer takes --seconds; it goes back at most 128 ticks, and ends when nobody asks. A
recording is a file that twistd gamenet --record FILE has written. The same is on the
page /inspect of the server; it asks for the connect_secret, or for the pass that --pass
prints. A server without either can be inspected from its own machine only.
"""


def add_inspect(commands: Commands) -> None:
    """Add the command `inspect`."""
    text = "Show what a player is sent, and why."
    parser = commands.add("inspect", text, _EXAMPLES, _inspect)
    parser.add_argument(
        "address",
        metavar="ADDRESS|FILE",
        nargs="?",
        default="",
        help="web address of the server, http://HOST:PORT, or a recording",
    )
    parser.add_argument(
        "--player",
        metavar="N",
        type=whole(0, 2**32 - 1),
        help="which player; without it, the only one, or a list",
    )
    parser.add_argument(
        "--tick",
        metavar="T",
        type=whole(0, 2**32 - 1),
        help="the tick to show row by row (default: the newest)",
    )
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=number("seconds", 0, 60),
        default=2.0,
        help="how long to watch a player of a running server (default: 2)",
    )
    parser.add_argument("--json", action="store_true", help="print it as one object")
    parser.add_argument(
        "--pass",
        dest="shows_pass",
        action="store_true",
        help="print what the page asks for, made of the server's key",
    )
    access_options(parser)


def _inspect(arguments: argparse.Namespace) -> int:
    if arguments.shows_pass:
        say(inspection_pass(key_from(arguments)))
        return 0
    report = _report(arguments)
    for warning in report.get("warnings", ()):
        sys.stderr.write(f"gamenet inspect: {arguments.address}: {warning}\n")
    if arguments.json:
        say(json.dumps(report))
    elif "player" in report:
        say(account_table(report))
    else:
        say(players_table(report))
    return 0


def _report(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what a server or a file says.

    Raises:
        ConfigError: the address is neither, or there is no such player or tick.
        ConnectError: nothing answers there.
    """
    address = arguments.address
    if address.startswith(("http://", "https://")):
        return _of_server(arguments)
    if address and Path(address).exists():
        return file_report(address, arguments.player, arguments.tick)
    what = f"{address!r} is no file, and no web address" if address else "nothing to do"
    raise ConfigError(
        f"{what}: give a server as http://127.0.0.1:8080, or a file that twistd "
        "gamenet --record FILE has written"
    )


def _of_server(arguments: argparse.Namespace) -> dict[str, Any]:
    player = arguments.player
    if player is None:
        head = ask_inside(arguments, "/inspect.json", "players")
        known = [each.get("id") for each in head["players"] if isinstance(each, dict)]
        if len(known) != 1 or not isinstance(known[0], int):
            return head
        player = known[0]
    path = f"/inspect.json?player={player}"
    first = ask_inside(arguments, path, "ticks")
    if arguments.tick is None or not first["ticks"]:
        # The account may have been opened by this very question.
        time.sleep(arguments.seconds)
    wanted = "" if arguments.tick is None else f"&tick={arguments.tick}"
    return ask_inside(arguments, path + wanted, "ticks")
