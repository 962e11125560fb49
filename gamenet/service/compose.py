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
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.logger import Logger

from gamenet.errors import ConfigError
from gamenet.game import Game, GameServer, Recorder
from gamenet.service.announce import announce
from gamenet.service.config import ServerConfig
from gamenet.service.crew import ADDRESS, Crew
from gamenet.service.desk import TokenDesk
from gamenet.service.inspect_access import InspectDesk
from gamenet.service.inspect_site import inspection_resources
from gamenet.service.loading import load_game
from gamenet.service.parts import GameService, ListenService, opened
from gamenet.service.view import BrowserCodec, ServerView
from gamenet.service.web import Site
from gamenet.transport import (
    Impairments,
    Listening,
    MemoryNetwork,
    monotonic_seconds,
)

__all__ = ["Server", "build", "most_players", "page_folder"]

_LOG = Logger(namespace="gamenet.service")
BROWSER = Path(str(resources.files("gamenet") / "browser"))
"""Folder of gamenet's own modules and its plain page."""


class Server(MultiService):
    """A whole server: what `build` returns.

    Args:
        config: every setting.
        game: ticks the game.
        listeners: one for each listening address.
        crew: the bots, if there are any.
        view: what the server shows of itself.
    """

    name = "gamenet"

    def __init__(
        self,
        config: ServerConfig,
        game: GameService,
        listeners: Sequence[ListenService],
        crew: Crew | None,
        view: ServerView,
    ) -> None:
        super().__init__()
        self.view = view
        self._config = config
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
        announce(self._config, self.listenings)

    def stopService(self) -> Deferred[Any]:
        """Drain: invite nobody, send bots away, tell the players, close the ports."""
        _LOG.info("draining: {n} players are told", n=len(self.game_server.players))
        self.running = False
        self.view.is_draining = True
        if self._crew is not None:
            self._crew.stopService()
        self._game.stopService()
        self.game_server.inspection.stop()
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
        key=config.key_bytes,
        protocol_id=config.protocol_id,
        public_host=_numeric(config.public_host),
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
    seconds = monotonic_seconds(reactor)
    desk = TokenDesk(
        is_open=config.is_open,
        secret=config.connect_secret,
        burst=config.limits.max_per_address,
        seconds=seconds,
    )
    origins = config.limits.allowed_origins
    site = Site(view, desk, page, BROWSER, codec, origins, seconds)
    looking = InspectDesk(
        key=config.key_bytes or b"", secret=config.connect_secret, seconds=seconds
    )
    for path, resource in inspection_resources(server, looking, reactor, BROWSER):
        site.putChild(path, resource)
    if config.record:
        server.inspection.record(_recorder(config.record, server))
        server.hearing.on_inputs = server.inspection.heard
    listeners += [
        ListenService(reactor, spec, server.factory, site, **_options(config))
        for spec in config.listen
    ]
    crew = None
    if config.bots:
        network = MemoryNetwork(reactor)
        here = ListenService(reactor, ADDRESS, server.factory, None, memory=network)
        listeners.append(here)
        crew = Crew(reactor, network, config.bots, seed, game_class)
    return Server(config, GameService(server), listeners, crew, view)


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


def _numeric(host: str) -> str:
    """Return a host as a connect token can name it: an address, else nothing."""
    return host if isIPAddress(host) or isIPv6Address(host) else ""


def _options(config: ServerConfig) -> dict[str, Any]:
    if not config.impair:
        return {}
    return {"impairment": Impairments.from_text(config.impair)}


def _recorder(path: str, server: GameServer) -> Recorder:
    """Return what records a server into a new file."""
    rate = server.game.tick_rate
    return Recorder(path, server.protocol, server.world.capacity, rate)


def _drained(results: list[tuple[bool, Any]]) -> None:
    for is_good, result in results:
        if not is_good:
            _LOG.failure("a listener did not close", result)
    _LOG.info("drained: all ports are closed")
