# SPDX-License-Identifier: MIT
"""Tell twistd about gamenet.

Importing this file must stay cheap and must not import the reactor: `twistd` reads
every plugin before it knows which one it is asked for. So it names the module that
holds the options and the service; `twistd` imports that module when it is needed.

This folder and its parent have no `__init__.py`, and must not get one: Twisted finds
plugins by laying such folders over its own package.
"""

from __future__ import annotations

from twisted.application.service import ServiceMaker

gamenet = ServiceMaker(
    "gamenet",
    "gamenet.service.tap",
    "A multiplayer game server for browsers, native clients and bots.",
    "gamenet",
)
