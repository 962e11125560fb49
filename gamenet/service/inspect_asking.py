# SPDX-License-Identifier: MIT
"""Ask a running server to be looked into, and say what is wrong if it is not."""

from __future__ import annotations

import argparse
import json
from typing import Any

from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.service.inspect_access import access_headers
from gamenet.transport import ask_web, connect_url

__all__ = ["ask_inside"]

_LARGEST = 1 << 26
"""Bytes of the largest answer."""
_REFUSED = (400, 401, 403, 404, 409, 429)


def ask_inside(
    arguments: argparse.Namespace, path: str, member: str, timeout: float = 10.0
) -> dict[str, Any]:
    """Return the object that a server answers to who may look into it.

    Args:
        arguments: with the address, and with the options of `access_options`.
        path: what to ask.
        member: name that the object has.
        timeout: seconds in which the answer must be complete.

    Raises:
        ConfigError: the server refuses, and says why.
        ConnectError: nothing answers, or it is no server that can be looked into.
    """
    root = connect_url(arguments.address).removesuffix("/connect")
    headers = access_headers(arguments)
    options: dict[str, Any] = {"trust": arguments.trust, "largest": _LARGEST}
    url = f"{root}{path}"
    code, body = ask_web(url, headers=headers, timeout=timeout, **options)
    found = _object(body)
    if code == 200 and member in found:
        return found
    if code in _REFUSED and isinstance(found.get("error"), str):
        text = "".join(c if c.isprintable() else " " for c in found["error"][:500])
        raise ConfigError(text)
    code_of_health, body = ask_web(f"{root}/health", **options)
    if code_of_health in (200, 503) and "tick" in _object(body):
        text = f"{root} is a game server of an older gamenet, which cannot be inspected"
    else:
        text = f"{root} is no game server"
    text += f": it answered {code} to GET {path.partition('?')[0]}"
    raise ConnectError(text, CloseReason.UNREACHABLE)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}
