# SPDX-License-Identifier: MIT
"""Decide who may look into a running server, and help those who may to say so.

What a player is sent tells a cheat what that player sees, and looking costs the server
time. So more is asked here than for `/stats`: the server's `connect_secret`, or a pass
that whoever has the server's key can make. A server without either, for development, is
looked into from its own machine, by an address of that machine: so nobody can by way of
a proxy under the server's name, and no page of another site can by way of a developer's
browser.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import math
import os
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from gamenet.errors import ConfigError
from gamenet.service.answers import answer
from gamenet.service.arguments import key_from, key_option
from gamenet.service.desk import Allowances, Objection

__all__ = ["InspectDesk", "access_headers", "access_options", "inspection_pass"]

_BURST = 10
"""Wrong secrets that an address may show at once; they are regained in 30 seconds."""
_PURPOSE = b"gamenet inspection"
_FOREIGN = (
    "a page of another site asked; open this address by itself, or use gamenet inspect"
)
_NOT_HERE = (
    "this server has no key, so it can be inspected from its own machine only, as "
    "http://127.0.0.1:PORT/inspect; give it a key or a connect_secret to do it from "
    "elsewhere"
)
_CHALLENGE = (
    "to inspect this server takes its connect_secret or its key: --secret or --key of "
    "the commands; on the page the secret, or what gamenet inspect --pass prints"
)
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def inspection_pass(key: bytes) -> str:
    """Return what shows that somebody has a server's key, and does not give it away."""
    return hmac.digest(key, _PURPOSE, hashlib.sha256).hex()


class InspectDesk:
    """Decide who may look into a server.

    Args:
        key: the server's key; empty for one that it made itself.
        secret: its `connect_secret`; empty for none.
        seconds: monotonic time.
    """

    def __init__(
        self, *, key: bytes, secret: str, seconds: Callable[[], float]
    ) -> None:
        shown = [secret] if secret else []
        shown += [inspection_pass(key)] if key else []
        self._shown = [each.encode() for each in shown]
        self._allowances = Allowances(_BURST, seconds)

    def refusal(self, request: Any) -> bytes | None:
        """Return the answer to a caller who may not look; None to one who may."""
        objection = self._objection(request)
        if objection is None:
            return None
        for name, value in objection.headers:
            request.setHeader(name, value)
        return answer(request, {"error": objection.text}, objection.code)

    def _objection(self, request: Any) -> Objection | None:
        site = request.getHeader("sec-fetch-site") or "none"
        if site not in ("none", "same-origin"):
            return Objection(403, "foreign", _FOREIGN)
        caller = str(getattr(request.getClientAddress(), "host", ""))
        if not self._shown:
            is_here = _is_of_here(caller) and _is_of_here(_host_of(request))
            is_direct = not any(map(request.getHeader, _FORWARDED))
            may = is_here and is_direct
            return None if may else Objection(403, "not_here", _NOT_HERE)
        scheme, _, shown = (request.getHeader(b"authorization") or b"").partition(b" ")
        if scheme.lower() == b"bearer" and self._is_known(shown.strip()):
            return None
        wait = self._allowances.take(caller)
        if wait:
            text = (
                f"too many wrong secrets were shown; try again in {math.ceil(wait)} s"
            )
            return Objection(429, "too_many", text)
        challenge = (b"www-authenticate", b'Bearer realm="gamenet inspection"')
        return Objection(401, "wrong_secret", _CHALLENGE, (challenge,))

    def _is_known(self, shown: bytes) -> bool:
        return any([hmac.compare_digest(shown, each) for each in self._shown])  # noqa: C419 - each is compared, so that the time tells nothing


def _host_of(request: Any) -> str:
    """Return the name under which a caller reached us, without the port."""
    host = str(request.getHeader("host") or "")
    return host[1:].partition("]")[0] if host[:1] == "[" else host.partition(":")[0]


def _is_of_here(host: str) -> bool:
    """Return whether a name or an address means the machine itself."""
    try:
        ip = ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def access_options(parser: argparse.ArgumentParser) -> None:
    """Add the options by which a command shows that it may look."""
    parser.add_argument(
        "--secret",
        metavar="TEXT",
        default="",
        help="the server's connect_secret (default: that of GAMENET_CONNECT_SECRET)",
    )
    key_option(parser)
    parser.add_argument(
        "--trust",
        metavar="FILE",
        default="",
        help="PEM file of the certificate to trust, for https",
    )


def access_headers(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the headers by which a command shows that it may look.

    Raises:
        ConfigError: what the command line or the environment gives is no key.
    """
    secret = arguments.secret or os.environ.get("GAMENET_CONNECT_SECRET", "")
    if not secret and (arguments.key or os.environ.get("GAMENET_KEY")):
        secret = inspection_pass(key_from(arguments))
    if not secret:
        return {}
    if not (secret.isascii() and secret.isprintable()):
        raise ConfigError(
            "--secret: allowed: 16 to 255 letters, digits and - . _ ~ + /"
        )
    return {"authorization": f"Bearer {secret}"}
