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


class SocketTestCase(TestCase):
    """Listen and connect on the loopback, and close everything afterwards."""

    timeout = 20

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.certificate = Path(folder.name) / "certificate.pem"
        self.key = Path(folder.name) / "key.pem"

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
        self, listening: Listening, factory: GameClientFactory | None = None
    ) -> Deferred:
        """Connect a client to a listener."""
        return connect(
            reactor,
            f"{listening.transport}:127.0.0.1:{listening.port}",
            factory or self.client_factory(),
            tls_trust=self.certificate,
        )

    def close_clients(self, factory: GameClientFactory) -> Deferred:
        factory.closeAll()
        return wait(0.02)


def wait(seconds: float) -> Deferred:
    """Return a Deferred that fires after a time."""
    return deferLater(reactor, seconds, lambda: None)


def open_files() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))
