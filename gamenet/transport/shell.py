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

`connectionLost` is never called from inside a call that the protocol makes: closing
marks the peer, and the end of the reactor turn tells the protocol.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from twisted.logger import Logger

from gamenet.connection import (
    Closed,
    Connected,
    Connection,
    Link,
    MessageAcked,
    MessageReceived,
)
from gamenet.errors import CloseReason
from gamenet.ids import MessageId
from gamenet.transport.peers import PeerSet
from gamenet.transport.protocol import GameProtocol

__all__ = ["Carrier", "Owner", "Peer"]

_BLOCKED_PATIENCE = 0.1
"""Seconds between looks at a peer whose write buffer is full."""


class Carrier(Protocol):
    """What takes a peer's packets to the network."""

    is_blocked: bool
    """Whether the write buffer is full; nothing is sent until it has drained."""

    def send(self, packets: list[bytes]) -> None:
        """Send packets, in order; never raise for what the network does."""

    def close(self) -> None:
        """Send what is buffered, then close; `Peer.lost` is not called after this."""


class Owner(Protocol):
    """What a peer asks of its factory."""

    peers: PeerSet

    def protocolFor(self, peer: Peer) -> GameProtocol | None:
        """Return the protocol of a peer whose handshake succeeded, None to refuse."""

    def peerBegan(self, peer: Peer) -> None:
        """Note that the protocol's `connectionMade` has returned."""

    def peerEnded(self, peer: Peer, reason: CloseReason, detail: str) -> None:
        """Note that a peer is gone, whether or not it was ever accepted."""


class Peer:
    """One connection: its core, its carrier, and its protocol once it is accepted.

    Args:
        owner: the factory.
        connection: the core.
        carrier: takes packets to the network.
        transport_name: "udp", "tcp" and so on.
        host: the peer's address without a port, which limits count by.
        address: the peer's address for people.
        deadline: time by which the handshake must have succeeded; the core's own
            timeout alone if left out.
        refusal: why the peer will be turned away when its handshake has succeeded.
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
        refusal: CloseReason | None = None,
    ) -> None:
        self.connection = connection
        self.transport_name = transport_name
        self.host = host
        self.address = address
        self.refusal = refusal
        self.protocol: GameProtocol | None = None
        self.alarm = math.inf
        self.is_marked = False
        self.is_ended = False
        self._owner = owner
        self._peers = owner.peers
        self._seconds = owner.peers.seconds
        self._carrier = carrier
        self._deadline = deadline
        self._is_stream = connection.link is Link.STREAM
        self._is_touched = False
        self._is_delivering = False
        self._is_broken = False
        self._is_cut = False
        self._peers.add(self)

    # ------------------------------------------------------------- from the carrier

    def receive(self, packet: bytes) -> None:
        """Take a packet in."""
        try:
            self.connection.receive_datagram(packet, now=self._seconds())
        except Exception:  # noqa: BLE001 - an error of ours must stay with this peer
            self._crash()
            return
        if self.protocol is None:
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
        self._is_cut = True
        if not self.connection.is_closed:
            self.connection.close(reason, detail, now=self._seconds())
        self._deliver()
        self._end(reason, detail)

    def unreachable(self, detail: str) -> None:
        """Note that the network refuses our packets; the protocol learns it later."""
        self._is_cut = True
        self.close(CloseReason.UNREACHABLE, detail)

    def abort(self, reason: CloseReason, detail: str) -> None:
        """End the connection for what the carrier saw, and tell both sides."""
        self.close(reason, detail)
        self.pump()

    def blocked(self) -> None:
        """Count that the carrier's write buffer is full."""
        self._peers.tally.paused += 1

    # ------------------------------------------------------------ from the protocol

    def send(self, channel: int, payload: bytes, flush: bool) -> MessageId:
        """Queue a message; send it at once, or at the end of the turn."""
        self._peers.mark(self)
        message_id = self.connection.send(channel, payload, now=self._seconds())
        if flush:
            self._transmit()
        return message_id

    def close(self, reason: CloseReason, detail: str) -> None:
        """End the connection; the protocol learns it at the end of the turn."""
        if self.is_ended or self.connection.is_closed:
            return
        self.connection.close(reason, detail, now=self._seconds())
        self._peers.mark(self)

    # --------------------------------------------------------------- from the timers

    def next_timeout(self) -> float | None:
        """Return when the core, or the limit on handshakes, wants to be looked at."""
        timeout = self.connection.next_timeout()
        if self.protocol is None:
            timeout = (
                self._deadline if timeout is None else min(timeout, self._deadline)
            )
        if timeout is not None and self._carrier.is_blocked:
            # What is overdue cannot be sent: do not ask at every firing.
            timeout = max(timeout, self._seconds() + _BLOCKED_PATIENCE)
        return timeout

    def wake(self, *, now: float) -> None:
        """Let the core do what is due."""
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
        self.pump()

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
                self._peers.timers.schedule(self)
        except Exception:  # noqa: BLE001 - an error of ours must stay with this peer
            self._crash()

    def _transmit(self) -> None:
        if self._is_cut:
            return
        connection, carrier = self.connection, self._carrier
        if carrier.is_blocked:
            connection.drop_unreliable()
            return
        while packets := connection.datagrams_to_send(now=self._seconds()):
            carrier.send(packets)
            # A stream sets its own pace: it takes packets until its buffer is full.
            if not self._is_stream or carrier.is_blocked or not connection.has_news:
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
        elif isinstance(event, MessageAcked) and not self._is_broken:
            self._call("messageAcked", event.message_id)

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
            self.close(self.refusal or CloseReason.KICKED, "")
        else:
            self._call("makeConnection", self)
            if not self._is_broken:
                self._owner.peerBegan(self)

    def _end(self, reason: CloseReason, detail: str) -> None:
        """Let go of everything, once, and tell the protocol last."""
        if self.is_ended:
            return
        self.is_ended = True
        self._transmit()
        self._carrier.close()
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
        self.log.failure(
            "{callback} raised an exception; closing the {transport} connection "
            "to {address}",
            callback=callback,
            transport=self.transport_name,
            address=self.address,
        )
        self._peers.tally.callback_errors += 1
        self._is_broken = True
        self.close(CloseReason.INTERNAL_ERROR, "")

    def _crash(self) -> None:
        """Log an error of our own and close this connection without a word."""
        self.log.failure(
            "an error inside gamenet; closing the {transport} connection to {address}",
            transport=self.transport_name,
            address=self.address,
        )
        self._is_broken = True
        self._is_cut = True
        self._end(CloseReason.INTERNAL_ERROR, "")
