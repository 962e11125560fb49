# SPDX-License-Identifier: MIT
"""Record what a server sends, without the game ever waiting for a disk.

Records are handed to a thread of their own, which writes them once a second. What it
cannot write in time is left out, and counted; a disk that is full ends the recording,
and not the game.

What is in the file says `gamenet.game.recording`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from twisted.logger import Logger

from gamenet.errors import ConfigError
from gamenet.game.protocol import Protocol
from gamenet.game.recording import (
    Arrival,
    Packet,
    arrival_record,
    head_of,
    missing_record,
    packet_record,
)

__all__ = ["Recorder"]

INTERVAL = 1.0
"""Seconds between two times that the file is written."""
MOST_WAITING = 8 << 20
"""Bytes of records that wait to be written; what is beyond is left out."""
PATIENCE = 5.0
"""Seconds that a server which stops waits for the disk."""


def _new_file(path: str) -> BinaryIO:
    return Path(path).open("xb")


class Recorder:
    """Write packets to a new file.

    Args:
        path: of the file, which must not be there.
        protocol: what the game speaks.
        capacity: rows of the world.
        tick_rate: ticks a second.
        seconds: monotonic time.
        opener: opens the file for writing.

    Raises:
        ConfigError: the file cannot be made.
    """

    log = Logger()

    def __init__(
        self,
        path: str | Path,
        protocol: Protocol,
        capacity: int,
        tick_rate: float,
        seconds: Callable[[], float] = time.monotonic,
        opener: Callable[[str], BinaryIO] = _new_file,
    ) -> None:
        self.path = str(path)
        self.n_packets = 0
        """Packets that were handed over to be written."""
        self.n_missing = 0
        """Packets left out because the disk could not keep up."""
        self.failure = ""
        """Why the recording ended before it was stopped; empty if it did not."""
        self._seconds = seconds
        self._began = seconds()
        self._n_unsaid = 0
        self._waiting: list[bytes] = []
        self._n_waiting = 0
        self._is_told = False
        self._is_stopping = False
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        try:
            self._file = opener(self.path)
            self._file.write(head_of(protocol, capacity, tick_rate, time.time()))
            self._file.flush()
        except OSError as error:
            raise ConfigError(_unusable(self.path, error)) from error

    @property
    def is_open(self) -> bool:
        """Return whether packets are still taken."""
        return not (self._is_stopping or self.failure)

    def sent(self, packet: Packet) -> None:
        """Record a packet; costs the tick a copy of its bytes."""
        if self.is_open:
            self._take(packet_record(packet, self._seconds() - self._began))
        else:
            self._report()

    def heard(self, arrival: Arrival) -> None:
        """Record a packet of inputs as it arrived; costs a copy of its bytes."""
        if self.is_open:
            self._take(arrival_record(arrival, self._seconds() - self._began))
        else:
            self._report()

    def _take(self, record: bytes) -> None:
        """Hand a record over, or count it as missing."""
        self._start()
        if self._n_waiting + len(record) > MOST_WAITING:
            self.n_missing += 1
            self._n_unsaid += 1
            return
        if self._n_unsaid:
            self._hand_over(missing_record(self._n_unsaid))
            self._n_unsaid = 0
        self._hand_over(record)
        self.n_packets += 1

    def _start(self) -> None:
        """Start the thread, when there is something to write.

        No sooner: twistd may still become another process, and threads stay behind.
        """
        if self._thread is None:
            name = "gamenet recording"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def _hand_over(self, record: bytes) -> None:
        with self._lock:
            self._waiting.append(record)
            self._n_waiting += len(record)

    def stop(self) -> None:
        """Write what waits, and close the file."""
        if self._is_stopping:
            return
        if self._n_unsaid and not self.failure:
            self._hand_over(missing_record(self._n_unsaid))
        self._is_stopping = True
        self._wake.set()
        self._start()
        if self._thread is not None:
            self._thread.join(PATIENCE)
        self._report()

    def _report(self) -> None:
        """Say once that the recording has failed."""
        if self.failure and not self._is_told:
            self._is_told = True
            text = "the recording {path} ends here: {why}; the game goes on without it"
            self.log.error(text, path=self.path, why=self.failure)

    def _run(self) -> None:
        """Write once in a while; runs in the thread."""
        try:
            with self._file:
                is_last = False
                while not is_last:
                    is_last = self._wake.wait(INTERVAL)
                    self._write()
        except OSError as error:
            self.failure = error.strerror or str(error)
            with self._lock:
                self._waiting.clear()

    def _write(self) -> None:
        with self._lock:
            records, self._waiting = self._waiting, []
            self._n_waiting = 0
        if records:
            self._file.write(b"".join(records))
            self._file.flush()


def _unusable(path: str, error: OSError) -> str:
    if isinstance(error, FileExistsError):
        return (
            f"record = {path!r}: the file is there already, and a recording is never "
            "written over; name another one, or move it away"
        )
    return f"record = {path!r}: the file cannot be written: {error.strerror or error}"
