# SPDX-License-Identifier: MIT
"""Hold a stream until its first frame has shown a token.

A stream that says nothing, or nothing good, is closed in time. One with a good token
becomes a peer, or the new carrier of a peer whose session it resumes; one that may not
come in is told why.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gamenet.connection import Admitted, Link, Refused, StreamServerHandshake
from gamenet.errors import CloseReason
from gamenet.transport.addresses import show_address

if TYPE_CHECKING:
    from gamenet.transport.listener import Listener
    from gamenet.transport.shell import Peer

__all__ = ["Arrival"]


class Arrival:
    """A stream whose first frame is awaited.

    Args:
        listener: lets it in.
        carrier: of the stream.
        host: where it comes from, and its port.
        port: of the other end.
        deadline: time by which the first frame must have come.
        is_visitor: whether there is no place for a new player.
    """

    def __init__(
        self,
        listener: Listener,
        carrier: Any,
        host: str,
        port: int,
        deadline: float,
        *,
        is_visitor: bool,
    ) -> None:
        self.host = host
        self.port = port
        self.alarm = math.inf
        self.is_visitor = is_visitor
        self._listener = listener
        self._carrier = carrier
        self._deadline = deadline
        self._handshake = StreamServerHandshake(listener.factory.door)
        self._is_over = False
        listener.peers.expect(self)

    # ------------------------------------------------------------ from the carrier

    def receive_all(self, packets: list[bytes]) -> None:
        """Decide by the first packet, and hand the others on."""
        if self._is_over or not packets:
            return
        peer = self._decide(packets[0])
        if peer is not None and len(packets) > 1:
            peer.receive_all(packets[1:])

    def lost(self, reason: CloseReason, detail: str) -> None:
        """Note that the stream is gone."""
        self._end(reason)

    def abort(self, reason: CloseReason, detail: str) -> None:
        """Turn the stream away for what the carrier saw."""
        if not self._is_over:
            self._turn_away(Refused(reason, detail))

    def blocked(self) -> None:
        """Count that the write buffer is full."""
        self._listener.peers.tally.paused += 1

    def pump(self) -> None:
        """Do nothing: what is said to an arrival is short."""

    # ------------------------------------------------------------- from the timers

    def next_timeout(self) -> float | None:
        """Return when the first frame must have come."""
        return None if self._is_over else self._deadline

    def wake(self, *, now: float) -> None:
        """Close the stream if it has said nothing in time."""
        if self._is_over:
            return
        if now >= self._deadline:
            refused = Refused(CloseReason.HANDSHAKE_TIMED_OUT, "no token in time")
            self._turn_away(refused)
        else:
            self._listener.peers.timers.schedule(self)

    def settle(self) -> None:
        """Do nothing: an arrival is never touched."""

    # ----------------------------------------------------------------- the decision

    def close(self, reason: CloseReason, detail: str) -> None:
        """Turn the stream away: the listener closes."""
        self.abort(reason, detail)

    def _decide(self, frame: bytes) -> Peer | None:
        now = self._listener.peers.seconds()
        source = show_address(self.host, self.port)
        outcome = self._handshake.receive(frame, source, now=now)
        if isinstance(outcome, Refused):
            self._turn_away(outcome)
            return None
        assert isinstance(outcome, Admitted)
        refused = self._reason_against(outcome) or self._accept()
        if refused is not None:
            self._turn_away(refused)
            return None
        self._carrier.send(self._handshake.packets_due(now=now))
        return self._become_peer(outcome, now)

    def _reason_against(self, admitted: Admitted) -> Refused | None:
        pass_ = admitted.pass_
        assert pass_ is not None
        listener = self._listener
        if pass_.session:
            reason = listener.reason_against_resuming(pass_)
        elif self.is_visitor:
            reason = listener.reason_against(self.host, pass_)
        else:
            reason = listener.reason_against_client(pass_)
        return None if reason is None else Refused(reason, "")

    def _accept(self) -> Refused | None:
        refused = self._handshake.accept(self._listener.factory.slots.preview())
        if refused is not None:
            self._handshake.packets_due(now=0.0)
        return refused

    def _become_peer(self, admitted: Admitted, now: float) -> Peer | None:
        listener, carrier = self._listener, self._carrier
        assert admitted.pass_ is not None
        self._end(None)
        if admitted.pass_.session:
            address = self.host, self.port
            peer = listener.resume(admitted, carrier, address, Link.STREAM, None, now)
        else:
            connection = listener.factory.newConnection(admitted, Link.STREAM, now)
            peer = listener.let_in(connection, carrier, self.host, self.port)
        carrier.receiver = peer
        if peer is not None:
            peer.pump()
        return peer

    def _turn_away(self, refused: Refused) -> None:
        """Tell the client why it may not come in, and close."""
        self._handshake.packets_due(now=0.0)
        self._handshake.refuse(refused)
        self._carrier.send(self._handshake.packets_due(now=0.0))
        self._end(refused.reason)
        self._carrier.close()

    def _end(self, reason: CloseReason | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._listener.peers.dismiss(self)
        self._listener.arrived(self, reason)
