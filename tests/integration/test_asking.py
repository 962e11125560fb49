# SPDX-License-Identifier: MIT
"""Tests of gamenet.transport.asking, against web servers that are up to something."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.transport import (
    ask_invitation,
    ask_web,
    write_development_certificate,
)
from tests.transport.test_invitation import ANSWER

PATIENCE = 20
Answer = Callable[[socket.socket], object]


def said(text: bytes) -> Answer:
    """Return what answers with some bytes."""
    return lambda connection: connection.sendall(text)


def body(content: bytes, status: str = "200 OK") -> Answer:
    """Return what answers with a body."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n"
    return said(head.encode() + content)


def whole_request(connection: socket.socket) -> bytes:
    """Return a request with its body."""
    request = b""
    while chunk := connection.recv(65536):
        request += chunk
        head, end, content = request.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        n = int(length[1]) if length else 0
        if end and len(content) >= n:
            break
    return request


def drip(connection: socket.socket) -> None:
    """Answer a byte at a time, for ever."""
    with contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)


def drip_head(connection: socket.socket) -> None:
    """Begin an answer, and go on to begin it for ever."""
    with contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)


class AskCase(SynchronousTestCase):
    """A case with a web server that answers one request."""

    def setUp(self) -> None:
        self.requests: list[bytes] = []

    @contextlib.contextmanager
    def serving(
        self, answer: Answer, context: ssl.SSLContext | None = None
    ) -> Iterator[str]:
        """Yield the address of a server."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.settimeout(PATIENCE)
            words = (listening, answer, context)
            thread = threading.Thread(target=self.serve, args=words, daemon=True)
            thread.start()
            yield f"127.0.0.1:{listening.getsockname()[1]}"
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive())

    def serve(
        self, listening: socket.socket, answer: Answer, context: ssl.SSLContext | None
    ) -> None:
        """Answer one request."""
        connection, _ = listening.accept()
        with contextlib.suppress(OSError), connection:
            connection.settimeout(PATIENCE)
            if context is None:
                self.requests.append(whole_request(connection))
                answer(connection)
                return
            with context.wrap_socket(connection, server_side=True) as wrapped:
                self.requests.append(whole_request(wrapped))
                answer(wrapped)

    def failed(self, answer: Answer, timeout: float = 10.0) -> str:
        """Return the error upon an answer, without the address."""
        with self.serving(answer) as host:
            with self.assertRaises(ConnectError) as caught:
                ask_web(f"http://{host}/x", timeout=timeout)
            self.assertIs(caught.exception.reason, CloseReason.UNREACHABLE)
            text = str(caught.exception)
            return text.removeprefix(f"http://{host}/x does not answer: ")


class AskTests(AskCase):
    """A server is asked, and its answer is bounded in time and size."""

    def test_answer(self) -> None:
        """Status and body come back; method, path, query and headers go out."""
        with self.serving(body(b"hello", "404 Not Found")) as host:
            found = ask_web(
                f"http://{host}/a?b=c", "POST", body=b"asked", headers={"X-Y": "z"}
            )
        self.assertEqual(found, (404, b"hello"))
        (request,) = self.requests
        self.assertTrue(request.startswith(b"POST /a?b=c HTTP/1.1\r\n"))
        self.assertIn(b"\r\nX-Y: z\r\n", request)

    def test_large(self) -> None:
        """Of a body that is too large nothing is returned."""
        for size, kept in ((1000, 1000), (1001, 0)):
            with self.serving(body(b"x" * size)) as host:
                _, found = ask_web(f"http://{host}", largest=1000)
            self.assertEqual(len(found), kept)

    def test_redirection(self) -> None:
        """A redirection is an answer like any other: it is not followed."""
        elsewhere = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
        with self.serving(said(elsewhere)) as host:
            self.assertEqual(ask_web(f"http://{host}")[0], 302)

    def test_proxy(self) -> None:
        """A proxy that the environment names is not asked."""
        with self.serving(body(b"hello")) as host, self.environment("127.0.0.1:1"):
            self.assertEqual(ask_web(f"http://{host}")[1], b"hello")

    @contextlib.contextmanager
    def environment(self, proxy: str) -> Iterator[None]:
        """Name a proxy in the environment."""
        self.patch(os, "environ", {**os.environ, "http_proxy": f"http://{proxy}"})
        yield

    def test_slow(self) -> None:
        """A server that answers slowly, however it does, is not waited for."""
        for answer in (drip, drip_head, lambda each: each.recv(1)):
            begin = time.monotonic()
            text = self.failed(answer, timeout=0.3)
            self.assertEqual(text, "nothing complete within 0.3 s")
            self.assertLess(time.monotonic() - begin, 5)

    def test_no_http(self) -> None:
        """What speaks no HTTP is said not to answer, in one line."""
        for answer in (
            said(b""),
            said(b"SSH-2.0-OpenSSH_9.2\r\n"),
            said(b"HTTP/1.1 x\r\n\r\n"),
            said(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
            said(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
        ):
            self.assertNotIn("\n", self.failed(answer))

    def test_nobody(self) -> None:
        """Where nobody listens, the system's word for it is told."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
            with self.assertRaises(ConnectError) as caught:
                ask_web(url)
        self.assertEqual(
            str(caught.exception), f"{url} does not answer: Connection refused"
        )

    def test_no_address(self) -> None:
        """What is no web address is refused."""
        for url in ("127.0.0.1:80", "ftp://a", "http://", "http://a:0", "http://a:x"):
            with self.assertRaises(ConfigError):
                ask_web(url)


class InvitationTests(AskCase):
    """A server is asked for a token by a program that waits."""

    def test_answer(self) -> None:
        """The invitation comes back; name and secret go out."""
        answer = json.dumps(ANSWER).encode()
        with self.serving(body(answer)) as host:
            found = ask_invitation(f"http://{host}/", name="ada", secret="a-b")
        self.assertEqual(found.raw, ANSWER)
        (request,) = self.requests
        self.assertTrue(request.startswith(b"POST /connect HTTP/1.1\r\n"))
        self.assertIn(b"\r\nAuthorization: Bearer a-b\r\n", request)
        self.assertIn(b"\r\nContent-Type: application/json\r\n", request)
        self.assertTrue(request.endswith(b'{"name": "ada"}'), request)

    def test_refused(self) -> None:
        """A server that gives no token says why."""
        answer = body(b'{"error": "not you"}', "401 Unauthorized")
        with self.serving(answer) as host, self.assertRaises(ConnectError) as caught:
            ask_invitation(f"http://{host}")
        self.assertIs(caught.exception.reason, CloseReason.NO_TOKEN)
        self.assertEqual(str(caught.exception), f"http://{host}/connect: not you")

    def test_too_late(self) -> None:
        """A server that is too slow is not waited for."""
        with self.serving(drip) as host, self.assertRaises(ConnectError) as caught:
            ask_invitation(f"http://{host}", timeout=0.3)
        self.assertIn("nothing complete within 0.3 s", str(caught.exception))


class HttpsTests(AskCase):
    """A server is asked over https."""

    def setUp(self) -> None:
        super().setUp()
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        self.certificate, key = folder / "certificate.pem", folder / "key.pem"
        write_development_certificate(self.certificate, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)

    def test_trusted(self) -> None:
        """A certificate that we are told to trust is good."""
        with self.serving(body(b"hello"), self.context) as host:
            found = ask_web(f"https://{host}", trust=str(self.certificate))
        self.assertEqual(found, (200, b"hello"))

    def test_not_trusted(self) -> None:
        """One that nobody vouches for is not, and the error says what helps."""
        serving = self.serving(body(b"hello"), self.context)
        with serving as host, self.assertRaises(ConnectError) as caught:
            ask_web(f"https://{host}/x")
        self.assertEqual(
            str(caught.exception),
            f"https://{host}/x does not answer: TLS failed (self-signed certificate); "
            "--trust FILE trusts a certificate",
        )
        self.assertEqual(self.requests, [])

    def test_slow(self) -> None:
        """A slow server is cut amidst TLS, too."""
        serving, trust = self.serving(drip, self.context), str(self.certificate)
        with serving as host, self.assertRaises(ConnectError) as caught:
            ask_web(f"https://{host}", trust=trust, timeout=0.3)
        self.assertIn("nothing complete within 0.3 s", str(caught.exception))

    def test_no_certificate(self) -> None:
        """A file without a certificate is named."""
        for name in ("none.pem", __file__):
            with self.assertRaises(ConfigError) as caught:
                ask_web("https://127.0.0.1:1", trust=name)
            self.assertIn(
                f"--trust {name}: holds no certificate", str(caught.exception)
            )
