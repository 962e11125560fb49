# SPDX-License-Identifier: MIT
"""Carry packets in a stream: TCP, or TLS which is the same stream encrypted.

A packet is preceded by its length (see `framing`). A stream has no end to its patience:
what a slow reader does not take piles up in the write buffer. So the carrier registers
as a producer with the transport, learns when its buffer is full, and stops taking
packets from the core until it has drained. What waits then waits in the core, which is
bounded and throws stale unreliable messages away first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from gamenet.errors import CloseReason, RemoteProtocolError
from gamenet.transport.framing import FrameBuffer, frame
from gamenet.transport.shell import Receiver

__all__ = ["CLOSE_GRACE", "StreamProtocol", "TurnedAway", "explain_loss", "room_in"]

CLOSE_GRACE = 1.0
"""Seconds that a closing stream gets to send what is buffered, before it is cut."""


@implementer(IPushProducer)
class StreamProtocol(Protocol):
    """Carry the packets of one connection over one TCP or TLS connection.

    Args:
        reactor: gives delayed calls.
        max_frame: bytes of the largest packet.
        make_peer: makes the peer when the stream is open.
        on_closed: called when the stream is closed.
    """

    is_blocked = False

    def __init__(
        self,
        reactor: Any,
        max_frame: int,
        make_peer: Callable[[StreamProtocol], Receiver],
        on_closed: Callable[[StreamProtocol], None],
    ) -> None:
        self._reactor = reactor
        self._frames = FrameBuffer(max_frame)
        self._make_peer = make_peer
        self._on_closed = on_closed
        self.receiver: Receiver | None = None
        """What is told of packets; it may put another in its place."""
        self._is_closing = False
        self._cut: Any = None

    def connectionMade(self) -> None:
        """Begin: the stream is open, though TLS may still be shaking hands."""
        self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        self.receiver = self._make_peer(self)

    def dataReceived(self, data: bytes) -> None:
        """Take bytes in; close on a packet that is too large."""
        peer = self.receiver
        if peer is None or self._is_closing:
            return
        try:
            packets = self._frames.feed(data)
        except RemoteProtocolError as error:
            peer.abort(error.reason, str(error))
            return
        peer.receive_all(packets)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note that the stream is gone."""
        self._is_closing = True
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None
        peer, self.receiver = self.receiver, None
        if peer is not None:
            peer.lost(CloseReason.LINK_LOST, explain_loss(reason))
        self._on_closed(self)

    def send(self, packets: list[bytes]) -> None:
        """Send packets in one write."""
        self.transport.write(frame(packets))

    def room(self) -> float:
        """Return how many bytes it takes until it is blocked; infinite if unknown."""
        return room_in(self.transport)

    def close(self) -> None:
        """Send what is buffered, then close; cut the stream if that takes too long."""
        if self._is_closing:
            return
        self._is_closing = True
        self.receiver = None
        self.transport.unregisterProducer()
        self._cut = self._reactor.callLater(CLOSE_GRACE, self.cut)
        self.transport.loseConnection()

    def cut(self) -> None:
        """Close the stream at once, whatever is buffered."""
        if self._cut is not None and self._cut.active():
            self._cut.cancel()
        self._cut = None
        self.transport.abortConnection()

    def pauseProducing(self) -> None:
        """Note that the write buffer is full."""
        self.is_blocked = True
        if self.receiver is not None:
            self.receiver.blocked()

    def resumeProducing(self) -> None:
        """Note that the write buffer has drained."""
        self.is_blocked = False
        if self.receiver is not None:
            self.receiver.pump()

    def stopProducing(self) -> None:
        """Stop; `connectionLost` says the rest."""
        self.is_blocked = True


def room_in(transport: Any) -> float:
    """Return how many bytes a transport takes until its write buffer is full.

    It is counted as Twisted counts when it looks whether to pause us: a buffer that
    has left in part counts whole until more of it leaves. TLS passes the question on to
    the stream beneath; what it gathers within a turn is not counted. A transport that
    has another kind of buffer takes any number of bytes.
    """
    try:
        waiting = len(transport.dataBuffer) + transport._tempDataLen  # noqa: SLF001 - nothing public tells
        size: int = transport.bufferSize
    except AttributeError:
        return math.inf
    return float(max(0, size - waiting))


def explain_loss(failure: Failure) -> str:
    """Return in words why a stream was lost, above all if it was for TLS."""
    error = failure.value
    if isinstance(error, VerificationError):
        return "the server's certificate is not for this host"
    if isinstance(error, SSL.Error):
        problems = error.args[0] if error.args else ()
        return f"TLS failed: {', '.join(each[-1] for each in problems) or 'no reason'}"
    return failure.getErrorMessage()


class TurnedAway(Protocol):
    """Close a connection for which there is no place."""

    def connectionMade(self) -> None:
        """Close at once: an answer would cost what the limit is there to save."""
        self.transport.abortConnection()
