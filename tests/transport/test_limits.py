# SPDX-License-Identifier: MIT
"""Limits are checked where they are made."""

from __future__ import annotations

from dataclasses import fields

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectionConfig
from gamenet.errors import ConfigError
from gamenet.transport import Limits


class LimitsTests(SynchronousTestCase):
    """A `Limits` holds numbers above zero, and origins."""

    def test_defaults_carry_every_message(self):
        """The largest packet of a default connection fits a frame."""
        self.assertGreater(Limits().max_frame, ConnectionConfig().packet_size)

    def test_numbers(self):
        """Every number must be above zero, and whole where it counts something."""
        for field in fields(Limits):
            if field.name == "allowed_origins":
                continue
            for wrong in (0, -1, "5", None, True, float("nan"), float("inf")):
                with self.assertRaisesRegex(ConfigError, f"limit {field.name} is"):
                    Limits(**{field.name: wrong})
        with self.assertRaisesRegex(ConfigError, "a whole number above 0"):
            Limits(max_connections=1.5)
        self.assertEqual(Limits(handshake_timeout=1).handshake_timeout, 1)

    def test_origins(self):
        """An origin has a scheme and a host, and no path; `*` stands for all."""
        Limits(allowed_origins=("https://example.com", "http://a:1", "*"))
        for wrong in ("example.com", "https://", "https://a/", "ftp://a", 5, ""):
            with self.assertRaisesRegex(ConfigError, "is no origin"):
                Limits(allowed_origins=(wrong,))
        with self.assertRaisesRegex(ConfigError, "must be a tuple"):
            Limits(allowed_origins=["https://example.com"])
