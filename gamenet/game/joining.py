# SPDX-License-Identifier: MIT
"""The way into a match: one Deferred, which the welcome fires and much can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gamenet.errors import CloseReason, ConnectError
from gamenet.game.protocol import Protocol
from gamenet.transport import GameProtocol

__all__ = ["Joining"]

AnyClient = TypeVar("AnyClient")


class Joining(Generic[AnyClient]):
    """Wait until a client has joined.

    Args:
        client: what the Deferred gives.
        reactor: gives delayed calls.
        give_up: called when the Deferred is cancelled.
    """

    def __init__(
        self, client: AnyClient, reactor: Any, give_up: Callable[[], None]
    ) -> None:
        self._client = client
        self._reactor = reactor
        self._give_up = give_up
        self._timeout: Any = None
        self.deferred: Deferred[AnyClient] = Deferred(self._cancelled)
        """Fires with the client once it has joined."""

    def await_welcome(self, seconds: float, link: GameProtocol) -> None:
        """Close a link on which no welcome comes in time."""
        self._timeout = self._reactor.callLater(seconds, self._no_welcome, link)

    def succeed(self) -> None:
        """Note that the welcome has come."""
        self._stop_waiting()
        if not self.deferred.called:
            self.deferred.callback(self._client)

    def fail(self, failure: Failure, protocol: Protocol | None) -> None:
        """Note that there is no connection.

        Args:
            failure: why.
            protocol: what we speak, to say in what the server's differs.
        """
        if self.deferred.called:
            return
        error = failure.value
        if (
            isinstance(error, ConnectError)
            and error.reason is CloseReason.PROTOCOL_MISMATCH
        ):
            failure = Failure(_mismatch(error, protocol))
        self.deferred.errback(failure)

    def end(self, reason: CloseReason, detail: str) -> bool:
        """Note that the connection has ended; return whether we were still joining."""
        self._stop_waiting()
        if self.deferred.called:
            return False
        msg = f"the connection ended before the match was joined: {reason.advice}"
        self.deferred.errback(ConnectError(msg, reason, detail))
        return True

    def _no_welcome(self, link: GameProtocol) -> None:
        self._timeout = None
        link.loseConnection(CloseReason.HANDSHAKE_TIMED_OUT, "no welcome")

    def _cancelled(self, _deferred: Deferred[AnyClient]) -> None:
        self._stop_waiting()
        self._give_up()

    def _stop_waiting(self) -> None:
        timeout, self._timeout = self._timeout, None
        if timeout is not None and timeout.active():
            timeout.cancel()


def _mismatch(error: ConnectError, protocol: Protocol | None) -> ConnectError:
    differences = "" if protocol is None else protocol.differences(error.detail)
    msg = f"{error.reason.advice} What differs: {differences or error.detail}"
    return ConnectError(msg, error.reason, error.detail)
