# SPDX-License-Identifier: MIT
"""Ctrl-C ends what `make demo` runs, and make calls that a success."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.requirements import require

FOREGROUND = Path(__file__).parent.parent.parent / "tools" / "foreground.py"
PROGRAM = """
import signal, sys, time
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    sys.exit("SIGINT came in ignored")
caught = []
def stop(number, frame):
    caught.append(number)
    print("stopping", len(caught), flush=True)
signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
deadline = time.monotonic() + 30
while not caught and time.monotonic() < deadline:
    time.sleep(0.02)
time.sleep(0.2)  # for a signal that comes a second time
sys.exit(int(sys.argv[1]))
"""
TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
PATIENCE = 30
CTRL_C = b"\x03"


class ForegroundTests(SynchronousTestCase):
    """A command run by tools/foreground.py."""

    def setUp(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        self.program = folder / "program.py"
        self.program.write_text(PROGRAM, encoding="utf-8")
        self.makefile = folder / "Makefile"

    def command(self, status: int) -> list[str]:
        """Return the command line whose program ends with a status."""
        python = sys.executable
        return [python, str(FOREGROUND), python, str(self.program), str(status)]

    def in_terminal(self, *command: str) -> tuple[int, bytes]:
        """Run a command in a terminal, press Ctrl-C; return its status and output."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", TERMINAL, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        with process:
            output = self.press_ctrl_c(ours)
            os.close(ours)
            return process.wait(PATIENCE), output

    def press_ctrl_c(self, terminal: int) -> bytes:
        """Press Ctrl-C when the program is ready; return all that it writes."""
        output = b""
        pressed = False
        while select.select([terminal], [], [], PATIENCE)[0]:
            try:
                output += os.read(terminal, 1000)
            except OSError:  # what Linux says when the last process has left
                break
            if b"ready" in output and not pressed:
                os.write(terminal, CTRL_C)
                pressed = True
        return output

    def make(self, status: int) -> tuple[int, bytes]:
        """Run the command from a makefile in a terminal, and press Ctrl-C."""
        recipe = " ".join(self.command(status))
        self.makefile.write_text(f"all:\n\t@{recipe}\n", encoding="utf-8")
        make = require("make", ("make",), "make")
        return self.in_terminal(make, "-f", str(self.makefile))

    def test_ctrl_c_under_make(self) -> None:
        """Ctrl-C reaches the program once; make ends with 0 and has no complaint."""
        status, output = self.make(0)
        self.assertEqual(status, 0, output)
        self.assertIn(b"stopping 1", output)
        self.assertNotIn(b"stopping 2", output)
        self.assertNotIn(b"***", output)

    def test_failure_under_make(self) -> None:
        """A program that fails is a failure of make."""
        status, output = self.make(3)
        self.assertEqual(status, 2, output)
        self.assertIn(b"Error 3", output)

    def test_without_terminal(self) -> None:
        """Signals are passed on, once, also where SIGINT came in ignored."""
        for ignored in (False, True):
            for number in (signal.SIGINT, signal.SIGTERM):
                status, output = self.signalled(number, ignored=ignored)
                self.assertEqual((status, output), (0, "stopping 1\n"))

    def signalled(self, number: int, *, ignored: bool) -> tuple[int, str]:
        """Run without a terminal, send a signal; return status and what followed."""
        before = signal.getsignal(signal.SIGINT)
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process = subprocess.Popen(
                self.command(0),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        finally:
            signal.signal(signal.SIGINT, before)
        with process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            os.killpg(process.pid, number)
            output = process.stdout.read()
            return process.wait(PATIENCE), output

    def test_killed(self) -> None:
        """A program that a signal ended gives the status that a shell would give."""
        self.program.write_text(
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", encoding="utf-8"
        )
        done = subprocess.run(self.command(0), check=False)
        self.assertEqual(done.returncode, 128 + signal.SIGKILL)
