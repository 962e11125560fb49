# SPDX-License-Identifier: MIT
"""The web server: sizes, times and counts of HTTP, and who may open the socket."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from gamenet.transport import Limits
from gamenet.transport.listener import Listener
from gamenet.transport.site import GameSite, SocketResource, is_allowed_origin
from gamenet.transport.tcp import TurnedAway
from gamenet.transport.websocket import ServerSocketFactory
from tests.transport.recorders import HASH, ServerFactory
from tests.transport.test_tcp import Wire


class Page(Resource):
    """Answer with the path that was asked for."""

    isLeaf = False

    def getChild(self, path, request):
        return self

    def render(self, request):
        return b"page " + request.path + b" " + b"/".join(request.postpath)


class Leaf(Page):
    """A resource that takes the whole path, as klein's does."""

    isLeaf = True


class Web:
    """A site without sockets."""

    def __init__(self, web=None, **limits):
        self.clock = Clock()
        self.factory = ServerFactory(self.clock, HASH, limits=Limits(**limits))
        self.listener = Listener(self.factory, "ws")
        sockets = ServerSocketFactory(
            self.clock,
            self.factory.limits,
            self.listener,
            self.listener.let_in_stream,
        )
        resource = SocketResource(sockets, self.factory.limits, self.listener)
        self.site = GameSite(self.clock, resource, web, self.listener)

    def open(self, host="10.0.0.1"):
        """Return a channel and its wire."""
        address = IPv4Address("TCP", host, 5000)
        channel = self.site.buildProtocol(address)
        wire = Wire(peerAddress=address)
        channel.makeConnection(wire)
        return channel, wire

    def ask(self, request):
        """Return the answer to a request."""
        channel, wire = self.open()
        channel.dataReceived(request)
        return wire.value()

    def refused(self):
        """Return the counts of refusals."""
        return self.factory.stats().refused


def get(path=b"/", *headers):
    """Return a request."""
    lines = [b"GET " + path + b" HTTP/1.1", b"Host: h:8080", *headers, b"", b""]
    return b"\r\n".join(lines)


def post(body, *headers):
    """Return a request with a body."""
    return b"\r\n".join([b"POST / HTTP/1.1", b"Host: h", *headers, b"", b""]) + body


class PageTests(SynchronousTestCase):
    """Everything but the socket belongs to the page."""

    def test_page(self):
        """Paths lead to the page, whether it is a leaf or has children."""
        for web in (Page(), Leaf()):
            self.assertIn(b"page /a/b ", Web(web).ask(get(b"/a/b")))
            self.assertIn(b"page / ", Web(web).ask(get(b"/")))
            self.assertIn(b"page /ws/a ", Web(web).ask(get(b"/ws/a")))

    def test_leaf_gets_the_whole_path(self):
        """A leaf finds the path as if it were the root."""
        self.assertIn(b"page /a/b a/b", Web(Leaf()).ask(get(b"/a/b")))

    def test_no_page(self):
        """Without a page there is the socket alone."""
        self.assertIn(b"404", Web().ask(get(b"/")).split(b"\r\n")[0])

    def test_socket_is_no_page(self):
        """Who asks for the socket's address as a page is told what it is."""
        answer = Web(Page()).ask(get(b"/ws"))
        self.assertTrue(answer.startswith(b"HTTP/1.1 426 "))
        self.assertIn(b"Upgrade: websocket", answer)

    def test_two_requests(self):
        """A connection is used again."""
        web = Web(Page())
        channel, wire = web.open()
        channel.dataReceived(get(b"/one") + get(b"/two"))
        self.assertIn(b"/one", wire.value())
        self.assertIn(b"/two", wire.value())

    def test_no_http2(self):
        """HTTP/2, for which the limits would not hold, is not offered."""
        self.assertEqual(Web().site.acceptableProtocols(), [b"http/1.1"])


class LimitTests(SynchronousTestCase):
    """A request has a size and a time."""

    def check(self, request, status, counter, **limits):
        """Check that a request is refused, and that one within the limit is not."""
        web = Web(Page(), **limits)
        answer = web.ask(request)
        self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % status), answer[:60])
        self.assertEqual(answer.count(b"HTTP/1.1"), 1)
        self.assertEqual(web.refused(), {counter: 1})

    def test_request_line(self):
        """A request line above the limit is answered by 414."""
        fits, too_long = b"/" + b"a" * 100, b"/" + b"a" * 4200
        self.assertIn(b"page", Web(Page()).ask(get(fits)))
        self.check(get(too_long), 414, "REQUEST_LINE_TOO_LONG")
        self.check(b"GET /" + b"a" * 9000, 414, "REQUEST_LINE_TOO_LONG")

    def test_header_line(self):
        """A header line above the limit is answered by 431."""
        self.check(get(b"/", b"A: " + b"b" * 5000), 431, "HEADERS_TOO_LARGE")

    def test_header_count(self):
        """More headers than the limit are answered by 400."""
        headers = [b"A%d: b" % i for i in range(70)]
        self.assertIn(b"page", Web(Page()).ask(get(b"/", *headers[:60])))
        self.check(get(b"/", *headers), 400, "BAD_REQUEST")

    def test_header_bytes(self):
        """More bytes of headers than the limit are answered by 400."""
        headers = [b"A%d: %s" % (i, b"b" * 4000) for i in range(5)]
        self.assertIn(b"page", Web(Page()).ask(get(b"/", *headers[:4])))
        self.check(get(b"/", *headers), 400, "BAD_REQUEST")

    def test_body(self):
        """A body above the limit is answered by 413, before it has come."""
        fits = post(b"x" * 16384, b"Content-Length: 16384")
        self.assertIn(b"page", Web(Page()).ask(fits))
        self.check(post(b"", b"Content-Length: 16385"), 413, "BODY_TOO_LARGE")
        self.check(post(b"x" * 20000, b"Content-Length: 20000"), 413, "BODY_TOO_LARGE")

    def test_chunked_body(self):
        """A chunked body is refused when it has become too large."""
        chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
        fits = post(chunk * 4 + b"0\r\n\r\n", b"Transfer-Encoding: chunked")
        self.assertIn(b"page", Web(Page()).ask(fits))
        large = post(chunk * 5 + b"0\r\n\r\n", b"Transfer-Encoding: chunked")
        self.check(large, 413, "BODY_TOO_LARGE")

    def test_expect_continue(self):
        """A large body is not asked for."""
        headers = (b"Content-Length: 99999", b"Expect: 100-continue")
        self.check(post(b"", *headers), 413, "BODY_TOO_LARGE")

    def test_refused_client_goes(self):
        """A refused client is heard no more, and closed."""
        web = Web(Page())
        channel, wire = web.open()
        channel.dataReceived(post(b"", b"Content-Length: 20000"))
        wire.clear()
        channel.dataReceived(b"x" * 20000 + get())
        self.assertEqual(wire.value(), b"")
        web.clock.advance(1)
        self.assertTrue(wire.disconnecting)

    def test_slow_request(self):
        """A request that trickles in is closed when its time is over."""
        web = Web(Page(), http_timeout=5)
        channel, wire = web.open()
        for byte in get(b"/" + b"a" * 100)[:60]:
            channel.dataReceived(bytes([byte]))
            web.clock.advance(0.1)
        self.assertTrue(wire.disconnecting)
        web.clock.advance(1)
        self.assertTrue(wire.is_cut)

    def test_idle_connection(self):
        """A connection without a request is closed; an answer starts the time again."""
        web = Web(Page(), http_timeout=5)
        channel, wire = web.open()
        web.clock.advance(4)
        channel.dataReceived(get())
        web.clock.advance(4)
        self.assertFalse(wire.disconnecting)
        web.clock.advance(1)
        self.assertTrue(wire.disconnecting)
        channel.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(web.clock.getDelayedCalls(), [])

    @given(st.lists(st.binary(max_size=100), max_size=10))
    def test_hostile_bytes(self, data):
        """Any bytes are answered or dropped; nothing raises."""
        web = Web(Page())
        for start in (b"", b"GET ", b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nA: "):
            channel, _ = web.open()
            for piece in [start, *data]:
                channel.dataReceived(piece)
            channel.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(len(web.site._places), 0)
        web.clock.advance(100)
        self.assertEqual(web.clock.getDelayedCalls(), [])


class CountTests(SynchronousTestCase):
    """Connections are counted in total and per address."""

    def test_total(self):
        """The connection after the last one is turned away, until one goes."""
        web = Web(Page(), max_http_connections=2)
        first, _ = web.open("10.0.0.1")
        web.open("10.0.0.2")
        turned, wire = web.open("10.0.0.3")
        self.assertIsInstance(turned, TurnedAway)
        self.assertTrue(wire.is_cut)
        self.assertEqual(web.refused(), {"HTTP_SERVER_FULL": 1})
        first.connectionLost(Failure(ConnectionDone()))
        self.assertNotIsInstance(web.open("10.0.0.3")[0], TurnedAway)

    def test_per_address(self):
        """An address with too many connections is turned away, others are not."""
        web = Web(Page(), max_per_address=2)
        web.open()
        web.open()
        self.assertIsInstance(web.open()[0], TurnedAway)
        self.assertNotIsInstance(web.open("10.0.0.9")[0], TurnedAway)


class OriginTests(SynchronousTestCase):
    """A page of another origin may not open the socket."""

    def test_rules(self):
        """The server's own pages and the listed ones may, and who is no page."""
        allowed = ("https://play.example",)
        for origin, host, may in [
            ("", "h:8080", True),
            ("http://h:8080", "h:8080", True),
            ("HTTP://H:8080", "h:8080", True),
            ("https://h", "h", True),
            ("https://h", "h:443", True),
            ("http://h:80", "h", True),
            ("http://[::1]:8080", "[::1]:8080", True),
            ("https://play.example", "h", True),
            ("https://PLAY.example", "h", True),
            ("http://play.example", "h", False),
            ("https://play.example:8443", "h", False),
            ("http://h:8081", "h:8080", False),
            ("http://evil.example", "h:8080", False),
            ("http://h.evil.example", "h", False),
            ("http://h@evil.example", "h", False),
            ("null", "h", False),
            ("null", "", False),
            ("file://", "", False),
            ("http://", "", False),
            ("http://[::1", "h", False),
            ("http://h,http://evil.example", "h", False),
        ]:
            self.assertIs(is_allowed_origin(origin, host, allowed), may, origin)
        self.assertTrue(is_allowed_origin("http://evil.example", "h", ("*",)))
        self.assertTrue(is_allowed_origin("null", "h", ("*",)))

    @given(st.text(), st.text())
    def test_any_text(self, origin, host):
        """Any header is allowed or not; nothing raises."""
        self.assertIn(is_allowed_origin(origin, host, ()), (True, False))

    def test_refusal(self):
        """A page of another origin is answered by 403, and counted."""
        web = Web(Page())
        answer = web.ask(
            get(b"/ws", b"Upgrade: websocket", b"Origin: http://evil.example")
        )
        self.assertTrue(answer.startswith(b"HTTP/1.1 403 "))
        self.assertIn(b"http://evil.example may not connect here", answer)
        self.assertEqual(web.refused(), {"ORIGIN": 1})

    def test_two_origins(self):
        """Two Origin headers are none that is allowed."""
        headers = (b"Origin: http://h:8080", b"Origin: http://evil.example")
        answer = Web().ask(get(b"/ws", b"Upgrade: websocket", *headers))
        self.assertTrue(answer.startswith(b"HTTP/1.1 403 "))
