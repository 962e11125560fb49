# SPDX-License-Identifier: MIT
"""The command `profile`: where the ticks of a running server spend their time."""

from __future__ import annotations

import argparse
import json

from gamenet.service.answered import Answered, aligned
from gamenet.service.arguments import Commands, number, say
from gamenet.service.inspect_access import access_options
from gamenet.service.inspect_asking import ask_inside
from gamenet.service.profile_run import MOST_SECONDS

__all__ = ["add_profile", "profile_table"]

_EXAMPLES = """\
examples:
  gamenet profile http://127.0.0.1:8080
  gamenet profile http://127.0.0.1:8080 --seconds 30
  gamenet profile http://127.0.0.1:8080 --seconds 5 --memory
  GAMENET_KEY=$(cat server.key) gamenet profile https://game.example.com --json

The times of the stages are measured always; to look at them costs the server nothing.
--memory asks which lines of code hold memory that they took in these seconds, by
Python's tracemalloc: while it runs, at most 30 seconds, the server is slower, its ticks
take two or three times as long, and at the end it stands still for a moment. One
profile is made at a time. A server without key or connect_secret can be profiled from
its own machine only.
"""
_PATIENCE = 20.0
"""Seconds to wait for an answer beyond those of the profile."""
_SHOWN_PARTS = 3
"""How much of the path of a file is shown: its end."""


def add_profile(commands: Commands) -> None:
    """Add the command `profile`."""
    text = "Show where a running server spends its time and memory."
    parser = commands.add("profile", text, _EXAMPLES, _profile)
    parser.add_argument(
        "address", metavar="ADDRESS", help="web address of the server, http://HOST:PORT"
    )
    parser.add_argument(
        "--seconds",
        metavar="S",
        type=number("seconds", 0, MOST_SECONDS),
        default=5.0,
        help="how long to watch (default: 5)",
    )
    parser.add_argument(
        "--memory",
        action="store_true",
        help="ask which lines allocate memory; this slows the server meanwhile",
    )
    parser.add_argument("--json", action="store_true", help="print it as one object")
    access_options(parser)


def _profile(arguments: argparse.Namespace) -> int:
    seconds = arguments.seconds
    path = f"/profile?seconds={seconds:g}{'&memory=1' if arguments.memory else ''}"
    figures = ask_inside(arguments, path, "stages", timeout=seconds + _PATIENCE)
    say(json.dumps(figures) if arguments.json else profile_table(figures))
    return 0


def profile_table(answer: object) -> str:
    """Return the stages of ticks, and what is known of memory."""
    figures = Answered(answer)
    head = ["stage", "p50 ms", "p99 ms", "max ms", "share %"]
    stages = [_stage(each, each.text("name")) for each in figures.rows("stages")]
    whole = _stage(figures.table("tick"), "whole tick")
    lines = [
        f"{figures.whole('ticks')} ticks in {figures.number('seconds'):g} s",
        *aligned([head, *stages, whole], 1),
        (
            f"memory: {figures.ratio('blocks_per_tick')} blocks more after each tick, "
            f"{figures.whole('blocks')} in all"
        ),
    ]
    memory = figures.table("memory")
    if memory.rows("lines"):
        lines += ["", *_memory(memory)]
    return "\n".join(lines)


def _stage(each: Answered, name: str) -> list[str]:
    times = (each.number(f"{figure}_ms") for figure in ("p50", "p99", "max"))
    return [name, *(f"{ms:.3f}" for ms in times), each.percent("share")]


def _memory(memory: Answered) -> list[str]:
    rows = [
        [
            f"{_shortened(each.text('file'))}:{each.whole('line')}",
            f"{each.number('kib'):.1f}",
            each.whole("blocks"),
        ]
        for each in memory.rows("lines")
    ]
    return [
        (
            f"{memory.number('kib'):.0f} KiB were taken and are held, "
            f"{memory.number('peak_kib'):.0f} at most"
        ),
        *aligned([["held by", "KiB", "blocks"], *rows], 1),
    ]


def _shortened(path: str) -> str:
    return "/".join(path.replace("\\", "/").split("/")[-_SHOWN_PARTS:])
