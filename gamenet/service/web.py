# SPDX-License-Identifier: MIT
"""The web address of a server: its page, its modules, and how to join.

    GET  /                          the game's page, and the files beside it
    GET  /gamenet/<file>            gamenet's browser client
    GET  /gamenet/protocol-<x>.js   the codec of this game's protocol
    GET  /gamenet/protocol.js       the same, under a name that stays
    POST /connect                   what a client needs to join, a token among it
    GET  /connect                   the same without a token, for who has one
    GET  /health                    200 while the game ticks, else 503
    GET  /stats                     what the server measured
    GET  /inspect, /profile         see `inspect_site`
    GET  /history?player=ID         the last minute of one player's connection

A client needs this one address: `POST /connect` tells it the transports and their
ports. The socket of browsers, /ws, is put beside these by the transport.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from twisted.web.resource import Resource

from gamenet.service.answers import JsonAnswer, answer, protect, share
from gamenet.service.assets import Folder, Script
from gamenet.service.desk import TokenDesk

__all__ = ["Codec", "Served", "Site"]

_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]*)?")
_MAX_HOST = 255
_MAX_BODY = 4096
"""Bytes of the largest body of `POST /connect` that is read."""
_BODY_FORM = 'the body is not understood; allowed: nothing, or JSON as {"name": "ada"}'
_FRESH = 0.25
"""Seconds for which the answer of `GET /stats` is given again."""
_PLAYER_ID = re.compile(rb"[0-9]{1,10}")


class Served(Protocol):
    """What the site asks of the server that it stands for."""

    def invitation(self, host: str, name: str) -> Mapping[str, Any]:
        """Return the answer of `POST /connect` to a player of a name.

        Args:
            host: that was asked.
            name: as the player wishes to be called.
        """

    def description(self, host: str) -> Mapping[str, Any]:
        """Return the same without a token."""

    def health(self) -> Mapping[str, Any]:
        """Return the state of the server; its "status" is "ok" while it ticks."""

    def stats(self) -> Mapping[str, Any]:
        """Return what the server measured."""

    def history(self, player_id: int) -> Mapping[str, Any] | None:
        """Return what a player's connection did lately; None if there is no player."""


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
        desk: decides who gets a token.
        page: folder of the game's page.
        browser: folder of gamenet's own modules.
        codec: the codec that browsers load.
        origins: origins of other pages that may join too.
        seconds: monotonic time.
    """

    def __init__(
        self,
        served: Served,
        desk: TokenDesk,
        page: Path,
        browser: Path,
        codec: Codec,
        origins: Collection[str] = (),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._origins = origins
        self._page = Folder(page)
        modules = Folder(browser)
        hashed = f"protocol-{codec.hash}.js"
        modules.putChild(hashed.encode(), Script(codec.text, immutable=True))
        modules.putChild(b"protocol.js", Script(f'export * from "./{hashed}";\n'))
        self.putChild(b"gamenet", modules)
        self.putChild(b"connect", Connect(served, desk))
        self.putChild(b"health", Health(served))
        self.putChild(b"stats", Stats(served, desk, seconds))
        self.putChild(b"history", History(served))
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
    """What a client needs to join: where, by which protocol, and a token."""

    def __init__(self, served: Served, desk: TokenDesk) -> None:
        super().__init__()
        self._served = served
        self._desk = desk

    def render_POST(self, request: Any) -> bytes:
        """Answer with the transports under the asked host, and a token."""
        if self._served.health()["status"] == "draining":
            self._desk.refused("draining")
            return answer(request, {"error": "the server is shutting down"}, 503)
        caller = str(getattr(request.getClientAddress(), "host", ""))
        shown = request.getHeader(b"authorization") or b""
        objection = self._desk.objection(caller, shown)
        if objection is not None:
            for header, value in objection.headers:
                request.setHeader(header, value)
            return answer(request, {"error": objection.text}, objection.code)
        name = asked_name(request.content.read(_MAX_BODY + 1))
        if name is None:
            self._desk.refused("malformed")
            return answer(request, {"error": _BODY_FORM}, 400)
        invitation = self._served.invitation(asked_host(request), name)
        self._desk.issued()
        return answer(request, invitation)

    def render_GET(self, request: Any) -> bytes:
        """Answer with the transports under the asked host, to who has a token."""
        return answer(request, self._served.description(asked_host(request)))

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
    """What the server measured since it started.

    Of a thousand players that is megabytes, and making them takes time in which the
    game stands still. So whoever asks again soon gets what the last one got.
    """

    def __init__(
        self, served: Served, desk: TokenDesk, seconds: Callable[[], float]
    ) -> None:
        super().__init__()
        self._served = served
        self._desk = desk
        self._seconds = seconds
        self._body = b""
        self._fresh_until = -math.inf

    def render_GET(self, request: Any) -> bytes:
        """Answer with everything."""
        now = self._seconds()
        if now >= self._fresh_until:
            figures = {**self._served.stats(), "tokens": self._desk.stats()}
            self._body = answer(request, figures)
            self._fresh_until = now + _FRESH
        request.setHeader(b"content-type", b"application/json")
        return self._body


class History(JsonAnswer):
    """What one player's connection did in the last minute."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self._served = served

    def render_GET(self, request: Any) -> bytes:
        """Answer with the samples of the player that `?player=ID` names."""
        asked = request.args.get(b"player", [b""])[0]
        if not _PLAYER_ID.fullmatch(asked):
            return answer(request, {"error": "which one? allowed: ?player=ID"}, 400)
        history = self._served.history(int(asked))
        if history is None:
            error = f"there is no player {int(asked)}"
            return answer(request, {"error": error}, 404)
        return answer(request, history)


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


def asked_name(body: bytes) -> str | None:
    """Return the name in the body of a request; empty without one, None if malformed.

    A body that says nothing, and members that we do not know, are fine.
    """
    if not body:
        return ""
    try:
        told = json.loads(body) if len(body) <= _MAX_BODY else None
    except (ValueError, RecursionError):
        return None
    name = told.get("name", "") if isinstance(told, dict) else None
    return name if isinstance(name, str) else None
