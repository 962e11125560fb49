# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.process and gamenet.service.tap."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.application.service import Application, Service
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, ListenError
from gamenet.service.config import ServerConfig
from gamenet.service.process import ServerProcess, check_reactor, json_line

ROOT = Path(__file__).parent.parent.parent
IMPORTED = """
import sys
import gamenet.service, gamenet.service.compose, gamenet.service.command
print("twisted.internet.reactor" in sys.modules)
import gamenet.service.tap
print(type(sys.modules["twisted.internet.reactor"]).__name__)
"""


class FailingService(Service):
    """A service that cannot start."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def privilegedStartService(self) -> None:
        raise self.error


class StoppableReactor(MemoryReactorClock):
    """A reactor that notes that it was told to stop."""

    stopped = 0

    def callFromThread(self, function: Any) -> None:
        function()

    def stop(self) -> None:
        self.stopped += 1


class ServerProcessTests(SynchronousTestCase):
    """The process beneath twistd."""

    def setUp(self) -> None:
        self.reactor = StoppableReactor()
        self.err = io.StringIO()
        self.patch(sys, "__stderr__", self.err)

    def process(self, server: Service, **twistd: Any) -> ServerProcess:
        """Return a process with a server in it."""
        return ServerProcess(server, self.reactor, ServerConfig(), twistd)

    def test_port_in_use(self) -> None:
        """A port that cannot be opened is one line and exit status 1."""
        for error in (ListenError("port 1 is taken"), ConfigError("no certificate")):
            process = self.process(FailingService(error), nodaemon=True)
            ended = self.assertRaises(SystemExit, process.privilegedStartService)
            self.assertEqual(ended.code, 1)
            self.assertEqual(self.err.getvalue(), f"twistd gamenet: {error}\n")
            self.err.truncate(self.err.seek(0))

    def test_pid_file(self) -> None:
        """The pid file that twistd would leave behind is removed."""
        pidfile = Path(self.mktemp())
        pidfile.write_text("1")
        process = self.process(
            FailingService(ListenError("x")), nodaemon=True, pidfile=str(pidfile)
        )
        self.assertRaises(SystemExit, process.privilegedStartService)
        self.assertFalse(pidfile.exists())

    def test_daemon(self) -> None:
        """A daemon, which has no terminal, says it in its log."""
        process = self.process(FailingService(ListenError("port 1 is taken")))
        self.assertRaises(SystemExit, process.privilegedStartService)
        self.assertEqual(self.err.getvalue(), "")

    def test_other_errors(self) -> None:
        """An error that is none of the user's stays one."""
        process = self.process(FailingService(ZeroDivisionError()), nodaemon=True)
        self.assertRaises(ZeroDivisionError, process.privilegedStartService)

    def started(self, *, is_running: bool = True, **twistd: Any) -> None:
        """Start a process that takes signals, until the test is over."""
        self.reactor = StoppableReactor()
        for number in (signal.SIGINT, signal.SIGTERM):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        self.process(Service(), **twistd).startService()
        if not is_running:
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)  # as if the reactor took them
        for function, arguments, _ in self.reactor.whenRunningHooks:
            function(*arguments)

    def test_signals(self) -> None:
        """SIGINT and SIGTERM stop the reactor, without an exit by signal."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self.started()
            signal.raise_signal(number)
            self.assertEqual(self.reactor.stopped, 1)

    def test_early_signal(self) -> None:
        """One that comes while services start is as good."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self.started(is_running=False)
            signal.raise_signal(number)
            self.assertEqual(self.reactor.stopped, 1)

    def test_second_signal(self) -> None:
        """A second signal ends the process at once, in one line, with status 1."""
        statuses: list[int] = []
        self.patch(os, "_exit", statuses.append)
        pidfile = Path(self.mktemp())
        for first, second in ((signal.SIGINT, signal.SIGTERM), (signal.SIGTERM,) * 2):
            pidfile.write_text("1")
            self.started(nodaemon=True, pidfile=str(pidfile))
            signal.raise_signal(first)
            self.assertEqual((statuses, self.err.getvalue()), ([], ""))
            signal.raise_signal(second)
            self.assertEqual(statuses, [1])
            self.assertEqual(
                self.err.getvalue(),
                "twistd gamenet: SIGTERM again: ended at once, the players were not "
                "all told\n",
            )
            self.assertFalse(pidfile.exists())
            statuses.clear()
            self.err.truncate(self.err.seek(0))

    def test_json(self) -> None:
        """With the configuration for it, the application logs in JSON."""
        for log_format, is_json in (("text", False), ("json", True)):
            application: Any = Application("gamenet")
            config = ServerConfig(log_format=log_format)
            twistd = {"nodaemon": True}
            process = ServerProcess(Service(), self.reactor, config, twistd)
            process.setServiceParent(application)
            observer = application.getComponent(ILogObserver, None)
            self.assertEqual(observer is not None, is_json)


class JsonLineTests(SynchronousTestCase):
    """A line of the log for machines."""

    def line(self, form: str, **values: Any) -> dict[str, Any]:
        """Return what is logged for an event."""
        events: list[Any] = []
        Logger(namespace="here", observer=events.append).emit(
            LogLevel.warn, form, **values
        )
        line = json_line(events[0])
        self.assertEqual(line.count("\n"), 1)
        record: dict[str, Any] = json.loads(line)
        return record

    def test_event(self) -> None:
        """Time, level, namespace, text and plain values are there."""
        record = self.line("{n} of\n{thing}", n=3, thing=object)
        self.assertEqual((record["level"], record["namespace"]), ("warn", "here"))
        self.assertTrue(record["text"].startswith("3 of\n"))
        self.assertEqual(record["n"], 3)
        self.assertNotIn("thing", record)
        self.assertRegex(record["time"], r"^\d{4}-\d\d-\d\dT.*\+00:00$")

    def test_failure(self) -> None:
        """A failure comes with its traceback."""
        failure = Failure(ValueError("why"))
        record = self.line("broken", log_failure=failure)
        self.assertIn("why", record["traceback"])

    def test_no_override(self) -> None:
        """A value of an event cannot pass for the line's own."""
        self.assertEqual(self.line("x", text="fake")["text"], "x")


class ReactorTests(SynchronousTestCase):
    """The reactor is the asyncio one."""

    def test_another(self) -> None:
        """On another reactor the process ends, and says what to do."""
        ended = self.assertRaises(SystemExit, check_reactor, MemoryReactorClock())
        self.assertIn("MemoryReactorClock is installed already", str(ended.code))
        self.assertIn("--reactor", str(ended.code))

    def test_installed_by_tap(self) -> None:
        """Importing the service asks for no reactor; importing its tap installs one."""
        done = subprocess.run(
            [sys.executable, "-c", IMPORTED],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.split(), ["False", "AsyncioSelectorReactor"])
