# SPDX-License-Identifier: MIT
"""Say whether a text of the configuration has the form that its key asks for.

Each function raises `ValueError` or `ConfigError` if not; the message says why, without
the value, which the reader of the configuration puts before it.
"""

from __future__ import annotations

import ipaddress
import re

from gamenet.transport import parse_listen

__all__ = ["game_form", "host_form", "key_form", "listen_form", "secret_form"]

_GAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_KEY = re.compile(r"[0-9A-Fa-f]{64}")
_SECRET = re.compile(r"[A-Za-z0-9._~+/-]{16,255}=*")  # RFC 6750, section 2.1
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def game_form(text: str) -> None:
    """Raise an error unless a text is a game as module:Class."""
    if text and not _GAME.fullmatch(text):
        raise ValueError("a game is written module:Class, as in examples.arena:Arena")


def key_form(text: str) -> None:
    """Raise an error unless a text is 64 hexadecimal digits."""
    if text and not _KEY.fullmatch(text):
        wrong = "other" if len(text) == 64 else str(len(text))
        raise ValueError(f"it has {wrong} characters; gamenet keygen makes a key")


def secret_form(text: str) -> None:
    """Raise an error unless a text is a secret fit for a header."""
    if text and not _SECRET.fullmatch(text):
        raise ValueError("it is sent in a header, and has to be hard to guess")


def host_form(text: str) -> None:
    """Raise an error unless a text is a host name or an address."""
    if text and not _HOST.fullmatch(text) and not _is_ipv6(text):
        raise ValueError("a host is a name or an address, without scheme and port")


def _is_ipv6(text: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def listen_form(text: str) -> None:
    """Raise an error unless a text is a listen string that others can reach."""
    if parse_listen(text).transport == "memory":
        raise ValueError("nobody outside of this process reaches it; use udp:7777")
