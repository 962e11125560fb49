# SPDX-License-Identifier: MIT
"""What the tests of transports share: protocols that write down what happens."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Channel, ConnectionConfig, DeliveryMode
from gamenet.transport import (
    GameClientFactory,
    GameProtocol,
    GameServerFactory,
    MemoryNetwork,
    connect,
    listen,
)

HASH = b"testhash"
RELIABLE, UNRELIABLE, UNORDERED, WATCHED = 0, 1, 2, 3
CHANNELS = (
    Channel(RELIABLE, DeliveryMode.RELIABLE_ORDERED, "reliable", receipts=True),
    Channel(UNRELIABLE, DeliveryMode.UNRELIABLE, "unreliable"),
    Channel(UNORDERED, DeliveryMode.RELIABLE_UNORDERED, "unordered", receipts=True),
    Channel(WATCHED, DeliveryMode.UNRELIABLE_RECEIPTS, "watched"),
)


def config(**settings: Any) -> ConnectionConfig:
    """Return settings with the channels of these tests."""
    return ConnectionConfig(**{"channels": CHANNELS, **settings})


class Recorder(GameProtocol):
    """Write down what happens, and let a test wait for it."""

    def __init__(self) -> None:
        self.happened: list[tuple] = []
        self._waiting: list[tuple[Callable[[], bool], Deferred]] = []

    def connectionMade(self) -> None:
        self._note(("made",))

    def messageReceived(self, channel: int, payload: bytes) -> None:
        self._note(("message", channel, payload))

    def messageAcked(self, messageId: int) -> None:
        self._note(("acked", messageId))

    def messageLost(self, messageId: int) -> None:
        self._note(("missed", messageId))

    def transferProgress(self, messageId: int, acked: int, total: int) -> None:
        self._note(("progress", messageId, acked, total))

    def connectionDropped(self, reason: Any) -> None:
        self._note(("dropped", reason))

    def connectionResumed(self) -> None:
        self._note(("resumed", self.transportName))

    def connectionLost(self, reason: Any, detail: str) -> None:
        self._note(("lost", reason, detail))

    def count(self, kind: str) -> int:
        return sum(event[0] == kind for event in self.happened)

    def payloads(self) -> list[bytes]:
        return [event[2] for event in self.happened if event[0] == "message"]

    def reason(self) -> Any:
        """Return the reason for which the connection was lost."""
        (reason,) = [event[1] for event in self.happened if event[0] == "lost"]
        return reason

    def until(self, condition: Callable[[], bool]) -> Deferred:
        """Return a Deferred that fires when a condition holds."""
        result: Deferred = Deferred()
        self._waiting.append((condition, result))
        self._check()
        return result

    def until_lost(self) -> Deferred:
        return self.until(lambda: self.count("lost") > 0)

    def until_resumed(self, n: int = 1) -> Deferred:
        return self.until(lambda: self.count("resumed") >= n)

    def until_messages(self, n: int) -> Deferred:
        return self.until(lambda: self.count("message") >= n)

    def _note(self, event: tuple) -> None:
        self.happened.append(event)
        self._check()

    def _check(self) -> None:
        waiting, self._waiting = self._waiting, []
        for condition, result in waiting:
            if condition():
                result.callback(self)
            else:
                self._waiting.append((condition, result))


class Echo(Recorder):
    """Send every message back."""

    def messageReceived(self, channel: int, payload: bytes) -> None:
        super().messageReceived(channel, payload)
        self.sendMessage(channel, payload)


class ServerFactory(GameServerFactory):
    """Keep every protocol it built."""

    protocol = Recorder

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", config())
        super().__init__(*args, **kwargs)
        self.built: list[Any] = []

    def buildProtocol(self, address: str) -> GameProtocol | None:
        protocol = super().buildProtocol(address)
        self.built.append(protocol)
        return protocol


class ClientFactory(GameClientFactory):
    """Record, and note failures."""

    protocol = Recorder

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("config", config())
        super().__init__(*args, **kwargs)
        self.failures: list[Any] = []

    def clientConnectionFailed(self, reason: Any, detail: str) -> None:
        self.failures.append(reason)


def go_dark(network: MemoryNetwork) -> None:
    """Let nothing through any more, either way."""
    network._dark = dict(network._servers)
    network._servers.clear()
    for client in network._clients.values():
        client.receiver = None


def light_up(network: MemoryNetwork) -> None:
    """Let packets through again; those who were connected find new links."""
    network._servers.update(network._dark)


class MemoryTestCase(SynchronousTestCase):
    """A server and clients on a network in memory, in simulated time."""

    network_settings: dict[str, Any] = {}

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.network = MemoryNetwork(self.clock, **self.network_settings)
        self.factory = self.server_factory()
        self.listening = self.listen(self.factory)

    def server_factory(self, **kwargs: Any) -> ServerFactory:
        return ServerFactory(self.clock, HASH, random=random.Random(1), **kwargs)

    def client_factory(self, **kwargs: Any) -> ClientFactory:
        protocol_hash = kwargs.pop("protocolHash", HASH)
        return ClientFactory(
            self.clock, protocol_hash, random=random.Random(2), **kwargs
        )

    def listen(self, factory: GameServerFactory, name: str = "server") -> Any:
        return self.successResultOf(
            listen(self.clock, f"memory:{name}", factory, memory=self.network)
        )

    def begin(self, factory: GameClientFactory, name: str = "server") -> Deferred:
        """Begin to connect."""
        return connect(self.clock, f"memory:{name}", factory, memory=self.network)

    def connect(self, factory: GameClientFactory | None = None) -> Any:
        """Return a client's protocol that is connected."""
        result = self.begin(factory or self.client_factory())
        self.advance(0.5)
        return self.successResultOf(result)

    def advance(self, seconds: float, step: float = 0.01) -> None:
        """Let time pass in small steps, so that answers can be answered."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
