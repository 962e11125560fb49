# SPDX-License-Identifier: MIT
"""Ask a web server without a reactor, and wait a bounded time for a bounded answer.

The standard library bounds each read, not the whole answer, follows redirections with
the caller's secrets, and asks proxies that the environment names. Here an answer is
complete in time or it is none, and it comes from the server that was asked.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from http.client import (
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    HTTPSConnection,
    IncompleteRead,
)
from threading import Event, Timer
from urllib.parse import SplitResult, urlsplit

from gamenet.errors import CloseReason, ConfigError, ConnectError

__all__ = ["ask_web", "split_web"]


def split_web(url: str) -> SplitResult:
    """Return the parts of a web address.

    Raises:
        ConfigError: it is none.
    """
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_web = is_web and parts.port != 0
    except ValueError:
        is_web = False
    if not is_web:
        raise ConfigError(
            f"server {url!r}: allowed: a web address, as http://127.0.0.1:8080"
        )
    return parts


def ask_web(
    url: str,
    method: str = "GET",
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    trust: str = "",
    timeout: float = 10.0,
    largest: int = 65536,
) -> tuple[int, bytes]:
    """Return status and body of an answer; redirections are not followed.

    Args:
        url: what to ask, as `http://127.0.0.1:8080/stats`.
        method: of the request.
        body: of the request.
        headers: further headers of the request.
        trust: PEM file of the certificates to trust on https; empty for the system's.
        timeout: seconds in which a connection must be made, and then the answer be
            complete.
        largest: bytes of the largest body; of a larger one nothing is returned.

    Raises:
        ConfigError: the address is none of the web, or the file holds no certificate.
        ConnectError: nothing answers there in time.
    """
    parts = split_web(url)
    connection = _connection(parts, trust, timeout)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    is_late = Event()
    try:
        with contextlib.closing(connection):
            connection.connect()
            cutting = Timer(timeout, _cut, [connection.sock, is_late])
            cutting.daemon = True
            cutting.start()
            try:
                connection.request(method, target, body or None, dict(headers or {}))
                response = connection.getresponse()
                answer = _read(response, largest)
            finally:
                cutting.cancel()
    except (OSError, HTTPException, ValueError) as error:
        late = f"nothing complete within {timeout:g} s"
        why = late if is_late.is_set() or isinstance(error, TimeoutError) else ""
        raise ConnectError(
            f"{url} does not answer: {why or _why(error)}", CloseReason.UNREACHABLE
        ) from error
    if is_late.is_set():
        raise ConnectError(
            f"{url} does not answer: nothing complete within {timeout:g} s",
            CloseReason.UNREACHABLE,
        )
    return response.status, answer if len(answer) <= largest else b""


def _read(response: HTTPResponse, largest: int) -> bytes:
    """Return the body; of one that is too large, one byte more than allowed."""
    body = response.read(largest + 1)
    # A body that ends early is an error to `read` only if it is asked for everything.
    if response.length and len(body) <= largest:
        raise IncompleteRead(body)
    return body


def _connection(parts: SplitResult, trust: str, timeout: float) -> HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return HTTPConnection(host, parts.port, timeout=timeout)
    try:
        context = ssl.create_default_context(cafile=trust or None)
    except OSError as error:
        raise ConfigError(f"--trust {trust}: holds no certificate: {error}") from error
    return HTTPSConnection(host, parts.port, timeout=timeout, context=context)


def _cut(sock: socket.socket, is_late: Event) -> None:
    """End a connection amidst whatever it waits for."""
    is_late.set()
    with contextlib.suppress(OSError):
        # The method of the plain socket: that of TLS would say goodbye, and wait.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        what = getattr(error, "verify_message", "") or error.reason or "no reason given"
        return f"TLS failed ({what}); --trust FILE trusts a certificate"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return "what it says is no HTTP, or not complete"
