# SPDX-License-Identifier: MIT
"""A real server in a process of its own, and a real browser that opens its page."""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from twisted.trial.unittest import SynchronousTestCase

from tests.browser.javascript import CHROMIUM_SWITCHES
from tests.requirements import chromium_path

ROOT = Path(__file__).parent.parent.parent
TWISTD = "import sys; from twisted.scripts.twistd import run; sys.exit(run())"
PATIENCE = 30_000
"""Milliseconds in which a page must show what a test waits for."""


class ServerProcess:
    """A server of a game for browsers on this machine.

    Args:
        game: as `--game` takes it.
        options: further options of `twistd gamenet`.
        port: 0 for a free one.
    """

    def __init__(self, game: str, *options: str, port: int = 0) -> None:
        listen = f"ws:{port or lasting_port()}:interface=127.0.0.1"
        command = [sys.executable, "-c", TWISTD, "-n", "--pidfile=", "gamenet"]
        self._process = subprocess.Popen(
            [*command, "--game", game, "--listen", listen, *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.port = self._read_port()
        self.address = f"http://127.0.0.1:{self.port}/"

    def _read_port(self) -> int:
        """Wait until the server says where it listens."""
        seen = []
        for line in self._process.stdout or ():
            seen.append(line)
            found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
            if found:
                return int(found[1])
        self._process.communicate()
        raise AssertionError(f"the server did not start: {''.join(seen)}")

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.communicate()

    def stop(self) -> str:
        """End it as Ctrl-C would, unless it has ended; return the rest of its log."""
        if self._process.returncode is not None:
            return ""
        self._process.terminate()
        return self._process.communicate(timeout=30)[0]


def lasting_port() -> int:
    """Return a free port that no client is given while its server is away."""
    while True:
        number = 20_000 + secrets.randbelow(12_000)  # below what clients are given
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", number))
            return number


class Browser:
    """Chromium without a window, and the pages that it shows."""

    def __init__(self) -> None:
        path = chromium_path()
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(
            executable_path=path, args=list(CHROMIUM_SWITCHES)
        )
        self.errors: list[str] = []
        """What pages threw, and what their security policy kept from them."""

    def open(self, address: str, device: str | None = None) -> Any:
        """Return a page, in a context of its own."""
        options = self._playwright.devices[device] if device else {}
        page = self._chromium.new_context(**options).new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        page.goto(address)
        return page

    def _heard(self, message: Any) -> None:
        if message.type == "error" and "ERR_CONNECTION_REFUSED" not in message.text:
            self.errors.append(message.text)

    def close(self) -> None:
        """End it, with its pages and what they remember."""
        self._chromium.close()
        self._playwright.stop()


class BrowserTestCase(SynchronousTestCase):
    """Tests with a browser, each with one of its own.

    Playwright keeps an event loop running as long as a browser is open. So none may
    outlive its test: the next one may need the loop, and trial has no tearDownClass.
    """

    def setUp(self) -> None:
        self.browser = Browser()
        self.addCleanup(self.browser.close)


def join(page: Any, name: str) -> None:
    """Enter a name on a page, and wait until it plays."""
    page.fill(".gamenet-join input", name)
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-state=playing]")


def drag(page: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Put a finger on a page and move it; it stays there."""
    session = page.context.new_cdp_session(page)
    for kind, (x, y) in (("touchStart", start), ("touchMove", end)):
        points = [{"x": x, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
