# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.inspect_access."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from gamenet.errors import ConfigError
from gamenet.service import inspect_access
from gamenet.service.answers import answer
from gamenet.service.inspect_access import (
    InspectDesk,
    access_headers,
    inspection_pass,
)
from gamenet.testing import Clock
from tests.service.browsing import Answer, ask

KEY = bytes(range(32))
SECRET = "a-secret-of-the-web-service"
HERE = {"peer": "127.0.0.1", "host": "127.0.0.1:8080"}


class Guarded(Resource):
    """Something behind a desk."""

    isLeaf = True

    def __init__(self, desk: InspectDesk) -> None:
        super().__init__()
        self._desk = desk

    def render_GET(self, request: Any) -> bytes:
        return self._desk.refusal(request) or answer(request, {"is": "shown"})


class DeskTests(SynchronousTestCase):
    """Who may look into a server."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.serve()

    def serve(self, key: bytes = b"", secret: str = "") -> None:
        """Guard a server of a key and a secret."""
        seconds = self.clock.seconds
        self.root = Guarded(InspectDesk(key=key, secret=secret, seconds=seconds))

    def ask(self, **headers: str) -> Answer:
        """Return what the guarded resource answers."""
        return ask(self.root, "/", **headers)

    def show(self, shown: str) -> Answer:
        """Return the answer to who shows something, from anywhere."""
        return self.ask(authorization=f"Bearer {shown}")

    def test_open(self) -> None:
        """A server without a key is looked into from its own machine, however named."""
        for peer in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"):
            for host in ("127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:80"):
                self.assertEqual(self.ask(peer=peer, host=host).code, 200, (peer, host))

    def test_elsewhere(self) -> None:
        """Others are told how it could be done."""
        for given in (
            {"peer": "192.0.2.7", "host": "127.0.0.1"},
            {"peer": "nonsense", "host": "127.0.0.1"},
            # A name that its owner made point here, for a page of theirs to ask.
            {**HERE, "host": "evil.example"},
            {**HERE, "host": ""},
            # A proxy on the same machine, for somebody who is not.
            {**HERE, "x_forwarded_for": "192.0.2.7"},
            {**HERE, "forwarded": "for=192.0.2.7"},
        ):
            found = self.ask(**given)
            self.assertEqual(found.code, 403, given)
            self.assertIn("from its own machine only", found.json["error"])

    def test_foreign_page(self) -> None:
        """A page of another site cannot have a developer's browser ask."""
        for site, code in (
            *(("cross-site", 403), ("same-site", 403)),
            *(("same-origin", 200), ("none", 200)),
        ):
            self.assertEqual(self.ask(**HERE, sec_fetch_site=site).code, code, site)
        self.serve(KEY)
        shown = f"Bearer {inspection_pass(KEY)}"
        answer = self.ask(authorization=shown, sec_fetch_site="cross-site")
        self.assertEqual(answer.code, 403)

    def test_secret(self) -> None:
        """A server with a secret asks for it, from wherever."""
        self.serve(secret=SECRET)
        self.assertEqual(self.show(SECRET).code, 200)
        found = self.ask(**HERE)
        self.assertEqual(found.code, 401)
        self.assertIn("connect_secret", found.json["error"])
        self.assertIn("Bearer", found.headers["www-authenticate"])
        for wrong in ("", "x" * 9, SECRET[:-1], SECRET + "x"):
            self.assertEqual(self.show(wrong).code, 401, wrong)
        self.assertEqual(self.ask(authorization=f"Basic {SECRET}").code, 401)

    def test_pass(self) -> None:
        """The pass of the key does, too; the key itself does not."""
        self.serve(KEY, SECRET)
        for shown, code in (
            *((SECRET, 200), (inspection_pass(KEY), 200)),
            *((KEY.hex(), 401), (inspection_pass(bytes(32)), 401)),
        ):
            self.assertEqual(self.show(shown).code, code, shown)
        self.serve(KEY)
        self.assertEqual(self.show(inspection_pass(KEY)).code, 200)

    def test_rate(self) -> None:
        """Whoever tries secrets is held to a rate; who knows one is not."""
        self.serve(KEY)
        codes = {self.show(f"{i}").code for i in range(10)}
        self.assertEqual(codes, {401})
        found = self.show("another")
        self.assertEqual(found.code, 429)
        self.assertIn("try again in 3 s", found.json["error"])
        self.assertEqual(self.show(inspection_pass(KEY)).code, 200)
        self.clock.advance(3)
        self.assertEqual(self.show("another").code, 401)


class HeaderTests(SynchronousTestCase):
    """How commands show that they may look."""

    def headers(self, secret: str = "", key: bytes = b"", **variables: str) -> Any:
        """Return the headers of a command line and variables."""
        self.patch(inspect_access.os, "environ", variables)
        return access_headers(Namespace(secret=secret, key=key))

    def test_none(self) -> None:
        """Without anything to show, nothing is shown."""
        self.assertEqual(self.headers(), {})

    def test_secret(self) -> None:
        """The secret is shown as it is; the command line goes first."""
        wanted = {"authorization": f"Bearer {SECRET}"}
        self.assertEqual(self.headers(SECRET), wanted)
        self.assertEqual(self.headers(GAMENET_CONNECT_SECRET=SECRET), wanted)
        self.assertEqual(self.headers(SECRET, KEY, GAMENET_CONNECT_SECRET="no"), wanted)

    def test_key(self) -> None:
        """Of the key no more is shown than that one has it."""
        wanted = {"authorization": f"Bearer {inspection_pass(KEY)}"}
        self.assertEqual(self.headers(key=KEY), wanted)
        self.patch(inspect_access, "key_from", lambda _: KEY)
        self.assertEqual(self.headers(GAMENET_KEY=KEY.hex()), wanted)
        self.assertNotIn(KEY.hex(), wanted["authorization"])

    def test_no_header(self) -> None:
        """A secret that would break the request is refused here."""
        for secret in ("a\nb", "ü"):
            self.assertRaises(ConfigError, self.headers, secret)
