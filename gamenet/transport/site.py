# SPDX-License-Identifier: MIT
"""Serve a page and its WebSocket on one port, within limits.

Twisted's HTTP server is kind to slow and talkative clients: a request may take for
ever as long as a byte comes now and then, and its body may be of any size. Here a
request has a time and sizes, an address has a number of connections, and a web page of
another origin may not open the socket unless the configuration allows it.

A browser sends its page's origin along; the socket is opened if that is the host that
it speaks to. A client that sends no origin is not a browser: nothing was smuggled into
a page there, and it may.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from autobahn.twisted.resource import WebSocketResource
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.pages import notFound
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from zope.interface import implementer

from gamenet.errors import CloseReason
from gamenet.transport.addresses import DEFAULT_PATH
from gamenet.transport.admission import Admission
from gamenet.transport.limits import Limits
from gamenet.transport.listener import Listener
from gamenet.transport.tcp import CLOSE_GRACE, TurnedAway

__all__ = ["GameSite", "SocketResource", "is_allowed_origin"]

_SOCKET_NAME = DEFAULT_PATH.lstrip("/").encode()
_LINGER = CLOSE_GRACE
"""Seconds in which what a refused client still sends is read and thrown away: closing
at once would reset the connection, and the answer might be lost with it."""

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def is_allowed_origin(origin: str, host: str, allowed: tuple[str, ...]) -> bool:
    """Return whether a web page may open a WebSocket.

    Args:
        origin: the Origin header; empty if there was none.
        host: the Host header.
        allowed: further origins; "*" allows every page.
    """
    if not origin or "*" in allowed or origin.lower() in map(str.lower, allowed):
        return True
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    default_port = _DEFAULT_PORTS.get(parts.scheme)
    if default_port is None:
        return False
    own = host.lower().removesuffix(default_port)
    return parts.netloc.removesuffix(default_port) == own != ""


@implementer(IResource)
class SocketResource(WebSocketResource):
    """Turn a request for a WebSocket into one, if it may become one.

    Args:
        sockets: builds the server's end.
        limits: hold the allowed origins.
        listener: has the places for connections.
    """

    def __init__(self, sockets: Any, limits: Limits, listener: Listener) -> None:
        super().__init__(sockets)
        self._limits = limits
        self._listener = listener

    def render(self, request: Any) -> Any:
        """Answer a request: by a socket, or by why there is none."""
        refusal = self._refusal(request)
        if refusal is not None:
            code, text = refusal
            request.setResponseCode(code)
            request.setHeader(b"content-type", b"text/plain; charset=utf-8")
            if code == 426:  # RFC 9110, section 15.5.22, wants the header
                request.setHeader(b"upgrade", b"websocket")
            return f"{text}\n".encode()
        channel = request.channel
        result = super().render(request)
        if result == NOT_DONE_YET:
            # The connection is the socket's now, and counts among those.
            channel.leave()
        return result

    def _refusal(self, request: Any) -> tuple[int, str] | None:
        """Return the status and the text to refuse a request with."""
        headers = request.requestHeaders
        upgrade = headers.getRawHeaders("upgrade", [""])[0]
        if request.method != b"GET" or upgrade.lower() != "websocket":
            return 426, "This is the address of a WebSocket."
        origin = ",".join(headers.getRawHeaders("origin", []))
        host = ",".join(headers.getRawHeaders("host", []))
        if not is_allowed_origin(origin, host, self._limits.allowed_origins):
            self._listener.peers.tally.refused["ORIGIN"] += 1
            return 403, f"A page of {origin} may not connect here (allowed_origins)."
        if not self._listener.has_room(request.getClientAddress().host):
            return 503, CloseReason.SERVER_FULL.advice
        return None


class _Root(Resource):
    """Put the socket beside a resource that knows nothing of it."""

    def __init__(self, socket: SocketResource, web: Any) -> None:
        super().__init__()
        self._socket = socket
        self._web = web

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        if path == _SOCKET_NAME and not request.postpath:
            return self._socket
        if self._web is None:
            return notFound()
        if self._web.isLeaf:
            request.postpath.insert(0, request.prepath.pop())
            return self._web
        return self._web.getChildWithDefault(path, request)


class _LimitedRequest(Request):
    """Refuse a body that is too large, as soon as that can be known."""

    channel: Any
    _received = 0

    def gotLength(self, length: int | None) -> None:
        """Take note of the length that the headers announce."""
        limit = self.channel.limits.http_body
        # Twisted would open a temporary file for a body that is large or chunked.
        super().gotLength(limit if length is None else min(length, limit))
        if length is not None and length > limit:
            self.channel.refuse(413, "Content Too Large", "BODY_TOO_LARGE")

    def handleContentChunk(self, data: bytes) -> None:
        """Take a piece of the body; a chunked one announces no length."""
        self._received += len(data)
        if self._received > self.channel.limits.http_body:
            self.channel.refuse(413, "Content Too Large", "BODY_TOO_LARGE")
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Answer the request, unless it was refused on the way."""
        if not self.channel.is_refused:
            super().requestReceived(command, path, version)


class _LimitedChannel(HTTPChannel):
    """An HTTP connection with limits of time and size."""

    abortTimeout = CLOSE_GRACE  # type: ignore[assignment]

    limits: Limits
    is_refused = False
    _listener: Listener
    _leave: Callable[[], None] | None = None

    def limit(self, listener: Listener, leave: Callable[[], None]) -> None:
        """Set the limits, and what gives the place back at the end."""
        self._listener = listener
        self._leave = leave
        self.limits = limits = listener.factory.limits
        self.MAX_LENGTH = limits.http_request_line
        self.maxHeaders = limits.http_headers
        self.totalHeadersSize = limits.http_header_bytes
        listener.opened(self)

    def leave(self) -> None:
        """Give the place back: the connection is closed, or no longer HTTP."""
        if self._leave is not None:
            self._leave()
            self._leave = None
            self._listener.closed(self)

    def close(self) -> None:
        """Close the connection when what is written is sent."""
        self.loseConnection()

    def cut(self) -> None:
        """Close the connection at once."""
        self.transport.abortConnection()

    def refuse(self, code: int, text: str, counter: str) -> None:
        """Answer an error, read on for a moment without listening, and close."""
        if self.is_refused:
            return
        self.is_refused = True
        self._listener.peers.tally.refused[counter] += 1
        self.transport.write(
            f"HTTP/1.1 {code} {text}\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        self.setTimeout(_LINGER)

    def resetTimeout(self) -> None:
        """Do not start the time again at every byte: a request has it once."""

    def dataReceived(self, data: bytes) -> None:
        """Take bytes in, unless the request was refused."""
        if not self.is_refused:
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Take a line of the head in, unless the request was refused."""
        if not self.is_refused:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        """Take a piece of a body in, unless the request was refused."""
        if not self.is_refused:
            super().rawDataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a request line or a header line that is too long."""
        if self.requests:
            self.refuse(431, "Request Header Fields Too Large", "HEADERS_TOO_LARGE")
        else:
            self.refuse(414, "URI Too Long", "REQUEST_LINE_TOO_LONG")

    def timeoutConnection(self) -> None:
        """Close a connection whose request did not come, or came too slowly."""
        self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)
        self.loseConnection()

    def forceAbortClient(self) -> None:
        """Cut a connection that would not close."""
        self._abortingCall = None
        self.cut()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give the place back."""
        self.leave()
        super().connectionLost(reason)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(400, "Bad Request", "BAD_REQUEST")

    def _send100Continue(self) -> None:
        if not self.is_refused:
            super()._send100Continue()


class GameSite(Site):
    """The web server of a listener.

    Args:
        reactor: gives delayed calls.
        socket: the resource of the WebSocket.
        web: everything else; without it there is nothing else.
        listener: has the limits, and counts.
    """

    noisy = False
    requestFactory = _LimitedRequest

    def __init__(
        self, reactor: Any, socket: SocketResource, web: Any, listener: Listener
    ) -> None:
        limits = listener.factory.limits
        super().__init__(
            _Root(socket, web), timeout=limits.http_timeout, reactor=reactor
        )
        # The channel itself, without the wrapper that would negotiate HTTP/2: none of
        # the limits would hold there.
        self.protocol = _LimitedChannel  # type: ignore[assignment]
        self._listener = listener
        self._places = Admission(limits.max_http_connections, limits.max_per_address)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Return the channel of a connection, if there is a place for it."""
        host = str(getattr(addr, "host", addr))
        reason = self._places.reason_against(host)
        if reason is not None:
            self._listener.peers.tally.refused[f"HTTP_{reason.name}"] += 1
            return TurnedAway()
        channel: Any = super().buildProtocol(addr)
        self._places.enter(host)
        channel.limit(self._listener, partial(self._places.leave, host))
        return channel

    def startFactory(self) -> None:
        """Keep no access log, and no timer for its dates."""

    def stopFactory(self) -> None:
        """Close nothing: there is no access log."""

    def acceptableProtocols(self) -> list[bytes]:
        """Speak HTTP/1.1 only."""
        return [b"http/1.1"]

    def log(self, request: Any) -> None:
        """Log no request: a flood would be a second one in the log."""
