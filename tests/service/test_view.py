# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.view."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import GameServer, Protocol
from gamenet.service.view import BrowserCodec, ServerView
from gamenet.testing import Clock
from tests.service.games import Field


def listening(transport: str, host: str, port: int) -> Any:
    """Return what is known of an open listener."""
    return SimpleNamespace(transport=transport, host=host, port=port)


LISTENINGS = [
    listening("udp", "0.0.0.0", 7777),
    listening("tcp", "127.0.0.1", 7778),
    listening("ws", "0.0.0.0", 8080),
    listening("memory", "bots", 0),
]


class ViewCase(SynchronousTestCase):
    """A case with a server in simulated time."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = GameServer(Field, self.clock, seed=1)
        self.listenings = list(LISTENINGS)
        self.view = self.seen()

    def seen(self, public_host: str = "") -> ServerView:
        """Return a view of the server."""
        return ServerView(
            self.server,
            lambda: self.listenings,
            BrowserCodec("abcd", "text"),
            "A Name",
            public_host,
            self.clock.seconds,
        )


class InvitationTests(ViewCase):
    """What a client is told that wants to join."""

    def test_everything(self) -> None:
        """The answer has all that was promised, and can be written as JSON."""
        answer = json.loads(json.dumps(self.view.invitation("example.com")))
        self.assertEqual(
            answer,
            {
                "game": "field",
                "title": "A Field",
                "name": "A Name",
                "version": 1,
                "protocol_hash": Protocol.of(Field).hash.hex(),
                "tick_rate": 30,
                "players": 0,
                "max_players": 8,
                "transports": [
                    {"transport": "udp", "host": "example.com", "port": 7777},
                    {"transport": "tcp", "host": "example.com", "port": 7778},
                    {"transport": "ws", "url": "ws://example.com:8080/ws"},
                ],
                "codec": "/gamenet/protocol-abcd.js",
            },
        )

    def test_public_host(self) -> None:
        """A public host holds over the one that was asked."""
        addresses = self.seen("play.example.com").invitation("10.0.0.1")["transports"]
        self.assertEqual(addresses[0]["host"], "play.example.com")
        self.assertEqual(addresses[2]["url"], "ws://play.example.com:8080/ws")

    def test_ipv6(self) -> None:
        """An IPv6 address stands in brackets where there is a URL."""
        addresses = self.view.invitation("::1")["transports"]
        self.assertEqual(addresses[0]["host"], "::1")
        self.assertEqual(addresses[2]["url"], "ws://[::1]:8080/ws")

    def test_interface(self) -> None:
        """A listener bound to one address is named by it, but for a public host."""
        self.listenings = [listening("udp", "192.0.2.7", 1)]
        (address,) = self.view.invitation("example.com")["transports"]
        self.assertEqual(address["host"], "192.0.2.7")
        (address,) = self.seen("play.example.com").invitation("a")["transports"]
        self.assertEqual(address["host"], "play.example.com")


class HealthTests(ViewCase):
    """Whether the game ticks."""

    def status(self) -> str:
        """Return the status."""
        return str(self.view.health()["status"])

    def test_ticking(self) -> None:
        """A game that ticks is well, whenever one asks."""
        self.start()
        for wait in (0.1, 5.0, 60.0):
            self.clock.advance(wait)
            self.assertEqual(self.status(), "ok")
        self.assertEqual(self.view.health()["tick"], self.server.game.tick)

    def test_stalled(self) -> None:
        """A game that has not ticked for a while is not well, until it ticks again.

        The first to ask after a long time is told so, too.
        """
        self.start()
        self.clock.advance(60)
        self.clock.rightNow += 1.9
        self.assertEqual(self.status(), "ok")
        self.clock.advance(0.1)
        self.clock.rightNow += 60
        self.assertEqual(self.status(), "stalled")
        self.clock.advance(0.1)
        self.assertEqual(self.status(), "ok")

    def start(self) -> None:
        """Let the game tick."""
        self.server.start()
        self.addCleanup(self.server.stop)

    def test_slow_game(self) -> None:
        """A game that ticks once a second is given three of its ticks."""
        self.server.game.tick_rate = 1
        self.start()
        self.clock.rightNow += 2.9
        self.assertEqual(self.status(), "ok")
        self.clock.rightNow += 0.2
        self.assertEqual(self.status(), "stalled")

    def test_draining(self) -> None:
        """A server that shuts down says so, whether or not it ticks."""
        self.view.is_draining = True
        self.assertEqual(self.status(), "draining")


class StatsTests(ViewCase):
    """Everything that is counted."""

    def test_parts(self) -> None:
        """Server, listeners, transports and players are there, ready for JSON."""
        stats = json.loads(json.dumps(self.view.stats()))
        self.assertEqual(set(stats), {"server", "listening", "transports", "players"})
        self.assertEqual(stats["server"]["name"], "A Name")
        self.assertIn("tick_ms_p99", stats["server"])
        self.assertIn("accepted", stats["transports"])
        self.assertEqual(stats["listening"][0]["port"], 7777)


class CodecTests(SynchronousTestCase):
    """The codec of browsers."""

    def test_generated(self) -> None:
        """It is made from the game, and named by what is in it."""
        server = GameServer(Field, Clock())
        codec = BrowserCodec.of(server)
        self.assertIn("Steer", codec.text)
        self.assertIn(server.protocol.hash.hex(), codec.text)
        self.assertEqual(codec.path, f"/gamenet/protocol-{codec.hash}.js")
        self.assertEqual(codec, BrowserCodec.of(GameServer(Field, Clock())))
