# SPDX-License-Identifier: MIT
"""Tests of channels of a game's own, and of the messages that travel on them."""

from __future__ import annotations

import json
import zlib

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Channel, DeliveryMode
from gamenet.errors import (
    CloseReason,
    ConfigError,
    ConnectError,
    LocalProtocolError,
    RemoteProtocolError,
)
from gamenet.game import GameClient, Message, Protocol, text, uint16
from gamenet.testing import Stepper
from gamenet.transport import Impairment
from tests.game.games import Meadow, Say

CHAT, EMOTES = 8, 9
BAD = Impairment(latency=0.03, jitter=0.03, loss=0.2, reorder=0.2, seed=6)


class Chat(Message):
    """Whoever reads it first need not have read what came before."""

    channel = "chat"
    number: int = uint16()
    words: str = text(5000)


class Emote(Message):
    """Only the newest counts."""

    channel = "emotes"
    number: int = uint16()
    words: str = text(5000)


class Agora(Meadow):
    """Everybody talks and waves; the game repeats it to everybody."""

    messages = [Say, Chat, Emote]
    channels = [
        Channel(CHAT, DeliveryMode.RELIABLE_UNORDERED, "chat"),
        Channel(EMOTES, DeliveryMode.UNRELIABLE_SEQUENCED, "emotes", priority=-1),
    ]


class ChannelTests(SynchronousTestCase):
    """A message travels on the channel that its class names."""

    def setUp(self) -> None:
        """Play a match of two."""
        self.stepper = Stepper.of(Agora, n_clients=2, seed=3)
        self.one, self.two = self.stepper.clients
        self.heard: list[Message] = []
        self.two.on_message = self.heard.append
        self.carried: list[int] = []

    def _listen(self) -> None:
        """Write down on which channels messages come to the second client."""
        receive = self.two.match.receive

        def listen(channel: int, payload: bytes, **details: float) -> None:
            self.carried.append(channel)
            receive(channel, payload, **details)

        self.two.match.receive = listen  # type: ignore[method-assign]

    def test_both_ways(self) -> None:
        """What a client says and what the game repeats take the same channel."""
        self._listen()
        said = [Say(words="a"), Chat(number=1, words="b"), Emote(number=2, words="c")]
        for message in said:
            self.one.send(message)
        self.stepper.tick(4)
        heard = self.stepper.server.game.heard("message_received")
        self.assertCountEqual([call[2] for call in heard], said)
        self.assertCountEqual(self.heard, said)
        self.assertLessEqual({0, CHAT, EMOTES}, set(self.carried))

    def test_to_one_player(self) -> None:
        """A message to one player takes the channel, too."""
        self._listen()
        player = self.stepper.server.players[self.two.player_id]
        player.send(Chat(number=7, words="psst"))
        self.stepper.tick(3)
        self.assertEqual(self.heard, [Chat(number=7, words="psst")])
        self.assertEqual(self.carried.count(CHAT), 1)

    def test_bad_network(self) -> None:
        """Chat arrives whole, if not in order; of emotes come newer ones only."""
        stepper = Stepper.of(Agora, n_clients=1, seed=4, up=BAD, down=BAD)
        client = stepper.clients[0]
        heard: list[Message] = []
        client.on_message = heard.append
        numbers = iter(range(200))

        def speak() -> None:
            number = next(numbers)
            stepper.server.broadcast(Chat(number=number, words="x"))
            stepper.server.broadcast(Emote(number=number, words="x"))

        stepper.tick(200, speak)
        stepper.tick(60)
        chat = [each.number for each in heard if isinstance(each, Chat)]
        emotes = [each.number for each in heard if isinstance(each, Emote)]
        self.assertEqual(sorted(chat), list(range(200)))
        self.assertNotEqual(chat, sorted(chat))
        self.assertEqual(emotes, sorted(set(emotes)))
        self.assertTrue(100 < len(emotes) < 200, len(emotes))

    def test_wrong_channel(self) -> None:
        """A message on another channel than its own is malformed."""
        payload = self.stepper.server.protocol.registry.encode(Say(words="x"))
        for channel in (CHAT, EMOTES):
            self.one._link.sendMessage(channel, payload)
        self.stepper.tick(3)
        self.assertEqual(self.stepper.server.stats()["malformed"], 2)
        self.assertEqual(self.stepper.server.game.heard("message_received"), [])

    def test_too_large(self) -> None:
        """A message that its channel cannot carry is the sender's error, at once."""
        large = Emote(number=1, words="x" * 2000)
        player = self.stepper.server.players[1]
        error = self.assertRaises(LocalProtocolError, player.send, large)
        self.assertIn("on channel 9: the limit is", str(error))
        self.assertRaises(LocalProtocolError, self.one.send, large)
        player.send(Chat(number=1, words="x" * 2000))
        self.stepper.tick(3)
        self.assertEqual(len(self.stepper.server.players), 2)


class LearningTests(SynchronousTestCase):
    """A client without the game's class learns its channels, too."""

    def test_description(self) -> None:
        """Channels, and which message takes which, are part of what is learned."""
        ours = Protocol.of(Agora)
        learned = Protocol.from_description(ours.description())
        self.assertEqual(learned.hash, ours.hash)
        self.assertEqual(learned.channels, ours.channels)
        says = [schema.channel or "control" for schema in learned.messages]
        self.assertEqual(says, ["control", "chat", "emotes"])

    def test_every_change_changes_the_hash(self) -> None:
        """Modes, numbers, and who speaks where tell the peers apart."""
        chat, emotes = Agora.channels
        elsewhere = type("Chat", (Chat,), {"channel": "emotes"})
        variants = [
            {"channels": [emotes, chat]},
            {"channels": [chat, Channel(EMOTES, DeliveryMode.UNRELIABLE, "emotes")]},
            {"messages": [Say, elsewhere, Emote]},
            {"messages": [Say], "channels": []},
        ]
        hashes = {Protocol.of(type("A", (Agora,), v)).hash for v in variants}
        hashes.add(Protocol.of(Agora).hash)
        self.assertEqual(len(hashes), len(variants) + 1)

    def test_client(self) -> None:
        """It hears and speaks on them."""
        stepper = Stepper.of(Agora, seed=5)
        client = GameClient(stepper.clock)
        joined = client.connect("memory:match", memory=stepper.network)
        stepper.tick(4)
        self.successResultOf(joined)
        heard: list[Message] = []
        client.on_message = heard.append
        protocol = client.match.protocol
        assert protocol is not None
        client.send(protocol.messages[1](number=1, words="learned"))
        client.send(protocol.messages[2](number=2, words="waves"))
        stepper.tick(4)
        self.assertCountEqual([each.words for each in heard], ["learned", "waves"])
        self.assertEqual(client.errors, 0)

    def test_unknown_channels(self) -> None:
        """Where nobody has told it the channels before, it cannot take part."""
        stepper = Stepper.of(Agora, seed=6)
        client = GameClient(stepper.clock)
        token = stepper.server.factory.issueToken()
        joined = client.connect("memory:match", token=token, memory=stepper.network)
        stepper.tick(4)
        error = self.failureResultOf(joined, ConnectError).value
        self.assertIs(error.reason, CloseReason.MALFORMED)
        self.assertIn("agora has channels of its own", error.detail)

    def test_hostile_descriptions(self) -> None:
        """Channels that cannot be are refused."""
        document = Protocol.of(Agora).document
        chat, emotes = document["channels"]
        cases = [
            {"channels": 5},
            {"channels": [{**chat, "id": 1}, emotes]},
            {"channels": [{**chat, "id": "8"}, emotes]},
            {"channels": [{**chat, "mode": "perfect"}, emotes]},
            {"channels": [{**chat, "weight": -1}, emotes]},
            {"channels": [chat, {**emotes, "name": "chat"}]},
            {"channels": [{"id": 8}]},
            {"spoken_on": [0, 8, 1]},
            {"spoken_on": [0, 8, 30]},
            {"spoken_on": "all"},
        ]
        for wrong in cases:
            packed = zlib.compress(json.dumps({**document, **wrong}).encode())
            self.assertRaises(RemoteProtocolError, Protocol.from_description, packed)


class MistakeTests(SynchronousTestCase):
    """Channels that cannot be are errors that name them."""

    def test_bad_channels(self) -> None:
        """Numbers and names are the game's own, and each is there once."""
        mode = DeliveryMode.RELIABLE_ORDERED
        for channels in (
            [Channel(1, mode, "chat"), Channel(9, mode, "emotes")],
            [Channel(31, mode, "chat"), Channel(9, mode, "emotes")],
            [Channel(8, mode, "chat"), Channel(8, mode, "emotes")],
            [Channel(8, mode, "emotes"), Channel(9, mode, "emotes")],
            [Channel(8, mode, "control"), Channel(9, mode, "emotes")],
            [Channel(8, mode), Channel(9, mode, "emotes")],
        ):
            bad = type("Bad", (Agora,), {"channels": channels})
            error = self.assertRaises(ConfigError, Protocol.of, bad)
            self.assertIn("bad.channels", str(error))

    def test_bad_messages(self) -> None:
        """A message names a channel that there is, and no one's but its own."""
        for name in ("nowhere", "snapshots", "inputs"):
            lost = type("Lost", (Message,), {"channel": name})
            bad = type("Bad", (Agora,), {"messages": [Chat, Emote, lost]})
            error = self.assertRaises(ConfigError, Protocol.of, bad)
            self.assertIn(f"Lost.channel = {name!r}", str(error))
            self.assertIn("['control', 'chat', 'emotes']", str(error))
