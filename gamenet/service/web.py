# SPDX-License-Identifier: MIT
"""The web address of a server: its page, its modules, and how to join.

    GET  /                          the game's page, and the files beside it
    GET  /gamenet/<file>            gamenet's browser client
    GET  /gamenet/protocol-<x>.js   the codec of this game's protocol
    GET  /gamenet/protocol.js       the same, under a name that stays
    POST /connect                   what a client needs to know to join
    GET  /health                    200 while the game ticks, else 503
    GET  /stats                     what the server measured

A client needs this one address: `POST /connect` tells it the transports and their
ports. The socket of browsers, /ws, is put beside these by the transport.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from twisted.web.resource import Resource

from gamenet.service.answers import JsonAnswer, answer, protect, share
from gamenet.service.assets import Folder, Script

__all__ = ["Codec", "Served", "Site"]

_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]*)?")
_MAX_HOST = 255


class Served(Protocol):
    """What the site asks of the server that it stands for."""

    def invitation(self, host: str) -> Mapping[str, Any]:
        """Return the answer of `POST /connect`, with the host that was asked."""

    def health(self) -> Mapping[str, Any]:
        """Return the state of the server; its "status" is "ok" while it ticks."""

    def stats(self) -> Mapping[str, Any]:
        """Return what the server measured."""


class Codec(Protocol):
    """The generated codec, and the hash that names it."""

    @property
    def hash(self) -> str:
        """Return hexadecimal digits, other ones whenever the text differs."""

    @property
    def text(self) -> str:
        """Return the JavaScript module."""


class Site(Resource):
    """Everything behind the web address of a server.

    Args:
        served: the server.
        page: folder of the game's page.
        browser: folder of gamenet's own modules.
        codec: the codec that browsers load.
        origins: origins of other pages that may join too.
    """

    def __init__(
        self,
        served: Served,
        page: Path,
        browser: Path,
        codec: Codec,
        origins: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._origins = origins
        self._page = Folder(page)
        modules = Folder(browser)
        hashed = f"protocol-{codec.hash}.js"
        modules.putChild(hashed.encode(), Script(codec.text, immutable=True))
        modules.putChild(b"protocol.js", Script(f'export * from "./{hashed}";\n'))
        self.putChild(b"gamenet", modules)
        self.putChild(b"connect", Connect(served))
        self.putChild(b"health", Health(served))
        self.putChild(b"stats", Stats(served))
        if not (page / "favicon.ico").exists():
            self.putChild(b"favicon.ico", Empty())

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        """Return what a path begins with; every request comes by here."""
        protect(request)
        share(request, self._origins)
        return super().getChildWithDefault(path, request)

    def getChild(self, path: bytes, request: Any) -> Any:
        """Return what else there is: the files of the page."""
        return self._page.getChildWithDefault(path, request)


class Connect(JsonAnswer):
    """What a client needs to know to join."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self._served = served

    def render_POST(self, request: Any) -> bytes:
        """Answer with the protocol, and the transports under the asked host."""
        if self._served.health()["status"] == "draining":
            return answer(request, {"error": "the server is shutting down"}, 503)
        return answer(request, self._served.invitation(asked_host(request)))

    def render_OPTIONS(self, request: Any) -> bytes:
        """Answer a browser that asks whether another page may post."""
        request.setResponseCode(204)
        return b""


class Health(JsonAnswer):
    """Whether players are being served, for whoever restarts servers that are not."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self._served = served

    def render_GET(self, request: Any) -> bytes:
        """Answer 200 while the game ticks."""
        health = self._served.health()
        return answer(request, health, 200 if health["status"] == "ok" else 503)


class Stats(JsonAnswer):
    """What the server measured since it started."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self._served = served

    def render_GET(self, request: Any) -> bytes:
        """Answer with everything."""
        return answer(request, self._served.stats())


class Empty(Resource):
    """Nothing, without an error: what browsers ask for whether it is there or not."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        """Answer 204."""
        request.setResponseCode(204)
        return b""


def asked_host(request: Any) -> str:
    """Return the host name or address under which a request reached us.

    The Host header is the sender's to choose, so a malformed one is not repeated: the
    address of our end of the connection stands in for it.
    """
    header = (request.getHeader(b"host") or b"").decode("latin-1")
    match = _HOST.fullmatch(header) if len(header) <= _MAX_HOST else None
    if match is None:
        return str(getattr(request.getHost(), "host", "127.0.0.1"))
    return match["host"].strip("[]")
