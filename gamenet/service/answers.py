# SPDX-License-Identifier: MIT
"""What every HTTP answer has in common: protective headers, JSON, errors.

The page of a game needs nothing from other hosts but the socket, so a browser is told
to load and connect to nothing else: markup that somebody smuggles into a player's name
then does nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from html import escape
from typing import Any

from twisted.web.error import UnsupportedMethod
from twisted.web.resource import Resource

__all__ = ["JsonAnswer", "NotFoundPage", "answer", "protect", "refuse_method", "share"]

_HEADERS = {
    b"content-security-policy": (
        b"default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; "
        b"object-src 'none'; base-uri 'none'; form-action 'self'; "
        b"frame-ancestors 'none'"
    ),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"server": b"gamenet",
}
_ASKED_HEADERS = b"authorization, content-type"
_NOT_FOUND = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Not found</title>
<h1>Not found</h1>
<p>There is nothing at <code>{path}</code>. <a href="/">To the game</a></p>
</html>
"""


def protect(request: Any) -> None:
    """Set the headers that protect the page on an answer."""
    for name, value in _HEADERS.items():
        request.setHeader(name, value)


def answer(request: Any, body: Mapping[str, Any], code: int = 200) -> bytes:
    """Return the bytes of an answer in JSON, after setting its code and type."""
    request.setResponseCode(code)
    request.setHeader(b"content-type", b"application/json")
    return json.dumps(body).encode() + b"\n"


def refuse_method(request: Any, allowed: str) -> bytes:
    """Return the answer to a method that an address does not take."""
    request.setHeader(b"allow", allowed.encode())
    return answer(request, {"error": f"this address takes {allowed} only"}, 405)


def share(request: Any, origins: Collection[str]) -> None:
    """Let pages of allowed origins read an answer, as they may open the socket."""
    origin = request.getHeader("origin")
    if origin and (origin in origins or "*" in origins):
        request.setHeader(b"access-control-allow-origin", origin.encode())
        request.setHeader(b"access-control-allow-headers", _ASKED_HEADERS)
        request.setHeader(b"access-control-allow-methods", b"GET, POST")
    request.setHeader(b"vary", b"origin")


class NotFoundPage(Resource):
    """The answer for an address with nothing behind it."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        """Say that there is nothing."""
        request.setResponseCode(404)
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        request.setHeader(b"cache-control", b"no-store")
        path = request.path.decode("utf-8", "replace")
        return _NOT_FOUND.format(path=escape(path)).encode()


class JsonAnswer(Resource):
    """A resource that answers in JSON, its errors included."""

    isLeaf = True

    def render(self, request: Any) -> Any:
        """Render by the request's method; 405 for one that is not there."""
        request.setHeader(b"cache-control", b"no-store")
        if request.postpath and request.postpath != [b""]:
            return answer(request, {"error": "there is nothing here"}, 404)
        try:
            return super().render(request)
        except UnsupportedMethod as error:
            methods: set[bytes] = {*error.allowedMethods} - {b"HEAD", b"OPTIONS"}
            return refuse_method(request, b", ".join(sorted(methods)).decode())
