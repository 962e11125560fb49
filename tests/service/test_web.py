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

from gamenet.service.assets import Folder
from gamenet.service.desk import TokenDesk
from gamenet.service.web import Site
from gamenet.testing import Clock
from tests.service.browsing import Answer, ask


@dataclass
class StandIn:
    """A server that answers what it is told to."""

    status: str = "ok"
    asked: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    n_counted: int = 0

    def invitation(self, host: str, name: str) -> dict[str, Any]:
        self.asked.append(host)
        self.named.append(name)
        return {"game": "standin", "host": host}

    def description(self, host: str) -> dict[str, Any]:
        return {"game": "standin", "described": host}

    def health(self) -> dict[str, Any]:
        return {"status": self.status}

    def stats(self) -> dict[str, Any]:
        self.n_counted += 1
        return {"players": []}

    def history(self, player_id: int) -> dict[str, Any] | None:
        return {"player": player_id, "rtt": [0.1]} if player_id == 7 else None


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
        self.clock = Clock()
        self.site = self.made()

    def made(self, *origins: str, is_open: bool = True, secret: str = "") -> Site:
        """Return a site that gives three tokens at once to an address."""
        seconds = self.clock.seconds
        desk = TokenDesk(is_open=is_open, secret=secret, burst=3, seconds=seconds)
        return Site(
            *(self.served, desk, self.page, self.browser, Codec(), origins, seconds)
        )

    def ask(self, path: str, method: str = "GET", **more: Any) -> Answer:
        """Return the site's answer."""
        return ask(self.site, path, method, **more)


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
        self.site = self.made()
        self.assertEqual(self.ask("/favicon.ico").body, b"icon")

    def test_mounted(self) -> None:
        """A resource put beside the page holds over the page's files."""
        (self.page / "ws").write_text("file")
        self.site.putChild(b"ws", Folder(self.browser))
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
        for method in ("PUT", "DELETE"):
            answer = self.ask("/connect", method)
            self.assertEqual(answer.code, 405)
            self.assertIn("POST", answer.headers["allow"])

    def test_description(self) -> None:
        """Who has a token is told everything else, whatever the key."""
        answer = self.ask("/connect")
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.json["game"], "standin")
        self.assertNotIn("token", answer.json)

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
            self.ask("/connect", "POST", peer="127.0.0.1", host=header)
            self.assertEqual(self.served.asked.pop(), host)

    def test_names(self) -> None:
        """A body may name the player; what else it holds is not looked at."""
        for body, name in (
            (b"", ""),
            (b"{}", ""),
            (b'{"name": "ada"}', "ada"),
            ('{"name": "ad\u00e9"}'.encode(), "ad\u00e9"),
            (b'{"name": "\\ud800", "more": [1]}', "\ud800"),
        ):
            answer = self.ask("/connect", "POST", body=body, peer="127.0.0.1")
            self.assertEqual((answer.code, self.served.named.pop()), (200, name))

    def test_malformed_body(self) -> None:
        """A body that makes no sense is refused, with what would make some."""
        for body in (
            *(b"{", b"[]", b"null", b'"ada"', b"\xff", b"ada", b"[" * 4000),
            *(b'{"name": 5}', b'{"name": null}', b'{"name": "%s"}' % (b"x" * 5000)),
        ):
            answer = self.ask("/connect", "POST", body=body, peer="127.0.0.1")
            self.assertEqual(answer.code, 400, body)
            self.assertIn('{"name": "ada"}', answer.json["error"])
        self.assertEqual(self.served.named, [])

    def test_too_many(self) -> None:
        """An address that asks too often is told when to come again."""
        codes = [self.ask("/connect", "POST").code for _ in range(5)]
        self.assertEqual(codes, [200, 200, 200, 429, 429])
        answer = self.ask("/connect", "POST")
        self.assertEqual(answer.headers["retry-after"], "10")
        self.assertIn("try again in 10 s", answer.json["error"])
        self.assertEqual(self.ask("/connect", "POST", peer="192.0.2.8").code, 200)
        self.clock.advance(10)
        self.assertEqual(self.ask("/connect", "POST").code, 200)

    def test_secret(self) -> None:
        """A server with a secret gives tokens to those who show it."""
        self.site = self.made(is_open=False, secret="correct-horse-battery")
        answer = self.ask("/connect", "POST")
        self.assertEqual(answer.code, 401)
        self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="gamenet"')
        self.assertIn("Authorization: Bearer", answer.json["error"])
        answer = self.ask("/connect", "POST", authorization="Bearer wrong")
        self.assertEqual(answer.code, 401)
        shown = "Bearer correct-horse-battery"
        codes = {
            self.ask("/connect", "POST", authorization=shown).code for _ in range(9)
        }
        self.assertEqual(codes, {200})

    def test_closed(self) -> None:
        """A server with a key alone gives none, and says what to configure."""
        self.site = self.made(is_open=False)
        answer = self.ask("/connect", "POST", authorization="Bearer x")
        self.assertEqual(answer.code, 403)
        self.assertIn("connect_secret", answer.json["error"])
        self.assertEqual(self.served.named, [])


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
        self.assertEqual((answer.code, answer.json["players"]), (200, []))
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual(answer.headers["content-type"], "application/json")

    def test_tokens(self) -> None:
        """Tokens are counted, those that were refused by reason."""
        for _ in range(4):
            self.ask("/connect", "POST")
        self.ask("/connect", "POST", peer="127.0.0.1", body=b"{")
        self.served.status = "draining"
        self.ask("/connect", "POST")
        refused = {"too_many": 1, "malformed": 1, "draining": 1}
        self.assertEqual(
            self.ask("/stats").json["tokens"],
            {"mode": "open", "issued": 3, "refused": refused},
        )

    def test_fresh(self) -> None:
        """Who asks again at once gets the same; who asks later gets what is new."""
        first, second = self.ask("/stats"), self.ask("/stats")
        self.assertEqual(first, second)
        self.assertEqual(self.served.n_counted, 1)
        self.clock.advance(0.25)
        self.ask("/stats")
        self.assertEqual(self.served.n_counted, 2)

    def test_history(self) -> None:
        """One player's connection is asked for by the player's number."""
        answer = self.ask("/history?player=7")
        self.assertEqual(answer.json, {"player": 7, "rtt": [0.1]})
        self.assertEqual(answer.headers["cache-control"], "no-store")
        answer = self.ask("/history?player=8")
        self.assertEqual(
            (answer.code, answer.json["error"]), (404, "there is no player 8")
        )
        for query in ("", "?player=", "?player=x", "?player=-1", "?player=1e9", "?x=1"):
            answer = self.ask(f"/history{query}")
            self.assertEqual(answer.code, 400, query)
            self.assertIn("?player=ID", answer.json["error"])


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
            ("/history", "GET"),
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
        answer = ask(self.made(*origins), "/connect", "POST", **headers)
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
        answer = ask(self.made(origin), "/connect", "OPTIONS", origin=origin)
        self.assertEqual(answer.code, 204)
        self.assertIn("POST", answer.headers["access-control-allow-methods"])
        allowed = answer.headers["access-control-allow-headers"]
        self.assertEqual(allowed, "authorization, content-type")


class LinkTests(SiteCase):
    """The page may be anywhere."""

    def test_symbolic_link(self) -> None:
        """A link that the author put into the folder is followed."""
        target = self.page.parent / "art.txt"
        target.write_text("art")
        os.symlink(target, self.page / "art.txt")
        self.assertEqual(self.ask("/art.txt").body, b"art")
