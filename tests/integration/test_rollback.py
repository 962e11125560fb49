# SPDX-License-Identifier: MIT
"""A rollback match over real sockets."""

from __future__ import annotations

import time

from twisted.internet import reactor

from examples.duel import Duel, Script
from gamenet.game import RollbackHost, RollbackPeer
from tests.integration.transports import SocketTestCase, wait


class RollbackSocketTests(SocketTestCase):
    """Two fight over a socket, and confirm the same fight."""

    async def fight(self, transport: str) -> None:
        host = RollbackHost(Duel, reactor, name="ada", seed=3, checksum_every=5)
        listening = self.serve(transport, host.factory)
        self.addCleanup(host.stop)
        peer = RollbackPeer(reactor, Duel)
        self.addCleanup(peer.close)
        for number, run in enumerate((host, peer)):
            Script(run, number)
        host.start()
        token = host.factory.issueToken(user_data=b"bob")
        await peer.connect(self.way_to(listening), token=token)
        sums: dict[object, dict[int, int]] = {host: {}, peer: {}}
        end = time.monotonic() + 10.0
        while len(sums[host].keys() & sums[peer].keys()) < 15:
            self.assertLess(time.monotonic(), end, "still waiting")
            await wait(0.05)
            for run, known in sums.items():
                known.update(run.checksums())
        for tick in sums[host].keys() & sums[peer].keys():
            self.assertEqual(sums[host][tick], sums[peer][tick], tick)
        self.assertEqual((host.player_id, peer.player_id), (1, 2))
        self.assertEqual(peer.game.players[2].name, "bob")

    async def test_udp(self) -> None:
        """Over UDP."""
        await self.fight("udp")

    async def test_websocket(self) -> None:
        """Over a WebSocket."""
        await self.fight("ws")
