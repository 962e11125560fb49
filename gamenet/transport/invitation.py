# SPDX-License-Identifier: MIT
"""Ask a server, at its web address, for a token and for where to connect.

There are two ways to ask, with the same answer and the same limits: one for programs
that run in a reactor, and one for those that wait.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn

from OpenSSL.SSL import Error as SSLError
from treq.client import HTTPClient
from treq.content import collect
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, succeed
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS
from twisted.web.iweb import IAgent, IBodyProducer
from zope.interface import implementer

from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.transport.asking import ask_web
from gamenet.transport.connect_answer import (
    LARGEST_ANSWER,
    Invitation,
    connect_url,
    read_invitation,
)

__all__ = ["Invitation", "ask_invitation", "connect_url", "fetch_invitation"]

_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1
_PATIENCE = 10.0
"""Seconds to wait for the whole answer."""


def fetch_invitation(
    reactor: Any,
    server_url: str,
    *,
    name: str = "",
    secret: str = "",
    trust: str = "",
    agent: IAgent | None = None,
) -> Deferred[Invitation]:
    """Ask a server how to join it, and for a token.

    Args:
        reactor: carries the request.
        server_url: the web address, as `http://127.0.0.1:8080`.
        name: as the player wishes to be called.
        secret: the server's `connect_secret`, where it asks for one.
        trust: PEM file of the certificates to trust on https; empty for the system's.
        agent: sends the request; one on the reactor if left out.

    Returns:
        A Deferred of the invitation; cancel it to give up. It fails with `ConfigError`
        if the address is none of the web, and with `ConnectError` if nothing answers
        there, if what answers is no game server, or if it gives us no token.
    """
    return ensureDeferred(_fetch(reactor, server_url, name, secret, trust, agent))


def ask_invitation(
    server_url: str,
    *,
    name: str = "",
    secret: str = "",
    trust: str = "",
    timeout: float = _PATIENCE,
) -> Invitation:
    """Ask a server how to join it, and for a token; wait for the answer.

    Args:
        server_url: the web address, as `http://127.0.0.1:8080`.
        name: as the player wishes to be called.
        secret: the server's `connect_secret`, where it asks for one.
        trust: PEM file of the certificates to trust on https; empty for the system's.
        timeout: seconds to wait for a connection, and then for the whole answer.

    Raises:
        ConfigError: the address is none of the web.
        ConnectError: nothing answers there, what answers is no game server, or it gives
            us no token.
    """
    url = connect_url(server_url)
    code, body = ask_web(
        url,
        "POST",
        body=_body(name),
        headers=_headers(secret),
        trust=trust,
        timeout=timeout,
        largest=LARGEST_ANSWER,
    )
    return read_invitation(url, code, body)


def _body(name: str) -> bytes:
    return json.dumps({"name": name}).encode()


def _headers(secret: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if secret:
        if not _BEARER.fullmatch(secret):
            raise ConfigError(
                "the secret for POST /connect cannot be sent: allowed are letters, "
                "digits and - . _ ~ + / ="
            )
        headers["Authorization"] = f"Bearer {secret}"
    return headers


async def _fetch(
    reactor: Any,
    server_url: str,
    name: str,
    secret: str,
    trust: str,
    agent: IAgent | None,
) -> Invitation:
    url, headers = connect_url(server_url), _headers(secret)
    client = HTTPClient(agent or _agent(reactor, trust))
    asking = ensureDeferred(_ask(client, url, _body(name), headers))
    asking.addTimeout(_PATIENCE, reactor, onTimeoutCancel=_too_late)
    try:
        code, body = await _cancellable(asking)
    except CancelledError:
        raise
    except Exception as error:
        raise ConnectError(
            f"{url} does not answer: {_why(error)}", CloseReason.UNREACHABLE
        ) from error
    return read_invitation(url, code, body)


async def _ask(
    client: HTTPClient, url: str, content: bytes, headers: dict[str, str]
) -> tuple[int, bytes]:
    """Return status and body; of a body that is too large, not more than needed."""
    response = await client.post(
        url,
        data=_Content(content),
        headers=headers,
        # A redirection would carry the secret to whoever it names.
        allow_redirects=False,
        # Else treq would keep a second copy, however large.
        unbuffered=True,
    )
    body = bytearray()

    def take(data: bytes) -> None:
        body.extend(data)
        if len(body) > LARGEST_ANSWER:
            raise _TooLargeError

    try:
        await collect(response, take)
    except _TooLargeError:
        body.clear()
    return response.code, bytes(body)


@implementer(IBodyProducer)
class _Content:
    """A few bytes of a request, written at once: no timer of a reactor is needed."""

    def __init__(self, content: bytes) -> None:
        self.length = len(content)
        self._content = content

    def startProducing(self, consumer: Any) -> Deferred[None]:
        """Write everything."""
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Do nothing: everything is written."""

    def resumeProducing(self) -> None:
        """Do nothing: everything is written."""

    def stopProducing(self) -> None:
        """Do nothing: everything is written."""


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
