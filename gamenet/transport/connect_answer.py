# SPDX-License-Identifier: MIT
"""Read what a server answers to `POST /connect`: how to join it, and a token for it.

Whoever answers may be anybody, so that everything is checked, and what an error repeats
of the answer is short and on one line.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gamenet.connection import ConnectToken
from gamenet.errors import CloseReason, ConfigError, ConnectError, RemoteProtocolError
from gamenet.transport.addresses import TRANSPORTS, ConnectSpec, parse_connect
from gamenet.transport.asking import split_web

__all__ = ["LARGEST_ANSWER", "Invitation", "connect_url", "read_invitation"]

LARGEST_ANSWER = 65536
"""Bytes of the largest answer that is read."""
_LONGEST_SHOWN = 120
"""Characters of an answer that an error repeats."""
_FASTEST = 1000
"""Ticks in a second of the fastest game."""
_REFUSALS = {
    401: CloseReason.NO_TOKEN,
    403: CloseReason.NO_TOKEN,
    429: CloseReason.RATE_LIMITED,
    503: CloseReason.SERVER_SHUTDOWN,
}


@dataclass(frozen=True)
class Invitation:
    """What a server tells a client that wants to join."""

    game: str
    """Name of the game's protocol."""
    title: str
    """Title of the game, for people."""
    name: str
    """Name of the server."""
    protocol_hash: bytes
    """The eight bytes that tell incompatible games apart."""
    tick_rate: float
    """Steps of the game in a second."""
    token: ConnectToken = field(repr=False)
    """The ticket that lets one client in, once."""
    specs: tuple[ConnectSpec, ...]
    """Where the server takes players, in the server's order."""
    raw: Mapping[str, Any] = field(repr=False, compare=False)
    """The whole answer."""

    def spec(self, transport: str) -> ConnectSpec:
        """Return where the server takes players of a transport.

        Raises:
            ConnectError: it takes none.
        """
        return self.ordered((transport,))[0]

    def ordered(self, transports: Iterable[str]) -> list[ConnectSpec]:
        """Return where to connect to, by the transports in the order of preference.

        Raises:
            ConnectError: the server takes players by none of them.
        """
        wanted = list(transports)
        found = [
            spec
            for transport in wanted
            for spec in self.specs
            if spec.transport == transport
        ]
        if not found:
            offered = ", ".join(spec.transport for spec in self.specs) or "nothing"
            raise ConnectError(
                f"the server does not listen on {' or '.join(wanted)}, but on "
                f"{offered}",
                CloseReason.UNREACHABLE,
            )
        return found


def connect_url(server: str) -> str:
    """Return the address of `POST /connect` on a server.

    Raises:
        ConfigError: the server's address is none of the web.
    """
    parts = split_web(server)
    return f"{parts.scheme}://{parts.netloc}/connect"


def read_invitation(url: str, code: int, body: bytes) -> Invitation:
    """Return the invitation in an answer.

    Args:
        url: that was asked, for messages.
        code: the status of the answer.
        body: of the answer.

    Raises:
        ConnectError: the server refuses, what it says is not understood, or it is no
            game server at all.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict) and code in _REFUSALS and "error" in answer:
        detail = _line(str(answer["error"]))
        raise ConnectError(f"{url}: {detail}", _REFUSALS[code], detail)
    if code != 200 or not isinstance(answer, dict) or "transports" not in answer:
        raise ConnectError(
            f"{url} is no game server: it answered {code} to POST",
            CloseReason.UNREACHABLE,
        )
    return Invitation(
        game=_text(answer, "game"),
        title=_text(answer, "title"),
        name=_text(answer, "name"),
        protocol_hash=_protocol_hash(answer),
        tick_rate=_tick_rate(answer),
        token=_token(answer),
        specs=_specs(answer["transports"]),
        raw=answer,
    )


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name, "")
    if not isinstance(value, str):
        raise _misunderstood(name, value, "a text")
    return value


def _protocol_hash(answer: Mapping[str, Any]) -> bytes:
    value = answer.get("protocol_hash")
    try:
        found = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        found = b""
    if len(found) != 8:
        raise _misunderstood("protocol_hash", value, "16 hexadecimal digits")
    return found


def _tick_rate(answer: Mapping[str, Any]) -> float:
    value = answer.get("tick_rate")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= _FASTEST:  # type: ignore[operator]
        raise _misunderstood("tick_rate", value, f"above 0, at most {_FASTEST}")
    return float(value)  # type: ignore[arg-type]


def _token(answer: Mapping[str, Any]) -> ConnectToken:
    value = answer.get("token")
    text = value if isinstance(value, str) else ""
    try:
        return ConnectToken.decode(b64decode(text, validate=True))
    except (ValueError, RemoteProtocolError):
        raise _misunderstood("token", value, "a connect token in base64") from None


def _specs(entries: object) -> tuple[ConnectSpec, ...]:
    if not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise _misunderstood(
            "transports", entries, 'a list of objects, each with a "transport"'
        )
    # A server that is newer than we are may offer what we have never heard of.
    return tuple(_spec(entry) for entry in entries if entry["transport"] in TRANSPORTS)


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("transport"), str)


def _spec(entry: Mapping[str, Any]) -> ConnectSpec:
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
    if spec is None or spec.transport != transport or transport == "memory":
        raise _misunderstood(
            f"address for {transport}", entry, 'a "url", or "host" and "port"'
        )
    return spec


def _misunderstood(name: str, value: object, allowed: str) -> ConnectError:
    shown = _line(json.dumps(value, default=str))
    return ConnectError(
        f"the server's {name} is not understood: {shown}; allowed: {allowed}",
        CloseReason.MALFORMED,
    )


def _line(text: str) -> str:
    """Return a text of the server's as an error may repeat it."""
    line = "".join(each if each.isprintable() else " " for each in text)
    return line if len(line) <= _LONGEST_SHOWN else line[:_LONGEST_SHOWN] + " ..."
