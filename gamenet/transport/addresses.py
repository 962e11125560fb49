# SPDX-License-Identifier: MIT
r"""Describe where to listen and what to connect to, as one string each.

The form is that of Twisted's endpoint strings: a transport, its positional values,
then `name=value` options, separated by colons. A backslash takes the next character
literally, so an IPv6 address is written `interface=\:\:1`; in a connect string it may
stand in brackets instead, `udp:[::1]:7777`.

    udp:7777                      tls:7779:certificate=cert.pem:key=key.pem
    tcp:7778:interface=127.0.0.1  wss:8443:certificate=cert.pem:key=key.pem
    ws:8080                       memory:arena

Source: the description grammar of `twisted.internet.endpoints.serverFromString`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gamenet.errors import ConfigError

__all__ = [
    "TRANSPORTS",
    "ConnectSpec",
    "ListenSpec",
    "is_web",
    "parse_connect",
    "parse_listen",
    "show_address",
]

TRANSPORTS = ("udp", "tcp", "tls", "ws", "wss", "memory")
"""Every transport that a string can name."""

SECURE_TRANSPORTS = ("tls", "wss")

DEFAULT_PATH = "/ws"
"""Where the socket lives beside the page, on ws and wss."""

_LISTEN_OPTIONS = {
    "udp": {"interface"},
    "tcp": {"interface"},
    "tls": {"interface", "certificate", "key", "authority"},
    "ws": {"interface"},
    "wss": {"interface", "certificate", "key", "authority"},
    "memory": set(),
}
_LISTEN_FORMS = {
    "udp": "udp:PORT[:interface=ADDRESS]",
    "tcp": "tcp:PORT[:interface=ADDRESS]",
    "tls": "tls:PORT:certificate=FILE:key=FILE[:authority=FILE][:interface=ADDRESS]",
    "ws": "ws:PORT[:interface=ADDRESS]",
    "wss": "wss:PORT:certificate=FILE:key=FILE[:authority=FILE][:interface=ADDRESS]",
    "memory": "memory:NAME",
}
_CONNECT_OPTIONS = {
    "udp": set(),
    "tcp": set(),
    "tls": {"trust"},
    "ws": {"path"},
    "wss": {"path", "trust"},
    "memory": set(),
}
_CONNECT_FORMS = {
    "udp": "udp:HOST:PORT",
    "tcp": "tcp:HOST:PORT",
    "tls": "tls:HOST:PORT[:trust=FILE]",
    "ws": "ws:HOST:PORT[:path=/ws] or ws://HOST:PORT/ws",
    "wss": "wss:HOST:PORT[:path=/ws][:trust=FILE] or wss://HOST:PORT/ws",
    "memory": "memory:NAME",
}

_SPECIAL = re.compile(r"[\\:=\[]")


@dataclass(frozen=True, slots=True)
class ListenSpec:
    """Where and how to listen; `str()` of it is the listen string."""

    transport: str
    """One of `TRANSPORTS`."""
    port: int = 0
    """UDP or TCP port, 0 to take a free one."""
    interface: str = ""
    """Address to bind, empty for all IPv4 addresses."""
    certificate: str = ""
    """PEM file with the certificate chain (tls, wss)."""
    key: str = ""
    """PEM file with the private key (tls, wss)."""
    authority: str = ""
    """PEM file with the authority whose client certificates are demanded (tls, wss)."""
    name: str = ""
    """Name within the memory network (memory)."""

    @property
    def is_secure(self) -> bool:
        """Return whether the transport is encrypted by TLS."""
        return self.transport in SECURE_TRANSPORTS

    def __str__(self) -> str:
        target = self.name if self.transport == "memory" else str(self.port)
        options = {
            "certificate": self.certificate,
            "key": self.key,
            "authority": self.authority,
            "interface": self.interface,
        }
        return _join([self.transport, target], options)


@dataclass(frozen=True, slots=True)
class ConnectSpec:
    """What to connect to; `str()` of it is the connect string."""

    transport: str
    """One of `TRANSPORTS`."""
    host: str = ""
    """Host name or address; the name of the listener on the memory transport."""
    port: int = 0
    """UDP or TCP port."""
    path: str = DEFAULT_PATH
    """Path of the socket (ws, wss)."""
    trust: str = ""
    """PEM file with the certificates to trust instead of the system's (tls, wss)."""

    @property
    def is_secure(self) -> bool:
        """Return whether the transport is encrypted by TLS."""
        return self.transport in SECURE_TRANSPORTS

    @property
    def url(self) -> str:
        """Return the URL of the socket (ws, wss)."""
        return f"{self.transport}://{show_address(self.host, self.port)}{self.path}"

    def __str__(self) -> str:
        positional = [self.transport, self.host]
        if self.transport != "memory":
            positional.append(str(self.port))
        path = self.path if self.path != DEFAULT_PATH else ""
        return _join(positional, {"path": path, "trust": self.trust})


def parse_listen(text: str) -> ListenSpec:
    """Read a listen string.

    Raises:
        ConfigError: it names the value and the form that is allowed.

    Example:
        >>> parse_listen("udp:7777:interface=127.0.0.1").port
        7777
    """
    what = f"listen string {text!r}"
    transport, values, options = _split(what, text, _LISTEN_FORMS, _LISTEN_OPTIONS)
    form = _LISTEN_FORMS[transport]
    if len(values) != 1:
        raise ConfigError(f"{what} has {len(values)} values; use {form}")
    if transport == "memory":
        return ListenSpec(transport, name=_name(what, values[0], form))
    spec = ListenSpec(transport, _port(what, values[0], form, lowest=0), **options)
    if spec.is_secure and not (spec.certificate and spec.key):
        raise ConfigError(f"{what} lacks certificate= or key=; use {form}")
    return spec


def parse_connect(text: str) -> ConnectSpec:
    """Read a connect string, or the URL of a WebSocket.

    Raises:
        ConfigError: it names the value and the form that is allowed.

    Example:
        >>> parse_connect("udp:127.0.0.1:7777").host
        '127.0.0.1'
    """
    what = f"connect string {text!r}"
    if text.startswith(("ws://", "wss://")):
        return _parse_url(what, text)
    transport, values, options = _split(what, text, _CONNECT_FORMS, _CONNECT_OPTIONS)
    form = _CONNECT_FORMS[transport]
    expected = 1 if transport == "memory" else 2
    if len(values) != expected:
        raise ConfigError(f"{what} has {len(values)} values; use {form}")
    host = _name(what, values[0], form)
    if transport == "memory":
        return ConnectSpec(transport, host)
    port = _port(what, values[1], form, lowest=1)
    if not options.get("path", "/").startswith("/"):
        raise ConfigError(f"{what}: path {options['path']!r} must begin with '/'")
    return ConnectSpec(transport, host, port, **options)


def is_web(address: str) -> bool:
    """Return whether an address is one of the web, and no connect string."""
    return address.startswith(("http://", "https://"))


def show_address(host: str, port: int) -> str:
    """Return a host and a port as people write them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parse_url(what: str, text: str) -> ConnectSpec:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{what} is not a URL: {error}") from None
    form = _CONNECT_FORMS[parts.scheme]
    if not parts.hostname or port == 0:
        raise ConfigError(f"{what} lacks a host or a port; use {form}")
    default_port = 443 if parts.scheme == "wss" else 80
    path = parts.path or "/"
    if parts.query:
        path = f"{path}?{parts.query}"
    return ConnectSpec(parts.scheme, parts.hostname, port or default_port, path)


def _split(
    what: str, text: str, forms: dict[str, str], allowed: dict[str, set[str]]
) -> tuple[str, list[str], dict[str, str]]:
    """Return the transport, the positional values and the options of a string."""
    transport, *rest = _tokenize(what, text)
    if not isinstance(transport, str) or transport not in forms:
        raise ConfigError(f"{what}: no such transport; use {', '.join(TRANSPORTS)}")
    values = [word for word in rest if isinstance(word, str)]
    options = dict(word for word in rest if isinstance(word, tuple))
    unknown = sorted(set(options) - allowed[transport])
    if unknown or len(values) + len(options) != len(rest):
        problem = f"has no option {unknown[0]!r}" if unknown else "repeats an option"
        raise ConfigError(f"{what} {problem}; use {forms[transport]}")
    return transport, values, options


def _tokenize(what: str, text: str) -> list[str | tuple[str, str]]:
    """Split at unescaped colons; a word with an unescaped `=` is an option."""
    words: list[str | tuple[str, str]] = []
    word: list[str] = []
    key: str | None = None
    bracketed = False
    characters = iter(text)
    for character in characters:
        if character == "\\":
            literal = next(characters, "")
            if not literal:
                raise ConfigError(f"{what} ends in a lone backslash; write '\\\\'")
            word.append(literal)
        elif bracketed or (character == "[" and not word and key is None):
            # An IPv6 address in brackets keeps its colons; the brackets are dropped.
            bracketed = character != "]"
            if character not in "[]":
                word.append(character)
        elif character == "=" and key is None:
            key, word = "".join(word), []
        elif character == ":":
            words.append("".join(word) if key is None else (key, "".join(word)))
            key, word = None, []
        else:
            word.append(character)
    words.append("".join(word) if key is None else (key, "".join(word)))
    return words


def _join(positional: list[str], options: dict[str, str]) -> str:
    words = [_escape(word) for word in positional]
    words += [f"{name}={_escape(value)}" for name, value in options.items() if value]
    return ":".join(words)


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _port(what: str, text: str, form: str, lowest: int) -> int:
    port = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else -1
    if not lowest <= port <= 65535:
        raise ConfigError(
            f"{what}: port {text!r} is not a number from {lowest} to 65535; use {form}"
        )
    return port


def _name(what: str, text: str, form: str) -> str:
    if not text:
        raise ConfigError(f"{what} lacks a name; use {form}")
    return text
