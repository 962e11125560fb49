# SPDX-License-Identifier: MIT
"""What the tests on real sockets share: protocols that record, ports, certificates."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gamenet.connection import ConnectToken, ServerAddress, issue_token
from gamenet.transport import (
    GameClientFactory,
    GameServerFactory,
    Listening,
    connect,
    listen,
    write_development_certificate,
)
from tests.transport.recorders import HASH, ClientFactory, Echo, ServerFactory

SOCKETS = ("udp", "tcp", "tls", "ws", "wss")
STREAMS = ("tcp", "tls", "ws", "wss")
TOKEN = issue_token(
    bytes(32),
    protocol_id=1,
    client_id=1,
    addresses=[ServerAddress("127.0.0.1", 1)],
    timeout=5,
    expires_in=30,
    user_data=b"",
    unix_now=0,
    random_bytes=bytes,
)
"""A token of no server, for where nobody looks at it."""


class SocketTestCase(TestCase):
    """Listen and connect on the loopback, and close everything afterwards."""

    timeout = 20

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.certificate = Path(folder.name) / "certificate.pem"
        self.key = Path(folder.name) / "key.pem"
        self.factories: dict[Listening, GameServerFactory] = {}

    def serve(
        self,
        transport: str,
        factory: GameServerFactory,
        options: str = "",
        interface: str = "127.0.0.1",
        **kwargs: Any,
    ) -> Listening:
        """Return an open listener on a free port of the loopback."""
        text = f"{transport}:0:interface={interface}{options}"
        if transport in ("tls", "wss"):
            if not self.certificate.exists():
                write_development_certificate(self.certificate, self.key)
            text += f":certificate={self.certificate}:key={self.key}"
        listening = self.successResultOf(listen(reactor, text, factory, **kwargs))
        self.factories[listening] = factory
        self.addCleanup(listening.stop)
        return listening

    def server_factory(self, protocol: type = Echo, **kwargs: Any) -> ServerFactory:
        factory = ServerFactory(reactor, HASH, **kwargs)
        factory.protocol = protocol
        return factory

    def client_factory(self, **kwargs: Any) -> ClientFactory:
        factory = ClientFactory(reactor, kwargs.pop("protocolHash", HASH), **kwargs)
        self.addCleanup(self.close_clients, factory)
        return factory

    def connect(
        self,
        listening: Listening,
        factory: GameClientFactory | None = None,
        *,
        token: ConnectToken | None = None,
        user_data: bytes = b"",
        **kwargs: Any,
    ) -> Deferred:
        """Connect a client to a listener, by default with a new token for it."""
        factory = factory or self.client_factory()
        server = self.factories[listening]
        factory.token = token or server.issueToken(user_data=user_data)
        return connect(
            reactor,
            self.way_to(listening),
            factory,
            tls_trust=self.certificate,
            **kwargs,
        )

    def way_to(self, listening: Listening) -> str:
        """Return the connect string of a listener."""
        return f"{listening.transport}:127.0.0.1:{listening.port}"

    def close_clients(self, factory: GameClientFactory) -> Deferred:
        factory.closeAll()
        return wait(0.02)


def wait(seconds: float) -> Deferred:
    """Return a Deferred that fires after a time."""
    return deferLater(reactor, seconds, lambda: None)


def open_files() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))
