# SPDX-License-Identifier: MIT
"""Run a command so that Ctrl-C reaches it, and nobody else.

    python tools/foreground.py COMMAND [ARGUMENT...]

A terminal sends Ctrl-C to every process of its foreground group: to the server that
`make demo` started, and to make as well, which then fails whatever the server does. So
the command gets a process group of its own and, where there is a terminal, the terminal
with it. Signals sent to this process are passed on, once. Exit status: the command's;
128 + n if signal n ended it, as in a shell.

SIGINT is made to work even where it came in ignored (a background job of a script).
Ctrl-Z is off: make could not be stopped along with the command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def terminal() -> int | None:
    """Return standard input if it is a terminal whose foreground is ours."""
    try:
        return 0 if os.tcgetpgrp(0) == os.getpgrp() else None
    except OSError:
        return None


def run(command: Sequence[str]) -> int:
    """Run the command in the foreground and return its exit status."""
    pending: list[int] = []
    for number in PASSED_ON:
        # A handler, not a default: it is reset when the command is executed.
        signal.signal(number, lambda caught, _: pending.append(caught))
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    child = subprocess.Popen(command, process_group=0)
    for number in PASSED_ON:
        signal.signal(number, lambda caught, _: child.send_signal(caught))
    for caught in pending:
        child.send_signal(caught)
    tty = terminal()
    if tty is not None:
        os.tcsetpgrp(tty, child.pid)
    try:
        status = child.wait()
    finally:
        if tty is not None:
            # We are in the background now, where touching the terminal would stop us.
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(tty, os.getpgrp())
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
