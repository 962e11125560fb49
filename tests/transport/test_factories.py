# SPDX-License-Identifier: MIT
"""What a factory gives those who ask: tokens, addresses, places."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Channel,
    ConnectionConfig,
    ConnectToken,
    DeliveryMode,
    ServerAddress,
)
from gamenet.errors import (
    CloseReason,
    ConfigError,
    ConnectError,
    LocalProtocolError,
    RemoteProtocolError,
)
from gamenet.transport import (
    GameProtocol,
    GameServerFactory,
    MemoryNetwork,
    connect,
    listen,
)
from gamenet.transport.listener import Listener
from gamenet.transport.slots import Slots
from tests.transport.recorders import (
    HASH,
    ClientFactory,
    MemoryTestCase,
    Recorder,
    ServerFactory,
)


class TokenTests(SynchronousTestCase):
    """A server's factory issues tokens for where it listens."""

    def factory(self, **settings: Any) -> ServerFactory:
        """Return a factory that listens at two addresses."""
        factory = ServerFactory(
            Clock(), HASH, random=random.Random(1), unixTime=lambda: 5000.0, **settings
        )
        self.listener = Listener(factory, "udp")
        self.listener.bound(ServerAddress("0.0.0.0", 7777))
        Listener(factory, "tcp").bound(ServerAddress("192.0.2.1", 7778))
        return factory

    def test_what_it_says(self) -> None:
        """A token says who, where, and how long."""
        token = self.factory().issueToken(client_id=7, expires_in=60, timeout=9)
        self.assertEqual((token.created, token.expires), (5000, 5060))
        self.assertEqual((token.timeout, token.protocol_id), (9, 1))
        self.assertEqual(
            [str(each) for each in token.addresses],
            ["127.0.0.1:7777", "192.0.2.1:7778"],
        )
        self.assertEqual(len(token.encode()), 2048)
        self.assertEqual(ConnectToken.decode(token.encode()), token)

    def test_defaults(self) -> None:
        """It is good for half a minute, and for as much silence as the server bears."""
        token = self.factory().issueToken()
        self.assertEqual((token.expires - token.created, token.timeout), (30, 5))

    def test_public_host(self) -> None:
        """Where the server listens on every interface, tokens name its public host."""
        token = self.factory(publicHost="203.0.113.5").issueToken()
        self.assertEqual(
            [each.host for each in token.addresses], ["203.0.113.5", "192.0.2.1"]
        )

    def test_nowhere(self) -> None:
        """Where nobody listens there is nothing that a token could be for."""
        factory = self.factory()
        factory.addresses.clear()
        self.assertRaises(LocalProtocolError, factory.issueToken)
        self.listener.unbound()

    def test_given_addresses(self) -> None:
        """Addresses of other servers may be given, too."""
        others = [ServerAddress("198.51.100.1", 1), ServerAddress("::1", 2)]
        token = self.factory().issueToken(addresses=others)
        self.assertEqual(list(token.addresses), others)

    def test_out_of_range(self) -> None:
        """What does not fit is told."""
        factory = self.factory()
        for wrong in ({"user_data": bytes(257)}, {"expires_in": -1}, {"client_id": -1}):
            self.assertRaises(LocalProtocolError, factory.issueToken, **wrong)

    def test_key(self) -> None:
        """A key has 32 bytes; without one each server makes its own."""
        self.assertEqual(self.factory(key=bytes(32)).key, bytes(32))
        factories = [ServerFactory(Clock(), HASH) for _ in range(2)]
        self.assertNotEqual(factories[0].key, factories[1].key)
        error = self.assertRaises(ConfigError, self.factory, key=bytes(31))
        self.assertIn("31 bytes", str(error))

    def test_no_two_are_alike(self) -> None:
        """Each token has keys and a number of its own."""
        factory = self.factory()
        tokens = [factory.issueToken() for _ in range(20)]
        for part in ("client_to_server", "server_to_client", "nonce", "private"):
            self.assertEqual(len({getattr(each, part) for each in tokens}), 20)


class ClientTests(SynchronousTestCase):
    """A client's factory takes a token as it comes."""

    def test_bytes(self) -> None:
        """Bytes that are no token are refused at once."""
        for wrong in (b"", b"nonsense", bytes(2048)):
            with self.assertRaises(RemoteProtocolError):
                ClientFactory(Clock(), HASH, token=wrong)

    def test_no_address(self) -> None:
        """Nothing to connect to is an error of the caller."""
        result = connect(Clock(), [], ClientFactory(Clock(), HASH))
        self.failureResultOf(result, ConfigError)


class Talker(GameProtocol):
    """Declare channels."""

    channels = [
        Channel(3, DeliveryMode.RELIABLE_ORDERED, "chat"),
        Channel(5, DeliveryMode.UNRELIABLE_SEQUENCED, "places"),
    ]


class ChannelTests(SynchronousTestCase):
    """The channels are those of the protocol, unless the settings have others."""

    def channels(self, config: ConnectionConfig | None) -> list[str]:
        """Return the names of a factory's channels."""
        factory = GameServerFactory(Clock(), HASH, config)
        factory.protocol = Talker
        return [each.name for each in factory.config.channels]

    def test_declared(self) -> None:
        """What a class declares is used, and the other settings stay."""
        self.assertEqual(self.channels(None), ["chat", "places"])
        self.assertEqual(self.channels(ConnectionConfig(timeout=9)), ["chat", "places"])
        factory = GameServerFactory(Clock(), HASH, ConnectionConfig(timeout=9))
        self.assertEqual(len(factory.config.channels), 2)
        factory.protocol = Talker
        self.assertEqual(
            (factory.config.timeout, factory.config.modes.keys()), (9, {3, 5})
        )
        self.assertIs(factory.config, factory.config)
        factory.config = ConnectionConfig(timeout=8)
        self.assertEqual((factory.config.timeout, len(factory.config.modes)), (8, 2))

    def test_given(self) -> None:
        """Channels that somebody has chosen are not replaced."""
        given_ = ConnectionConfig(
            channels=(Channel(0, DeliveryMode.UNRELIABLE, "mine"),)
        )
        self.assertEqual(self.channels(given_), ["mine"])

    def test_mistake(self) -> None:
        """A channel that there cannot be is told where the class is written."""
        body = {"channels": [Channel(31, DeliveryMode.UNRELIABLE)]}
        error = self.assertRaises(ConfigError, type, "Wrong", (GameProtocol,), body)
        self.assertIn("0 to 30", str(error))


class DeclaredTests(MemoryTestCase):
    """Both sides that have the class speak on its channels."""

    def test_spoken_on(self) -> None:
        """A message arrives on a channel of the class."""

        class Both(Recorder):
            channels = Talker.channels

        self.factory.config = ConnectionConfig()
        self.factory.protocol = Both
        factory = self.client_factory(config=None)
        factory.protocol = Both
        client = self.connect(factory)
        client.sendMessage(3, b"hello")
        self.advance(0.1)
        self.assertEqual(self.factory.built[0].payloads(), [b"hello"])


class NetworkTests(MemoryTestCase):
    """In memory everybody is trusted."""

    def test_token(self) -> None:
        """The network has a token for whoever asks."""
        token = self.network.token("server", b"ada")
        client = self.connect(self.client_factory(token=token))
        self.assertEqual(self.factory.built[0].userData, b"ada")
        self.assertEqual(client.count("made"), 1)

    def test_nobody_listens(self) -> None:
        """There is none for a server that there is not."""
        error = self.assertRaises(ConnectError, self.network.token, "nowhere")
        self.assertIs(error.reason, CloseReason.UNREACHABLE)

    def test_two_networks(self) -> None:
        """A token of one network is of no use in another."""
        other = MemoryNetwork(self.clock)
        factory = self.server_factory(key=bytes(32))
        self.successResultOf(listen(self.clock, "memory:server", factory, memory=other))
        client = self.client_factory(token=other.token("server"))
        result = self.begin(client)
        self.advance(6)
        self.failureResultOf(result, ConnectError)
        self.assertEqual(self.factory.stats().refused["TOKEN_INVALID"] > 0, True)


class SlotTests(SynchronousTestCase):
    """Places are numbered, the lowest free number first."""

    @given(st.lists(st.integers(0, 9), max_size=60))
    def test_model(self, steps: list[int]) -> None:
        """Each holder has a number that nobody else has, as low as can be."""
        slots, held = Slots(), {}
        for holder in steps:
            if holder in held:
                slots.give_back(holder)
                del held[holder]
            else:
                expected = min(set(range(11)) - set(held.values()))
                self.assertEqual(slots.preview(), expected)
                held[holder] = slots.take(holder)
                self.assertEqual(held[holder], expected)

    def test_unknown(self) -> None:
        """Who has none gives none back."""
        slots = Slots()
        slots.give_back("nobody")
        self.assertEqual(slots.take("somebody"), 0)
