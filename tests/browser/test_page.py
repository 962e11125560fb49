# SPDX-License-Identifier: MIT
"""The default page plays a game in a real browser, against a real server."""

from __future__ import annotations

from typing import Any

from tests.browser.serving import BrowserTestCase, ServerProcess, drag, join

DRIFT = "examples.drift:Drift"
ARENA = "examples.arena:Arena"
WATCH = """async () => {
    const { connect } = await import("/gamenet/gamenet.js");
    const client = await connect({ name: "watcher" });
    window.client = client;
    window.exits = [];
    client.on("player_exited", (player) => window.exits.push(player));
    window.place = (name) => {
        const { world, players } = client;
        const player = [...players.values()].find((p) => p.name === name);
        const row = world.rows("Position").find((r) => world.owner[r] === player?.id);
        return row === undefined ? null : { ...world.interpolated("Position", row) };
    };
}"""

STEER = """() => {
    window.ticks = [];
    client.on("tick", (tick) => {
        ticks.push(tick);
        client.sendInput("Steer", { x: 9 });
    });
}"""
LEAVE = """async () => {
    const { connect } = await import("/gamenet/gamenet.js");
    const visit = new AbortController();
    const client = await connect({ name: "Ada", signal: visit.signal });
    await new Promise((resolve) => {
        client.on("closed", resolve);
        client.close();
    });
    let touched = 0;
    client.close = () => { touched++; };
    visit.abort();
    dispatchEvent(new Event("pagehide"));
    return touched;
}"""
BREAK = """() => {
    const { WebSocket } = window;
    window.repair = () => { window.WebSocket = WebSocket; };
    window.WebSocket = class { constructor() { throw new Error("no sockets"); } };
}"""
START = """async () => {
    const { startSession } = await import("/gamenet/session.js");
    document.body.replaceChildren();
    window.clients = [];
    startSession({ title: "Broken", play(client) {
        clients.push(client);
        throw new Error("no stage");
    } });
}"""
CONTROL = """async () => {
    const { createControls } = await import("/gamenet/controls.js");
    const buttons = { fire: { mouse: true } };
    const controls = createControls(document.getElementById("stage"), { buttons });
    window.presses = 0;
    controls.onPress("fire", () => { presses++; });
    window.held = () => [controls.state.pointer.down, controls.state.buttons.fire];
}"""


class PageTests(BrowserTestCase):
    """Servers come and go, the browser stays."""

    def serve(self, game: str, *options: str, port: int = 0) -> ServerProcess:
        """Start a server that ends with the test."""
        server = ServerProcess(game, *options, port=port)
        self.addCleanup(server.stop)
        return server

    def watcher(self, server: ServerProcess) -> Any:
        """Return a page that watches the match through gamenet.js."""
        page = self.browser.open(server.address)
        page.evaluate(WATCH)
        return page

    def test_play(self) -> None:
        """A wide screen and a phone join, see each other, and move."""
        server = self.serve(DRIFT)
        wide = self.browser.open(server.address)
        phone = self.browser.open(server.address, "Pixel 7")
        join(wide, "Ada")
        join(phone, "Zoë")
        watcher = self.watcher(server)
        for page in (wide, phone):
            page.wait_for_selector("body[data-players='3'][data-entities='3']")
        wide.keyboard.down("ArrowRight")
        wide.keyboard.down("KeyW")
        watcher.wait_for_function("() => place('Ada').x > 3 && place('Ada').y > 3")
        drag(phone, (120, 500), (60, 500))
        watcher.wait_for_function("() => place('Zoë').x < -3")
        self.assertEqual(watcher.evaluate("() => place('Zoë').y"), 0)
        self.assertEqual(self.browser.errors, [])

    def test_mouse(self) -> None:
        """The own entity follows the mouse while its button is held."""
        server = self.serve(DRIFT)
        page = self.browser.open(server.address)
        join(page, "Ada")
        watcher = self.watcher(server)
        page.wait_for_selector("body[data-entities='2']")
        page.mouse.move(200, 100)
        page.mouse.down()
        watcher.wait_for_function("() => place('Ada').x < -2 && place('Ada').y > 1")

    def test_mouse_buttons(self) -> None:
        """The primary button counts, whatever other one is held beside it."""
        server = self.serve(DRIFT)
        page = self.browser.open(server.address)
        join(page, "Ada")
        page.evaluate(CONTROL)
        mouse = page.mouse
        mouse.move(300, 300)
        for action, button, wanted in (
            (mouse.down, "right", False),
            (mouse.down, "left", True),
            (mouse.up, "left", False),
            (mouse.down, "left", True),
            (mouse.up, "right", True),
            (mouse.down, "middle", True),
            (mouse.up, "left", False),
            (mouse.up, "middle", False),
        ):
            action(button=button)
            held = page.evaluate("() => held()")
            self.assertEqual(held, [wanted] * 2, (action.__name__, button))
        self.assertEqual(page.evaluate("() => presses"), 2)

    def test_mouse_from_elsewhere(self) -> None:
        """A button that was pressed beside the stage is not held on it."""
        server = self.serve(DRIFT)
        page = self.browser.open(server.address)
        join(page, "Ada")
        page.evaluate(CONTROL)
        page.hover("#net")
        page.mouse.down()
        page.mouse.move(300, 300)
        self.assertEqual(page.evaluate("() => held()"), [False, False])

    def test_names_are_text(self) -> None:
        """A name that is markup is shown as it is written, and does nothing."""
        server = self.serve(DRIFT)
        page = self.browser.open(server.address)
        name = "<img src=x onerror=alert(1)>"
        join(page, name)
        page.wait_for_selector("#players li")
        self.assertEqual(page.inner_text("#players li"), name)
        self.assertEqual(page.query_selector_all("img"), [])
        self.assertEqual(self.browser.errors, [])

    def test_name_remembered(self) -> None:
        """The name is asked for once: next time it stands there."""
        server = self.serve(DRIFT)
        page = self.browser.open(server.address)
        join(page, "  Ada  ")
        page.reload()
        self.assertEqual(page.input_value(".gamenet-join input"), "Ada")
        page.fill(".gamenet-join input", "é" * 40)
        self.assertEqual(page.input_value(".gamenet-join input"), "é" * 32)

    def test_net_graph(self) -> None:
        """A key or the button shows what the connection measures."""
        server = self.serve(DRIFT)
        watcher = self.watcher(server)
        watcher.wait_for_function("() => client.stats().rtt > 0")
        watcher.wait_for_function("() => client.stats().snapshotsPerSecond > 0")
        page = self.browser.open(server.address)
        join(page, "Ada")
        self.assertFalse(page.is_visible("#netgraph"))
        page.keyboard.press("KeyN")
        page.wait_for_selector("#netgraph", state="visible")
        page.click("#net")
        page.wait_for_selector("#netgraph", state="hidden")

    def test_time(self) -> None:
        """A page knows the server's time, and what it does in a tick comes in time."""
        watcher = self.watcher(self.serve(DRIFT))
        watcher.evaluate(STEER)
        watcher.wait_for_function("() => client.stats().clockError < 0.005")
        watcher.wait_for_function("() => ticks.length > 60 && client.stats().slack > 0")
        watcher.wait_for_function("() => client.ownTick > client.serverTick() - 1")
        self.assertEqual(
            watcher.evaluate("() => ticks.filter((tick, n) => tick <= ticks[n - 1])"),
            [],
        )
        self.assertTrue(watcher.evaluate("() => client.viewTick() < client.tick"))
        self.assertEqual(self.browser.errors, [])

    def test_leaving(self) -> None:
        """A page that is left says goodbye: nobody waits for a time-out."""
        server = self.serve(DRIFT)
        page = self.browser.open(server.address)
        join(page, "Ada")
        watcher = self.watcher(server)
        page.goto("about:blank")
        watcher.wait_for_function("() => exits.length === 1")
        self.assertEqual(watcher.evaluate("() => exits[0].reason"), "NORMAL")

    def test_forgotten(self) -> None:
        """Nothing of the page holds a client that has been closed."""
        page = self.browser.open(self.serve(DRIFT).address)
        self.assertEqual(page.evaluate(LEAVE), 0)

    def test_page_fails(self) -> None:
        """An error of the page while joining is told and reported; a retry helps."""
        page = self.browser.open(self.serve(DRIFT).address)
        page.evaluate(BREAK)
        page.fill(".gamenet-join input", "Ada")
        page.keyboard.press("Enter")
        page.wait_for_selector(".gamenet-banner >> text=could not be started")
        page.wait_for_timeout(600)  # in which a late "Joining" would be announced
        self.assertEqual(len(page.query_selector_all(".gamenet-banner")), 1)
        self.assertEqual(len(self.browser.errors), 1)
        self.assertIn("Error: no sockets", self.browser.errors[0])
        page.evaluate("() => repair()")
        page.click(".gamenet-banner button")
        page.wait_for_selector("body[data-state=playing]")
        page.wait_for_selector(".gamenet-banner", state="detached")

    def test_play_fails(self) -> None:
        """A game that cannot begin is told as such, and its connection is closed."""
        page = self.browser.open(self.serve(DRIFT).address)
        page.wait_for_selector(".gamenet-join")  # the page's own, which is taken away
        page.evaluate(START)
        page.fill(".gamenet-join input", "Ada")
        page.keyboard.press("Enter")
        page.wait_for_selector(".gamenet-banner >> text=could not be started")
        page.wait_for_function("() => clients[0].stats().state === 'closed'")
        page.wait_for_timeout(100)
        self.assertTrue(page.is_visible(".gamenet-banner >> text=could not be started"))
        self.assertIn("Error: no stage", self.browser.errors[0])

    def test_server_away(self) -> None:
        """When the server dies the page says so, and joins the next one by itself."""
        server = self.serve(DRIFT)
        page = self.browser.open(server.address)
        join(page, "Ada")
        self.watcher(server)
        page.wait_for_selector("body[data-players='2']")
        server.kill()
        page.wait_for_selector(".gamenet-banner >> text=reconnecting")
        self.serve(DRIFT, port=server.port)
        page.wait_for_selector("body[data-state=playing][data-players='1']")
        page.wait_for_selector(".gamenet-banner", state="detached")

    def test_server_away_long(self) -> None:
        """When the server stays away the page tries again, by itself and when told."""
        server = self.serve(DRIFT, "--set", "connection.resume_window=1")
        page = self.browser.open(server.address)
        join(page, "Ada")
        server.kill()
        page.wait_for_selector(".gamenet-banner >> text=The connection was lost")
        # Nobody answers yet, so the button leads to a message that says so.
        page.click(".gamenet-banner button")
        page.wait_for_selector(".gamenet-banner >> text=The server cannot be reached")
        self.serve(DRIFT, port=server.port)
        page.wait_for_selector("body[data-state=playing][data-entities='1']")
        page.wait_for_selector(".gamenet-banner", state="detached")

    def test_shutdown(self) -> None:
        """A server that is stopped tells its players first."""
        server = self.serve(DRIFT)
        page = self.browser.open(server.address)
        join(page, "Ada")
        server.stop()
        page.wait_for_selector(".gamenet-banner >> text=The server is shutting down")

    def test_new_version(self) -> None:
        """When the server comes back with another game, the page offers to reload."""
        server = self.serve(DRIFT)
        page = self.browser.open(server.address)
        join(page, "Ada")
        server.kill()
        page.wait_for_selector(".gamenet-banner")
        self.serve(ARENA, port=server.port)
        # The page tries again by itself: a click might meet what it found already.
        page.wait_for_selector(".gamenet-banner >> text=There is a new version")
        page.click(".gamenet-banner button")
        page.wait_for_selector(".gamenet-join >> text=Arena")

    def test_full(self) -> None:
        """A server that is full says that, not that it cannot be reached."""
        server = self.serve(DRIFT, "--max-players", "1")
        first, second = (self.browser.open(server.address) for _ in range(2))
        join(first, "Ada")
        second.fill(".gamenet-join input", "Bo")
        second.keyboard.press("Enter")
        second.wait_for_selector(".gamenet-banner >> text=The server is full")
        first.goto("about:blank")
        second.wait_for_selector("body[data-state=playing]")
