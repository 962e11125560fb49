# SPDX-License-Identifier: MIT
"""A page in a real browser keeps its place in the game when its connection breaks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from tests.browser.serving import BrowserTestCase, ServerProcess, join, lasting_port

ECHO = "tests.browser.echo:Echo"
DRIFT = "examples.drift:Drift"
#: Lets a test break the socket, and keep further ones from opening.
CUTTER = """(nowhere) => {
    const { WebSocket } = window;
    const sockets = [];
    window.isAway = false;
    window.WebSocket = class extends WebSocket {
        constructor(url) {
            super(window.isAway ? `ws://127.0.0.1:${nowhere}/` : url);
            sockets.push(this);
        }
    };
    window.cut = () => sockets.at(-1).close();
}"""
#: Joins, and notes everything that comes.
LISTEN = """async () => {
    const { connect } = await import("/gamenet/gamenet.js");
    window.client = await connect({ name: "Ada" });
    window.heard = { Line: [], Note: [], Book: [], Beat: [] };
    window.told = [];
    window.came = [];
    client.on("message", (name, said) => heard[name].push(said.number ?? said.pages));
    client.on("dropped", ({ reason }) => told.push(reason));
    client.on("resumed", () => told.push("resumed"));
    client.on("closed", ({ reason }) => told.push(reason));
    client.on("progress", (id, acked, total) => came.push([id, acked, total]));
    client.on("player_entered", () => told.push("entered"));
    window.joinedAs = client.playerId;
}"""
TALK = """() => {
    let number = 0;
    const timer = setInterval(() => {
        client.send("Line", { number });
        client.send("Note", { number });
        number++;
    }, 80);
    window.hush = () => {
        clearInterval(timer);
        return number;
    };
}"""
TICKETS = """async (tickets) => {
    const { startSession } = await import("/gamenet/session.js");
    document.body.replaceChildren();
    const play = (client) => { window.client = client; };
    startSession({ title: "Echo", ticket: async () => tickets.shift(), play });
}"""
KEY = "5a" * 32
GAMENET = "import sys; from gamenet.service.command import main; sys.exit(main())"
BOOK = """() => {
    const pages = Uint8Array.from({ length: 150000 }, (_, n) => (n * n) >> 5);
    window.book = client.send("Book", { pages });
    client.send("Book", { pages: new Uint8Array(150000) });
    cut();
    window.isSame = () => {
        const [first, second] = heard.Book;
        return first.every((byte, n) => byte === pages[n]) && !second.some(Boolean);
    };
}"""


def token_for(address: str) -> str:
    """Return a token of a player for a server, as its backend would issue it."""
    command = [sys.executable, "-c", GAMENET, "token"]
    player = ["--client-id", "7", "--user-data", "Zoë".encode().hex()]
    server = ["--key", KEY, "--server", urlsplit(address).netloc]
    return subprocess.check_output([*command, *player, *server], text=True).strip()


class LiveTests(BrowserTestCase):
    """One page, one server, and what goes wrong between them."""

    def open(self, game: str, *options: str) -> Any:
        """Return a page whose socket can be cut."""
        server = ServerProcess(game, *options)
        self.addCleanup(server.stop)
        page = self.browser.open(server.address)
        page.wait_for_selector(".gamenet-join input")
        page.evaluate(CUTTER, lasting_port())
        return page

    def talk_while(self, disturb: Callable[[Any], None]) -> Any:
        """Return a page that talked meanwhile; fail if anything was lost or doubled."""
        page = self.open(ECHO)
        page.evaluate(LISTEN)
        page.evaluate(TALK)
        page.wait_for_function("() => heard.Line.length > 10 && heard.Beat.length > 5")
        disturb(page)
        count = page.evaluate("() => hush()")
        page.wait_for_function(
            "(n) => heard.Line.length >= n && heard.Note.length >= n", arg=count
        )
        page.wait_for_timeout(100)  # in which one that is doubled would come
        heard = page.evaluate("() => heard")
        self.assertEqual(heard["Line"], list(range(count)))
        self.assertEqual(sorted(heard["Note"]), list(range(count)))
        self.assertEqual({b - a for a, b in pairwise(heard["Beat"])}, {1})
        self.assertEqual(
            page.evaluate("() => [client.playerId - joinedAs, client.players.size]"),
            [0, 1],
        )
        return page

    def test_cut(self) -> None:
        """A session goes on, as often as its socket breaks."""

        def disturb(page: Any) -> None:
            for n in range(1, 4):
                page.wait_for_timeout(200)
                page.evaluate("() => cut()")
                page.wait_for_function("(n) => told.length === 2 * n + 1", arg=n)

        page = self.talk_while(disturb)
        told = page.evaluate("() => told")
        self.assertEqual(told, ["entered", *["LINK_LOST", "resumed"] * 3])
        self.assertEqual(self.browser.errors, [])

    def test_cable_pulled(self) -> None:
        """A network that is silent for longer than the time-out is no loss, either."""

        def disturb(page: Any) -> None:
            network = page.context.new_cdp_session(page)
            conditions = {
                "latency": 0,
                "downloadThroughput": -1,
                "uploadThroughput": -1,
            }
            for is_offline in (True, False):
                network.send(
                    "Network.emulateNetworkConditions",
                    {"offline": is_offline, **conditions},
                )
                page.wait_for_function("(n) => told.length > n", arg=2 - is_offline)

        page = self.talk_while(disturb)
        self.assertEqual(
            page.evaluate("() => told"), ["entered", "TIMED_OUT", "resumed"]
        )

    def test_large_messages(self) -> None:
        """Large messages that are cut on their way come whole, and tell how far."""
        page = self.open(ECHO)
        page.evaluate(LISTEN)
        page.evaluate(BOOK)
        page.wait_for_function("() => heard.Book.length === 2")
        self.assertTrue(page.evaluate("() => isSame()"))
        page.wait_for_function("() => came.at(-1)[0] > book")
        steps = page.evaluate("() => came.filter(([id]) => id === book)")
        acked = [step[1] for step in steps]
        self.assertEqual(acked, sorted(set(acked)))
        self.assertEqual(acked[-1], steps[-1][2])
        self.assertGreater(len(steps), 3)

    def test_tickets(self) -> None:
        """Where a backend issues the tokens, a page joins with these, and only so."""
        page = self.open(ECHO, "--key", KEY)
        join_here = page.locator(".gamenet-join input")
        join_here.fill("Ada")
        join_here.press("Enter")
        page.wait_for_selector(".gamenet-banner >> text=You need a ticket")
        self.assertIn("no connect_secret", page.inner_text(".gamenet-banner"))
        page.evaluate(TICKETS, [token_for(page.url), "TkVUQ09ERSAxLjAyAA=="])
        join_here.fill("Bo")
        join_here.press("Enter")
        page.wait_for_function("() => window.client?.players.size === 1")
        players = page.evaluate("() => [...client.players.values()]")
        self.assertEqual([player["name"] for player in players], ["Zoë"])
        page.evaluate("() => client.close()")
        page.click(".gamenet-banner button")
        page.wait_for_selector(".gamenet-banner >> text=Your ticket was not accepted")

    def test_banner(self) -> None:
        """A player who waits is told so; nobody else sees anything of it."""
        page = self.open(DRIFT)
        join(page, "Ada")
        watcher = page.context.new_page()
        watcher.goto(page.url)
        watcher.evaluate(LISTEN)
        page.wait_for_selector("body[data-players='2']")
        page.evaluate("() => { isAway = true; cut(); }")
        page.wait_for_selector(".gamenet-banner >> text=reconnecting")
        page.evaluate("() => { isAway = false; }")
        page.wait_for_selector(".gamenet-banner", state="detached")
        page.wait_for_selector("body[data-state=playing][data-players='2']")
        self.assertEqual(watcher.evaluate("() => told"), ["entered", "entered"])
        self.assertEqual(self.browser.errors, [])
