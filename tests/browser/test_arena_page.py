# SPDX-License-Identifier: MIT
"""The arena's page, played in a real browser beside bots."""

from __future__ import annotations

from typing import Any

from tests.browser.serving import BrowserTestCase, ServerProcess, drag, join

ARENA = "examples.arena:Arena"
QUIET = "tests.browser.quiet_arena:QuietArena"
FAR = ("--impair", "latency=100ms")
"""200 ms for a round trip."""
HOOK = """async () => {
    const { GameClient } = await import("/gamenet/gamenet.js");
    const { sendInput } = GameClient.prototype;
    const begun = (client) => {
        window.client = client;
        client.on("event", (name, value, tick) =>
            events.push({ name, value, tick, own: client.ownTick }));
        client.on("event_cancelled", () => events.push({ name: "cancelled" }));
    };
    window.events = [];
    window.first = {};
    GameClient.prototype.sendInput = function (name, held) {
        if (!window.client) begun(this);
        for (const key of ["thrust", "beam"]) {
            if (held[key]) first[key] ??= this.ownTick;
        }
        sendInput.call(this, name, held);
    };
    window.ownRow = () => client.world.rows("Ship")
        .find((row) => client.world.owner[row] === client.playerId);
    window.speeds = () => ["view", "world"].map((where) => {
        const { x, y } = client[where].columns("Velocity");
        return Math.hypot(x[ownRow()], y[ownRow()]);
    });
}"""
ANSWER = """() => {
    const [seen, told] = speeds();
    return seen > 2 && { told, tick: client.tick };
}"""
WRITTEN = """() => {
    const { prototype } = CanvasRenderingContext2D;
    const { fillText, setLineDash } = prototype;
    window.written = {};
    window.dashed = new Set();
    prototype.fillText = function (text, ...more) {
        const before = written[this.canvas.id] ?? [];
        written[this.canvas.id] = [...before, text].slice(-60);
        fillText.call(this, text, ...more);
    };
    prototype.setLineDash = function (dashes) {
        setLineDash.call(this, dashes);
        dashed.add(dashes.length ? dashes[0] : 0);
    };
}"""
GHOST_DASH = 0.16
SEEN = """async () => {
    const { seenLength } = await import("/beams.js");
    const row = ownRow();
    const [{ x, y }, { angle }] = ["Position", "Heading"].map(
        (name) => client.view.columns(name));
    const beam = { x: x[row], y: y[row], angle: angle[row], length: 40 };
    const away = { ...beam, angle: beam.angle + Math.PI };
    return [beam, away].map((each) => seenLength(client.view, each, row));
}"""
INSIDE = """(id) => {
    const { left, right, top, bottom } = document.getElementById(id)
        .getBoundingClientRect();
    return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
}"""
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


class PredictionTests(BrowserTestCase):
    """The page flies its own ship ahead of the server."""

    def serve(self, *options: str) -> None:
        """Start a server without chance."""
        self.server = ServerProcess(QUIET, "--seed", "1", *options)
        self.addCleanup(self.server.stop)

    def enter(self, name: str, device: str | None = None) -> Any:
        """Return a page that plays, once its time lines have settled."""
        page = self.browser.open(self.server.address, device)
        page.evaluate(HOOK)
        page.evaluate(WRITTEN)
        join(page, name)
        page.wait_for_function("() => window.client?.stats().confirmed > 60")
        return page

    def test_it_answers_at_once(self) -> None:
        """At 200 ms the ship flies before the server knows, and is never corrected."""
        self.serve(*FAR)
        page = self.enter("Ada")
        before = page.evaluate("() => client.stats().corrections")
        page.keyboard.down("KeyW")
        answer = page.wait_for_function(ANSWER).json_value()
        thrust = page.evaluate("() => first.thrust")
        self.assertEqual(answer["told"], 0)
        self.assertLess(answer["tick"], thrust)
        page.keyboard.down("KeyD")  # into walls, and on along them
        page.wait_for_function("(tick) => client.tick > tick + 150", arg=thrust)
        stats = page.evaluate("() => client.stats()")
        self.assertEqual(stats["corrections"], before)
        self.assertEqual(stats["predictedRows"], 1)
        self.assertGreater(stats["rtt"], 0.19)
        self.assertEqual(self.browser.errors, [])

    def test_beam(self) -> None:
        """A beam is seen in the tick of the key, once, and hits what was seen."""
        self.serve(*FAR)
        ada, bob = self.enter("Ada"), self.enter("Bob")
        ada.keyboard.press("KeyE")
        ada.wait_for_function("() => events.length > 0")
        bob.wait_for_selector("body[data-health='70']")
        bob.wait_for_function("() => events.length > 0")
        fired = ada.evaluate("() => first.beam")
        charge = int(ada.get_attribute("#beam", "aria-valuenow"))
        self.assertLess(charge, 100)
        ada.wait_for_selector("#beam.ready")
        for page in (ada, bob):
            page.wait_for_selector("body[data-beams='1']")
        (seen,) = ada.evaluate("() => events")
        self.assertEqual((seen["tick"], seen["own"]), (fired, fired))
        (told,) = bob.evaluate("() => events")
        self.assertEqual((told["name"], told["tick"]), ("Beam", fired))
        self.assertLess(abs(told["value"]["length"] - 9), 0.5)
        # Of its own one a page knows only the wall; it draws it as far as it sees.
        self.assertGreater(seen["value"]["length"], 40)
        to_bob, to_nobody = ada.evaluate(SEEN)
        self.assertLess(abs(to_bob - 9), 0.5)
        self.assertEqual(to_nobody, 40)
        self.assertEqual(self.browser.errors, [])

    def test_touch_beam(self) -> None:
        """A finger fires the beam, too."""
        self.serve()
        page = self.enter("Ada", "Pixel 7")
        page.tap(".gamenet-touch-buttons button >> text=Beam")
        page.wait_for_function("() => events.some(({ name }) => name === 'Beam')")

    def test_graph(self) -> None:
        """Key and button show how the prediction goes, and the ghost, on any screen."""
        self.serve(*FAR)
        wide, phone = self.enter("Ada"), self.enter("Bob", "Pixel 7")
        for page in (wide, phone):
            self.assertFalse(page.is_visible("#foresight"))
        wide.keyboard.press("KeyP")
        phone.tap("#tool-foresight")
        wide.keyboard.down("KeyW")
        for page in (wide, phone):
            page.wait_for_selector("#foresight", state="visible")
            page.wait_for_function("(dash) => dashed.has(dash)", arg=GHOST_DASH)
            self.assertTrue(page.evaluate(INSIDE, "foresight"))
        wide.wait_for_function(
            "() => written.foresight.some((text) => parseFloat(text) > 1"
            " && text.endsWith('m behind'))"
        )
        wide.click("#tool-foresight")
        wide.wait_for_selector("#foresight", state="hidden")
        self.assertEqual(self.browser.errors, [])
