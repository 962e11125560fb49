# SPDX-License-Identifier: MIT
"""Bad networks whose links break at any moment: every reliable message comes once."""

from __future__ import annotations

import random
from typing import Any

from gamenet.transport import Impairment
from tests.transport.links import SessionTestCase
from tests.transport.recorders import RELIABLE, UNORDERED, config, go_dark, light_up

SETTINGS = {"timeout": 1.0, "resume_window": 120.0}
N_STEPS = 40
N_TICKETS = 2


class WeatherTests(SessionTestCase):
    """Two ends talk while the network is lost, found, moved and bad."""

    def weather(self, seed: int) -> None:
        """Make a network of a seed, and two ends that are connected by it."""
        self.chance = random.Random(seed)
        settings = {
            "latency": self.chance.choice((0, 0.02, 0.1)),
            "jitter": self.chance.choice((0, 0.03)),
            "loss": self.chance.choice((0, 0.1, 0.3)),
            "duplicate": self.chance.choice((0, 0.1)),
            "reorder": self.chance.choice((0, 0.1)),
        }
        self.network_settings = {
            "impairment_down": Impairment(seed=seed, **settings),
            "impairment_up": Impairment(seed=seed + 1, **settings),
        }
        self.setUp()
        self.successResultOf(self.listening.stop())
        self.factory = self.server_factory(config=config(**SETTINGS))
        self.listen(self.factory)
        result = self.begin(self.client_factory(config=config(**SETTINGS)))
        self.advance(10)
        self.client: Any = self.successResultOf(result)
        self.server: Any = self.factory.built[0]
        self.sent = {self.client: 0, self.server: 0}
        self.is_dark = False

    def say(self) -> None:
        """Say something on both sides, now and then much."""
        for protocol in self.sent:
            for _ in range(self.chance.randrange(1, 20)):
                size = self.chance.choice((0,) * 30 + (20_000,))
                for channel in (RELIABLE, UNORDERED):
                    text = b"%d" % self.sent[protocol]
                    protocol.sendMessage(channel, text + b" " * size)
                self.sent[protocol] += 1

    def happen(self) -> None:
        """Let one of the things happen that happen to networks.

        A link breaks only while the client has its tickets: who loses a link again in
        the midst of resuming may be left without.
        """
        session = self.client.connection.session
        is_ready = len(session._tickets) == N_TICKETS
        event = self.chance.choice(
            ("say", "say", "say", "light", "dark", "cut", "move")
        )
        if event == "say":
            self.say()
        elif event == "light" and self.is_dark:
            light_up(self.network)
            self.is_dark = False
        elif event == "dark" and not self.is_dark and is_ready:
            go_dark(self.network)
            self.is_dark = True
        elif event == "cut" and is_ready:
            self.client._peer.unreachable("no network")
        elif event == "move":
            self.client.rebind()

    def heard(self, protocol: Any, channel: int) -> list[int]:
        """Return the numbers that an end has heard on a channel."""
        told = self.told(protocol, "message")
        return [int(payload) for _, number, payload in told if number == channel]

    def test_any_weather(self) -> None:
        """Nothing is lost, nothing comes twice, and in the end nothing is left."""
        for seed in range(12):
            self.weather(seed)
            for _ in range(N_STEPS):
                self.happen()
                self.advance(self.chance.choice((0.01, 0.05, 0.3, 2.0)), step=0.02)
            if self.is_dark:
                light_up(self.network)
            self.advance(90, step=0.05)
            pairs = ((self.client, self.server), (self.server, self.client))
            for listener, speaker in pairs:
                said = list(range(self.sent[speaker]))
                self.assertEqual(self.heard(listener, RELIABLE), said, f"seed {seed}")
                unordered = self.heard(listener, UNORDERED)
                self.assertEqual(sorted(unordered), said, f"seed {seed}")
            self.client.loseConnection()
            self.advance(125, step=0.5)
            self.assertEqual(self.factory.sessions, {}, f"seed {seed}")
            self.assertEqual(self.clock.getDelayedCalls(), [], f"seed {seed}")
