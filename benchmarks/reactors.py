# SPDX-License-Identifier: MIT
"""Answer the pipe of a role while a Twisted reactor runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from benchmarks.roles import Pipe

__all__ = ["answer"]


def answer(reactor: Any, pipe: Pipe, reply: Callable[[Any], Any]) -> None:
    """Send what `reply` makes of each message, unless it is None.

    The reactor stops when the other end closes the pipe.
    """
    reactor.addReader(_Questions(reactor, pipe, reply))


@implementer(IReadDescriptor)
class _Questions:
    def __init__(self, reactor: Any, pipe: Pipe, reply: Callable[[Any], Any]) -> None:
        self._reactor = reactor
        self._pipe = pipe
        self._reply = reply

    def fileno(self) -> int:
        """Return the number under which the reactor watches the pipe."""
        return self._pipe.fileno()

    def logPrefix(self) -> str:
        """Return a name for logs."""
        return "questions"

    def doRead(self) -> None:
        """Take one message."""
        try:
            question = self._pipe.recv()
        except EOFError:
            self._reactor.removeReader(self)
            self._reactor.stop()
            return
        said = self._reply(question)
        if said is not None:
            self._pipe.send(said)

    def connectionLost(self, reason: Any) -> None:
        """Note that the reactor has stopped."""
