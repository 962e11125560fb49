# SPDX-License-Identifier: MIT
"""Say what a peer may cost us, before it has proved anything.

Every default is safe for a public server with a small game; a larger one raises the
counts. Each limit has a test that exceeds it, and each refusal is counted in the
factory's `stats()`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from gamenet.errors import ConfigError

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may cost a listener.

    Raises:
        ConfigError: a value is not above zero, or not of its field's kind.
    """

    max_connections: int = 1024
    """Connections of all addresses and transports together, the half-open ones of
    streams included."""
    max_per_address: int = 64
    """Connections of one address. Households and schools share one; behind a reverse
    proxy every browser does, so raise it there."""
    handshake_timeout: float = 5.0
    """Seconds in which a stream must have said something that makes it a player's: TLS,
    the WebSocket opening and the first packet together."""
    max_frame: int = 66560
    """Bytes of one frame or one message of a stream: the largest message (65536) and
    room for headers."""
    write_buffer: int = 262144
    """Bytes that may wait in a stream's write buffer for a reader that is slow. Beyond
    it unreliable messages are dropped; reliable ones wait in the connection, which
    closes when its own queue is full."""
    receive_buffer: int = 8388608
    """Bytes of receive buffer asked for a UDP socket. The kernel may give less
    (net.core.rmem_max on Linux)."""
    bandwidth: float = 1e12
    """Bytes a second that all connections together may send; the default is none."""
    allowed_origins: tuple[str, ...] = ()
    """Origins of web pages, as `https://example.com`, that may open a WebSocket beside
    the server's own; `*` allows every page. A client that names no origin is not a
    browser and always may."""
    ping_interval: float = 15.0
    """Seconds between WebSocket pings on a silent connection; proxies close idle ones
    after 60."""
    ping_timeout: float = 10.0
    """Seconds to wait for the answer to a ping before the connection is dropped."""
    http_request_line: int = 4096
    """Bytes of an HTTP request line, and of each header line."""
    http_headers: int = 64
    """Headers of one HTTP request."""
    http_header_bytes: int = 16384
    """Bytes of the request line and all headers together."""
    http_body: int = 16384
    """Bytes of an HTTP request's body; a larger one is answered by 413."""
    http_timeout: float = 30.0
    """Seconds in which the next HTTP request must be complete, counted from the opening
    of the connection or from the last answer."""
    max_http_connections: int = 1024
    """HTTP connections of one listener, those that became WebSockets not included."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "allowed_origins":
                self._check_origins(value)
            else:
                self._check_number(field.name, value, isinstance(field.default, float))

    @staticmethod
    def _check_number(name: str, value: object, may_be_float: bool) -> None:
        kind = (int, float) if may_be_float else int
        is_number = isinstance(value, kind) and not isinstance(value, bool)
        if not is_number or not 0 < value < math.inf:  # type: ignore[operator]
            what = "a number" if may_be_float else "a whole number"
            raise ConfigError(f"limit {name} is {value!r}; it must be {what} above 0")

    @staticmethod
    def _check_origins(value: object) -> None:
        if not isinstance(value, tuple):
            raise ConfigError(f"limit allowed_origins is {value!r}; it must be a tuple")
        for origin in value:
            well_formed = origin == "*" or (
                isinstance(origin, str)
                and origin.partition("://")[0] in ("http", "https")
                and origin.partition("://")[2] not in ("", "/")
                and not origin.endswith("/")
            )
            if not well_formed:
                raise ConfigError(
                    f"allowed origin {origin!r} is no origin; write it as "
                    "'https://example.com', without a path, or '*'"
                )
