# SPDX-License-Identifier: MIT
"""Tests of the settings of a connection."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Channel, ConnectionConfig, DeliveryMode
from gamenet.errors import ConfigError

RELIABLE = DeliveryMode.RELIABLE_ORDERED


class DeliveryModeTests(SynchronousTestCase):
    """There are six modes, named as users write them."""

    def test_names(self) -> None:
        """The values are the words of configuration files."""
        self.assertEqual(
            [mode.value for mode in DeliveryMode],
            [
                "unreliable",
                "unreliable-sequenced",
                "unreliable-receipts",
                "reliable-unordered",
                "reliable-ordered",
                "reliable-sequenced",
            ],
        )

    def test_kinds(self) -> None:
        """Two modes deliver everything, in pieces where it is large."""
        streamed = {mode.value for mode in DeliveryMode if mode.is_streamed}
        self.assertEqual(streamed, {"reliable-ordered", "reliable-unordered"})


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
        """Channel ids are 0 to 30, each once: 31 is gamenet's own."""
        for ids in ((0, 0), (31,), (-1,)):
            channels = tuple(Channel(number, RELIABLE) for number in ids)
            self.assertIn(str(list(ids)), self.refused(channels=channels))
        every = tuple(Channel(number, RELIABLE) for number in range(31))
        self.assertEqual(len(ConnectionConfig(channels=every).modes), 31)

    def test_bounds(self) -> None:
        """Each number has bounds; the message names the setting, value and bounds."""
        for name, low, high in (
            ("timeout", 0.05, 4000.0),
            ("resume_window", -1.0, 86401.0),
            ("heartbeat", 0.001, 61.0),
            ("handshake_timeout", 0.0, 61.0),
            ("packet_size", 575, 1223),
            ("max_packet_size", -1, 16001),
            ("max_message", 0, (1 << 24) + 1),
            ("max_queue", 1023, (1 << 30) + 1),
            ("window", 16383, (1 << 26) + 1),
            ("bandwidth", -1.0, 2e12),
            ("nagle", -0.1, 1.1),
            ("redundancy", -1, 17),
            ("ride_along", -1, 16001),
        ):
            for value in (low, high):
                message = self.refused(**{name: value})
                self.assertIn(f"{name} = {value}", message)
                self.assertIn("allowed are", message)

    def test_channel_bounds(self) -> None:
        """Weight and limit of a channel have bounds, too; it is named."""
        for setting in ({"weight": 0}, {"weight": 1001}, {"max_message": -1}):
            channel = Channel(3, RELIABLE, "chat", **setting)
            [(name, value)] = setting.items()
            message = self.refused(channels=(channel,))
            self.assertIn(f"channel 3 'chat': {name} = {value}", message)

    def test_not_a_number(self) -> None:
        """Not-a-number is not within any bounds."""
        self.assertIn("timeout", self.refused(timeout=float("nan")))

    def test_heartbeat_below_timeout(self) -> None:
        """A heartbeat as slow as the timeout would lose every quiet connection."""
        self.assertIn("below timeout", self.refused(heartbeat=2.0, timeout=2.0))

    def test_largest_packet(self) -> None:
        """A largest size below the first one means that nothing larger is probed."""
        self.assertEqual(ConnectionConfig(max_packet_size=0).largest_packet, 1200)
        self.assertEqual(ConnectionConfig().largest_packet, 1452)

    def test_limit_of(self) -> None:
        """A channel has the limit of the configuration, unless it has its own."""
        config = ConnectionConfig(max_message=5000)
        self.assertEqual(config.limit_of(Channel(0, RELIABLE)), 5000)
        self.assertEqual(config.limit_of(Channel(0, RELIABLE, max_message=9000)), 9000)
