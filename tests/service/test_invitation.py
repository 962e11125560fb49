# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.invitation."""

from __future__ import annotations

import json
from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.service.invitation import address_of, fetch_invitation
from gamenet.transport import ConnectSpec

ANSWER = {
    "game": "field",
    "transports": [
        {"transport": "udp", "host": "127.0.0.1", "port": 7777},
        {"transport": "ws", "url": "ws://[::1]:8080/ws"},
    ],
}


class Answering(Resource):
    """A server that answers every POST alike."""

    isLeaf = True

    def __init__(self, code: int, body: bytes) -> None:
        super().__init__()
        self.code, self.body = code, body
        self.asked: list[bytes] = []

    def render_POST(self, request: Any) -> bytes:
        self.asked.append(request.path)
        request.setResponseCode(self.code)
        return self.body


class Endless(Resource):
    """A server whose answer is never complete."""

    isLeaf = True
    is_over = False
    n_written = 0

    def render_POST(self, request: Any) -> int:
        self.request = request
        request.notifyFinish().addErrback(self.over)
        return NOT_DONE_YET

    def over(self, _: object) -> None:
        """Note that the client has gone."""
        self.is_over = True

    def write(self) -> None:
        """Write 10,000 bytes more, if anybody listens."""
        if not self.is_over:
            self.n_written += 1
            self.request.write(b"x" * 10_000)


class FetchTests(SynchronousTestCase):
    """A server is asked how to join it."""

    def fetch(
        self, code: int, body: bytes, server: str = "http://127.0.0.1:8080"
    ) -> Deferred[dict[str, Any]]:
        """Return what became of asking."""
        self.resource = Answering(code, body)
        agent = RequestTraversalAgent(self.resource)
        result = ensureDeferred(fetch_invitation(Clock(), server, agent=agent))
        agent.flush()
        return result

    def failed(self, code: int, body: bytes) -> ConnectError:
        """Return the error of a fetch that fails."""
        failure = self.failureResultOf(self.fetch(code, body), ConnectError)
        error: ConnectError = failure.value
        return error

    def test_answer(self) -> None:
        """The answer is what the server said, asked for at /connect."""
        for server in ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://a"):
            result = self.fetch(200, json.dumps(ANSWER).encode(), server)
            self.assertEqual(self.successResultOf(result), ANSWER)
            self.assertEqual(self.resource.asked, [b"/connect"])

    def test_no_game_server(self) -> None:
        """Another web server is told from a game's."""
        for code, body in (
            (404, b"<html>"),
            (200, b"<html>"),
            (200, b"[]"),
            (200, b"{}"),
            (200, b"[" * 60_000),
            (200, json.dumps({**ANSWER, "more": "x" * 65536}).encode()),
            (405, b'{"error": "GET only"}'),
        ):
            error = self.failed(code, body)
            self.assertIn("is no game server", str(error))
            self.assertIs(error.reason, CloseReason.UNREACHABLE)

    def test_too_large(self) -> None:
        """Of an answer without end, no more is taken than could be an invitation."""
        resource = Endless()
        agent = RequestTraversalAgent(resource)
        asking = fetch_invitation(Clock(), "http://a", agent=agent)
        result = ensureDeferred(asking)
        for _ in range(40):
            resource.write()
            agent.flush()
        failure = self.failureResultOf(result, ConnectError)
        self.assertIn("is no game server", str(failure.value))
        self.assertTrue(resource.is_over)
        self.assertLess(resource.n_written, 20)

    def test_cancelled(self) -> None:
        """Whoever gives up waiting is told so, not that nobody answered."""
        for n_written in (0, 1):
            resource = Endless()
            agent = RequestTraversalAgent(resource)
            clock = Clock()
            asking = ensureDeferred(fetch_invitation(clock, "http://a", agent=agent))
            for _ in range(n_written):
                resource.write()
            agent.flush()
            asking.cancel()
            self.failureResultOf(asking, CancelledError)
            self.assertEqual(clock.getDelayedCalls(), [])

    def test_too_late(self) -> None:
        """An answer that does not come, or does not end, is not waited for."""
        for n_written in (0, 1):
            resource = Endless()
            agent = RequestTraversalAgent(resource)
            clock = Clock()
            asking = ensureDeferred(fetch_invitation(clock, "http://a", agent=agent))
            for _ in range(n_written):
                resource.write()
            agent.flush()
            clock.advance(9.9)
            self.assertNoResult(asking)
            clock.advance(0.2)
            failure = self.failureResultOf(asking, ConnectError)
            self.assertEqual(
                str(failure.value),
                "http://a/connect does not answer: nothing complete within 10 s",
            )

    def test_draining(self) -> None:
        """A server that shuts down is said to do so."""
        error = self.failed(503, b'{"error": "the server is shutting down"}')
        self.assertIs(error.reason, CloseReason.SERVER_SHUTDOWN)
        self.assertIn("the server is shutting down", str(error))

    def test_address(self) -> None:
        """An address that is none of the web is refused."""
        for server in ("127.0.0.1:8080", "udp:127.0.0.1:7777", "http://", ""):
            failure = self.failureResultOf(self.fetch(200, b"", server), ConfigError)
            self.assertIn("allowed: a web address", str(failure.value))


class AddressTests(SynchronousTestCase):
    """One of the transports is chosen."""

    def test_found(self) -> None:
        """Host and port, or the URL, become what can be connected to."""
        self.assertEqual(
            address_of(ANSWER, "udp"), ConnectSpec("udp", "127.0.0.1", 7777)
        )
        self.assertEqual(address_of(ANSWER, "ws").url, "ws://[::1]:8080/ws")

    def test_not_offered(self) -> None:
        """A transport that the server does not offer is answered by those it does."""
        error = self.assertRaises(ConnectError, address_of, ANSWER, "tcp")
        self.assertIn("does not listen on tcp, but on udp, ws", str(error))

    def malformed(self, transports: Any) -> str:
        """Return the text of the error upon a list of transports."""
        error = self.assertRaises(
            ConnectError, address_of, {"transports": transports}, "udp"
        )
        self.assertIs(error.reason, CloseReason.MALFORMED)
        self.assertNotIn("\n", str(error))
        return str(error)

    def test_malformed(self) -> None:
        """An address that makes no sense is an error, whatever it is."""
        for entry in (
            {"transport": "udp"},
            {"transport": "udp", "host": "a", "port": "x"},
            {"transport": "udp", "host": "a", "port": None},
            {"transport": "udp", "host": "a", "port": True},
            {"transport": "udp", "host": "a", "port": 70_000},
            {"transport": "udp", "host": None, "port": 1},
            {"transport": "udp", "url": "nonsense"},
            {"transport": "udp", "url": 5},
            {"transport": "udp", "url": "memory:a"},
        ):
            text = self.malformed([entry])
            self.assertIn("the server's address for udp is not understood", text)
            self.assertIn(json.dumps(entry), text)

    def test_no_list(self) -> None:
        """Transports that are no list of objects are an error."""
        for transports in (5, None, {}, "udp", [3], [None], [{}], [{"transport": 1}]):
            text = self.malformed(transports)
            self.assertIn("the server's transports are not understood", text)
        self.assertLess(len(self.malformed(["x" * 60_000])), 300)
