# SPDX-License-Identifier: MIT
"""Run a game as a service of twistd: options, configuration, composition, command line.

`twistd -n gamenet` starts at `gamenet.service.tap`, and the command `gamenet` at
`gamenet.service.command`.
"""

from __future__ import annotations

from gamenet.service.config import ConnectionTable, ServerConfig, load
from gamenet.service.loading import load_game
from gamenet.service.reference import configuration_table

__all__ = [
    "ConnectionTable",
    "ServerConfig",
    "configuration_table",
    "load",
    "load_game",
]
