# SPDX-License-Identifier: MIT
"""The command `stats`: what a running server measures, once or again and again."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.service.arguments import Commands, number, say, whole
from gamenet.service.stats_table import history_table, player_table, server_table
from gamenet.transport import ask_web, connect_url

__all__ = ["add_stats"]

_EXAMPLES = """\
examples:
  gamenet stats http://127.0.0.1:8080
  gamenet stats http://127.0.0.1:8080 --watch 1
  gamenet stats http://127.0.0.1:8080 --player 7
  gamenet stats https://game.example.com --json | python -m json.tool

"out" is what the server sends to a player, "in" what it gets from one. With --json the
answer comes as it is; with --watch, too, one object a line. Ctrl-C ends a watch.
"""
_CLEAR = "\x1b[H\x1b[2J"
"""Has a terminal begin anew."""
_LARGEST = 1 << 26
"""Bytes of the largest answer: that of several thousand players."""


def add_stats(commands: Commands) -> None:
    """Add the command `stats`."""
    text = "Show what a running server measures."
    parser = commands.add("stats", text, _EXAMPLES, _stats)
    parser.add_argument(
        "url", metavar="URL", help="web address of the server, http://HOST:PORT"
    )
    parser.add_argument(
        "--watch",
        metavar="SECONDS",
        type=number("seconds", 0, 3600),
        help="show it again after so many seconds, until Ctrl-C",
    )
    parser.add_argument("--json", action="store_true", help="print the answer as it is")
    parser.add_argument(
        "--player",
        metavar="ID",
        type=whole(0, 2**32 - 1),
        help="one player: its lanes, what was dropped, and the last minute",
    )
    parser.add_argument(
        "--trust",
        metavar="FILE",
        default="",
        help="PEM file of the certificate to trust, for https",
    )


def _stats(arguments: argparse.Namespace) -> int:
    root = connect_url(arguments.url).removesuffix("/connect")
    show = _server if arguments.player is None else _player
    while True:
        text = show(root, arguments)
        if arguments.watch and not arguments.json and sys.stdout.isatty():
            text = _CLEAR + text
        say(text)
        if not arguments.watch:
            return 0
        time.sleep(arguments.watch)


def _server(root: str, arguments: argparse.Namespace) -> str:
    stats = _get(f"{root}/stats", arguments.trust)
    return json.dumps(stats) if arguments.json else server_table(stats)


def _player(root: str, arguments: argparse.Namespace) -> str:
    number_ = arguments.player
    players = _get(f"{root}/stats", arguments.trust)["players"]
    by_id = {each.get("id"): each for each in players if isinstance(each, dict)}
    if number_ not in by_id:
        known = ", ".join(str(each) for each in by_id) or "none"
        raise ConfigError(f"--player {number_}: is not there; there are: {known}")
    player = by_id[number_]
    # A player who left a moment ago has no history any more.
    history = _get(f"{root}/history?player={number_}", arguments.trust, "age", {})
    if arguments.json:
        return json.dumps({**player, "history": history})
    return f"{player_table(player)}\n\n{history_table(history)}"


def _get(url: str, trust: str, member: str = "players", absent: Any = None) -> Any:
    """Return the object that a server answers, which has a certain list.

    Args:
        url: what to ask.
        trust: PEM file of the certificate to trust.
        member: name of the list.
        absent: what stands for the answer 404; None makes it an error.

    Raises:
        ConnectError: nothing answers, or it is no game server.
    """
    code, body = ask_web(url, trust=trust, largest=_LARGEST)
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if code == 404 and absent is not None:
        return absent
    is_ours = isinstance(answer, dict) and isinstance(answer.get(member), list)
    if code != 200 or not is_ours:
        raise ConnectError(
            f"{url} is no game server: it answered {code} to GET",
            CloseReason.UNREACHABLE,
        )
    return answer
