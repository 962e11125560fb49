# SPDX-License-Identifier: MIT
"""Run twistd and the command `gamenet` in processes of their own, as a user does."""

from __future__ import annotations

import atexit
import json
import os
import re
import signal
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 30
TWISTD = "import sys; from twisted.scripts.twistd import run; sys.exit(run())"
GAMENET = "import sys; from gamenet.service.command import main; sys.exit(main())"
FIELD = "tests.service.games:Field"
LISTENING = re.compile(r"(\w+) listening on (\S+?):(\d+)")


def start(
    program: str, *words: str, cwd: Path = ROOT, **variables: str
) -> subprocess.Popen[str]:
    """Start a program with a command line and further variables."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    program: str, *words: str, cwd: Path = ROOT, **variables: str
) -> tuple[int, str, str]:
    """Run a program to its end; return its exit status, output and errors."""
    with start(program, *words, cwd=cwd, **variables) as process:
        out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


@cache
def shared_server(*options: str, **variables: str) -> RunningServer:
    """Return a server that several tests may ask, which runs to the end of the tests.

    Trial knows no set-up of a class, so the first test that needs a server starts it.
    """
    server = RunningServer(*options, **variables)
    atexit.register(server.stop)
    return server


def gamenet(*words: str, **variables: str) -> tuple[int, str, str]:
    """Run the command `gamenet`."""
    return run(GAMENET, *words, **variables)


class RunningServer:
    """A server beneath twistd, on this machine's loopback, on free ports.

    Args:
        transports: what it listens on.
        options: further options of `twistd gamenet`.
        game: what it serves.
        variables: of its environment.
    """

    def __init__(
        self,
        *options: str,
        transports: tuple[str, ...] = ("udp", "tcp", "ws"),
        game: str = FIELD,
        **variables: str,
    ) -> None:
        words = ["-n", "--pidfile=", "gamenet", "--game", game, *options]
        for transport in transports:
            words += ["--listen", f"{transport}:0:interface=127.0.0.1"]
        self.process = start(TWISTD, *words, **variables)
        self.lines: list[str] = []
        self.ports: dict[str, int] = {}
        self._queue: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()
        while len(self.ports) < len(transports):
            found = LISTENING.search(self.next_line())
            if found:
                self.ports[found[1]] = int(found[3])

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._queue.put(line)

    def next_line(self) -> str:
        """Return the next line of the log, without its end."""
        try:
            line = self._queue.get(timeout=PATIENCE).rstrip("\n")
        except Empty:
            self.process.kill()
            log = "\n".join(self.lines) + self.process.communicate()[1]
            raise AssertionError(f"no further line after: {log}") from None
        self.lines.append(line)
        return line

    def wait_for(self, text: str) -> str:
        """Return the first line of the log from here on that holds a text."""
        while text not in (line := self.next_line()):
            continue
        return line

    @property
    def url(self) -> str:
        """Return the web address."""
        return f"http://127.0.0.1:{self.ports['ws']}"

    def ask(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, Any, bytes]:
        """Return status, headers and body of an answer over HTTP."""
        try:
            asked = Request(self.url + path, method=method, headers=headers)
            with urlopen(asked) as answer:
                return answer.status, answer.headers, answer.read()
        except HTTPError as answer:
            with answer:
                return answer.code, answer.headers, answer.read()

    def json(self, path: str, method: str = "GET") -> Any:
        """Return the value of an answer in JSON."""
        return json.loads(self.ask(path, method)[2])

    def stop(self, number: int | None = signal.SIGINT) -> int:
        """Stop it by a signal, if it was not told to; return its exit status."""
        if number is not None and self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return status
