# SPDX-License-Identifier: MIT
"""What the commands have in common: how words are read, how lines are printed.

A mistake on the command line is one line and exit status 1, as it is for the server.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from gamenet.errors import ConfigError
from gamenet.service.forms import key_form

__all__ = [
    "Commands",
    "Parser",
    "hexadecimal",
    "key_from",
    "key_option",
    "number",
    "protocol_option",
    "say",
    "whole",
]

_KEY_VARIABLE = "GAMENET_KEY"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """End the process with what is wrong."""
        self.exit(1, f"{self.prog}: {message}; see {self.prog} --help\n")


class Commands:
    """The commands of one program.

    Args:
        parser: of the program.
    """

    def __init__(self, parser: Parser) -> None:
        self._commands = parser.add_subparsers(
            title="commands", dest="command", metavar="COMMAND", required=True
        )

    def add(
        self,
        name: str,
        text: str,
        epilog: str,
        run: Callable[[argparse.Namespace], int],
    ) -> argparse.ArgumentParser:
        """Return the parser of a new command.

        Args:
            name: of the command.
            text: what it does.
            epilog: examples that can be pasted.
            run: does it, and returns the exit status.
        """
        parser: argparse.ArgumentParser = self._commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(run=run)
        return parser


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a whole number of a range; 0x before it is base 16."""

    def read(text: str) -> int:
        with contextlib.suppress(ValueError):
            value = int(text, 16) if text.lower().startswith("0x") else int(text)
            if low <= value <= high:
                return value
        raise argparse.ArgumentTypeError(
            f"{text!r} is no whole number from {low} to {high}"
        )

    return read


def number(unit: str, above: float, most: float) -> Callable[[str], float]:
    """Return what reads a number of a unit, above something and up to something."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if above < (value := float(text)) <= most:
                return value
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of {unit} above {above:g} and at most {most:g}"
        )

    return read


def hexadecimal(most: int) -> Callable[[str], bytes]:
    """Return what reads bytes in base 16."""

    def read(text: str) -> bytes:
        with contextlib.suppress(ValueError):
            if len(value := bytes.fromhex(text)) <= most:
                return value
        raise argparse.ArgumentTypeError(
            f"it is not hexadecimal digits of at most {most} bytes"
        )

    return read


def key_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for the server's key."""
    parser.add_argument(
        "--key",
        metavar="HEX",
        type=_key,
        help="the server's key, 64 hexadecimal digits (default: that of GAMENET_KEY, "
        "which other users of the machine cannot see)",
    )


def _key(text: str) -> bytes:
    try:
        key_form(text)
    except ValueError as error:
        # A message that showed what was written would show most of a secret.
        raise argparse.ArgumentTypeError(
            f"is not understood: {error}; allowed: 64 hexadecimal digits"
        ) from None
    return bytes.fromhex(text)


def key_from(arguments: argparse.Namespace) -> bytes:
    """Return the key that the command line or the environment gives.

    Raises:
        ConfigError: neither does.
    """
    if arguments.key:
        return bytes(arguments.key)
    text = os.environ.get(_KEY_VARIABLE, "")
    if not text:
        raise ConfigError(
            "the server's key is needed: give --key HEX, or set GAMENET_KEY; "
            "gamenet keygen makes one"
        )
    try:
        key_form(text)
    except ValueError as error:
        raise ConfigError(
            f"{_KEY_VARIABLE} is not understood: {error}; allowed: 64 hexadecimal "
            "digits"
        ) from None
    return bytes.fromhex(text)


def protocol_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for the number of the game."""
    parser.add_argument(
        "--protocol-id",
        metavar="N",
        type=whole(0, 2**64 - 1),
        default=1,
        help="the server's protocol_id (default: 1)",
    )


def say(line: str) -> None:
    """Print a line at once, in whatever characters the terminal has."""
    out = sys.stdout
    try:
        out.write(line + "\n")
    except UnicodeEncodeError:
        encoding = out.encoding or "ascii"
        out.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    out.flush()
