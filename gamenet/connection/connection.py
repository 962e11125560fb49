# SPDX-License-Identifier: MIT
"""One connection, without I/O: bytes in, bytes out, time passed in.

Whoever drives it does four things: hand in what came (`receive_datagram`), take what
is to go out (`datagrams_to_send`), call `handle_timeout` at `next_timeout`, and drain
`next_event`. Nothing that a peer sends raises here: on a datagram link a bad packet is
counted and dropped; on a stream link, where the peer itself must have sent it, the
connection closes.

A connection is a handshake, then traffic, then a farewell; the lifecycle says which.
"""

from __future__ import annotations

from collections import Counter, deque

from gamenet.connection.config import ConnectionConfig, Link
from gamenet.connection.events import Closed, Connected, Event
from gamenet.connection.handshake import (
    Admitted,
    Challenged,
    ClientHandshake,
    DatagramServerHandshake,
    Gate,
    Handshake,
    Refused,
    StreamServerHandshake,
)
from gamenet.connection.lifecycle import Course, new_lifecycle
from gamenet.connection.packets import (
    MAX_USER_DATA,
    PAYLOAD,
    Disconnect,
    Response,
    packet_registry,
    read_packet,
    shortened,
)
from gamenet.connection.traffic import Traffic
from gamenet.errors import CloseReason, LocalProtocolError, RemoteProtocolError
from gamenet.ids import MessageId
from gamenet.stats import ConnectionStats
from gamenet.wire import Schema

__all__ = ["Connection"]

DISCONNECT_COPIES = 3  # a lost goodbye costs the peer a whole timeout
_PAYLOAD_TYPE = bytes((PAYLOAD,))


class Connection:
    """One end of a connection. Make it by `client`, `server_stream` or an `Acceptor`.

    Args:
        config: what both ends agreed on.
        link: what carries the packets.
        handshake: this end's part in the handshake.
    """

    def __init__(
        self, config: ConnectionConfig, link: Link, handshake: Handshake
    ) -> None:
        self.config = config
        self.link = link
        self.user_data = b""
        """What the client said of itself in its request (server side)."""
        self.protocol_hash = 0
        """Which protocol the client asked for; 0 means: describe it (server side)."""
        self._handshake: Handshake = handshake
        self._course = Course(self._on_connected, self._on_closed)
        self._lifecycle = new_lifecycle(self._course)
        self._events: deque[Event] = deque()
        self._traffic = Traffic(config, link, self._events)
        self._farewell: list[bytes] = []
        self._is_connected = False
        self._tag = 0
        self._deadline: float | None = None
        self._n_answers = 0
        self._packets_sent = 0
        self._bytes_sent = 0
        self._bytes_received = 0
        self._dropped: Counter[str] = Counter()

    # -- making one -----------------------------------------------------------

    @classmethod
    def client(
        cls,
        config: ConnectionConfig,
        *,
        protocol_hash: bytes,
        salt: int,
        link: Link,
        user_data: bytes = b"",
    ) -> Connection:
        """Return the client's end.

        Args:
            config: what both ends agreed on.
            protocol_hash: eight bytes; all zero asks the server to describe it.
            salt: 64 random bits.
            link: what carries the packets.
            user_data: told to the server in the request, at most 256 bytes.

        Raises:
            LocalProtocolError: `user_data` or `protocol_hash` has a wrong size.
        """
        if len(user_data) > MAX_USER_DATA or len(protocol_hash) != 8:
            msg = (
                f"user_data of {len(user_data)} bytes (limit {MAX_USER_DATA}) or "
                f"protocol_hash of {len(protocol_hash)} (must be 8): shorten it"
            )
            raise LocalProtocolError(msg)
        handshake = ClientHandshake(protocol_hash, user_data, salt, link)
        return cls(config, link, handshake)

    @classmethod
    def server_stream(
        cls, config: ConnectionConfig, gate: Gate, *, tag: int, now: float
    ) -> Connection:
        """Return the server's end of a stream, which waits for the first packet."""
        connection = cls(config, Link.STREAM, StreamServerHandshake(gate, tag))
        connection._deadline = now + config.handshake_timeout
        return connection

    @classmethod
    def accepted(
        cls, config: ConnectionConfig, response: Response, tag: int, *, now: float
    ) -> Connection:
        """Return the server's end for a peer that has proved its address."""
        handshake = DatagramServerHandshake(response, tag)
        connection = cls(config, Link.DATAGRAM, handshake)
        admitted = Admitted(tag, response.user_data, response.protocol_hash)
        connection._admit(admitted, now)
        return connection

    # -- commands -------------------------------------------------------------

    def connect(self, *, now: float) -> None:
        """Begin the handshake (client side).

        Raises:
            LocalProtocolError: this is no client's end, or not idle any more.
        """
        if not isinstance(self._handshake, ClientHandshake) or self.state != "Idle":
            msg = f"connect() in state {self.state}: only an idle client can connect"
            raise LocalProtocolError(msg)
        self._deadline = now + self.config.handshake_timeout
        self._handshake.begin(now=now)
        self._lifecycle.connect()

    def send(self, channel: int, payload: bytes, *, now: float) -> MessageId:
        """Queue a message; it goes out with the next `datagrams_to_send`.

        Args:
            channel: a channel of the configuration.
            payload: the message.
            now: monotonic seconds.

        Returns:
            The message's id, which `MessageAcked` repeats for reliable ones.

        Raises:
            LocalProtocolError: not connected, no such channel, or too large.
        """
        if not self._is_connected:
            msg = f"send() in state {self.state}: wait for Connected first"
            raise LocalProtocolError(msg)
        message_id = self._traffic.send(channel, payload)
        if self._traffic.is_overfull:
            self.close(CloseReason.SEND_QUEUE_OVERFLOW, now=now)
        return MessageId(message_id)

    def close(self, reason: CloseReason, detail: str = "", *, now: float) -> None:
        """End the connection; the peer is told, with what is queued before it."""
        if self.is_closed:
            return
        if self._is_connected:
            goodbye = Disconnect(self._tag, reason, shortened(detail))
            copies = DISCONNECT_COPIES if self.link is Link.DATAGRAM else 1
            self._farewell = self._traffic.last_packets(now=now)
            self._farewell += [packet_registry.encode(goodbye)] * copies
        self._lifecycle.end(reason, detail)

    def drop_unreliable(self) -> int:
        """Throw away unreliable messages that wait, because the carrier is full."""
        return self._traffic.drop_unreliable()

    # -- the four things of whoever drives it ---------------------------------

    def receive_datagram(self, data: bytes, *, now: float) -> None:
        """Take one packet of the peer; never raises for what the peer did."""
        self._bytes_received += len(data)
        if not self._is_connected or data[:1] != _PAYLOAD_TYPE:
            if not self.is_closed:
                self._receive_other(data, now)
            return
        try:
            refusal = self._traffic.receive(data, now=now)
        except RemoteProtocolError as error:
            self._refuse("malformed", error, now)
            return
        if refusal:
            self._drop(refusal, now)

    def datagrams_to_send(self, *, now: float) -> list[bytes]:
        """Return the packets that are to go out now, and forget them."""
        packets = self._handshake.packets_due(now=now)
        if self._is_connected:
            packets += self._traffic.packets(now=now)
        else:
            packets += self._farewell
            self._farewell = []
        self._packets_sent += len(packets)
        self._bytes_sent += sum(map(len, packets))
        return packets

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due, or None when never.

        After it, and after `datagrams_to_send`, the next one is later.
        """
        if self.is_closed:
            return None
        due = self._traffic.next_timeout() if self._is_connected else self._deadline
        reply_due = self._handshake.next_timeout()
        if due is None or reply_due is None:
            return due
        return min(due, reply_due)

    def handle_timeout(self, *, now: float) -> None:
        """Do what is due: give up, beat, acknowledge, resend."""
        if self.is_closed:
            return
        if not self._is_connected:
            if self._deadline is not None and now >= self._deadline:
                self._lifecycle.end(CloseReason.HANDSHAKE_TIMED_OUT, "")
        elif self._traffic.is_silent(now=now):
            self.close(CloseReason.TIMED_OUT, now=now)
        else:
            self._traffic.handle_timeout(now=now)

    def next_event(self) -> Event | None:
        """Return the oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    # -- what it knows --------------------------------------------------------

    @property
    def state(self) -> str:
        """Return Idle, Requesting, Responding, Connected or Closed."""
        return self._course.state

    @property
    def is_closed(self) -> bool:
        """Return whether the connection is over."""
        return self._course.state == "Closed"

    @property
    def has_news(self) -> bool:
        """Return whether messages or answers wait to be sent."""
        return bool(self._farewell) or (self._is_connected and self._traffic.has_news)

    @property
    def client_salt(self) -> int | None:
        """Return the salt of the client that a datagram server has accepted."""
        return getattr(self._handshake, "client_salt", None)

    @property
    def rtt_latest(self) -> float:
        """Return the newest round trip in seconds; 0 until measured."""
        return self._traffic.rtt.latest

    def stats(self) -> ConnectionStats:
        """Return what was measured so far."""
        traffic = self._traffic
        return ConnectionStats(
            rtt=traffic.rtt.smoothed,
            rtt_latest=traffic.rtt.latest,
            rtt_min=traffic.rtt.smallest,
            rtt_variation=traffic.rtt.variation,
            packets_sent=self._packets_sent,
            packets_received=self._n_answers + traffic.n_packets_received,
            packets_lost=traffic.acks.n_lost,
            packets_missed=traffic.acks.n_missed,
            bytes_sent=self._bytes_sent,
            bytes_received=self._bytes_received,
            messages_sent=traffic.n_messages_sent,
            messages_received=traffic.n_messages_received,
            messages_resent=traffic.n_resent,
            unreliable_dropped=traffic.n_unreliable_dropped,
            queued_bytes=traffic.queued_bytes,
            dropped=dict(self._dropped),
        )

    # -- life cycle -----------------------------------------------------------

    def _admit(self, admitted: Admitted, now: float) -> None:
        self._tag = admitted.tag
        self.user_data = admitted.user_data
        self.protocol_hash = admitted.protocol_hash
        self._traffic.begin(admitted.tag, now=now)
        self._lifecycle.accept()

    def _on_connected(self) -> None:
        self._is_connected = True
        self._events.append(Connected())

    def _on_closed(self, reason: CloseReason, detail: str) -> None:
        self._is_connected = False
        self._handshake.stop()
        self._events.append(Closed(reason, detail))

    # -- receiving what is no payload -----------------------------------------

    def _receive_other(self, data: bytes, now: float) -> None:
        if self.link is Link.DATAGRAM and data[:1] == _PAYLOAD_TYPE:
            # The server's answer is lost or overtaken; it sends both again.
            self._dropped["early"] += 1
            return
        if self.state == "Idle" and self._deny_other_version(data):
            return
        try:
            packet = read_packet(data)
        except RemoteProtocolError as error:
            self._refuse("malformed", error, now)
            return
        if isinstance(packet, Disconnect):
            self._receive_disconnect(packet, now)
        elif self._is_connected and self.link is Link.STREAM:
            self._drop("unexpected", now)
        else:
            self._receive_handshake(packet, now)

    def _deny_other_version(self, data: bytes) -> bool:
        """Answer a request of another version, which we could not read."""
        if not isinstance(self._handshake, StreamServerHandshake):
            return False
        denied = Gate.foreign_version(data)
        if denied is None:
            return False
        self._farewell = [denied]
        self._lifecycle.end(CloseReason.VERSION_MISMATCH, "")
        return True

    def _receive_handshake(self, packet: Schema, now: float) -> None:
        outcome = self._handshake.receive(packet, now=now)
        if isinstance(outcome, Challenged):
            self._lifecycle.challenge()
        elif isinstance(outcome, Refused):
            self._lifecycle.end(outcome.reason, outcome.detail)
        elif isinstance(outcome, Admitted):
            self._admit(outcome, now)
        else:
            self._drop("unexpected", now)
            return
        self._n_answers += 1

    def _receive_disconnect(self, packet: Disconnect, now: float) -> None:
        if self._is_connected and packet.tag == self._tag:
            self._n_answers += 1
            reason = CloseReason.from_wire(packet.reason)
            self._lifecycle.end(reason, packet.detail)
        else:
            self._drop("foreign_tag", now)

    def _drop(self, reason: str, now: float) -> None:
        """Count a packet that is well formed but not for us, or not now."""
        if reason == "duplicate":
            self._dropped[reason] += 1
        else:
            msg = f"a packet that was not to come ({reason}) in state {self.state}"
            self._refuse(reason, RemoteProtocolError(msg), now)

    def _refuse(self, reason: str, error: RemoteProtocolError, now: float) -> None:
        self._dropped[reason] += 1
        is_fatal = error.reason is not CloseReason.MALFORMED
        if is_fatal or self.link is Link.STREAM:
            self.close(error.reason, str(error), now=now)
