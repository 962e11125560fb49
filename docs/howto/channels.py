# SPDX-License-Identifier: MIT
"""Channels of one's own: in a game, and in a protocol."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Channel, ConnectionConfig, DeliveryMode
from gamenet.game import Game, Message, blob, text, uint16
from gamenet.testing import Clock, Stepper
from gamenet.transport import (
    GameClientFactory,
    GameProtocol,
    GameServerFactory,
    Impairment,
    MemoryNetwork,
    connect,
    listen,
)


# -- game --
class Score(Message):
    """How many points somebody has now."""

    channel = "scores"
    points: int = uint16()


class Chat(Message):
    """What somebody says."""

    channel = "chat"
    line: str = text(200)


class Map(Message):
    """A whole map, drawn by a player."""

    channel = "maps"
    tiles: bytes = blob(300_000)


class Castle(Game):
    """Repeat to everybody what anybody says."""

    tick_rate = 30
    messages = [Score, Chat, Map]
    channels = [
        # The newest score is enough: older ones are skipped.
        Channel(8, DeliveryMode.RELIABLE_SEQUENCED, "scores", priority=1),
        # Each line, as soon as it is there.
        Channel(9, DeliveryMode.RELIABLE_UNORDERED, "chat", weight=3),
        # A large thing must not hold up anything: it has a lane below all others.
        Channel(
            10,
            DeliveryMode.RELIABLE_ORDERED,
            "maps",
            priority=-1,
            max_message=400_000,
            compression=True,
        ),
    ]

    def message_received(self, player, message):
        self.broadcast(message)


# -- protocol --
FILES = 3
CONFIG = ConnectionConfig(
    channels=(
        Channel(0, DeliveryMode.RELIABLE_ORDERED, "control"),
        Channel(FILES, DeliveryMode.RELIABLE_ORDERED, "files", priority=-1),
    ),
    max_message=1_000_000,
    max_queue=4_000_000,
    bandwidth=500_000,  # bytes a second
)


class Sender(GameProtocol):
    """Send a file, say how it goes, and give it up when told to."""

    def connectionMade(self):
        self.shares = []
        self.number = self.sendMessage(FILES, bytes(1_000_000))

    def transferProgress(self, number, acked, total):
        self.shares.append(acked / total)

    def stop(self):
        return self.cancelMessage(self.number)


# -- receipts --
SHOTS = 4
WITH_RECEIPTS = ConnectionConfig(
    channels=(
        Channel(0, DeliveryMode.RELIABLE_ORDERED, "control"),
        Channel(SHOTS, DeliveryMode.UNRELIABLE_RECEIPTS, "shots"),
    )
)


class Shooter(GameProtocol):
    """Count which shots have arrived."""

    def connectionMade(self):
        self.arrived, self.lost = set(), set()

    def messageAcked(self, number):
        self.arrived.add(number)

    def messageLost(self, number):
        self.lost.add(number)


# -- end --
class Listener(GameProtocol):
    """Keep what comes."""

    def connectionMade(self):
        self.messages = []

    def messageReceived(self, channel, payload):
        self.messages.append((channel, payload))


class GameChannelTests(SynchronousTestCase):
    """A game with channels of its own."""

    def test_everything_arrives(self):
        """On a bad network the chat arrives whole, and the last score for certain."""
        bad = Impairment(latency=0.05, loss=0.2)
        stepper = Stepper.of(Castle, n_clients=2, seed=5, down=bad, up=bad)
        ada, bob = stepper.clients
        heard = []
        bob.on_message = heard.append
        ada.send(Map(tiles=bytes(range(256)) * 1000))
        for points in range(60):
            ada.send(Score(points=points))
            ada.send(Chat(line=f"line {points}"))
            stepper.tick()
        stepper.until(lambda: any(isinstance(each, Map) for each in heard))
        stepper.tick(30)
        lines = {each.line for each in heard if isinstance(each, Chat)}
        self.assertEqual(lines, {f"line {n}" for n in range(60)})
        points = [each.points for each in heard if isinstance(each, Score)]
        self.assertEqual(points[-1], 59)
        self.assertEqual(points, sorted(points))


class TransferTests(SynchronousTestCase):
    """Large messages and receipts."""

    def connect(self, config, protocol, **impairments):
        """Return both protocols of a connection."""
        self.clock = Clock()
        network = MemoryNetwork(self.clock, **impairments)
        servers = GameServerFactory(self.clock, b"example1", config)
        servers.protocol = Listener
        listen(self.clock, "memory:a", servers, memory=network)
        clients = GameClientFactory(self.clock, b"example1", config)
        clients.protocol = protocol
        connecting = connect(self.clock, "memory:a", clients, memory=network)
        self.clock.advance(1)
        return self.successResultOf(connecting), servers.connections[0]

    def test_progress(self):
        """A large message goes on its way in the background, and says how it goes."""
        sender, receiver = self.connect(CONFIG, Sender)
        self.assertEqual(receiver.messages, [])
        self.clock.advance(9)
        self.assertEqual(receiver.messages, [(FILES, bytes(1_000_000))])
        self.assertEqual(sender.shares[-1], 1.0)
        self.assertEqual(sender.shares, sorted(sender.shares))

    def test_cancel(self):
        """What was given up never arrives, and what comes after it does."""
        sender, receiver = self.connect(CONFIG, Sender)
        self.assertTrue(sender.stop())
        sender.sendMessage(FILES, b"something else")
        self.clock.advance(9)
        self.assertEqual(receiver.messages, [(FILES, b"something else")])

    def test_receipts(self):
        """Of each shot the sender learns whether it arrived."""
        bad = Impairment(latency=0.02, loss=0.3, seed=1)
        shooter, receiver = self.connect(WITH_RECEIPTS, Shooter, impairment_up=bad)
        shots = set()
        for _ in range(60):
            shots.add(shooter.sendMessage(SHOTS, b"bang"))
            self.clock.advance(1 / 30)
        self.clock.advance(2)
        self.assertEqual(shooter.arrived | shooter.lost, shots)
        self.assertEqual(len(shooter.arrived), len(receiver.messages))
        self.assertTrue(shooter.lost)
