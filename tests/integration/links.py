# SPDX-License-Identifier: MIT
"""What the tests of sessions on real sockets share."""

from __future__ import annotations

from tests.integration.transports import SocketTestCase, wait
from tests.transport.recorders import RELIABLE, UNORDERED, Recorder, config

__all__ = ["QUICK", "TICKETS", "SessionTestCase"]

TICKETS = 0.1
"""Seconds in which those tickets have come with which a session is resumed."""
QUICK = {"timeout": 0.6, "handshake_timeout": 1.0, "resume_window": 8.0}


class SessionTestCase(SocketTestCase):
    """Break links, and look at what arrives all the same."""

    def numbers(self, n=300):
        """Return payloads that can be told apart."""
        return [b"%d" % number for number in range(n)]

    async def serve_and_connect(self, transport, **settings):
        """Return a client's protocol and the server's."""
        factory = self.server_factory(Recorder, config=config(**settings))
        listening = self.serve(transport, factory)
        client_factory = self.client_factory(config=config(**settings))
        client = await self.connect(listening, client_factory)
        await wait(TICKETS)
        return client, factory.built[-1]

    def send(self, protocols, payloads):
        """Send payloads each way, by two channels."""
        for protocol in protocols:
            for payload in payloads:
                protocol.sendMessage(RELIABLE, payload)
                protocol.sendMessage(UNORDERED, payload)

    async def check_arrived(self, protocols, payloads):
        """Wait until everything has come, and check that nothing came twice."""
        for protocol in protocols:
            await protocol.until_messages(2 * len(payloads))
        await wait(0.2)
        for protocol in protocols:
            heard = [event for event in protocol.happened if event[0] == "message"]
            ordered = [m for _, c, m in heard if c == RELIABLE]
            self.assertEqual(ordered, payloads)
            unordered = [m for _, c, m in heard if c == UNORDERED]
            self.assertEqual(sorted(unordered), sorted(payloads))

    def kinds(self, protocol, *kinds):
        """Return which of some kinds of events have happened, in order."""
        return [event[0] for event in protocol.happened if event[0] in kinds]
