# SPDX-License-Identifier: MIT
"""The commands `keygen` and `token`: decide who may join, without a web service.

A key is shared by a server and by whoever issues tokens for it. A token is good for one
client, for some seconds.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import time
from base64 import b64encode
from pathlib import Path

from gamenet.connection import ServerAddress, issue_token
from gamenet.errors import ConfigError
from gamenet.service.arguments import (
    Commands,
    hexadecimal,
    key_from,
    key_option,
    protocol_option,
    say,
    whole,
)
from gamenet.service.impair import parse_host_port

__all__ = ["add_keygen", "add_token"]

_KEYGEN_EXAMPLES = """\
examples:
  gamenet keygen
  gamenet keygen --out server.key
  GAMENET_KEY=$(cat server.key) twistd -n gamenet --config server.toml

The key is 64 hexadecimal digits: the configuration's key, or GAMENET_KEY. Whoever has
it can let in anybody. A file is never written over, and is for nobody else to read.
"""
_ISSUE_EXAMPLES = """\
examples:
  export GAMENET_KEY=$(cat server.key)
  gamenet token --protocol-id 1 --client-id 7 --server game.example.com:7777
  gamenet token --protocol-id 0x1122334455667788 --client-id 7 --server [::1]:7777 \\
      --timeout 5 --expire 300 --user-data 616461 --out ada.token

The token goes to a file as its 2048 bytes, or to the output in base64. It holds keys:
send it to the client over https. It lets in one client, once, before it expires.
"""
_ANSWERED_IN_TIME = 30
"""Seconds for which a token is good that is used at once."""


def add_keygen(commands: Commands) -> None:
    """Add the command `keygen`."""
    text = "Make a key for a server."
    parser = commands.add("keygen", text, _KEYGEN_EXAMPLES, _keygen)
    parser.add_argument("--out", metavar="FILE", help="file to write it to, a new one")


def _keygen(arguments: argparse.Namespace) -> int:
    key = secrets.token_hex(32)
    if arguments.out is None:
        say(key)
        return 0
    _write(arguments.out, key.encode() + b"\n", os.O_EXCL)
    say(f"{arguments.out} is written; start the server with")
    say(f"  GAMENET_KEY=$(cat {arguments.out}) twistd -n gamenet ...")
    return 0


def add_token(commands: Commands) -> None:
    """Add the command `token`."""
    text = "Issue a connect token, which lets one client in."
    parser = commands.add("token", text, _ISSUE_EXAMPLES, _token)
    key_option(parser)
    protocol_option(parser)
    parser.add_argument(
        "--client-id",
        metavar="N",
        type=whole(0, 2**64 - 1),
        required=True,
        help="who the client is: a number of yours",
    )
    parser.add_argument(
        "--server",
        metavar="HOST:PORT",
        action="append",
        required=True,
        help="where the server is; may be given up to 32 times",
    )
    _token_details(parser)


def _token_details(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=whole(-1, 2**31 - 1),
        default=5,
        help="seconds of silence after which a netcode client gives up; -1 for never "
        "(default: 5)",
    )
    parser.add_argument(
        "--expire",
        metavar="S",
        type=whole(1, 2**31 - 1),
        default=_ANSWERED_IN_TIME,
        help="seconds for which the token is good (default: 30)",
    )
    parser.add_argument(
        "--user-data",
        metavar="HEX",
        type=hexadecimal(256),
        default=b"",
        help="up to 256 bytes for the server; a game takes them as the player's name",
    )
    parser.add_argument("--out", metavar="FILE", help="file to write the 2048 bytes to")


def _token(arguments: argparse.Namespace) -> int:
    token = issue_token(
        key_from(arguments),
        protocol_id=arguments.protocol_id,
        client_id=arguments.client_id,
        addresses=[_address(text) for text in arguments.server],
        timeout=arguments.timeout,
        expires_in=arguments.expire,
        user_data=arguments.user_data,
        unix_now=int(time.time()),
        random_bytes=secrets.token_bytes,
    ).encode()
    if arguments.out is None:
        say(b64encode(token).decode())
    else:
        _write(arguments.out, token, os.O_TRUNC)
    return 0


def _address(text: str) -> ServerAddress:
    """Return the address of a server, its name resolved.

    Raises:
        ConfigError: it is none, or there is no such name.
    """
    host, port = parse_host_port("--server", text)
    if not host:
        raise ConfigError(f"--server is {text!r}; the host is missing")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise ConfigError(
            f"--server: no address is known for the host {host!r}: {error.strerror}"
        ) from None
    # Servers bind IPv4 unless they are told otherwise.
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    return ServerAddress(str(found[0][4][0]), port)


def _write(name: str, content: bytes, flag: int) -> None:
    """Write a secret to a file that nobody else can read.

    Args:
        name: of the file.
        content: what to write.
        flag: `os.O_EXCL` to refuse a file that is there, `os.O_TRUNC` to replace it.

    Raises:
        ConfigError: the file is there, or cannot be written.
    """
    path = Path(name)
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o600)
        with os.fdopen(opened, "wb") as file:
            if path.is_file():
                path.chmod(0o600)  # one that is replaced had a mode of its own
            file.write(content)
    except FileExistsError:
        raise ConfigError(
            f"--out {name}: exists already, and a key is never written over; remove "
            "the file or choose another name"
        ) from None
    except OSError as error:
        raise ConfigError(f"--out {name}: {error.strerror}") from None
