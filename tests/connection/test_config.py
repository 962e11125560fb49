# SPDX-License-Identifier: MIT
"""Tests of the settings of a connection."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Channel, ConnectionConfig, DeliveryMode
from gamenet.errors import ConfigError

RELIABLE = DeliveryMode.RELIABLE_ORDERED


class ConfigTests(SynchronousTestCase):
    """Settings are checked once, then frozen."""

    def refused(self, **settings: object) -> str:
        """Return the message with which settings are refused."""
        return str(self.assertRaises(ConfigError, ConnectionConfig, **settings))

    def test_defaults(self) -> None:
        """The defaults are two channels, a reliable and an unreliable one."""
        config = ConnectionConfig()
        self.assertEqual(config.modes, {0: RELIABLE, 1: DeliveryMode.UNRELIABLE})
        self.assertRaises(FrozenInstanceError, setattr, config, "timeout", 1.0)

    def test_equal(self) -> None:
        """Equal settings are equal, and hold their modes after `replace`."""
        self.assertEqual(ConnectionConfig(), ConnectionConfig())
        changed = replace(ConnectionConfig(), channels=(Channel(5, RELIABLE),))
        self.assertEqual(changed.modes, {5: RELIABLE})

    def test_channel_ids(self) -> None:
        """Channel ids are 0 to 31, each once."""
        for ids in ((0, 0), (32,), (-1,)):
            channels = tuple(Channel(number, RELIABLE) for number in ids)
            self.assertIn(str(list(ids)), self.refused(channels=channels))
        every = tuple(Channel(number, RELIABLE) for number in range(32))
        self.assertEqual(len(ConnectionConfig(channels=every).modes), 32)

    def test_bounds(self) -> None:
        """Each number has bounds; the message names the setting, value and bounds."""
        for name, low, high in (
            ("timeout", 0.05, 4000.0),
            ("heartbeat", 0.001, 61.0),
            ("handshake_timeout", 0.0, 61.0),
            ("packet_size", 575, 65508),
            ("max_message", 0, (1 << 24) + 1),
            ("max_queue", 1023, (1 << 30) + 1),
        ):
            for value in (low, high):
                message = self.refused(**{name: value})
                self.assertIn(f"{name} = {value}", message)
                self.assertIn("allowed are", message)

    def test_not_a_number(self) -> None:
        """Not-a-number is not within any bounds."""
        self.assertIn("timeout", self.refused(timeout=float("nan")))

    def test_heartbeat_below_timeout(self) -> None:
        """A heartbeat as slow as the timeout would close every quiet connection."""
        self.assertIn("below timeout", self.refused(heartbeat=2.0, timeout=2.0))
