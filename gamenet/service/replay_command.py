# SPDX-License-Identifier: MIT
"""The command `replay`: play a recorded match once more, tick by tick."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from gamenet.errors import ConfigError
from gamenet.service.arguments import Commands, say, whole
from gamenet.service.loading import load_game
from gamenet.service.replay_file import ReplayFile
from gamenet.service.replay_run import ReplayedTick
from gamenet.service.replay_table import Summary, head_line, tick_dict, tick_lines

__all__ = ["add_replay"]

_EXAMPLES = """\
examples:
  gamenet replay match.rec
  gamenet replay match.rec --player 7 --game examples.arena:Arena
  gamenet replay match.rec --player 7 --game examples.arena:Arena --from 900 --to 960
  gamenet replay match.rec --player 7 --game examples.arena:Arena --step
  gamenet replay match.rec --player 7 --json | python -m json.tool

A recording is a file that twistd gamenet --record FILE has written. The inputs of the
player go through a queue as they did on the server; with --game the client's prediction
is made once more, too, and compared with what the server told.

depth   frames that wait           slack, wanted  ticks before their use at which
late    frames after their tick                   frames came, and should
miss    ticks without their frame  confirmed      newest tick that was compared
own     newest tick of the client, as ticks ahead of the line's
redone  ticks that were predicted anew because of a correction
off by  size of the correction, in units of the component, and a bar
"""


def add_replay(commands: Commands) -> None:
    """Add the command `replay`."""
    text = "Play a recorded match once more, tick by tick."
    parser = commands.add("replay", text, _EXAMPLES, _replay)
    parser.add_argument("file", metavar="FILE", help="the recording")
    tick = whole(0, 2**32 - 1)
    parser.add_argument(
        "--player",
        metavar="N",
        type=tick,
        help="whose match (default: the first player of the file)",
    )
    parser.add_argument(
        "--game",
        metavar="MODULE:CLASS",
        default="",
        help="the game, to see what the player's client had predicted",
    )
    parser.add_argument(
        "--from",
        dest="first",
        metavar="T",
        type=tick,
        default=0,
        help="first tick to show (default: the first of all)",
    )
    parser.add_argument(
        "--to",
        dest="last",
        metavar="T",
        type=tick,
        default=2**32 - 1,
        help="last tick to show (default: the last of all)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--step",
        action="store_true",
        help="wait after each tick: Enter shows the next one, q ends",
    )
    form.add_argument("--json", action="store_true", help="print it as one object")


def _replay(arguments: argparse.Namespace) -> int:
    """Run the command.

    Raises:
        ConfigError: the file, the player, the game or the ticks are wrong.
    """
    if arguments.first > arguments.last:
        msg = f"--from {arguments.first} is after --to {arguments.last}: nothing is"
        raise ConfigError(msg)
    if arguments.step and not sys.stdin.isatty():
        raise ConfigError("--step: needs a terminal, where Enter can be pressed")
    game = load_game(arguments.game) if arguments.game else None
    file = ReplayFile(arguments.file, arguments.player, game)
    if arguments.player is None and len(file.players) > 1:
        known = ", ".join(map(str, file.players))
        _warn(arguments, f"shows player {file.player_id} of {known}; see --player")
    if arguments.json:
        say(json.dumps(_object(file, arguments, is_predicted=game is not None)))
    else:
        _show(file, arguments, is_predicted=game is not None)
    for warning in file.warnings:
        _warn(arguments, warning)
    return 0


def _warn(arguments: argparse.Namespace, text: str) -> None:
    sys.stderr.write(f"gamenet replay: {arguments.file}: {text}\n")


def _wanted(file: ReplayFile, arguments: argparse.Namespace) -> Iterator[ReplayedTick]:
    """Yield the ticks that are to be shown.

    Raises:
        ConfigError: there are none.
    """
    first = last = None
    is_any = False
    for line in file.ticks():
        first, last = line.tick if first is None else first, line.tick
        if arguments.first <= line.tick <= arguments.last:
            is_any = True
            yield line
    if not is_any:
        has = "no ticks" if first is None else f"ticks from {first} to {last}"
        msg = f"player {file.player_id} has {has} in {file.path}: none is to be shown"
        raise ConfigError(msg)


def _object(
    file: ReplayFile, arguments: argparse.Namespace, *, is_predicted: bool
) -> dict[str, object]:
    summary, ticks = Summary(), []
    for line in _wanted(file, arguments):
        summary.add(line)
        ticks.append(tick_dict(line, is_predicted=is_predicted))
    return {
        "player": file.player_id,
        "players": file.players,
        "tick_rate": file.tick_rate,
        "trip": file.trip if is_predicted else None,
        "ticks": ticks,
        "summary": summary.figures(is_predicted=is_predicted),
        "warnings": file.warnings,
    }


def _show(
    file: ReplayFile, arguments: argparse.Namespace, *, is_predicted: bool
) -> None:
    """Print a line for each tick, and the summary."""
    summary = Summary()
    for line in _wanted(file, arguments):
        if not summary.n_ticks:
            say(head_line(is_predicted=is_predicted))
        summary.add(line)
        worst = summary.worst
        for text in tick_lines(line, worst, is_predicted=is_predicted):
            say(text)
        if arguments.step and not _goes_on():
            break
    say("")
    trip = f", answers in {file.trip:.1f} ticks" if file.trip else ""
    say(f"player {file.player_id}     {file.tick_rate:g} ticks a second{trip}")
    for text in summary.lines(is_predicted=is_predicted):
        say(text)


def _goes_on() -> bool:
    """Wait for Enter; return False for the end."""
    answer = sys.stdin.readline()
    return bool(answer) and answer.strip().lower() not in ("q", "quit")
