# SPDX-License-Identifier: MIT
"""The arena's page, played in a real browser beside bots."""

from __future__ import annotations

from typing import Any

from tests.browser.serving import BrowserTestCase, ServerProcess, drag, join

ARENA = "examples.arena:Arena"
WATCH = """async () => {
    const { connect } = await import("/gamenet/gamenet.js");
    const { world, players } = await connect({ name: "watcher" });
    const owned = (name, ...components) => {
        const player = [...players.values()].find((p) => p.name === name);
        const rows = world.rows(...components);
        return rows.filter((row) => world.owner[row] === player?.id);
    };
    window.speedOf = (name) => {
        const [row] = owned(name, "Ship", "Velocity");
        const { x, y } = world.columns("Velocity");
        return row === undefined ? 0 : Math.hypot(x[row], y[row]);
    };
    window.shotsOf = (name) => owned(name, "Projectile").length;
}"""

SLOW = """async () => {
    window.requestAnimationFrame = (draw) =>
        setTimeout(() => draw(performance.now()), 200);
    window.cancelAnimationFrame = clearTimeout;
    const { GameClient } = await import("/gamenet/gamenet.js");
    const { sendInput } = GameClient.prototype;
    window.ticks = [];
    GameClient.prototype.sendInput = function (...input) {
        ticks.push(this.serverTick());
        sendInput.apply(this, input);
    };
}"""


class ArenaPageTests(BrowserTestCase):
    """The page shows the match, and what becomes of the server."""

    def setUp(self) -> None:
        super().setUp()
        self.server = ServerProcess(ARENA, "--bots", "2", "--seed", "1")
        self.addCleanup(self.server.stop)

    def enter(self, name: str, device: str | None = None) -> Any:
        """Return a page that plays."""
        page = self.browser.open(self.server.address, device)
        join(page, name)
        return page

    def test_wide_and_phone(self) -> None:
        """Both screens show every player; keyboard and touch fly and shoot."""
        wide = self.enter("Ada")
        phone = self.enter("Zoë", "Pixel 7")
        for page in (wide, phone):
            page.wait_for_selector("body[data-players='4']")
            page.wait_for_function("() => document.body.dataset.entities > 12")
            self.assertIn("Zoë", page.inner_text("#scores"))
        watcher = self.browser.open(self.server.address)
        watcher.evaluate(WATCH)
        wide.keyboard.down("ArrowUp")
        wide.keyboard.down("Space")
        drag(phone, (100, 650), (140, 600))
        watcher.wait_for_function("() => speedOf('Ada') > 3 && shotsOf('Ada') > 0")
        watcher.wait_for_function("() => speedOf('Zoë') > 3")
        self.assertEqual(self.browser.errors, [])

    def test_net_graph(self) -> None:
        """The net graph comes and goes with its key and its button."""
        page = self.enter("Ada")
        self.assertFalse(page.is_visible("#netgraph"))
        page.keyboard.press("KeyN")
        page.wait_for_selector("#netgraph", state="visible")
        page.click("#tool-net")
        page.wait_for_selector("#netgraph", state="hidden")

    def test_pace(self) -> None:
        """A page of few frames sends an input a tick like any other."""
        page = self.browser.open(self.server.address)
        page.evaluate(SLOW)
        join(page, "Ada")
        page.wait_for_function("() => ticks.length > 40")
        ticks = page.evaluate("() => ticks.slice(10, 40)")
        self.assertLess(ticks[-1] - ticks[0], 2 * len(ticks))

    def test_before_joining(self) -> None:
        """Before a name was given there is a form, and nothing over it."""
        page = self.browser.open(self.server.address)
        page.wait_for_selector(".gamenet-join input:focus")
        for hidden in ("#netgraph", "#scores", "#fallen"):
            self.assertFalse(page.is_visible(hidden), hidden)

    def test_server_away(self) -> None:
        """A killed server is explained, and a new one is joined without a click."""
        page = self.enter("Ada")
        page.wait_for_selector("body[data-players='3']")
        self.server.kill()
        page.wait_for_selector(".gamenet-banner >> text=reconnecting")
        again = ServerProcess(ARENA, port=self.server.port)
        self.addCleanup(again.stop)
        page.wait_for_selector("body[data-state=playing][data-players='1']")
        page.wait_for_selector(".gamenet-banner", state="detached")
