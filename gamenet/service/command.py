# SPDX-License-Identifier: MIT
"""The command `gamenet`: tools around a server, which itself is run by twistd."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gamenet import __version__
from gamenet.errors import GamenetError
from gamenet.service import (
    bots_command,
    check_commands,
    inspect_command,
    key_commands,
    network_commands,
    profile_command,
    replay_command,
    stats_command,
)
from gamenet.service.arguments import Commands, Parser

__all__ = ["main"]

_INTERRUPTED = 130
"""Exit status after Ctrl-C, by the convention of shells."""

_EXAMPLES = """\
examples:
  gamenet check server.toml
  gamenet keygen --out server.key
  gamenet token --protocol-id 1 --client-id 7 --server 192.0.2.1:7777 --out ada.token
  gamenet stats http://127.0.0.1:8080 --watch 1
  gamenet inspect http://127.0.0.1:8080 --player 7
  gamenet replay match.rec --player 7 --game examples.arena:Arena
  gamenet profile http://127.0.0.1:8080 --seconds 5
  gamenet bots --server http://127.0.0.1:8080 --transport udp --n 20 --seconds 30
  gamenet impair --listen 127.0.0.1:7000 --to 127.0.0.1:7777 --impair lte
  gamenet compare-transports --plot transports.svg
  gamenet certificate --out tls --host game.example.com

A server is started by twistd: see twistd gamenet --help.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Args:
        argv: the words after the command; those of the process if left out.
    """
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except GamenetError as error:
        for line in str(error).splitlines():
            print(f"gamenet {arguments.command}: {line}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read us, as `head` does, has enough; the interpreter must not try.
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> Parser:
    parser = Parser(
        prog="gamenet",
        description="Tools around a gamenet server.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"gamenet {__version__}")
    commands = Commands(parser)
    check_commands.add_check(commands)
    key_commands.add_keygen(commands)
    key_commands.add_token(commands)
    stats_command.add_stats(commands)
    inspect_command.add_inspect(commands)
    replay_command.add_replay(commands)
    profile_command.add_profile(commands)
    bots_command.add_bots(commands)
    network_commands.add_impair(commands)
    network_commands.add_compare(commands)
    check_commands.add_certificate(commands)
    return parser
