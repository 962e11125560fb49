# SPDX-License-Identifier: MIT
"""The command `gamenet`: tools around a server, which itself is run by twistd."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from gamenet import __version__
from gamenet.errors import ConfigError, GamenetError
from gamenet.service.compose import most_players, page_folder
from gamenet.service.config import load
from gamenet.service.invitation import connect_url
from gamenet.service.loading import load_game
from gamenet.service.run import Crowd, run_crowd
from gamenet.transport import (
    parse_connect,
    parse_listen,
    write_development_certificate,
)

__all__ = ["main"]

_TRANSPORTS = ("udp", "tcp", "tls", "ws", "wss")
_INTERRUPTED = 130
"""Exit status after Ctrl-C, by the convention of shells."""

_EXAMPLES = """\
examples:
  gamenet check server.toml
  gamenet bots --server http://127.0.0.1:8080 --transport udp --n 20 --seconds 30
  gamenet bots --connect udp:127.0.0.1:7777 --n 5 --json
  gamenet certificate --out tls --host game.example.com

A server is started by twistd: see twistd gamenet --help.
"""
_CHECK_EXAMPLES = """\
examples:
  gamenet check server.toml
  gamenet check server.json && twistd -n gamenet --config server.json
"""
_BOTS_EXAMPLES = """\
examples:
  gamenet bots --server http://127.0.0.1:8080
  gamenet bots --server http://127.0.0.1:8080 --transport ws --n 50 --seconds 60 --json
  gamenet bots --connect tcp:127.0.0.1:7778 --n 5

The last line is the report; with --json it is one JSON object. The exit status is 1
unless every bot joined. Ctrl-C ends the bots early, with a report of what they saw.
"""
_CERTIFICATE_EXAMPLES = """\
examples:
  gamenet certificate --out tls
  gamenet certificate --out tls --host game.example.com 192.0.2.7

The certificate is for development: it is signed by nobody, and valid for 30 days.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Args:
        argv: the words after the command; those of the process if left out.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except GamenetError as error:
        print(f"gamenet {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="gamenet",
        description="Tools around a gamenet server.",
        epilog=_EXAMPLES,
        formatter_class=form,
    )
    parser.add_argument("--version", action="version", version=f"gamenet {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )

    def add(name: str, text: str, epilog: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=text, description=text, epilog=epilog, formatter_class=form
        )

    _check_options(add("check", "Check a configuration file.", _CHECK_EXAMPLES))
    _bots_options(add("bots", "Play a game with random inputs.", _BOTS_EXAMPLES))
    _certificate_options(
        add("certificate", "Make a certificate to develop with.", _CERTIFICATE_EXAMPLES)
    )
    return parser


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a .toml or .json file")
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    config = load(arguments.file)
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
    print(
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


def _bots_options(parser: argparse.ArgumentParser) -> None:
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
        "--n", type=_count, default=10, metavar="N", help="number of bots (default: 10)"
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=10.0,
        metavar="S",
        help="time to play after the last bot joined (default: 10)",
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        help="seed of the bots' inputs (default: 0)",
    )
    parser.add_argument(
        "--trust",
        metavar="FILE",
        default="",
        help="PEM file of the certificate to trust, for tls, wss and https",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the report as one JSON object"
    )
    parser.set_defaults(run=_bots)


def _bots(arguments: argparse.Namespace) -> int:
    if arguments.server:
        connect_url(arguments.server)
    elif parse_connect(arguments.connect).transport == "memory":
        raise ConfigError("--connect: memory is within a process; use udp:HOST:PORT")
    crowd = Crowd(
        n=arguments.n,
        seconds=arguments.seconds,
        seed=arguments.seed,
        server=arguments.server or "",
        connect=arguments.connect or "",
        transport=arguments.transport,
        trust=arguments.trust,
    )
    outcome = run_crowd(crowd)
    report = outcome.report
    for text, count in outcome.complaints.items():
        times = f" ({count} times)" if count > 1 else ""
        print(f"gamenet bots: {text}{times}", file=sys.stderr)
    print(report.to_json() if arguments.json else report.to_table(), flush=True)
    if outcome.is_interrupted:
        return _INTERRUPTED
    return 0 if report.is_complete else 1


def _count(text: str) -> int:
    with contextlib.suppress(ValueError):
        if 1 <= (count := int(text)) <= 10_000:
            return count
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 10000")


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) <= 86_400:
            return seconds
    raise argparse.ArgumentTypeError(
        f"{text!r} is no number of seconds above 0 and at most 86400"
    )


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def _certificate_options(parser: argparse.ArgumentParser) -> None:
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
    parser.set_defaults(run=_certificate)


def _certificate(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {folder}: {error.strerror}") from error
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    write_development_certificate(certificate, key, arguments.host)
    print(f"{certificate} and {key} are written; listen with")
    print(f"  --listen wss:8443:certificate={certificate}:key={key}")
    return 0
