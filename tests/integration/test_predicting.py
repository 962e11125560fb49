# SPDX-License-Identifier: MIT
"""Prediction over real sockets, in real time."""

from __future__ import annotations

import time

from twisted.internet import reactor

from gamenet.connection import Closed
from gamenet.game import EventHappened, GameServer, PolledClient
from tests.game.playing import Crafts, Ping, Position, Steer, Velocity
from tests.integration.transports import SocketTestCase, wait


class PolledTests(SocketTestCase):
    """A loop of its own has ticks, predicts in them, and looks."""

    def leave(self, client):
        """Have a client leave, and close its socket."""
        client.close()
        client.poll()
        self.assertTrue(client.is_closed)

    async def test_udp(self):
        """Its craft answers in the tick, and where it is comes to be agreed."""
        server = GameServer(Crafts, reactor, seed=1)
        listening = self.serve("udp", server.factory)
        server.start()
        self.addCleanup(server.stop)
        client = PolledClient(Crafts, name="ada")
        token = server.factory.issueToken(user_data=b"ada")
        client.connect(self.way_to(listening), token=token)
        self.addCleanup(self.leave, client)
        ticks, pings, scheduled = [], [], []
        speeds = {}

        async def play(condition, stick=(0, 0), patience=20.0):
            end = time.monotonic() + patience
            while not condition():
                self.assertLess(time.monotonic(), end, "still waiting")
                for event in client.poll():
                    self.assertNotIsInstance(event, Closed)
                    if isinstance(event, EventHappened) and isinstance(
                        event.event, Ping
                    ):
                        pings.append(event.tick)
                if client.is_joined:
                    for tick in client.ticks():
                        ticks.append(tick)
                        client.send_input(Steer(*stick))
                    client.look()
                    for row in client.predicted.query(Velocity).tolist():
                        speeds[client.own_tick] = float(
                            client.predicted.columns(Velocity).x[row]
                        )
                await wait(0.004)

        await play(lambda: len(ticks) > 40 and len(client.predicted) == 1)
        self.assertEqual(set(speeds.values()), {0.0})
        client.at(server.game.tick + 10, lambda: scheduled.append(server.game.tick))
        first = ticks[-1] + 1
        await play(lambda: len(pings) >= 20, stick=(127, 0))
        self.assertGreater(speeds[first], 0.5)
        self.assertEqual(pings[0], first)
        self.assertEqual(len(set(pings)), len(pings))
        self.assertEqual(len(scheduled), 1)
        row = int(client.world.query(Position)[0])
        confirmed = client.world.columns(Position).x
        predicted = client.predicted.columns(Position).x
        truth = server.world.columns(Position).x
        await play(lambda: speeds[client.own_tick] == 0.0)
        end = ticks[-1] + 10
        await play(lambda: client.tick > end)
        self.assertGreater(truth[row], 1.0)
        self.assertEqual(predicted[row], truth[row])
        self.assertEqual(confirmed[row], truth[row])
