# SPDX-License-Identifier: MIT
"""Ask a server, at its web address, how to join it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from OpenSSL.SSL import Error as SSLError
from treq.client import HTTPClient
from treq.content import content
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS
from twisted.web.iweb import IAgent

from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.transport import ConnectSpec, parse_connect

__all__ = ["address_of", "connect_url", "fetch_invitation"]

_PATIENCE = 10.0
"""Seconds to wait for the answer."""
_LARGEST = 65536
"""Bytes of the largest answer that is read."""


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
    """
    url = connect_url(server)
    client = HTTPClient(agent or _agent(reactor, trust))
    try:
        response = await client.post(url, timeout=_PATIENCE, reactor=reactor)
        body = await content(response)
    except Exception as error:
        raise ConnectError(
            f"{url} does not answer: {_why(error)}", CloseReason.UNREACHABLE
        ) from error
    return _read(url, response.code, body)


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
        answer = json.loads(body) if len(body) <= _LARGEST else None
    except ValueError:
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
    offered = []
    for entry in invitation["transports"]:
        offered.append(str(entry.get("transport")))
        if entry.get("transport") != transport:
            continue
        try:
            if "url" in entry:
                return parse_connect(str(entry["url"]))
            return ConnectSpec(transport, str(entry["host"]), int(entry["port"]))
        except (ConfigError, KeyError, ValueError) as error:
            raise ConnectError(
                f"the server's address for {transport} is not understood: {error}",
                CloseReason.MALFORMED,
            ) from error
    raise ConnectError(
        f"the server does not listen on {transport}, but on {', '.join(offered)}",
        CloseReason.UNREACHABLE,
    )
