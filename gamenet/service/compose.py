# SPDX-License-Identifier: MIT
"""Put the parts of a server together: the only place that knows all of them.

A server is a service with named children: one for the game, one for each listener, one
for the bots. Ports open first, while twistd may still have the privilege for it; then
the game ticks; then the bots join. It ends the other way round, one step after the
other: bots leave, the game stops and tells its players why, the ports close.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from secrets import randbits
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.logger import Logger

from gamenet.errors import ConfigError
from gamenet.game import Game, GameServer
from gamenet.service.config import ServerConfig
from gamenet.service.crew import ADDRESS, Crew
from gamenet.service.loading import load_game
from gamenet.service.parts import WEB_TRANSPORTS, GameService, ListenService, opened
from gamenet.service.view import BrowserCodec, ServerView
from gamenet.service.web import Site
from gamenet.transport import Impairment, Listening, MemoryNetwork, parse_listen

__all__ = ["Server", "build", "most_players", "page_folder"]

_LOG = Logger(namespace="gamenet.service")
BROWSER = Path(str(resources.files("gamenet") / "browser"))
"""Folder of gamenet's own modules and its plain page."""


class Server(MultiService):
    """A whole server: what `build` returns.

    Args:
        game: ticks the game.
        listeners: one for each listening address.
        crew: the bots, if there are any.
        view: what the server shows of itself.
    """

    name = "gamenet"

    def __init__(
        self,
        game: GameService,
        listeners: Sequence[ListenService],
        crew: Crew | None,
        view: ServerView,
    ) -> None:
        super().__init__()
        self.view = view
        self._game = game
        self._listeners = listeners
        self._crew = crew
        for service in (*listeners, game, *((crew,) if crew else ())):
            service.setServiceParent(self)

    @property
    def game_server(self) -> GameServer:
        """Return the game and its players."""
        return self._game.server

    @property
    def listenings(self) -> list[Listening]:
        """Return what is open now."""
        return opened(self._listeners)

    def startService(self) -> None:
        """Start everything, and say where."""
        super().startService()
        for listening in self.listenings:
            if listening.transport != "memory":
                _LOG.info(
                    "{transport} listening on {host}:{port}",
                    transport=listening.transport,
                    host=_bracketed(listening.host),
                    port=listening.port,
                )
        page = next(
            (each for each in self.listenings if each.transport in WEB_TRANSPORTS), None
        )
        if page is not None:
            _LOG.info("open {url} to play", url=_page_url(page))

    def stopService(self) -> Deferred[Any]:
        """Drain: invite nobody, send bots away, tell the players, close the ports."""
        _LOG.info("draining: {n} players are told", n=len(self.game_server.players))
        self.running = False
        self.view.is_draining = True
        if self._crew is not None:
            self._crew.stopService()
        self._game.stopService()
        closing = [maybeDeferred(each.stopService) for each in self._listeners]
        return DeferredList(closing, consumeErrors=True).addCallback(_drained)


def build(config: ServerConfig, reactor: Any) -> Server:
    """Put a server together.

    Args:
        config: every setting.
        reactor: carries it.

    Returns:
        A service whose children are named "game", "bots" and "transport:" with the
        listen string.

    Raises:
        ConfigError: the game cannot be loaded, has no page where it says, or no place
            for the bots.
    """
    game_class = load_game(config.game)
    page = page_folder(game_class)
    most = most_players(game_class, config)
    seed = randbits(64) if config.seed is None else config.seed
    server = GameServer(
        _adjusted(game_class(), most, config.tick_rate),
        reactor,
        connection=config.connection_config(),
        limits=config.limits,
        seed=seed,
    )
    name = config.name or server.game.game_title()
    _LOG.info("{name}: {game}, seed {seed}", name=name, game=config.game, seed=seed)
    codec = BrowserCodec.of(server)
    listeners: list[ListenService] = []
    view = ServerView(
        server,
        lambda: opened(listeners),
        codec,
        name,
        config.public_host,
        reactor.seconds,
    )
    site = Site(view, page, BROWSER, codec, config.limits.allowed_origins)
    listeners += [
        ListenService(reactor, spec, server.factory, site, **_options(spec, config))
        for spec in config.listen
    ]
    crew = None
    if config.bots:
        network = MemoryNetwork(reactor)
        here = ListenService(reactor, ADDRESS, server.factory, None, memory=network)
        listeners.append(here)
        crew = Crew(reactor, network, config.bots, seed, game_class)
    return Server(GameService(server), listeners, crew, view)


def page_folder(game: type[Game]) -> Path:
    """Return the folder of a game's page: its own, or gamenet's plain one.

    Raises:
        ConfigError: the game names a folder without an index.html.
    """
    if game.page is None:
        return BROWSER
    folder = Path(inspect.getfile(game)).resolve().parent / game.page
    if not (folder / "index.html").is_file():
        raise ConfigError(
            f"game {game.__module__}:{game.__name__}: page = {game.page!r}, but there "
            f"is no {folder / 'index.html'}"
        )
    return folder


def most_players(game: type[Game], config: ServerConfig) -> int:
    """Return how many players there may be, bots included.

    Raises:
        ConfigError: the bots would leave no place for a person.
    """
    wanted = config.max_players or game.max_players
    # What a game calls players, a transport calls connections: the lower one holds.
    most = min(wanted, config.limits.max_connections)
    if config.bots and config.bots >= most:
        raise ConfigError(
            f"bots = {config.bots} leaves no place for a person; allowed: 0 to "
            f"{max(0, most - 1)}, because {config.game} takes {most} players here"
        )
    return most


def _adjusted(game: Game, most: int, tick_rate: float | None) -> Game:
    """Return the game with what the configuration says about it."""
    # A game declares both on its class; here one instance gets its own.
    setattr(game, "max_players", most)  # noqa: B010
    if tick_rate is not None:
        setattr(game, "tick_rate", tick_rate)  # noqa: B010
    return game


def _options(spec: str, config: ServerConfig) -> dict[str, Any]:
    if not config.impairment or parse_listen(spec).transport != "udp":
        return {}
    return {"impairment": Impairment.from_text(config.impairment)}


def _page_url(page: Listening) -> str:
    scheme = "https" if page.transport == "wss" else "http"
    here = "127.0.0.1" if page.host in ("0.0.0.0", "::") else page.host
    return f"{scheme}://{_bracketed(here)}:{page.port}/"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _drained(results: list[tuple[bool, Any]]) -> None:
    for is_good, result in results:
        if not is_good:
            _LOG.failure("a listener did not close", result)
    _LOG.info("drained: all ports are closed")
