# SPDX-License-Identifier: MIT
"""Run a game as a service of twistd: options, configuration, composition, command line.

`twistd -n gamenet` starts at `gamenet.service.tap`, and the command `gamenet` at
`gamenet.service.command`. What they stand on is here: `load` reads a configuration,
`build` makes a server of it, `play` lets bots join one.
"""

from __future__ import annotations

from gamenet.service.bots import Squad
from gamenet.service.compose import Server, build
from gamenet.service.config import ConnectionTable, ServerConfig, load
from gamenet.service.loading import load_game
from gamenet.service.reference import configuration_table
from gamenet.service.report import Report
from gamenet.service.run import Outcome, play
from gamenet.service.tickets import Crowd

__all__ = [
    "ConnectionTable",
    "Crowd",
    "Outcome",
    "Report",
    "Server",
    "ServerConfig",
    "Squad",
    "build",
    "configuration_table",
    "load",
    "load_game",
    "play",
]
