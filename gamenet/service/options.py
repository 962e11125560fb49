# SPDX-License-Identifier: MIT
"""The options of `twistd gamenet`: each of them is also a key of the configuration."""

from __future__ import annotations

import difflib
import os
import sys
from typing import Any, NoReturn

from twisted.python import usage

from gamenet import __version__
from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.service.config import ServerConfig, load

__all__ = ["Options"]

_EXAMPLES = """
Examples:
  twistd -n gamenet --game examples.arena:Arena
      the arena on UDP 7777, TCP 7778, and the page on http://127.0.0.1:8080/
  twistd -n gamenet --game mygame:Drift --listen ws:8080:interface=127.0.0.1 --bots 8
      the game of ./mygame.py for browsers on this machine, beside eight bots
  twistd -n gamenet --config server.toml --set limits.max_per_address=4
      a configuration file, with one of its keys set here
  GAMENET_KEY=$(cat server.key) twistd -n gamenet --config server.toml
      a server for the public: who joins needs a token (gamenet keygen, gamenet token)
  gamenet check server.toml
      the same checks as at start, without starting

Every option is also a key of the configuration file; where both are given, the option
holds. All keys are described in docs/reference/configuration.md.
"""


_PUBLIC_HOST = (
    "Host under which players reach the game ports. "
    "[default: the host of the web address they used]"
)
_KEY = (
    "64 hexadecimal digits with which connect tokens are sealed; better in GAMENET_KEY "
    "or the file. [default: one for this run, and tokens for everybody]"
)
_BEARER = (
    "What callers of POST /connect have to show; better in GAMENET_CONNECT_SECRET or "
    "the file. [default: none gets a token where there is a key]"
)
_KEYS = (
    *("game", "name", "bots", "seed", "max-players", "tick-rate", "public-host"),
    *("key", "protocol-id", "connect-secret", "impair", "record", "log-format"),
)
"""Options that are keys of the same name."""


class Options(usage.Options):
    """Read the command line of `twistd gamenet` into a `ServerConfig`."""

    synopsis = "[options]"
    longdesc = "Serve a game to browsers, native clients and bots."
    optParameters = [
        ["config", "c", None, "TOML or JSON file with any of the keys."],
        ["game", "g", None, "The game to serve, as module:Class."],
        ["name", None, None, "Name of this server. [default: the game's title]"],
        ["bots", "b", None, "How many bots play along. [default: 0]"],
        ["seed", None, None, "Seed that makes a match repeatable. [default: random]"],
        ["max-players", None, None, "Most players at once. [default: the game's]"],
        ["tick-rate", None, None, "Steps in a second. [default: the game's]"],
        ["public-host", None, None, _PUBLIC_HOST],
        ["key", "k", None, _KEY],
        ["protocol-id", None, None, "Number of the game, to netcode. [default: 1]"],
        ["connect-secret", None, None, _BEARER],
        ["impair", None, None, "A bad network, as lte or 'latency=80ms loss=5%'."],
        ["record", None, None, "File to record in, for gamenet inspect FILE."],
        ["log-format", None, None, "text or json. [default: text]"],
    ]

    def __init__(self) -> None:
        super().__init__()
        # The texts of the opt_ methods are docstrings, with their line breaks.
        self.docs = {name: " ".join(text.split()) for name, text in self.docs.items()}
        self.config: ServerConfig | None = None
        self._listen: list[str] = []
        self._set: dict[str, str] = {}

    @property
    def checked(self) -> ServerConfig:
        """Return the configuration, which is there once a command line was parsed."""
        if self.config is None:
            raise LocalProtocolError("no command line was parsed: call parseOptions")
        return self.config

    def opt_listen(self, spec: str) -> None:
        """Where to listen; may be given several times. udp:PORT, tcp:PORT,
        tls:PORT:certificate=FILE:key=FILE, ws:PORT, wss:PORT:certificate=FILE:key=FILE,
        each with an optional :interface=ADDRESS. Port 0 takes a free one.
        [default: udp:7777 tcp:7778 ws:8080]
        """
        self._listen.append(spec)

    opt_l = opt_listen

    def opt_set(self, assignment: str) -> None:
        """Set any key of the configuration: --set KEY=VALUE, as in
        --set limits.max_connections=200; may be given several times.
        """
        key, equals, value = assignment.partition("=")
        if not equals or not key:
            raise usage.UsageError(
                f"--set {assignment}: allowed: KEY=VALUE, as in "
                "--set limits.max_connections=200"
            )
        self._set[key.strip()] = value.strip()

    def opt_version(self) -> NoReturn:
        """Print the version of gamenet and exit."""
        print(f"gamenet {__version__}")
        raise SystemExit(0)

    def getUsage(self, width: int | None = None) -> str:
        """Return the help, with examples that can be pasted."""
        return super().getUsage(width) + _EXAMPLES

    def parseOptions(self, options: list[str] | None = None) -> None:
        """Parse a command line; beneath twistd, a mistake ends the process.

        twistd answers a `UsageError` with its own help of a hundred lines. What is
        wrong is said in one line, so beneath twistd that line is all that is printed.
        """
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            if self.parent is None:
                raise
            print(_explained(str(error), self), file=sys.stderr)
            raise SystemExit(1) from None

    def postOptions(self) -> None:
        """Check everything.

        Raises:
            UsageError: one line for each thing that is wrong.
        """
        overrides: dict[str, Any] = dict(self._set)
        for name in _KEYS:
            if self[name] is not None:
                overrides[name.replace("-", "_")] = self[name]
        if self._listen:
            overrides["listen"] = self._listen
        try:
            self.config = load(self["config"], overrides, os.environ)
        except ConfigError as error:
            raise usage.UsageError(str(error)) from error
        if not self.config.game:
            raise usage.UsageError(
                "no game to serve: give --game module:Class, as in "
                "--game examples.arena:Arena, or the key game in the file of --config"
            )


def _explained(complaint: str, options: Options) -> str:
    """Return the complaint as twistd's user should see it."""
    unknown = complaint.removeprefix("option ").removesuffix(" not recognized")
    if unknown != complaint:
        near = difflib.get_close_matches(
            unknown.lstrip("-"), [name.rstrip("=") for name in options.longOpt], n=1
        )
        hint = f"did you mean --{near[0]}?" if near else "see twistd gamenet --help"
        complaint = f"unknown option {unknown}; {hint}"
    return "\n".join(f"twistd gamenet: {line}" for line in complaint.splitlines())
