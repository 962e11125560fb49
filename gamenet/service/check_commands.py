# SPDX-License-Identifier: MIT
"""The commands `check` and `certificate`: what one does before a server starts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from gamenet.errors import ConfigError
from gamenet.service.arguments import Commands, say
from gamenet.service.compose import most_players, page_folder
from gamenet.service.config import load
from gamenet.service.loading import load_game
from gamenet.transport import parse_listen, write_development_certificate

__all__ = ["add_certificate", "add_check"]

_CHECK_EXAMPLES = """\
examples:
  gamenet check server.toml
  gamenet check server.json && twistd -n gamenet --config server.json
"""
_CERTIFICATE_EXAMPLES = """\
examples:
  gamenet certificate --out tls
  gamenet certificate --out tls --host game.example.com 192.0.2.7

The certificate is for development: it is signed by nobody, and valid for 30 days.
"""


def add_check(commands: Commands) -> None:
    """Add the command `check`."""
    text = "Check a configuration file."
    parser = commands.add("check", text, _CHECK_EXAMPLES, _check)
    parser.add_argument("file", metavar="FILE", help="a .toml or .json file")


def _check(arguments: argparse.Namespace) -> int:
    config = load(arguments.file, environment=os.environ)
    if not config.game:
        raise ConfigError(
            f"{arguments.file}: the key game is missing; allowed: module:Class, "
            "unless twistd gamenet is given --game"
        )
    game = load_game(config.game)
    page_folder(game)
    try:
        most = most_players(game, config)
    except ConfigError as error:
        raise ConfigError(f"{arguments.file}: {error}") from error
    _check_files(config.listen)
    say(
        f"ok: {arguments.file}: {game.__name__} on {', '.join(config.listen)}; "
        f"{config.bots} bots, at most {most} players"
    )
    return 0


def _check_files(listen: Sequence[str]) -> None:
    for text in listen:
        spec = parse_listen(text)
        for name in filter(None, (spec.certificate, spec.key, spec.authority)):
            if not Path(name).is_file():
                raise ConfigError(f"listen {text}: there is no file {name}")


def add_certificate(commands: Commands) -> None:
    """Add the command `certificate`."""
    text = "Make a certificate to develop with."
    parser = commands.add("certificate", text, _CERTIFICATE_EXAMPLES, _certificate)
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="folder to write the two files to"
    )
    parser.add_argument(
        "--host",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="further host names and addresses, beside this machine's own",
    )


def _certificate(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {folder}: {error.strerror}") from error
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    write_development_certificate(certificate, key, arguments.host)
    say(f"{certificate} and {key} are written; listen with")
    say(f"  --listen wss:8443:certificate={certificate}:key={key}")
    return 0
