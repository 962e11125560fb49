# SPDX-License-Identifier: MIT
"""Check the wheel as a user gets it: installed alone, used from somewhere else.

    python tools/check_wheel.py

Builds the wheel from a copy of the tree, installs it into a new environment, and from
an empty directory asks `twistd --help` for gamenet, serves the arena on a free port,
reads its page, joins by `POST /connect`, and ends the server as Ctrl-C does. Prints one
line a step; exit status 1 with the reason at the first that fails.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache")
ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):(\d+)")
PATIENCE = 60.0
"""Seconds within which the server must say its address, answer, and end."""


class CheckError(Exception):
    """Say which step failed, and how."""


def say(text: str) -> None:
    """Print one finished step."""
    print(f"wheel-check: {text}", flush=True)


def build(into: Path) -> Path:
    """Build the wheel from a copy, so that no old build directory can leak into it."""
    source = into / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*LEFT_OUT))
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(into), str(source))
    (wheel,) = into.glob("gamenet-*.whl")
    say(f"built {wheel.name}")
    return wheel


def pip(python: str, *arguments: str) -> None:
    """Run pip of an interpreter, quietly."""
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, *arguments], check=True)


def install(wheel: Path, into: Path) -> Path:
    """Install the wheel, and only it, into a new environment; return its commands."""
    environment = into / "environment"
    venv.create(environment, with_pip=True)
    pip(str(environment / "bin" / "python"), "install", str(wheel))
    say("installed it alone in a new environment")
    return environment / "bin"


def outside() -> dict[str, str]:
    """Return our environment without what could lead Python back to the checkout."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}


def check_listed(commands: Path, elsewhere: Path) -> None:
    """Check that twistd knows gamenet, and that gamenet answers for itself."""
    for command in (["twistd", "--help"], ["gamenet", "--help"]):
        done = subprocess.run(
            [str(commands / command[0]), *command[1:]],
            cwd=elsewhere,
            env=outside(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not re.search(r"\bgamenet\b", done.stdout):
            message = f"{' '.join(command)}: no gamenet in\n{done.stdout}{done.stderr}"
            raise CheckError(message)
        say(f"{' '.join(command)} shows gamenet")


class Server:
    """A twistd that serves the arena, its output read by a thread."""

    def __init__(self, commands: Path, elsewhere: Path) -> None:
        """Start it on a free port of this machine."""
        arena = ["--game", "gamenet.examples.arena:Arena"]
        listen = ["--listen", "ws:0:interface=127.0.0.1"]
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [str(commands / "twistd"), "-n", "--pidfile=", "gamenet", *arena, *listen],
            cwd=elsewhere,
            env=outside(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        self.lines.extend(self.process.stdout or ())

    def url(self) -> str:
        """Wait for the address that the server logs, and return it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            found = ADDRESS.search("".join(self.lines))
            if found:
                return f"http://127.0.0.1:{found[1]}"
            time.sleep(0.1)
        raise CheckError(f"the server never said its address:\n{''.join(self.lines)}")

    def end(self) -> None:
        """End it as Ctrl-C does; it must drain and leave with status 0."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        output = "".join(self.lines)
        if status != 0:
            raise CheckError(f"Ctrl-C ended the server with status {status}:\n{output}")
        if "Traceback" in output:
            raise CheckError(f"the server logged a traceback:\n{output}")
        say("the server ended with status 0")


def fetch(url: str, body: bytes | None = None) -> str:
    """Return the text at an address; POST when there is a body."""
    headers = {"Content-Type": "application/json"} if body else {}
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        text: str = answer.read().decode("utf-8")
        return text


def check_served(url: str) -> None:
    """Check that the page, the client and the answer to a join are served."""
    page = fetch(f"{url}/")
    if "<html" not in page.lower():
        raise CheckError(f"{url}/ is no page: {page[:200]}")
    fetch(f"{url}/gamenet/gamenet.js")
    answer: dict[str, Any] = json.loads(fetch(f"{url}/connect", b"{}"))
    if [entry["transport"] for entry in answer["transports"]] != ["ws"]:
        raise CheckError(f"{url}/connect offers {answer['transports']}, not one ws")
    if "PROTOCOL_HASH" not in fetch(f"{url}{answer['codec']}"):
        raise CheckError(f"{url}{answer['codec']} is no codec")
    say(f"served the page, the client, /connect and the codec of {answer['title']}")


def check(folder: Path) -> None:
    """Do every step in a folder of its own."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    commands = install(build(folder), folder)
    check_listed(commands, elsewhere)
    server = Server(commands, elsewhere)
    try:
        check_served(server.url())
        server.end()
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def main() -> int:
    """Run the check; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="gamenet-wheel-") as folder:
        try:
            check(Path(folder))
        except (CheckError, OSError, subprocess.SubprocessError) as error:
            say(f"FAILED: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
