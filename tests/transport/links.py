# SPDX-License-Identifier: MIT
"""What the tests of sessions share: links that are lost and found in simulated time."""

from __future__ import annotations

from tests.transport.recorders import MemoryTestCase, config, go_dark, light_up

__all__ = ["LARGE", "SessionTestCase"]

LARGE = bytes(range(256)) * 200


class SessionTestCase(MemoryTestCase):
    """Lose links, and find them again."""

    def connect_both(self, **settings):
        """Return a client's protocol and the server's."""
        client = self.connect(self.client_factory(config=config(**settings)))
        return client, self.factory.built[-1]

    def lose_link(self):
        """Let the link be lost, and noticed."""
        go_dark(self.network)
        self.advance(5.5)

    def find_link(self, seconds=5.0):
        """Let packets through again, and the client try again."""
        light_up(self.network)
        self.advance(seconds)

    def told(self, protocol, *kinds):
        """Return what a protocol was told, of some kinds."""
        return [event for event in protocol.happened if event[0] in kinds]
