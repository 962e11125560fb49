# SPDX-License-Identifier: MIT
"""What a server logs when it has started: where it listens, and who may join it."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.logger import Logger

from gamenet.service.config import ServerConfig
from gamenet.service.parts import WEB_TRANSPORTS
from gamenet.transport import Listening

__all__ = ["announce"]

_LOG = Logger(namespace="gamenet.service")
_WITHOUT_KEY = (
    "no key is configured: one was made for this run only, {tokens}; for the public, "
    "make a key with gamenet keygen and set key or GAMENET_KEY"
)
_TOKENS = {
    "open": "and POST /connect gives a token to everybody",
    "secret": "and POST /connect gives a token to whoever shows the connect_secret",
    "none": (
        "and no ws or wss listener is open, so that nobody can get a token (listen on "
        "ws:8080, too)"
    ),
}
_PAGES = {
    "open": "open {url} to play",
    "secret": "the page is at {url}; POST /connect there asks for the connect_secret",
    "closed": (
        "the page is at {url}; POST /connect there gives no tokens, because no "
        "connect_secret is configured"
    ),
}


def announce(config: ServerConfig, listenings: Sequence[Listening]) -> None:
    """Log where a server listens, and how one gets in.

    Args:
        config: of the server.
        listenings: what is open.
    """
    public = [each for each in listenings if each.transport != "memory"]
    for listening in public:
        _LOG.info(
            "{transport} listening on {host}:{port}",
            transport=listening.transport,
            host=_bracketed(listening.host),
            port=listening.port,
        )
    page = next((each for each in public if each.transport in WEB_TRANSPORTS), None)
    mode = _mode(config)
    if not config.key:
        tokens = _TOKENS["none" if page is None else mode]
        _LOG.warn(_WITHOUT_KEY, tokens=tokens)
    if page is not None:
        _LOG.info(_PAGES[mode], url=_page_url(page))


def _mode(config: ServerConfig) -> str:
    if config.is_open:
        return "open"
    return "secret" if config.connect_secret else "closed"


def _page_url(page: Listening) -> str:
    scheme = "https" if page.transport == "wss" else "http"
    here = "127.0.0.1" if page.host in ("0.0.0.0", "::") else page.host
    return f"{scheme}://{_bracketed(here)}:{page.port}/"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
