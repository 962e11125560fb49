# SPDX-License-Identifier: MIT
"""Ask a server, at its web address, how to join it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from OpenSSL.SSL import Error as SSLError
from treq.client import HTTPClient
from treq.content import collect
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS
from twisted.web.iweb import IAgent

from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.transport import ConnectSpec, parse_connect

__all__ = ["address_of", "connect_url", "fetch_invitation"]

_PATIENCE = 10.0
"""Seconds to wait for the whole answer."""
_LARGEST = 65536
"""Bytes of the largest answer that is read."""
_LONGEST_SHOWN = 120
"""Characters of an answer that an error repeats."""


def connect_url(server: str) -> str:
    """Return the address of `POST /connect` on a server.

    Raises:
        ConfigError: the server's address is none of the web.
    """
    try:
        parts = urlsplit(server)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_web = False
    if not is_web:
        raise ConfigError(
            f"server {server!r}: allowed: a web address, as http://127.0.0.1:8080"
        )
    return f"{parts.scheme}://{parts.netloc}/connect"


async def fetch_invitation(
    reactor: Any, server: str, trust: str = "", agent: IAgent | None = None
) -> dict[str, Any]:
    """Return the answer of `POST /connect`.

    Args:
        reactor: carries the request.
        server: the web address, as `http://127.0.0.1:8080`.
        trust: PEM file of the certificates to trust on https; empty for the system's.
        agent: sends the request; one on the reactor if left out.

    Raises:
        ConfigError: the address is none of the web.
        ConnectError: nothing answers there, or what answers is no game server.
        CancelledError: the caller asked no longer.
    """
    url = connect_url(server)
    client = HTTPClient(agent or _agent(reactor, trust))
    asking = ensureDeferred(_ask(client, url))
    asking.addTimeout(_PATIENCE, reactor, onTimeoutCancel=_too_late)
    try:
        code, body = await _cancellable(asking)
    except CancelledError:
        raise
    except Exception as error:
        raise ConnectError(
            f"{url} does not answer: {_why(error)}", CloseReason.UNREACHABLE
        ) from error
    return _read(url, code, body)


async def _ask(client: HTTPClient, url: str) -> tuple[int, bytes]:
    """Return status and body; of a body that is too large, not more than needed."""
    # Unbuffered, because treq would else keep a second copy, however large.
    response = await client.post(url, unbuffered=True)
    body = bytearray()

    def take(data: bytes) -> None:
        body.extend(data)
        if len(body) > _LARGEST:
            raise _TooLargeError

    try:
        await collect(response, take)
    except _TooLargeError:
        body.clear()
    return response.code, bytes(body)


class _TooLargeError(Exception):
    """A body is larger than any invitation; treq closes the connection upon it."""


def _cancellable(asking: Deferred[Any]) -> Deferred[Any]:
    """Return a Deferred that fails with CancelledError if it is cancelled.

    A request that is cancelled fails as if the connection had been lost.
    """

    def cancel(asked: Deferred[Any]) -> None:
        asked.errback(CancelledError())
        asking.cancel()

    def answer(result: Any) -> None:
        if not asked.called:
            asked.callback(result)

    asked: Deferred[Any] = Deferred(cancel)
    asking.addBoth(answer)
    return asked


def _too_late(result: Any, seconds: float) -> NoReturn:
    raise TimeoutError(f"nothing complete within {seconds:g} s")


def _why(error: Exception) -> str:
    reasons = getattr(error, "reasons", None)
    if reasons:
        error = reasons[0].value
    if isinstance(error, SSLError):
        problems = [problem[-1] for problem in error.args[0]] if error.args else []
        what = ", ".join(problems) or "no reason given"
        return f"TLS failed ({what}); --trust FILE trusts a certificate"
    return str(error) or type(error).__name__


def _agent(reactor: Any, trust: str) -> IAgent:
    if not trust:
        return Agent(reactor, connectTimeout=_PATIENCE)
    try:
        pem = Path(trust).read_bytes()
        root = trustRootFromCertificates([Certificate.loadPEM(pem)])
    except (OSError, SSLError) as error:
        raise ConfigError(f"--trust {trust}: holds no certificate: {error}") from error
    policy = BrowserLikePolicyForHTTPS(trustRoot=root)
    return Agent(reactor, contextFactory=policy, connectTimeout=_PATIENCE)


def _read(url: str, code: int, body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict) and code == 503:
        detail = str(answer.get("error", ""))
        raise ConnectError(f"{url}: {detail}", CloseReason.SERVER_SHUTDOWN, detail)
    if code != 200 or not isinstance(answer, dict) or "transports" not in answer:
        raise ConnectError(
            f"{url} is no game server: it answered {code} to POST",
            CloseReason.UNREACHABLE,
        )
    return answer


def address_of(invitation: Mapping[str, Any], transport: str) -> ConnectSpec:
    """Return where a server takes players of a transport.

    Raises:
        ConnectError: it takes none, or says so in a way that is not understood.
    """
    entries = invitation.get("transports")
    if not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise ConnectError(
            f"the server's transports are not understood: {_shown(entries)}; allowed: "
            'a list of objects, each with a "transport"',
            CloseReason.MALFORMED,
        )
    for entry in entries:
        if entry["transport"] == transport:
            return _spec_of(entry)
    offered = ", ".join(entry["transport"] for entry in entries) or "nothing"
    raise ConnectError(
        f"the server does not listen on {transport}, but on {offered}",
        CloseReason.UNREACHABLE,
    )


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("transport"), str)


def _spec_of(entry: Mapping[str, Any]) -> ConnectSpec:
    """Return the address that an entry holds: a URL, or host and port."""
    transport = entry["transport"]
    match entry:
        case {"url": str(text)}:
            pass
        case {"host": str(host), "port": int(port)} if not isinstance(port, bool):
            text = str(ConnectSpec(transport, host, port))
        case _:
            text = ""
    try:
        spec = parse_connect(text)
    except ConfigError:
        spec = None
    if spec is None or spec.transport != transport:
        raise ConnectError(
            f"the server's address for {transport} is not understood: "
            f'{_shown(entry)}; allowed: a "url", or "host" and "port"',
            CloseReason.MALFORMED,
        )
    return spec


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + " ..."
