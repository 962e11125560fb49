# SPDX-License-Identifier: MIT
"""Tests of gamenet.transport.invitation and gamenet.transport.connect_answer."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from gamenet.connection import ServerAddress, issue_token
from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.transport import ConnectSpec, Invitation, fetch_invitation
from gamenet.transport.connect_answer import read_invitation

TOKEN = issue_token(
    bytes(32),
    protocol_id=1,
    client_id=7,
    addresses=[ServerAddress("127.0.0.1", 7777)],
    timeout=5,
    expires_in=30,
    user_data=b"ada",
    unix_now=1_000_000,
    random_bytes=bytes,
)
ANSWER = {
    "game": "field",
    "title": "A Field",
    "name": "Here",
    "protocol_hash": "0011223344556677",
    "tick_rate": 30,
    "token": b64encode(TOKEN.encode()).decode(),
    "transports": [
        {"transport": "udp", "host": "127.0.0.1", "port": 7777},
        {"transport": "ws", "url": "ws://[::1]:8080/ws"},
    ],
}
URL = "http://127.0.0.1:8080/connect"


def read(**changes: Any) -> Invitation:
    """Return the invitation in an answer with other members."""
    body = json.dumps({**ANSWER, **changes}).encode()
    return read_invitation(URL, 200, body)


class Answering(Resource):
    """A server that answers every POST alike."""

    isLeaf = True

    def __init__(self, code: int, body: bytes) -> None:
        super().__init__()
        self.code, self.body = code, body
        self.asked: list[bytes] = []
        self.told: list[tuple[Any, str | None]] = []

    def render_POST(self, request: Any) -> bytes:
        self.asked.append(request.path)
        said = json.loads(request.content.read())
        self.told.append((said, request.getHeader("authorization")))
        request.setResponseCode(self.code)
        request.setHeader(b"location", b"/elsewhere")
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
        self,
        code: int,
        body: bytes,
        server: str = "http://127.0.0.1:8080",
        **words: str,
    ) -> Deferred[Invitation]:
        """Return what became of asking."""
        self.resource = Answering(code, body)
        agent = RequestTraversalAgent(self.resource)
        result = fetch_invitation(Clock(), server, agent=agent, **words)
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
            self.assertEqual(self.successResultOf(result).raw, ANSWER)
            self.assertEqual(self.resource.asked, [b"/connect"])

    def test_told(self) -> None:
        """The server is told a name, and the secret where there is one."""
        body = json.dumps(ANSWER).encode()
        self.fetch(200, body, name="ad\u00e9\ud800")
        self.assertEqual(self.resource.told, [({"name": "ad\u00e9\ud800"}, None)])
        self.fetch(200, body, secret="a-b_c==")
        self.assertEqual(self.resource.told, [({"name": ""}, "Bearer a-b_c==")])

    def test_secret(self) -> None:
        """A secret that no header can carry is not sent, and not shown."""
        for secret in ("hush\r\nx: y", "h\u00e9", "a b"):
            failure = self.failureResultOf(
                self.fetch(200, b"", secret=secret), ConfigError
            )
            self.assertEqual(self.resource.asked, [])
            self.assertNotIn(secret, str(failure.value))

    def test_refused(self) -> None:
        """A server that gives no token says why, in one line of bounded length."""
        for code, reason in (
            (401, CloseReason.NO_TOKEN),
            (403, CloseReason.NO_TOKEN),
            (429, CloseReason.RATE_LIMITED),
            (503, CloseReason.SERVER_SHUTDOWN),
        ):
            error = self.failed(code, b'{"error": "not\\n\\u001b[31myou"}')
            self.assertIs(error.reason, reason)
            self.assertEqual(str(error), f"{URL}: not  [31myou")
            self.assertEqual(error.detail, "not  [31myou")
            text = json.dumps({"error": "x" * 5000}).encode()
            self.assertLess(len(str(self.failed(code, text))), 200)

    def test_redirected(self) -> None:
        """A redirection is not followed: the secret is for this server alone."""
        for code in (301, 302, 307, 308):
            self.assertIn("is no game server", str(self.failed(code, b"")))
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
        result = fetch_invitation(Clock(), "http://a", agent=agent)
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
            asking = fetch_invitation(clock, "http://a", agent=agent)
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
            asking = fetch_invitation(clock, "http://a", agent=agent)
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
        for server in (
            *("127.0.0.1:8080", "udp:127.0.0.1:7777", "http://", ""),
            *("http://a:0", "http://a:70000", "http://a:x", "http://[::1"),
        ):
            failure = self.failureResultOf(self.fetch(200, b"", server), ConfigError)
            self.assertIn("allowed: a web address", str(failure.value))


class SpecTests(SynchronousTestCase):
    """One of the transports is chosen."""

    def test_found(self) -> None:
        """Host and port, or the URL, become what can be connected to."""
        invitation = read()
        self.assertEqual(invitation.spec("udp"), ConnectSpec("udp", "127.0.0.1", 7777))
        self.assertEqual(invitation.spec("ws").url, "ws://[::1]:8080/ws")

    def test_ordered(self) -> None:
        """They come in the order that the client prefers."""
        invitation = read()
        for wanted in (("udp", "ws"), ("ws", "tcp", "udp"), ("ws",)):
            found = [spec.transport for spec in invitation.ordered(wanted)]
            self.assertEqual(found, [each for each in wanted if each != "tcp"])

    def test_not_offered(self) -> None:
        """A transport that the server does not offer is answered by those it does."""
        error = self.assertRaises(ConnectError, read().spec, "tcp")
        self.assertIn("does not listen on tcp, but on udp, ws", str(error))
        error = self.assertRaises(ConnectError, read(transports=[]).spec, "tcp")
        self.assertIn("does not listen on tcp, but on nothing", str(error))

    def test_unheard_of(self) -> None:
        """A transport that we have never heard of is passed over."""
        entries = [{"transport": "pigeon", "ring": 7}, *ANSWER["transports"]]
        self.assertEqual(read(transports=entries).specs, read().specs)

    def malformed(self, transports: Any) -> str:
        """Return the text of the error upon a list of transports."""
        error = self.assertRaises(ConnectError, read, transports=transports)
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
        self.malformed([{"transport": "memory", "url": "memory:a"}])

    def test_no_list(self) -> None:
        """Transports that are no list of objects are an error."""
        for transports in (5, None, {}, "udp", [3], [None], [{}], [{"transport": 1}]):
            text = self.malformed(transports)
            self.assertIn("the server's transports is not understood", text)
        self.assertLess(len(self.malformed(["x" * 60_000])), 300)


class InvitationTests(SynchronousTestCase):
    """The rest of the answer is read."""

    def test_members(self) -> None:
        """Each member has its type."""
        invitation = read()
        self.assertEqual(invitation.game, "field")
        self.assertEqual((invitation.title, invitation.name), ("A Field", "Here"))
        self.assertEqual(invitation.protocol_hash, bytes.fromhex("0011223344556677"))
        self.assertEqual(invitation.tick_rate, 30.0)
        self.assertEqual(invitation.token, TOKEN)

    def test_hidden(self) -> None:
        """The keys in the token are not shown by accident."""
        self.assertNotIn(ANSWER["token"], repr(read()))
        self.assertNotIn("token", repr(read()))

    def test_misunderstood(self) -> None:
        """A member that makes no sense is named, with what would."""
        token = ANSWER["token"]
        for name, values in {
            "game": (5, None, ["field"]),
            "protocol_hash": (None, 5, "", "00", "x" * 16, "00" * 9),
            "tick_rate": (None, True, 0, -1, "30", 1e300, float("nan"), 10**400),
            "token": (None, 5, "", "x", token[4:], token + "AAAA", "\u00e9" * 2732),
        }.items():
            for value in values:
                error = self.assertRaises(ConnectError, read, **{name: value})
                self.assertIs(error.reason, CloseReason.MALFORMED)
                self.assertIn(f"the server's {name} is not understood", str(error))
                self.assertLess(len(str(error)), 300)

    @given(
        st.dictionaries(
            st.sampled_from(sorted(ANSWER)),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        )
    )
    def test_anything(self, changes: dict[str, Any]) -> None:
        """Any answer is an invitation or an error of one line."""
        try:
            self.assertIsInstance(read(**changes), Invitation)
        except ConnectError as error:
            self.assertNotIn("\n", str(error))
