# SPDX-License-Identifier: MIT
"""Ask a resource as a browser would, without a socket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.web.resource import IResource
from twisted.web.server import Request, Site
from twisted.web.test.requesthelper import DummyChannel


@dataclass(frozen=True)
class Answer:
    """What came back."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body's value."""
        return json.loads(self.body)


class _Channel(DummyChannel):
    """A channel that takes everything a producer has, at once."""

    def __init__(self, root: IResource, peer: IPv4Address) -> None:
        super().__init__(peer)
        self.site = Site(root)
        self._producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._producer = producer
        while self._producer is not None:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        self._producer = None


def ask(
    root: IResource,
    path: str,
    method: str = "GET",
    body: bytes = b"",
    peer: str = "192.0.2.7",
    **headers: str,
) -> Answer:
    """Return the answer of a site.

    Args:
        root: the site.
        path: the address within it, as it stands in the request line.
        method: of the request.
        body: of the request.
        peer: address of the browser.
        headers: of the request; an underscore stands for a dash.
    """
    channel = _Channel(root, IPv4Address("TCP", peer, 50_000))
    request = Request(channel, queued=False)
    request.requestHeaders.setRawHeaders("host", ["play.example.com:8080"])
    for name, value in headers.items():
        request.requestHeaders.setRawHeaders(name.replace("_", "-"), [value])
    request.gotLength(len(body))
    request.handleContentChunk(body)
    request.requestReceived(method.encode(), path.encode(), b"HTTP/1.1")
    head, _, body = channel.transport.written.getvalue().partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines[1:])
    return Answer(
        int(lines[0].split()[1]), {name.lower(): text for name, text in pairs}, body
    )
