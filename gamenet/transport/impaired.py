# SPDX-License-Identifier: MIT
"""Simulate a bad network between a real UDP socket and the players behind it.

A server option, to play one's own game as somebody far away does. Every address has a
link of its own, with its own random numbers: that a player is hit by a burst of loss
does not mean that the next one is.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from gamenet.transport.datagrams import Address, Write, guarded
from gamenet.transport.impairment import Impairment
from gamenet.transport.impairments import Impairments
from gamenet.transport.listener import Listener
from gamenet.transport.paths import Path
from gamenet.transport.udp import UdpServer, socket_writer

__all__ = ["ImpairedUdpServer"]

_MAX_LINKS = 4096
"""Addresses remembered; the one unheard of for longest is forgotten first."""


class ImpairedUdpServer(UdpServer):
    """Serve a listener through an impairment each way.

    Args:
        listener: lets peers in.
        clock: gives delayed calls and the time.
        down: from us to the players.
        up: from the players to us.
    """

    def __init__(
        self, listener: Listener, clock: Any, down: Impairment, up: Impairment
    ) -> None:
        super().__init__(listener)
        self._clock = clock
        self._impairments = Impairments(down, up)
        self._links: OrderedDict[Address, tuple[Path, Path]] = OrderedDict()
        self._n_links = 0

    def startProtocol(self) -> None:
        """Begin to serve, with a link between the socket and each peer."""
        super().startProtocol()
        self.datagramReceived = self._send_up  # type: ignore[assignment]

    def stopProtocol(self) -> None:
        """Lose what is still on its way."""
        super().stopProtocol()
        for down, up in self._links.values():
            down.close()
            up.close()
        self._links.clear()

    def flush(self) -> None:
        """Send what is still on its way down, before the socket is closed.

        The last packets of a server tell its players why it ends.
        """
        for down, _ in self._links.values():
            down.flush()

    def writer(self) -> Write:
        """Return what the server writes by: the way down."""
        return self._send_down

    def _send_up(self, data: bytes, address: Address) -> None:
        self._link(address)[1].send(data)

    def _send_down(self, data: bytes, address: Address) -> None:
        self._link(address)[0].send(data)

    def _link(self, address: Address) -> tuple[Path, Path]:
        link = self._links.get(address)
        if link is None:
            link = self._links[address] = self._new_link(address)
            if len(self._links) > _MAX_LINKS:
                for path in self._links.popitem(last=False)[1]:
                    path.close()
        self._links.move_to_end(address)
        return link

    def _new_link(self, address: Address) -> tuple[Path, Path]:
        self._n_links += 1
        tally = self._listener.peers.tally
        write = guarded(socket_writer(self.transport), tally)

        def arrive_down(packet: bytes) -> None:
            write(packet, address)

        def arrive_up(packet: bytes) -> None:
            if self.server is not None:
                self.server.receive(packet, address)

        models = self._impairments.link(self._n_links)
        return (
            Path(self._clock, models.down, arrive_down),
            Path(self._clock, models.up, arrive_up),
        )
