# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.view."""

from __future__ import annotations

import json
from base64 import b64decode
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectToken, ServerAddress
from gamenet.game import GameClient, GameServer, Protocol
from gamenet.service.figures import total_figures
from gamenet.service.view import BrowserCodec, ServerView
from gamenet.testing import Clock
from gamenet.transport import MemoryNetwork, listen
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
        self.server.factory.addresses.append(ServerAddress("0.0.0.0", 7777))
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
        answer = json.loads(json.dumps(self.view.invitation("example.com", "ada")))
        for name in ("token", "client_id", "channels"):
            self.assertTrue(answer.pop(name))
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
                "expires_in": 30,
                "resume": 30.0,
            },
        )

    def passed(self, name: str) -> Any:
        """Return the invitation of a player, and what the server reads in its token."""
        answer = self.view.invitation("example.com", name)
        token = ConnectToken.decode(b64decode(answer["token"]))
        return answer, self.server.factory.door.open(token.request())

    def test_token(self) -> None:
        """The token is good, says who it is, and is another one each time."""
        answer, first = self.passed("ada")
        self.assertEqual(first.user_data, b"ada")
        self.assertEqual(str(first.client_id), answer["client_id"])
        _, second = self.passed("ada")
        self.assertNotEqual(first.client_id, second.client_id)
        self.assertNotEqual(first.mac, second.mac)

    def test_names(self) -> None:
        """A name of any length and of any characters fits a token."""
        for name, told in (
            ("", b""),
            ("x" * 1000, b"x" * 64),
            ("\u00e9" * 40, "\u00e9".encode() * 32),
            ("x" + "\u00e9" * 40, b"x" + "\u00e9".encode() * 31),
            ("a\ud800b", b"a?b"),
        ):
            _, found = self.passed(name)
            self.assertEqual(found.user_data, told)

    def test_public_host(self) -> None:
        """A public host holds over the one that was asked."""
        addresses = self.seen("play.example.com").invitation("10.0.0.1", "")[
            "transports"
        ]
        self.assertEqual(addresses[0]["host"], "play.example.com")
        self.assertEqual(addresses[2]["url"], "ws://play.example.com:8080/ws")

    def test_ipv6(self) -> None:
        """An IPv6 address stands in brackets where there is a URL."""
        addresses = self.view.invitation("::1", "")["transports"]
        self.assertEqual(addresses[0]["host"], "::1")
        self.assertEqual(addresses[2]["url"], "ws://[::1]:8080/ws")

    def test_interface(self) -> None:
        """A listener bound to one address is named by it, but for a public host."""
        self.listenings = [listening("udp", "192.0.2.7", 1)]
        (address,) = self.view.invitation("example.com", "")["transports"]
        self.assertEqual(address["host"], "192.0.2.7")
        (address,) = self.seen("play.example.com").invitation("a", "")["transports"]
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
        self.assertEqual(
            set(stats), {"server", "listening", "transports", "totals", "players"}
        )
        self.assertEqual(stats["server"]["name"], "A Name")
        self.assertIn("tick_ms_p99", stats["server"])
        self.assertIn("accepted", stats["transports"])
        self.assertEqual(stats["listening"][0]["port"], 7777)

    def joined(self) -> None:
        """Let two players join, and play for five seconds."""
        network = MemoryNetwork(self.clock)
        self.successResultOf(
            listen(self.clock, "memory:a", self.server.factory, memory=network)
        )
        self.server.start()
        self.addCleanup(self.server.stop)
        for name in ("ada", "bob"):
            client = GameClient(self.clock, Field, name=name)
            client.connect("memory:a", memory=network)
        for _ in range(500):
            self.clock.advance(0.01)

    def test_players(self) -> None:
        """Every player is there with every figure, each lane, and no address."""
        self.joined()
        stats = json.loads(json.dumps(self.view.stats()))
        ada, bob = stats["players"]
        self.assertEqual((ada["name"], bob["name"]), ("ada", "bob"))
        self.assertEqual((ada["transport"], ada["state"]), ("memory", "playing"))
        self.assertGreater(ada["packets_received"], 20)
        self.assertEqual((ada["delivery_ratio"], ada["loss"]), (1.0, 0.0))
        self.assertEqual(ada["dropped"], {})
        lanes = {lane["name"]: lane for lane in ada["lanes"]}
        self.assertGreaterEqual(set(lanes), {"control", "snapshots", "inputs"})
        self.assertGreater(lanes["snapshots"]["messages_sent"], 100)
        self.assertEqual(lanes["control"]["mode"], "reliable-ordered")
        self.assertEqual(lanes["control"]["delivery_ratio"], 1.0)
        self.assertGreater(lanes["snapshots"]["delivery_ratio"], 0.9)
        self.assertNotIn("address", ada)

    def test_state(self) -> None:
        """A player whose link is lost is dropped, one who is sent away leaves."""
        self.joined()
        ada, bob = self.server.players.values()
        ada.is_dropped = True
        bob.kick()
        states = [player["state"] for player in self.view.stats()["players"]]
        self.assertEqual(states, ["dropped", "leaving"])

    def test_totals(self) -> None:
        """The figures of all players are added up."""
        self.joined()
        stats = self.view.stats()
        for name in ("packets_sent", "messages_sent", "bandwidth_out"):
            total = sum(player[name] for player in stats["players"])
            self.assertEqual(stats["totals"][name], total)
            self.assertGreater(total, 0)
        self.assertEqual(stats["totals"]["delivery_ratio"], 1.0)
        for total, name in (("rtt", "rtt"), ("jitter", "rtt_variation")):
            values = sorted(player[name] for player in stats["players"])
            self.assertEqual(stats["totals"][f"{total}_median"], values[0])
            self.assertEqual(stats["totals"][f"{total}_worst"], values[1])
        self.assertGreater(stats["totals"]["rtt_median"], 0)
        empty = total_figures([])
        self.assertEqual((empty["packets_sent"], empty["delivery_ratio"]), (0, 1.0))

    def test_totals_of_figures(self) -> None:
        """Losses are a mean, waits the worst; who is not measured has no round trip."""
        self.joined()
        ada, bob = self.view.stats()["players"]
        ada |= {"rtt": 0.0, "loss_out": 0.1, "queue_time": 0.2, "messages_repeated": 3}
        ada["window"] = 0
        bob |= {"rtt": 0.05, "loss_out": 0.3, "queue_time": 0.1, "window": 5000}
        ada |= {"dropped": {"replayed": 1}, "messages_resent": 2}
        bob |= {"dropped": {"replayed": 2, "key": 1}, "loss_in": 0.5}
        found = total_figures([ada, bob])
        self.assertEqual((found["rtt_median"], found["rtt_worst"]), (0.05, 0.05))
        self.assertEqual((found["loss_out"], found["loss_in"]), (0.2, 0.25))
        self.assertEqual((found["queue_time_worst"], found["window"]), (0.2, 5000))
        self.assertEqual(found["messages_resent"], 2)
        self.assertEqual(found["messages_repeated"], 3 + bob["messages_repeated"])
        self.assertEqual(found["dropped"], {"replayed": 3, "key": 1})

    def test_history(self) -> None:
        """The last seconds of a player are there, the oldest first."""
        self.joined()
        history = json.loads(json.dumps(self.view.history(2)))
        self.assertEqual(history.pop("player"), 2)
        self.assertEqual({len(column) for column in history.values()}, {4})
        ages = history["age"]
        self.assertEqual(ages, sorted(ages, reverse=True))
        self.assertTrue(0 <= ages[-1] <= 1 and 3 <= ages[0] <= 5, ages)
        self.assertTrue(all(each > 0 for each in history["bytes_out"]))
        self.assertIsNone(self.view.history(3))


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
