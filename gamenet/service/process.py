# SPDX-License-Identifier: MIT
"""The server as a process of twistd: its reactor, its signals, its exit status.

twistd answers an error at start with a traceback and a signal with the exit status of a
killed process. A server whose port is taken should say so in one line, and one that was
asked to stop and did stop has succeeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from twisted.application.service import IService, MultiService
from twisted.internet import asyncioreactor
from twisted.logger import FileLogObserver, ILogObserver, LogEvent, Logger, formatEvent
from twisted.python.components import Componentized
from twisted.python.logfile import LogFile

from gamenet.errors import ConfigError, ListenError
from gamenet.service.config import ServerConfig

__all__ = ["ServerProcess", "check_reactor", "install_reactor", "json_line"]

_REACTOR = "twisted.internet.reactor"
_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")


def install_reactor() -> None:
    """Install the asyncio reactor, unless a reactor is installed already."""
    if _REACTOR in sys.modules:
        return
    if sys.platform == "win32":
        # The default loop there cannot do what a Twisted reactor needs.
        loop = asyncio.SelectorEventLoop()
        asyncio.set_event_loop(loop)
        asyncioreactor.install(loop)
    else:
        asyncioreactor.install()


def check_reactor(reactor: object) -> None:
    """End the process in one line if it runs on another reactor.

    The parts that stand on asyncio would be dead in silence there.
    """
    if not isinstance(reactor, asyncioreactor.AsyncioSelectorReactor):
        sys.exit(
            f"twistd gamenet: needs the asyncio reactor, but {type(reactor).__name__} "
            "is installed already; leave out twistd's --reactor, or give it asyncio"
        )


def json_line(event: LogEvent) -> str:
    """Return an event of the log as one line of JSON."""
    record: dict[str, Any] = {
        "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(),
        "level": event["log_level"].name,
        "namespace": event["log_namespace"],
        "text": formatEvent(event),
    }
    failure = event.get("log_failure")
    if failure is not None:
        record["traceback"] = failure.getTraceback()
    for name, value in event.items():
        if not name.startswith("log_") and isinstance(value, (str, int, float, bool)):
            record.setdefault(name, value)
    return json.dumps(record, default=str) + "\n"


class ServerProcess(MultiService):
    """The topmost service: a whole server beneath twistd.

    Args:
        server: the composed server.
        reactor: the reactor, stopped by a signal.
        config: the configuration.
        twistd: twistd's own options.
    """

    def __init__(
        self,
        server: IService,
        reactor: Any,
        config: ServerConfig,
        twistd: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self._reactor = reactor
        self._config = config
        self._twistd = twistd
        self._is_stopping = False
        self._log = Logger(namespace="gamenet.service")
        server.setServiceParent(self)

    def setServiceParent(self, parent: Any) -> None:
        """Join the application, whose log is ours to format."""
        is_ours = isinstance(parent, Componentized) and not self._twistd.get("syslog")
        if self._config.log_format == "json" and is_ours:
            parent.setComponent(ILogObserver, self._json_observer())
        super().setServiceParent(parent)

    def _json_observer(self) -> ILogObserver:
        name = self._twistd.get("logfile")
        if not name and not self._twistd.get("nodaemon"):
            name = "twistd.log"  # twistd's own default
        file = LogFile.fromFullPath(name) if name and name != "-" else sys.stdout
        return FileLogObserver(file, json_line)

    def privilegedStartService(self) -> None:
        """Open the ports; one that cannot be opened ends the process in one line."""
        try:
            super().privilegedStartService()
        except (ListenError, ConfigError) as error:
            self._fail(str(error))

    def startService(self) -> None:
        """Start serving, and stop with success when a signal asks for it."""
        # From here on the log invites to send one. The reactor takes them when it runs.
        self._take_signals()
        self._reactor.callWhenRunning(self._take_signals)
        try:
            super().startService()
        except (ListenError, ConfigError) as error:
            self._fail(str(error))

    def _fail(self, text: str) -> NoReturn:
        self._remove_pidfile()
        self._say(text)
        raise SystemExit(1)

    def _remove_pidfile(self) -> None:
        # twistd removes its pid file only after errors that it shows as tracebacks.
        pidfile = self._twistd.get("pidfile")
        if pidfile:
            with contextlib.suppress(OSError):
                Path(pidfile).unlink()

    def _say(self, text: str) -> None:
        if self._twistd.get("nodaemon"):
            # By now twistd has put its log in the place of sys.stderr.
            print(f"twistd gamenet: {text}", file=sys.__stderr__, flush=True)
        else:
            self._log.critical("{text}", text=text)

    def _take_signals(self) -> None:
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None:
                signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        # With the reactor's own handler, twistd would end as if killed by the signal.
        if self._is_stopping:
            self._abort(signal.Signals(number).name)
        self._is_stopping = True
        self._log.info("{signal}: stopping", signal=signal.Signals(number).name)
        self._reactor.callFromThread(self._reactor.stop)

    def _abort(self, name: str) -> NoReturn:
        """End now: whoever asks twice waits for something that does not come to an end.

        A hook of the game may hold the process, and swallow any exception, too.
        """
        self._remove_pidfile()
        # The signal may have come amidst a write to the same stream.
        with contextlib.suppress(RuntimeError, OSError):
            self._say(f"{name} again: ended at once, the players were not all told")
        os._exit(1)
