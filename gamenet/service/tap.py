# SPDX-License-Identifier: MIT
"""What the plugin of twistd names: the options, and the service made from them.

twistd imports this module only when `gamenet` is on its command line, before anything
has asked for a reactor: so this is the place to install the one that gamenet runs on.
"""

from __future__ import annotations

import sys

from twisted.application.service import IService

from gamenet.errors import GamenetError
from gamenet.service.compose import build
from gamenet.service.options import Options
from gamenet.service.process import ServerProcess, check_reactor, install_reactor

__all__ = ["Options", "makeService"]

install_reactor()


def makeService(options: Options) -> IService:
    """Return the service that twistd runs; a mistake ends the process in one line."""
    from twisted.internet import reactor  # noqa: PLC0415

    check_reactor(reactor)
    try:
        server = build(options.checked, reactor)
    except GamenetError as error:
        sys.exit(f"twistd gamenet: {error}")
    return ServerProcess(server, reactor, options.checked, options.parent or {})
