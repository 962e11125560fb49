# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.compose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.logger import LogLevel, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Pass, Refused, ServerAddress
from gamenet.errors import CloseReason, ConfigError, ListenError
from gamenet.game import GameClient, Protocol
from gamenet.service.compose import BROWSER, Server, build, page_folder
from gamenet.service.config import ConnectionTable, ServerConfig
from gamenet.testing import MemoryReactor
from gamenet.transport import Limits
from tests.service.games import Field, Paged

FIELD = "tests.service.games:Field"
CONFIG = ServerConfig(game=FIELD, listen=("udp:7777",), seed=1)


class ServerCase(SynchronousTestCase):
    """A case with servers on a reactor in memory."""

    def setUp(self) -> None:
        self.reactor = MemoryReactor()

    def started(self, config: ServerConfig = CONFIG, **changes: Any) -> Server:
        """Return a server that runs as it does under twistd."""
        server = self.server = build(replace(config, **changes), self.reactor)
        server.privilegedStartService()
        server.startService()
        self.addCleanup(self.stop, server)
        return server

    def stop(self, server: Server) -> None:
        """Stop a server, if that was not done, and let the time pass that it takes."""
        if server.running:
            server.stopService()
        self.pass_time(3)

    def pass_time(self, seconds: float) -> None:
        """Let time pass in steps of a hundredth."""
        for _ in range(round(seconds * 100)):
            self.reactor.advance(0.01)

    def joined(self, port: int = 7777) -> GameClient:
        """Return a player who has joined over UDP."""
        client = GameClient(self.reactor, Field, name="ada")
        token = self.server.game_server.factory.issueToken(user_data=b"ada")
        joining = client.connect(f"udp:127.0.0.1:{port}", token=token)
        self.pass_time(0.5)
        return self.successResultOf(joining)


class BuildTests(ServerCase):
    """A configuration becomes a server."""

    def test_names(self) -> None:
        """The parts are services, each with its name, in the order of their start."""
        server = build(replace(CONFIG, listen=("udp:1", "ws:0"), bots=2), self.reactor)
        self.assertEqual(
            [service.name for service in server],
            [
                "transport:udp:1",
                "transport:ws:0",
                "transport:memory:bots",
                "game",
                "bots",
            ],
        )
        self.assertIs(server.getServiceNamed("game").server, server.game_server)

    def test_game(self) -> None:
        """The configuration holds over what the game says of itself."""
        server = build(replace(CONFIG, max_players=3, tick_rate=10.0), self.reactor)
        game = server.game_server.game
        self.assertEqual((game.max_players, game.tick_rate), (3, 10.0))
        self.assertEqual(server.game_server.factory.limits.max_connections, 3)
        self.assertEqual((Field.max_players, Field.tick_rate), (8, 30))

    def test_max_connections(self) -> None:
        """The limit on connections is one on players, where it is the lower one."""
        server = build(replace(CONFIG, limits=Limits(max_connections=2)), self.reactor)
        self.assertEqual(server.game_server.game.max_players, 2)

    def test_place_for_a_person(self) -> None:
        """Bots that would take every place are refused, whatever limits the places."""
        for changes, most in (
            ({}, 8),
            ({"max_players": 3}, 3),
            ({"limits": Limits(max_connections=2)}, 2),
            ({"max_players": 1}, 1),
        ):
            config = replace(CONFIG, bots=most, **changes)
            error = self.assertRaises(ConfigError, build, config, self.reactor)
            self.assertEqual(
                str(error),
                f"bots = {most} leaves no place for a person; allowed: 0 to "
                f"{most - 1}, because {FIELD} takes {most} players here",
            )
            build(replace(config, bots=most - 1), self.reactor)

    def test_connection(self) -> None:
        """Timing reaches every connection."""
        timing = ConnectionTable(
            timeout=4.0,
            heartbeat=0.5,
            resume_window=7.0,
            bandwidth=9000.0,
            max_packet_size=1300,
            nagle=0.01,
        )
        limits = Limits(handshake_timeout=2.0)
        server = build(replace(CONFIG, connection=timing, limits=limits), self.reactor)
        config = server.game_server.config
        self.assertEqual((config.timeout, config.heartbeat), (4.0, 0.5))
        self.assertEqual(config.handshake_timeout, 2.0)
        self.assertEqual((config.resume_window, config.bandwidth), (7.0, 9000.0))
        self.assertEqual((config.max_packet_size, config.nagle), (1300, 0.01))

    def test_key(self) -> None:
        """The key is the configured one, and without one another for each run."""
        key = "ab" * 32
        config = replace(CONFIG, key=key, public_host="192.0.2.7")
        factory = build(config, self.reactor).game_server.factory
        self.assertEqual(factory.key.hex(), key)
        self.assertEqual(factory.publicHost, "192.0.2.7")
        made = [build(CONFIG, self.reactor).game_server.factory.key for _ in range(2)]
        self.assertNotEqual(*made)

    def test_public_name(self) -> None:
        """A token names addresses: a public host that is a name stays out of it."""
        config = replace(CONFIG, public_host="play.example.com")
        server = build(config, self.reactor)
        self.assertEqual(server.game_server.factory.publicHost, "")
        server.privilegedStartService()
        self.addCleanup(self.stop, server)
        answer = server.view.invitation("h", "")
        self.assertEqual(answer["transports"][0]["host"], "play.example.com")
        self.assertTrue(answer["token"])

    def test_protocol_id(self) -> None:
        """A token of another game is for another server."""
        factories = [
            build(
                replace(CONFIG, key="ab" * 32, protocol_id=n), self.reactor
            ).game_server.factory
            for n in (1, 2)
        ]
        address = ServerAddress("127.0.0.1", 7777)
        for factory in factories:
            factory.addresses.append(address)
        request = factories[0].issueToken().request()
        self.assertIsInstance(factories[0].door.open(request), Pass)
        self.assertIsInstance(factories[1].door.open(request), Refused)

    def test_seed(self) -> None:
        """One seed gives a game one chance, and none another each time."""
        draws = [
            build(replace(CONFIG, seed=seed), MemoryReactor()).game_server.game.random
            for seed in (7, 7, None, None)
        ]
        first, second, third, fourth = (draw.integers(1 << 60) for draw in draws)
        self.assertEqual(first, second)
        self.assertNotEqual(third, fourth)

    def test_page(self) -> None:
        """A game without page has gamenet's; one whose page is missing is refused."""
        self.assertEqual(page_folder(Field), BROWSER)
        self.assertTrue((BROWSER / "index.html").is_file())
        error = self.assertRaises(ConfigError, page_folder, Paged)
        self.assertIn("page = 'no-such-folder', but there is no", str(error))

    def test_unknown_game(self) -> None:
        """A game that cannot be loaded is refused before any port opens."""
        config = replace(CONFIG, game="tests.service.games:Feild")
        error = self.assertRaises(ConfigError, build, config, self.reactor)
        self.assertIn("did you mean Field?", str(error))


class StartTests(ServerCase):
    """A server starts in order, or says why it does not."""

    def test_ports_first(self) -> None:
        """Ports open while there may be privilege, before the game ticks."""
        server = build(CONFIG, self.reactor)
        server.privilegedStartService()
        self.assertEqual([each.port for each in server.listenings], [7777])
        self.assertFalse(server.game_server.ticker.is_running)
        server.startService()
        self.addCleanup(self.stop, server)
        self.assertTrue(server.game_server.ticker.is_running)

    def test_without_privilege(self) -> None:
        """A server that was never privileged opens its ports when it starts."""
        server = build(CONFIG, self.reactor)
        server.startService()
        self.addCleanup(self.stop, server)
        self.assertEqual([each.port for each in server.listenings], [7777])

    def test_port_in_use(self) -> None:
        """A port that is taken is one line that names port and option."""
        self.started()
        server = build(CONFIG, self.reactor)
        error = self.assertRaises(ListenError, server.privilegedStartService)
        self.assertIn("7777", str(error))
        self.assertIn("udp:7777", str(error))
        self.assertNotIn("\n", str(error))

    def test_certificate(self) -> None:
        """A certificate that is not there is one line that names the file."""
        spec = "wss:0:certificate=none.pem:key=none.pem"
        server = build(replace(CONFIG, listen=(spec,)), self.reactor)
        error = self.assertRaises(ConfigError, server.privilegedStartService)
        self.assertIn("none.pem", str(error))

    def test_several(self) -> None:
        """Players come in by every listener into the same match."""
        server = self.started(listen=("udp:7777", "udp:7778"))
        self.joined(7777)
        self.joined(7778)
        self.assertEqual(len(server.game_server.players), 2)

    def test_impairment(self) -> None:
        """A bad network lies between the server and its UDP players, both ways."""
        server = self.started(impair="latency=50ms")
        self.joined()
        self.pass_time(3)
        (player,) = server.game_server.players.values()
        self.assertTrue(0.1 <= player.stats().rtt < 0.2, player.stats().rtt)


class AnnounceTests(ServerCase):
    """The log says how to get in."""

    def logged(self, **changes: Any) -> list[tuple[LogLevel, str]]:
        """Return what a server logs of itself when it starts."""
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.started(**changes)
        return [
            (event["log_level"], formatEvent(event))
            for event in events
            if event["log_namespace"] == "gamenet.service"
        ]

    def warnings(self, **changes: Any) -> list[str]:
        """Return the warnings that a server logs."""
        logged = self.logged(**changes)
        return [text for level, text in logged if level >= LogLevel.warn]

    def test_open(self) -> None:
        """Without a key one line warns, and says what to do."""
        logged = self.logged(listen=("udp:7777", "ws:8080"))
        (warning,) = [text for level, text in logged if level >= LogLevel.warn]
        self.assertEqual(
            warning,
            "no key is configured: one was made for this run only, and POST /connect "
            "gives a token to everybody; for the public, make a key with gamenet "
            "keygen and set key or GAMENET_KEY",
        )
        self.assertEqual(logged[-1][1], "open http://127.0.0.1:8080/ to play")

    def test_no_web(self) -> None:
        """Without a key and a web address nobody can join; the line says so."""
        (warning,) = self.warnings(listen=("udp:7777", "tcp:7778"))
        self.assertIn("no ws or wss listener is open", warning)
        self.assertIn("nobody can get a token", warning)
        self.assertIn("gamenet keygen", warning)
        self.assertNotIn("everybody", warning)

    def test_secret_alone(self) -> None:
        """A secret without a key is still asked for."""
        secret = "correct-horse-battery"
        (warning,) = self.warnings(listen=("ws:8080",), connect_secret=secret)
        self.assertIn("whoever shows the connect_secret", warning)
        self.assertNotIn(secret, warning)

    def test_key(self) -> None:
        """With a key nothing is warned of, and the page's line says who gets in."""
        key, secret = "ab" * 32, "correct-horse-battery"
        listen = ("udp:7777", "ws:8080")
        for changes, text in (
            ({"connect_secret": secret}, "asks for the connect_secret"),
            ({}, "gives no tokens, because no connect_secret is configured"),
        ):
            self.reactor = MemoryReactor()
            logged = self.logged(listen=listen, key=key, **changes)
            self.assertEqual({level for level, _ in logged}, {LogLevel.info})
            self.assertIn("the page is at http://127.0.0.1:8080/", logged[-1][1])
            self.assertIn(text, logged[-1][1])
            self.assertNotIn(key, str(logged))
            self.assertNotIn(secret, str(logged))


class StopTests(ServerCase):
    """A server drains."""

    def test_players_are_told(self) -> None:
        """Every player is told that the server goes away, and the game that it ends."""
        server = self.started()
        client = self.joined()
        told: list[Any] = []
        client.on_closed = lambda *reason: told.append(reason)  # type: ignore[method-assign]
        stopping = server.stopService()
        self.pass_time(2)
        self.successResultOf(stopping)
        self.assertEqual(told, [(CloseReason.SERVER_SHUTDOWN, "")])
        self.assertTrue(server.game_server.game.has_stopped)

    def test_ports_close(self) -> None:
        """Afterwards the ports are free, and nothing is left to be done."""
        server = self.started(bots=2)
        self.joined()
        stopping = server.stopService()
        self.pass_time(3)
        self.successResultOf(stopping)
        self.assertEqual(server.listenings, [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.started()

    def test_draining(self) -> None:
        """From the first moment on, health says that the server drains."""
        server = self.started()
        self.assertEqual(server.view.health()["status"], "ok")
        server.stopService()
        self.assertEqual(server.view.health()["status"], "draining")


class CrewTests(ServerCase):
    """A server brings bots along."""

    def test_play(self) -> None:
        """They join, they are players, and they play."""
        server = self.started(bots=3)
        self.pass_time(3)
        players = server.game_server.players.values()
        self.assertEqual({each.name for each in players}, {"bot 1", "bot 2", "bot 3"})
        self.assertEqual({each.transport for each in players}, {"memory"})
        heard = server.game_server.game.heard
        self.assertEqual({number for number, _ in heard}, {1, 2, 3})

    def test_at_hand(self) -> None:
        """They take the game's own classes: nothing is compiled while it ticks."""
        self.patch(Protocol, "from_description", None)
        server = self.started(bots=3)
        self.pass_time(1)
        self.assertEqual(len(server.game_server.players), 3)

    def test_not_listed(self) -> None:
        """Their way in is not offered to anybody else."""
        server = self.started(bots=1)
        transports = server.view.invitation("h", "")["transports"]
        self.assertEqual([each["transport"] for each in transports], ["udp"])

    def test_seed(self) -> None:
        """With one seed, they play one way."""
        games = []
        for _ in range(2):
            self.reactor = MemoryReactor()
            server = self.started(bots=2)
            self.pass_time(3)
            games.append(server.game_server.game.heard)
        self.assertEqual(*games)
        self.assertTrue(games[0])

    def test_full(self) -> None:
        """Bots for whom there is no place stay out, and the server runs on."""
        server = self.started(bots=7, limits=Limits(max_per_address=4))
        self.pass_time(1)
        self.assertEqual(len(server.game_server.players), 4)
        self.assertTrue(server.game_server.ticker.is_running)
