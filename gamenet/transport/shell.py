# SPDX-License-Identifier: MIT
"""Drive one connection core: the only place where bytes, time and events meet.

A `Peer` stands between three parties that do not know each other:

    carrier  --receive(packet)-->  Peer  --receive_datagram(now)-->  Connection
    carrier  <--send(packets)----  Peer  <--datagrams_to_send(now)-  Connection
    GameProtocol  <--callbacks---  Peer  <--next_event()-----------  Connection

A packet of an established connection takes the short way: into the core, events out,
to the protocol. What the core wants to send in answer (acknowledgements above all) can
wait until the timers fire, so no timer is touched, no Deferred made and nothing logged
for it.

A carrier may be lost and another take its place, while connection and protocol stay.

`connectionLost` is never called from inside a call that the protocol makes: closing
marks the peer, and the end of the reactor turn tells the protocol.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any, Protocol, cast

from twisted.logger import Logger

from gamenet.connection import (
    Closed,
    Connected,
    Connection,
    Dropped,
    Link,
    MessageAcked,
    MessageLost,
    MessageReceived,
    Resumed,
    TransferProgress,
)
from gamenet.errors import CloseReason
from gamenet.ids import MessageId
from gamenet.transport.peers import PeerSet
from gamenet.transport.protocol import GameProtocol

__all__ = ["Carrier", "Owner", "Peer", "Receiver", "StreamCarrier"]

_SOON = 0.03
"""Seconds within which nothing falls due that a packet has called for, unless the
connection is hurried: acknowledgements, repetitions and resends wait for longer."""
_BLOCKED_PATIENCE = 0.1
"""Seconds between looks at a peer whose write buffer is full."""


class Carrier(Protocol):
    """What takes a peer's packets to the network."""

    is_blocked: bool
    """Whether the write buffer is full; nothing is sent until it has drained."""

    def send(self, packets: list[bytes]) -> None:
        """Send packets, in order; never raise for what the network does."""

    def close(self) -> None:
        """Send what is buffered, then close; nothing is told to the peer after this."""


class StreamCarrier(Carrier, Protocol):
    """A carrier whose packets wait in a write buffer."""

    def room(self) -> float:
        """Return how many bytes it takes until it is blocked; infinite if unknown."""


class Receiver(Protocol):
    """What a carrier tells of packets and of itself."""

    def receive_all(self, packets: list[bytes]) -> None:
        """Take in packets that came together."""

    def lost(self, reason: CloseReason, detail: str) -> None:
        """Note that the carrier is gone; nothing can be sent any more."""

    def abort(self, reason: CloseReason, detail: str) -> None:
        """End the connection for what the carrier saw, and tell both sides."""

    def blocked(self) -> None:
        """Count that the carrier's write buffer is full."""

    def pump(self) -> None:
        """Go on sending: the write buffer has drained."""


class Owner(Protocol):
    """What a peer asks of its factory."""

    peers: PeerSet

    def protocolFor(self, peer: Peer) -> GameProtocol | None:
        """Return the protocol of a peer whose handshake succeeded, None to refuse."""

    def peerBegan(self, peer: Peer) -> None:
        """Note that the protocol's `connectionMade` has returned."""

    def peerDropped(self, peer: Peer) -> None:
        """Note that the peer's link is lost, and its session waits."""

    def peerResumed(self, peer: Peer) -> None:
        """Note that the peer has a link again."""

    def rebind(self, peer: Peer) -> None:
        """Give the peer another socket, if it is a client's and of datagrams."""

    def peerEnded(self, peer: Peer, reason: CloseReason, detail: str) -> None:
        """Note that a peer is gone, whether or not it was ever accepted."""


class _Nothing:
    """The carrier of a peer without a link."""

    is_blocked = False

    def send(self, packets: list[bytes]) -> None:
        """Lose packets: a goodbye to somebody who is not there."""

    def room(self) -> float:
        """Return that nothing can be sent."""
        return 0.0

    def close(self) -> None:
        """Do nothing."""


NOTHING = _Nothing()


class Peer:
    """One connection: its core, its carrier, and its protocol once it is accepted.

    Args:
        owner: the factory, or who acts for it.
        connection: the core.
        carrier: takes packets to the network.
        transport_name: "udp", "tcp" and so on.
        host: the peer's address without a port, which limits count by.
        address: the peer's address for people.
        deadline: time by which the handshake must have succeeded; the core's own
            timeout alone if left out.
    """

    log = Logger()

    def __init__(
        self,
        owner: Owner,
        connection: Connection,
        carrier: Carrier,
        *,
        transport_name: str,
        host: str,
        address: str,
        deadline: float = math.inf,
    ) -> None:
        self.connection = connection
        self.transport_name = transport_name
        self.host = host
        self.address = address
        self.protocol: GameProtocol | None = None
        self.alarm = math.inf
        self.is_marked = False
        self.is_ended = False
        self._owner = owner
        self._peers = owner.peers
        self._seconds = owner.peers.seconds
        self._carrier: Carrier = carrier
        self._deadline = deadline
        self._is_touched = False
        self._is_delivering = False
        self._is_broken = False
        self._is_attempting = False
        self._peers.add(self)

    # ------------------------------------------------------------- from the carrier

    def receive(self, packet: bytes, path: Hashable = None) -> None:
        """Take a packet in."""
        try:
            self.connection.receive_datagram(packet, now=self._seconds(), path=path)
        except Exception:  # noqa: BLE001 - an error of ours must stay with this peer
            self._crash()
            return
        if self.protocol is None or not self.connection.is_connected:
            # A handshake is answered at once.
            self.pump()
            return
        self._deliver()
        if not self._is_touched:
            self._is_touched = True
            self._peers.timers.touch(self)

    def receive_all(self, packets: list[bytes]) -> None:
        """Take in packets that came together."""
        if not packets:
            return
        receive, now = self.connection.receive_datagram, self._seconds()
        try:
            for packet in packets[:-1]:
                receive(packet, now=now)
        except Exception:  # noqa: BLE001 - an error of ours must stay with this peer
            self._crash()
            return
        self.receive(packets[-1])

    def lost(self, reason: CloseReason, detail: str) -> None:
        """Note that the carrier is gone; nothing can be sent any more."""
        if self.is_ended:
            return
        self._lose(reason, detail)
        self._deliver()
        if self.connection.is_closed:
            self._end(reason, detail)
        else:
            self._peers.timers.schedule(self)

    def unreachable(self, detail: str) -> None:
        """Note that the network refuses our packets; the protocol learns it later.

        The kernel may say so while the protocol is sending.
        """
        if self.is_ended:
            return
        self._detach()
        self._lose(CloseReason.UNREACHABLE, detail)
        self._peers.mark(self)

    def _lose(self, reason: CloseReason, detail: str) -> None:
        self._carrier = NOTHING
        self._is_attempting = False
        connection = self.connection
        if connection.is_connected:
            connection.drop(reason, now=self._seconds())
        elif connection.state == "Dropped":
            connection.abandon()
            self._owner.peerDropped(self)
        elif not connection.is_closed:
            connection.close(reason, detail, now=self._seconds())

    def abort(self, reason: CloseReason, detail: str) -> None:
        """End the connection for what the carrier saw, and tell both sides."""
        self.close(reason, detail)
        self.pump()

    def blocked(self) -> None:
        """Count that the carrier's write buffer is full."""
        self._peers.tally.paused += 1

    # ------------------------------------------------------------- another carrier

    def attach(self, carrier: Carrier, *, transport_name: str, address: str) -> None:
        """Put another carrier in the place of the one that is lost."""
        self._detach()
        self._carrier = carrier
        self._is_attempting = not self.connection.is_connected
        self.transport_name = transport_name
        self.address = address
        if self.protocol is not None:
            self.protocol.transportName = transport_name
            self.protocol.peerAddress = address
        self.pump()

    def rebind(self) -> None:
        """Go on from another local socket."""
        if self.connection.is_connected:
            self._owner.rebind(self)

    def _detach(self) -> None:
        carrier, self._carrier = self._carrier, NOTHING
        carrier.close()

    # ------------------------------------------------------------ from the protocol

    def send(self, channel: int, payload: bytes, flush: bool) -> MessageId:
        """Queue a message; send it at once, or at the end of the turn."""
        if not self.is_marked:
            self._peers.mark(self)
        connection = self.connection
        message_id = connection.send(channel, payload, now=self._seconds())
        if flush:
            connection.flush()
            self._transmit()
        return message_id

    def budget(self) -> float:
        """Return how many bytes may be sent now with hope that they leave soon.

        A stream that is blocked takes nothing, and what is unreliable would be dropped.
        """
        if self._carrier.is_blocked:
            return 0.0
        connection = self.connection
        allowed = connection.budget(now=self._seconds())
        if allowed > 0.0 and connection.link is Link.STREAM:
            allowed = min(allowed, cast("StreamCarrier", self._carrier).room())
        return allowed

    def close(self, reason: CloseReason, detail: str) -> None:
        """End the connection; the protocol learns it at the end of the turn."""
        if self.is_ended or self.connection.is_closed:
            return
        self.connection.close(reason, detail, now=self._seconds())
        self._peers.mark(self)

    # --------------------------------------------------------------- from the timers

    def next_timeout(self) -> float | None:
        """Return when the core, or the limit on handshakes, is to be looked at."""
        due = self._due()
        if due is not None and self._carrier.is_blocked:
            # What is overdue cannot be sent: do not ask at every firing.
            due = max(due, self._seconds() + _BLOCKED_PATIENCE)
        return due

    def _due(self) -> float | None:
        due = self.connection.next_timeout()
        if self.protocol is None:
            due = self._deadline if due is None else min(due, self._deadline)
        return due

    def wake(self, *, now: float) -> None:
        """Let the core do what is due."""
        due = self._due()
        if due is not None and now < due:
            # What the alarm was set for has been done in the meantime.
            self._peers.timers.schedule(self)
            return
        if self.protocol is None and now >= self._deadline:
            self.close(CloseReason.HANDSHAKE_TIMED_OUT, "no handshake in time")
        try:
            self.connection.handle_timeout(now=now)
        except Exception:  # noqa: BLE001 - an error of ours must stay with this peer
            self._crash()
        self.pump()

    def settle(self) -> None:
        """Send what the packets received since the last firing have called for."""
        self._is_touched = False
        if self.connection.has_news or self.connection.is_closed:
            self.pump()
        else:
            self._schedule()

    def _schedule(self) -> None:
        """Set the alarm, unless it rings soon enough in any case, and is set then."""
        if (
            self.alarm > self._seconds() + _SOON
            or self.protocol is None
            or self.connection.is_hurried
        ):
            self._peers.timers.schedule(self)

    # ---------------------------------------------------------------------- the pump

    def pump(self) -> None:
        """Tell the protocol what happened, send what there is, set the alarm."""
        if self.is_ended:
            return
        try:
            self._deliver()
            self._transmit()
            if self.connection.is_closed:
                self._peers.mark(self)
            else:
                self._schedule()
            if self._is_attempting:
                self._look_at_attempt()
        except Exception:  # noqa: BLE001 - an error of ours must stay with this peer
            self._crash()

    def _look_at_attempt(self) -> None:
        """Have another attempt made if the one to resume has come to nothing."""
        connection = self.connection
        if connection.is_reconnecting:
            return
        self._is_attempting = False
        if connection.state == "Dropped":
            self._detach()
            self._owner.peerDropped(self)

    def _transmit(self) -> None:
        connection, carrier = self.connection, self._carrier
        if carrier.is_blocked:
            connection.drop_unreliable()
            return
        while packets := connection.datagrams_to_send(now=self._seconds()):
            carrier.send(packets)
            # A stream sets its own pace: it takes packets until its buffer is full.
            if (
                connection.link is not Link.STREAM
                or carrier.is_blocked
                or not connection.has_news
            ):
                return

    def _deliver(self) -> None:
        """Hand every event to the protocol; nested calls leave it to the outermost."""
        if self._is_delivering:
            return
        self._is_delivering = True
        next_event = self.connection.next_event
        protocol = self.protocol
        event = next_event()
        while event is not None:
            if protocol is not None and type(event) is MessageReceived:
                try:
                    protocol.messageReceived(event.channel, event.payload)
                except Exception:  # noqa: BLE001 - an author's code raises anything
                    self._blame("messageReceived")
                    protocol = None
            else:
                self._announce(event)
                protocol = self.protocol if not self._is_broken else None
            event = next_event()
        self._is_delivering = False

    def _announce(self, event: object) -> None:
        """Tell the protocol of anything but a message."""
        if isinstance(event, Closed):
            self._end(event.reason, event.detail)
        elif isinstance(event, Connected):
            self._begin()
        elif self._is_broken or self.protocol is None:
            return
        elif isinstance(event, MessageAcked):
            self._call("messageAcked", event.message_id)
        elif isinstance(event, MessageLost):
            self._call("messageLost", event.message_id)
        elif isinstance(event, TransferProgress):
            self._call("transferProgress", event.message_id, event.acked, event.total)
        elif isinstance(event, Dropped):
            self._peers.tally.dropped_links[event.reason.name] += 1
            self._call("connectionDropped", event.reason)
            self._owner.peerDropped(self)
        elif isinstance(event, Resumed):
            self._peers.tally.resumed += 1
            self._owner.peerResumed(self)
            self._call("connectionResumed")

    def _begin(self) -> None:
        """Build the protocol: the handshake succeeded."""
        if self.connection.is_closed:
            # Turned away in the same breath: there is nothing to tell a protocol.
            return
        try:
            self.protocol = self._owner.protocolFor(self)
        except Exception:  # noqa: BLE001 - an author's code raises anything
            self._blame("buildProtocol")
            return
        if self.protocol is None:
            self.close(CloseReason.KICKED, "")
        else:
            self._call("makeConnection", self)
            if not self._is_broken:
                self._owner.peerBegan(self)

    def _end(self, reason: CloseReason, detail: str) -> None:
        """Let go of everything, once, and tell the protocol last."""
        if self.is_ended:
            return
        self.is_ended = True
        if self._carrier is not NOTHING:
            self._transmit()
        self._detach()
        self._peers.remove(self)
        self._owner.peerEnded(self, reason, detail)
        if self.protocol is not None:
            self._call("connectionLost", reason, detail)

    def _call(self, callback: str, *arguments: Any) -> None:
        try:
            getattr(self.protocol, callback)(*arguments)
        except Exception:  # noqa: BLE001 - an author's code raises anything
            self._blame(callback)

    def _blame(self, callback: str) -> None:
        """Log the exception of a callback and close this connection alone."""
        self._report(f"{callback} raised an exception", callback=callback)
        self._peers.tally.callback_errors += 1
        self._is_broken = True
        self.close(CloseReason.INTERNAL_ERROR, "")

    def _crash(self) -> None:
        """Log an error of our own and close this connection without a word."""
        self._report("an error inside gamenet")
        self._is_broken = True
        carrier, self._carrier = self._carrier, NOTHING
        self._end(CloseReason.INTERNAL_ERROR, "")
        carrier.close()

    def _report(self, what: str, **details: Any) -> None:
        """Log the exception that is being handled, if there were not many just now."""
        more = self._peers.errors.more()
        if more is None:
            return
        self.log.failure(
            "{what}; closing the {transport} connection to {address}{more}",
            what=what,
            transport=self.transport_name,
            address=self.address,
            more=more,
            **details,
        )
