# SPDX-License-Identifier: MIT
"""A protocol of our own on every transport: an echo, and its test."""

from __future__ import annotations

from twisted.internet import task
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase

from gamenet.testing import Clock
from gamenet.transport import (
    GameClientFactory,
    GameProtocol,
    GameServerFactory,
    MemoryNetwork,
    connect,
    listen,
)

# -- protocol --
PROTOCOL = b"echo-1.0"  # eight bytes that both sides have
RELIABLE = 0  # the channels that a connection has if nothing else is said
UNRELIABLE = 1


class Echo(GameProtocol):
    """Send back what comes, on the channel that it came on."""

    def messageReceived(self, channel, payload):
        self.sendMessage(channel, payload)


class Asker(GameProtocol):
    """Say hello, and leave with the first answer."""

    def connectionMade(self):
        self.answer = None
        self.reason = None
        self.sendMessage(RELIABLE, b"hello")

    def messageReceived(self, channel, payload):
        self.answer = payload
        self.loseConnection()

    def connectionLost(self, reason, detail):
        self.reason = reason


# -- serve --
def serve(reactor):
    factory = GameServerFactory(reactor, PROTOCOL)
    factory.protocol = Echo
    return gatherResults(
        [
            listen(reactor, "udp:7777", factory),
            listen(reactor, "tcp:7778", factory),
            listen(reactor, "ws:8080", factory),
        ]
    )


# -- test --
class EchoTests(SynchronousTestCase):
    """The protocol, without a socket and without waiting."""

    def test_answer(self):
        """What is said comes back, and both ends close."""
        clock = Clock()
        network = MemoryNetwork(clock)
        servers = GameServerFactory(clock, PROTOCOL)
        servers.protocol = Echo
        listen(clock, "memory:echo", servers, memory=network)
        clients = GameClientFactory(clock, PROTOCOL)
        clients.protocol = Asker
        connecting = connect(clock, "memory:echo", clients, memory=network)
        clock.advance(0.1)
        asker = self.successResultOf(connecting)
        clock.advance(1)
        self.assertEqual(asker.answer, b"hello")
        self.assertEqual(asker.reason.name, "NORMAL")
        self.assertEqual(servers.connections, [])


# -- end --
if __name__ == "__main__":
    task.react(lambda reactor: serve(reactor).addCallback(lambda _: Deferred()))
