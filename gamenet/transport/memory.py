# SPDX-License-Identifier: MIT
"""Carry packets in memory: a whole match in one process, in simulated time.

The network behaves like UDP: packets arrive later, and as an `Impairment` decides,
late, twice or never. With a `task.Clock` it is deterministic; with a reactor it
connects bots to a server in the same process. Everything above the socket is what UDP
uses.
"""

from __future__ import annotations

from typing import Any

from gamenet.connection import Channel, ConnectToken, ServerAddress
from gamenet.errors import CloseReason, ConfigError, ConnectError, ListenError
from gamenet.transport.datagrams import Address, DatagramServer
from gamenet.transport.impairment import Impairment
from gamenet.transport.listener import Listener
from gamenet.transport.paths import Path
from gamenet.transport.shell import Peer

__all__ = ["MemoryClient", "MemoryNetwork"]

_HOST = "memory"


class MemoryNetwork:
    """A network that `listen` and `connect` use for "memory:NAME".

    Each client has a link of its own: its impairments are copies of those given here,
    seeded by the number of the client.

    Args:
        clock: gives delayed calls and the time.
        impairment_down: from server to client; nothing happens if left out.
        impairment_up: from client to server; nothing happens if left out.
    """

    def __init__(
        self,
        clock: Any,
        impairment_down: Impairment | None = None,
        impairment_up: Impairment | None = None,
    ) -> None:
        self.clock = clock
        self._down = impairment_down or Impairment()
        self._up = impairment_up or Impairment()
        self._servers: dict[str, DatagramServer] = {}
        self._listeners: dict[str, Listener] = {}
        self._n_servers = 0
        self._clients: dict[Address, MemoryClient] = {}
        self._n_clients = 0

    def attach(self, name: str, listener: Listener) -> None:
        """Serve a listener under a name; `listen` calls it.

        Raises:
            ListenError: the name is taken.
        """
        if name in self._servers:
            raise ListenError(
                f"cannot listen on memory:{name}: the name is taken in this network"
            )
        self._n_servers += 1
        self._servers[name] = DatagramServer(listener, self._write_down)
        self._listeners[name] = listener
        # Tokens name addresses, and here there are none: a number stands for one.
        listener.bound(ServerAddress("0.0.0.0", self._n_servers & 0xFFFF))

    def detach(self, name: str) -> None:
        """Serve nobody under a name any more."""
        self._servers.pop(name)
        self._listeners.pop(name)

    def token(self, name: str, user_data: bytes = b"") -> ConnectToken:
        """Return a token for the server of a name: in memory, all are trusted.

        Raises:
            ConnectError: nobody listens under the name.
        """
        self._check(name)
        return self._listeners[name].factory.issueToken(user_data=user_data)

    def channels(self, name: str) -> tuple[Channel, ...]:
        """Return the channels of the server of a name.

        Raises:
            ConnectError: nobody listens under the name.
        """
        self._check(name)
        return self._listeners[name].factory.config.channels

    def _check(self, name: str) -> None:
        if name not in self._servers:
            raise ConnectError(
                f"cannot connect to memory:{name}: nobody listens under this name",
                CloseReason.UNREACHABLE,
            )

    def open(self, name: str) -> MemoryClient:
        """Open a client's end; `connect` calls it.

        Raises:
            ConnectError: nobody listens under the name.
        """
        self._check(name)
        self._n_clients += 1
        address = (_HOST, self._n_clients)
        client = MemoryClient(self, name, address)
        self._clients[address] = client
        return client

    def paths(self, client: MemoryClient) -> tuple[Path, Path]:
        """Make the two directions of a client's link: down and up."""
        number = client.address[1]
        down = self._down.reseeded(self._down.seed + 2 * number)
        up = self._up.reseeded(self._up.seed + 2 * number + 1)
        return (
            Path(self.clock, down, client.receive),
            Path(self.clock, up, client.arrive),
        )

    def deliver(self, name: str, packet: bytes, address: Address) -> None:
        """Deliver a packet that has travelled up."""
        server = self._servers.get(name)
        if server is not None:
            server.receive(packet, address)

    def close(self, client: MemoryClient) -> None:
        """Forget a client."""
        self._clients.pop(client.address, None)

    def _write_down(self, packet: bytes, address: Address) -> None:
        client = self._clients.get(address)
        if client is not None:
            client.down.send(packet)


class MemoryClient:
    """A client's end of a link: the carrier of its packets.

    Args:
        network: that the link belongs to.
        name: of the server.
        address: the client's own.
    """

    is_blocked = False

    def __init__(self, network: MemoryNetwork, name: str, address: Address) -> None:
        self.address = address
        self.receiver: Peer | None = None
        self._network = network
        self._name = name
        self.down, self._up = network.paths(self)

    def receive(self, packet: bytes) -> None:
        """Take in a packet that has travelled down."""
        if self.receiver is not None:
            self.receiver.receive(packet)

    def arrive(self, packet: bytes) -> None:
        """Hand the server a packet that has travelled up."""
        self._network.deliver(self._name, packet, self.address)

    def send(self, packets: list[bytes]) -> None:
        """Send packets up."""
        for packet in packets:
            self._up.send(packet)

    def close(self) -> None:
        """Close this end; what is on its way up still arrives."""
        self.receiver = None
        self.down.close()
        self._network.close(self)


def required(network: MemoryNetwork | None, spec: object) -> MemoryNetwork:
    """Return the network, or say that a string needs one.

    Raises:
        ConfigError: there is none.
    """
    if network is None:
        raise ConfigError(f"{str(spec)!r} needs a network: pass memory=MemoryNetwork()")
    return network
