# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.web, gamenet.service.assets and gamenet.service.answers."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.service.web import Site
from tests.service.browsing import Answer, ask


@dataclass
class StandIn:
    """A server that answers what it is told to."""

    status: str = "ok"
    asked: list[str] = field(default_factory=list)

    def invitation(self, host: str) -> dict[str, Any]:
        self.asked.append(host)
        return {"game": "standin", "host": host}

    def health(self) -> dict[str, Any]:
        return {"status": self.status}

    def stats(self) -> dict[str, Any]:
        return {"players": []}


@dataclass(frozen=True)
class Codec:
    """A codec that was not generated."""

    hash: str = "0123abcd"
    text: str = "export const protocol = {};\n"


class SiteCase(SynchronousTestCase):
    """A case with a site of a page and modules."""

    def setUp(self) -> None:
        root = Path(self.mktemp()).absolute()
        self.page, self.browser = root / "page", root / "browser"
        for folder in (self.page / "art", self.browser):
            folder.mkdir(parents=True)
        (root / "secret.txt").write_text("secret")
        (self.page / "index.html").write_text("<!doctype html>")
        (self.page / "art" / "ship.svg").write_text("<svg/>")
        (self.browser / "gamenet.js").write_text("export {};")
        self.served = StandIn()
        self.site = Site(self.served, self.page, self.browser, Codec())

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Return the site's answer."""
        return ask(self.site, path, method, **headers)


class PageTests(SiteCase):
    """The page of the game, and the files beside it."""

    def test_page(self) -> None:
        """The root is the page."""
        answer = self.ask("/")
        self.assertEqual((answer.code, answer.body), (200, b"<!doctype html>"))
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")

    def test_head(self) -> None:
        """HEAD has the headers of GET, and no body."""
        answer = self.ask("/", "HEAD")
        self.assertEqual((answer.code, answer.body), (200, b""))
        self.assertEqual(answer.headers["content-length"], "15")

    def test_files(self) -> None:
        """Files of sub-folders are found, each with the type of its suffix."""
        answer = self.ask("/art/ship.svg")
        self.assertEqual((answer.code, answer.body), (200, b"<svg/>"))
        self.assertEqual(answer.headers["content-type"], "image/svg+xml")

    def test_types(self) -> None:
        """Each suffix has one type on every machine; an unknown one is plain bytes."""
        for suffix, kind in (
            ("js", "text/javascript; charset=utf-8"),
            ("css", "text/css; charset=utf-8"),
            ("png", "image/png"),
            ("wasm", "application/wasm"),
            ("level", "application/octet-stream"),
        ):
            (self.page / f"file.{suffix}").write_bytes(b"x")
            answer = self.ask(f"/file.{suffix}")
            self.assertEqual(answer.headers["content-type"], kind)

    def test_etag(self) -> None:
        """A browser asks each time, and is answered by 304 while nothing changed."""
        first = self.ask("/")
        self.assertEqual(first.headers["cache-control"], "no-cache")
        tag = first.headers["etag"]
        again = self.ask("/", if_none_match=tag)
        self.assertEqual((again.code, again.body), (304, b""))
        (self.page / "index.html").write_text("<!doctype html><p>")
        self.assertEqual(self.ask("/", if_none_match=tag).code, 200)

    def test_range(self) -> None:
        """A part of a file can be asked for, as players of sound do."""
        answer = self.ask("/index.html", range="bytes=2-8")
        self.assertEqual((answer.code, answer.body), (206, b"doctype"))

    def test_nothing(self) -> None:
        """What is not there is a page that says so, with the path made harmless."""
        answer = self.ask("/no<script>")
        self.assertEqual(answer.code, 404)
        self.assertIn(b"no&lt;script&gt;", answer.body)
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")

    def test_no_listing(self) -> None:
        """A folder without index shows nothing of what is in it."""
        self.assertEqual(self.ask("/art/").code, 404)

    def test_hidden(self) -> None:
        """Dot files, sources and keys in the folder are not the public's."""
        for name in (".env", "game.py", "server.key", "cert.PEM"):
            (self.page / name).write_text("secret")
            self.assertEqual(self.ask(f"/{name}").code, 404, name)

    def test_traversal(self) -> None:
        """No spelling of a path leaves the folder."""
        for path in (
            "/../secret.txt",
            "/art/../../secret.txt",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
            "/art/..%2f..%2fsecret.txt",
            "/art/%00",
            "/%ff",
            "//secret.txt",
            "/..%5csecret.txt",
            f"/{self.page.parent}/secret.txt",
            f"/{'x' * 5000}",
        ):
            answer = self.ask(path)
            self.assertEqual(answer.code, 404, path)
            self.assertNotIn(b"secret\n", answer.body)

    @given(st.lists(st.sampled_from(["..", "%2e%2e", "%2f", "/", "art", "secret.txt"])))
    def test_any_path(self, parts: list[str]) -> None:
        """No path made of the usual tricks reads what lies above the folder."""
        self.assertNotEqual(self.ask("/" + "".join(parts)).body, b"secret")

    def test_methods(self) -> None:
        """A file cannot be posted to."""
        self.assertEqual(self.ask("/", "POST").code, 405)

    def test_icon(self) -> None:
        """A page without icon gives browsers no error for it, one with an icon that."""
        self.assertEqual(self.ask("/favicon.ico").code, 204)
        (self.page / "favicon.ico").write_bytes(b"icon")
        self.site = Site(self.served, self.page, self.browser, Codec())
        self.assertEqual(self.ask("/favicon.ico").body, b"icon")

    def test_mounted(self) -> None:
        """A resource put beside the page holds over the page's files."""
        (self.page / "ws").write_text("file")
        self.site.putChild(b"ws", Site(self.served, self.browser, self.page, Codec()))
        self.assertEqual(self.ask("/ws/gamenet.js").body, b"export {};")


class ModuleTests(SiteCase):
    """gamenet's own modules, and the codec."""

    def test_modules(self) -> None:
        """The browser client lies under /gamenet/."""
        answer = self.ask("/gamenet/gamenet.js")
        self.assertEqual((answer.code, answer.body), (200, b"export {};"))

    def test_codec(self) -> None:
        """The codec has its hash in its name, and may be kept for ever."""
        answer = self.ask("/gamenet/protocol-0123abcd.js")
        self.assertEqual(answer.body.decode(), Codec.text)
        self.assertIn("immutable", answer.headers["cache-control"])
        kind = answer.headers["content-type"]
        self.assertEqual(kind, "text/javascript; charset=utf-8")

    def test_codec_name(self) -> None:
        """Under the name that stays, the codec is asked for each time."""
        answer = self.ask("/gamenet/protocol.js")
        self.assertEqual(answer.body, b'export * from "./protocol-0123abcd.js";\n')
        self.assertEqual(answer.headers["cache-control"], "no-cache")

    def test_other_hash(self) -> None:
        """The codec of another protocol is not there."""
        self.assertEqual(self.ask("/gamenet/protocol-ffffffff.js").code, 404)


class ConnectTests(SiteCase):
    """POST /connect."""

    def test_answer(self) -> None:
        """The answer is JSON, never kept, and holds the host that was asked."""
        answer = self.ask("/connect", "POST")
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.json, {"game": "standin", "host": "play.example.com"})
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.headers["cache-control"], "no-store")

    def test_method(self) -> None:
        """Other methods are told the right one."""
        for method in ("GET", "PUT", "DELETE"):
            answer = self.ask("/connect", method)
            self.assertEqual((answer.code, answer.headers["allow"]), (405, "POST"))
            self.assertIn("POST", answer.json["error"])

    def test_beneath(self) -> None:
        """There is nothing beneath it."""
        self.assertEqual(self.ask("/connect/x", "POST").code, 404)

    def test_draining(self) -> None:
        """A server that is shutting down invites nobody."""
        self.served.status = "draining"
        answer = self.ask("/connect", "POST")
        self.assertEqual(answer.code, 503)
        self.assertIn("shutting down", answer.json["error"])

    def test_hosts(self) -> None:
        """A well-formed Host header is repeated without its port, no other one is."""
        for header, host in (
            ("example.com", "example.com"),
            ("example.com:80", "example.com"),
            ("127.0.0.1:8080", "127.0.0.1"),
            ("[::1]:8080", "::1"),
            ("", "10.0.0.1"),
            ("a b", "10.0.0.1"),
            ('"><script>', "10.0.0.1"),
            ("a" * 300, "10.0.0.1"),
        ):
            self.ask("/connect", "POST", host=header)
            self.assertEqual(self.served.asked.pop(), host)


class StateTests(SiteCase):
    """GET /health and GET /stats."""

    def test_healthy(self) -> None:
        """A server that ticks is healthy."""
        answer = self.ask("/health")
        self.assertEqual((answer.code, answer.json), (200, {"status": "ok"}))

    def test_unhealthy(self) -> None:
        """One that does not, or that drains, is not."""
        for status in ("stalled", "draining"):
            self.served.status = status
            self.assertEqual(self.ask("/health").code, 503)

    def test_stats(self) -> None:
        """The measurements are JSON, never kept."""
        answer = self.ask("/stats")
        self.assertEqual((answer.code, answer.json), (200, {"players": []}))
        self.assertEqual(answer.headers["cache-control"], "no-store")


class HeaderTests(SiteCase):
    """Protective headers."""

    def test_everywhere(self) -> None:
        """Every answer carries them, errors included."""
        for path, method in (
            ("/", "GET"),
            ("/none", "GET"),
            ("/gamenet/gamenet.js", "GET"),
            ("/gamenet/protocol.js", "GET"),
            ("/connect", "POST"),
            ("/connect", "GET"),
            ("/health", "GET"),
            ("/stats", "GET"),
            ("/favicon.ico", "GET"),
        ):
            headers = self.ask(path, method).headers
            policy = headers["content-security-policy"]
            self.assertIn("default-src 'self'", policy)
            self.assertIn("connect-src 'self' ws: wss:", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["referrer-policy"], "no-referrer")


class OriginTests(SiteCase):
    """Pages of other origins."""

    def allowed(self, *origins: str, **headers: str) -> str | None:
        """Return the origin to which an answer is open."""
        site = Site(self.served, self.page, self.browser, Codec(), origins)
        answer = ask(site, "/connect", "POST", **headers)
        return answer.headers.get("access-control-allow-origin")

    def test_not_allowed(self) -> None:
        """By default no other page may read anything."""
        self.assertIsNone(self.allowed(origin="https://other.example"))

    def test_allowed(self) -> None:
        """A page of an allowed origin may."""
        origin = "https://other.example"
        self.assertEqual(self.allowed(origin, origin=origin), origin)
        self.assertEqual(self.allowed("*", origin=origin), origin)
        self.assertIsNone(self.allowed(origin, origin="https://third.example"))
        self.assertIsNone(self.allowed(origin))

    def test_asked_before(self) -> None:
        """A browser that asks before it posts is answered."""
        origin = "https://other.example"
        site = Site(self.served, self.page, self.browser, Codec(), (origin,))
        answer = ask(site, "/connect", "OPTIONS", origin=origin)
        self.assertEqual(answer.code, 204)
        self.assertIn("POST", answer.headers["access-control-allow-methods"])


class LinkTests(SynchronousTestCase):
    """The page may be anywhere."""

    def test_symbolic_link(self) -> None:
        """A link that the author put into the folder is followed."""
        root = Path(self.mktemp()).absolute()
        (root / "page").mkdir(parents=True)
        (root / "art.txt").write_text("art")
        os.symlink(root / "art.txt", root / "page" / "art.txt")
        site = Site(StandIn(), root / "page", root, Codec())
        self.assertEqual(ask(site, "/art.txt").body, b"art")
