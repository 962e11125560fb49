# SPDX-License-Identifier: MIT
"""One connection, without I/O: bytes in, bytes out, time passed in.

Whoever drives it does four things: hand in what came (`receive_datagram`), take what
is to go out (`datagrams_to_send`), call `handle_timeout` at `next_timeout`, and drain
`next_event`. Nothing that a peer sends raises here: on a datagram link a bad packet is
counted and dropped; on a stream link, where the peer itself must have sent it, the
connection closes.

A connection outlives its links. It begins with a handshake over the first one. When a
link is lost, the client asks over another one (`reconnect`), the server hands it to the
connection (`attach`), and the channels go on where they stopped.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Any

from gamenet.connection.buckets import TokenBucket
from gamenet.connection.config import ConnectionConfig, Link
from gamenet.connection.envelopes import Envelope
from gamenet.connection.events import Closed, Connected, Dropped, Event, Resumed
from gamenet.connection.farewell import last_words, reason_of
from gamenet.connection.frames import OWN_CHANNEL, PATH_CHALLENGE
from gamenet.connection.handshake import (
    Admitted,
    Challenged,
    ClientHandshake,
    DatagramServerHandshake,
    Refused,
)
from gamenet.connection.lifecycle import Course, new_lifecycle
from gamenet.connection.meter import Meter
from gamenet.connection.netcode import DISCONNECT, KEEP_ALIVE
from gamenet.connection.path import Path
from gamenet.connection.reassembly import Reassembly, is_fragment
from gamenet.connection.report import report, totals
from gamenet.connection.session import Session
from gamenet.connection.tokens import ConnectToken
from gamenet.connection.traffic import Traffic
from gamenet.errors import CloseReason, LocalProtocolError, RemoteProtocolError
from gamenet.ids import MessageId
from gamenet.stats import ConnectionStats, Sample

__all__ = ["Connection"]

N_PADDED = 4
_FRAGMENT_BYTES = 65536  # of packets that a plain peer has sent a part of
_SPENT = frozenset({CloseReason.TOKEN_USED, CloseReason.TOKEN_EXPIRED})
"""Refusals after which another ticket may be of use."""
_LATER = frozenset(
    {
        CloseReason.SERVER_FULL,
        CloseReason.TOO_MANY_FROM_ADDRESS,
        CloseReason.RATE_LIMITED,
    }
)
"""Refusals after which the same ticket may be of use, later."""


class Connection:
    """One end of a connection. Make it by `client` or `accepted`.

    Args:
        config: what both ends agreed on.
        link: what carries the packets at first.
        shared: limit on the bytes a second of all connections together, if any.
    """

    def __init__(
        self, config: ConnectionConfig, link: Link, shared: TokenBucket | None = None
    ) -> None:
        self.config = config
        self.link = link
        self.session = Session(config)
        """What outlives the links."""
        self.protocol_hash = 0
        """Which protocol the client asked for; 0 means: describe it (server side)."""
        self._handshake: ClientHandshake | DatagramServerHandshake | None = None
        self._envelope: Envelope | None = None
        self._course = Course(
            self._on_connected, self._on_dropped, self._on_resumed, self._on_closed
        )
        self._lifecycle = new_lifecycle(self._course)
        self._events: deque[Event] = deque()
        self._traffic = Traffic(config, self._events, shared)
        self._path = Path()
        self._reassembly: Reassembly | None = None
        self._meter: Meter | None = None
        self._farewell: list[bytes] = []
        self._is_connected = False
        self._deadline: float | None = None
        self._protocol_hash = b""
        self._packets_sent = 0
        self._n_answers = 0
        self._bytes_sent = 0
        self._bytes_received = 0
        self._dropped: Counter[str] = Counter()

    # -- making one -----------------------------------------------------------

    @classmethod
    def client(
        cls,
        config: ConnectionConfig,
        *,
        token: ConnectToken,
        protocol_hash: bytes,
        secret: bytes,
        link: Link,
        is_plain: bool = False,
        attempt: int = 0,
        shared: TokenBucket | None = None,
    ) -> Connection:
        """Return the client's end.

        Args:
            config: what both ends agreed on.
            token: lets the client in.
            protocol_hash: eight bytes; all zero asks the server to describe it.
            secret: 32 random bytes, for nothing else.
            link: what carries the packets.
            is_plain: whether to speak netcode alone, whatever the server can.
            attempt: how often this token was tried before.
            shared: limit on the bytes a second of all connections together, if any.

        Raises:
            LocalProtocolError: `protocol_hash` has a wrong size.
        """
        if len(protocol_hash) != 8:
            msg = f"protocol_hash of {len(protocol_hash)} bytes: it has 8"
            raise LocalProtocolError(msg)
        connection = cls(config, link, shared)
        connection._protocol_hash = protocol_hash
        connection.session.keep_tickets(token.server_to_client)
        connection.session.netcode_timeout = _seconds(token.timeout)
        connection._handshake = ClientHandshake(
            token,
            link=link,
            protocol_hash=protocol_hash,
            secret=secret,
            is_plain=is_plain,
            attempt=attempt,
        )
        return connection

    @classmethod
    def accepted(  # noqa: PLR0913 - each of them is a choice of its own
        cls,
        config: ConnectionConfig,
        admitted: Admitted,
        *,
        link: Link,
        now: float,
        handshake: DatagramServerHandshake | None = None,
        path: Hashable = None,
        random_bytes: Callable[[int], bytes] | None = None,
        issue: Callable[[bytes, int], ConnectToken] | None = None,
        shared: TokenBucket | None = None,
    ) -> Connection:
        """Return the server's end for a peer whose handshake has succeeded.

        Args:
            config: what both ends agreed on.
            admitted: what the handshake found.
            link: what carries the packets.
            now: monotonic seconds.
            handshake: answers what the peer repeats of its handshake (datagrams).
            path: where the peer is, as `receive_datagram` will say.
            random_bytes: source of randomness; without it addresses cannot change.
            issue: makes the token for a session and a generation; without it the
                session ends with its link.
            shared: limit on the bytes a second of all connections together, if any.
        """
        connection = cls(config, link, shared)
        pass_, session = admitted.pass_, connection.session
        assert pass_ is not None
        session.user_data = pass_.user_data
        session.client_id = pass_.client_id
        session.netcode_timeout = _seconds(pass_.timeout)
        connection.protocol_hash = admitted.protocol_hash
        can_resume = config.resume_window and admitted.envelope.is_extended
        if issue is not None and random_bytes is not None and can_resume:
            session.issue_tickets(random_bytes(16), pass_.server_to_client, issue)
        # A plain peer is known by its address: another address is another peer.
        is_extended = admitted.envelope.is_extended
        connection._path = Path(path, random_bytes if is_extended else None)
        connection._link_up(admitted.envelope, link, handshake, now)
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

    def reconnect(
        self, link: Link, *, secret: bytes, now: float, patience: float | None = None
    ) -> bool:
        """Ask to resume the session over a new link (client side).

        The carrier of the old link must be gone: packets from here on are for the new
        one. What becomes of it is a `Resumed` or, at last, a `Closed` event; another
        attempt may be made once `is_reconnecting` is false.

        Args:
            link: what carries the packets from now on.
            secret: 32 random bytes, for nothing else.
            now: monotonic seconds.
            patience: seconds that the attempt may take; those of the configuration's
                handshake if left out.

        Returns:
            Whether there is a ticket to try.
        """
        self.drop(CloseReason.LINK_LOST, now=now)
        token = None if self.is_closed else self.session.next_ticket()
        if token is None:
            return False
        self._envelope = None
        self.link = link
        self._handshake = ClientHandshake(
            token,
            link=link,
            protocol_hash=self._protocol_hash,
            secret=secret,
            attempt=self.session.n_attempts,
        )
        self._handshake.begin(now=now)
        self.session.n_attempts += 1
        timeout = self.config.handshake_timeout if patience is None else patience
        self.session.attempt_until = now + timeout
        return True

    def move(self, *, now: float) -> None:
        """Note that our own address changes: the peer will know us by our keys.

        What goes first is padding. A server answers a place that is not proved with
        three times as many bytes as came from there, and no more.
        """
        link = self._traffic.link
        if self._is_connected and link is not None:
            # The path is another one, and ours to choose: there is nothing to prove.
            link.trust_path()
            self._traffic.move(N_PADDED, now)

    def abandon(self) -> None:
        """Give up the attempt to resume; another may be made (client side)."""
        self.session.attempt_until = None
        if self._handshake is not None:
            self._handshake.stop()

    def attach(
        self,
        admitted: Admitted,
        *,
        link: Link,
        now: float,
        handshake: DatagramServerHandshake | None = None,
        path: Hashable = None,
    ) -> None:
        """Go on over a new link, whose client has shown a ticket (server side)."""
        assert admitted.pass_ is not None
        self.session.spend(admitted.pass_.generation)
        self.drop(CloseReason.LINK_LOST, now=now)
        # A stream comes from one place only, and does not say which.
        self._path.move(path if link is Link.DATAGRAM else None)
        self._link_up(admitted.envelope, link, handshake, now)

    def send(self, channel: int, payload: bytes, *, now: float) -> MessageId:
        """Queue a message; it goes out with the next `datagrams_to_send`.

        While the session is dropped, reliable messages wait for it to be resumed, and
        unreliable ones are lost.

        Args:
            channel: a channel of the configuration.
            payload: the message.
            now: monotonic seconds.

        Returns:
            The message's id, which receipts repeat.

        Raises:
            LocalProtocolError: not connected, no such channel, or too large.
        """
        traffic = self._traffic
        if self._is_connected:
            message_id = traffic.send(channel, payload, now)
        elif self.state == "Dropped":
            message_id = traffic.send(channel, payload, now)
            traffic.outbox.drop_unreliable()
        else:
            msg = f"send() in state {self.state}: wait for Connected first"
            raise LocalProtocolError(msg)
        if traffic.outbox.is_overfull:
            self.close(CloseReason.SEND_QUEUE_OVERFLOW, now=now)
        return MessageId(message_id)

    def flush(self) -> None:
        """Let what waits for company (Nagle) go with the next packets."""
        self._traffic.flush()

    def cancel(self, message_id: MessageId) -> bool:
        """Give up a reliable message that has not left whole.

        Returns:
            Whether there was something to give up; if so, it is never delivered.
        """
        return self._traffic.outbox.cancel(message_id)

    def limit_of(self, channel: int) -> int:
        """Return the bytes of the largest message that a channel takes."""
        return self._traffic.outbox.limit_of(channel)

    def budget(self, *, now: float) -> float:
        """Return how many bytes congestion control and limits let out now."""
        return self._traffic.budget(now) if self._is_connected else 0.0

    def drop(self, reason: CloseReason, *, now: float) -> None:
        """Note that the link is lost; end the connection if it cannot be resumed."""
        if not self._is_connected:
            return
        if self.session.can_resume:
            self.session.lose_link(reason, now)
            self._lifecycle.drop(reason)
        else:
            self._lifecycle.end(reason, "")

    def close(self, reason: CloseReason, detail: str = "", *, now: float) -> None:
        """End the connection; the peer is told, with what is queued before it."""
        if self.is_closed:
            return
        if self._envelope is not None:
            words = last_words(
                self._traffic, self._envelope, self.link, reason, detail, now
            )
            # A peer that is sent away at once must know first that it was let in.
            handshake = self._handshake
            due = handshake.packets_due(now=now, has_payload=True) if handshake else []
            self._farewell = due + words
        self._lifecycle.end(reason, detail)

    def drop_unreliable(self) -> int:
        """Throw away unreliable messages that wait, because the carrier is full."""
        return self._traffic.outbox.drop_unreliable()

    # -- the four things of whoever drives it ---------------------------------

    def receive_datagram(
        self, data: bytes, *, now: float, path: Hashable = None
    ) -> None:
        """Take one packet of the peer; never raises for what the peer did.

        Args:
            data: the packet.
            now: monotonic seconds.
            path: where it came from, if that may change; `path` says where to send.
        """
        self._bytes_received += len(data)
        envelope = self._envelope
        if envelope is None:
            self._receive_handshake(data, now)
            return
        opened = envelope.open(data)
        if isinstance(opened, str):
            self._refuse(opened, None, now)
            return
        kind, body = opened
        if not self._is_connected and not self._is_heard_again():
            return
        try:
            whole = body if kind > DISCONNECT else self._take_netcode(kind, body, now)
            refusal = self._traffic.receive(whole, now=now) if whole else ""
        except RemoteProtocolError as error:
            self._refuse("malformed", error, now)
            return
        if refusal:
            self._dropped[refusal] += 1
            return
        if self._handshake is not None:
            self._handshake = None
        if self._reassembly is not None and self._traffic.link is not None:
            self._reassembly.age(self._traffic.link.acks.newest)
        if path != self._path.current or self._path.is_unproved:
            self._follow(path, len(data), now)
        link = self._traffic.link
        if self._traffic.inbox.own or (link is not None and link.farewell is not None):
            self._attend(now)

    def datagrams_to_send(self, *, now: float) -> list[bytes]:
        """Return the packets that are to go out now, and forget them."""
        packets: list[bytes] = []
        if self._is_connected:
            if self._path.is_unproved:
                packets = self._traffic.packets_within(self._path.credit, now=now)
            else:
                packets = self._traffic.packets(now=now)
        elif self._farewell:
            packets, self._farewell = self._path.afford(self._farewell), []
        if self._handshake is not None:
            has_payload = bool(packets)
            due = self._handshake.packets_due(now=now, has_payload=has_payload)
            packets = due + packets
        if packets:
            n_bytes = sum(map(len, packets))
            self._packets_sent += len(packets)
            self._bytes_sent += n_bytes
            if self._path.is_unproved:
                self._path.charge(n_bytes)
        return packets

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due, or None when never.

        After it, and after `datagrams_to_send`, the next one is later.
        """
        if self.is_closed:
            return None
        due: float | None
        if self._is_connected:
            due = self._traffic.next_timeout()
            if self._meter is not None:
                due = _earlier(due, self._meter.next_at)
            due = _earlier(due, self._path.deadline)
        elif self.state == "Dropped":
            due = self.session.next_timeout()
        else:
            due = self._deadline
        if self._handshake is not None:
            due = _earlier(due, self._handshake.next_timeout())
        return due

    def handle_timeout(self, *, now: float) -> None:
        """Do what is due: give up, beat, acknowledge, resend."""
        link = self._traffic.link
        if self.is_closed:
            return
        if not self._is_connected or link is None:
            self._handle_waiting(now)
            return
        # As `next_timeout` adds it up: another form may round to another moment.
        if now >= link.last_received + link.timeout:
            self.drop(CloseReason.TIMED_OUT, now=now)
            return
        self._traffic.handle_timeout(now=now)
        was_unproved = self._path.is_unproved
        if self._path.handle_timeout(now):
            self._challenge(now)
        elif was_unproved and not self._path.is_unproved:
            link.trust_path()
        if self._meter is not None and now >= self._meter.next_at:
            counts = self._packets_sent, self._bytes_sent, self._bytes_received
            self._meter.take(now, totals(self._traffic, *counts), self._traffic)
            if self.session.must_renew(now):
                self._send_tickets(now)

    def next_event(self) -> Event | None:
        """Return the oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    # -- what it knows --------------------------------------------------------

    @property
    def state(self) -> str:
        """Return Idle, Requesting, Responding, Connected, Dropped or Closed."""
        return self._course.state

    @property
    def is_closed(self) -> bool:
        """Return whether the connection is over."""
        return self._course.state == "Closed"

    @property
    def is_connected(self) -> bool:
        """Return whether there is a link now."""
        return self._is_connected

    @property
    def is_reconnecting(self) -> bool:
        """Return whether an attempt to resume is under way (client side)."""
        return self.state == "Dropped" and self.session.attempt_until is not None

    @property
    def has_news(self) -> bool:
        """Return whether messages or answers wait to be sent."""
        return bool(self._farewell) or (self._is_connected and self._traffic.has_news)

    @property
    def is_hurried(self) -> bool:
        """Return whether something may be due within a few hundredths of a second."""
        return not self._is_connected or self._traffic.is_hurried

    @property
    def path(self) -> Any:
        """Return where packets are to be sent, in the words of `receive_datagram`."""
        return self._path.current

    @property
    def connection_id(self) -> int:
        """Return what stands on the packets to the server; 0 where nothing does."""
        return 0 if self._envelope is None else self._envelope.connection_id

    @property
    def rtt_latest(self) -> float:
        """Return the newest round trip in seconds; 0 until measured."""
        return 0.0 if self._traffic.link is None else self._traffic.link.rtt.latest

    def repeats(self, data: bytes) -> bool:
        """Return whether a packet repeats the handshake; its answer goes again then."""
        handshake = self._handshake
        if not isinstance(handshake, DatagramServerHandshake):
            return False
        return handshake.receive(data) == ""

    def can_resume(self, generation: int) -> bool:
        """Return whether a ticket of this session is good (server side)."""
        return not self.is_closed and self.session.has_ticket(generation)

    def stats(self) -> ConnectionStats:
        """Return what was measured so far."""
        dropped = dict(self._dropped)
        if self._reassembly is not None:
            dropped["fragment_given_up"] = self._reassembly.given_up
            dropped["fragment_duplicate"] = self._reassembly.duplicates
        return report(
            self._traffic,
            self._meter,
            packets_sent=self._packets_sent,
            packets_received=self._n_answers + self._traffic.n_packets_received,
            bytes_sent=self._bytes_sent,
            bytes_received=self._bytes_received,
            resumes=self.session.resumes,
            migrations=self._path.n_moves,
            dropped=dropped,
        )

    def history(self) -> list[Sample]:
        """Return a sample of each of the last seconds, oldest first."""
        return [] if self._meter is None else self._meter.history()

    # -- life cycle -----------------------------------------------------------

    def _link_up(
        self,
        envelope: Envelope,
        link: Link,
        handshake: DatagramServerHandshake | None,
        now: float,
    ) -> None:
        """Begin on a link: the only place where the state of a link is set."""
        self._handshake = handshake
        self._envelope = envelope
        self.link = link
        self._deadline = None
        self.session.find_link()
        self._farewell = []
        self._reassembly = None
        if not envelope.is_extended:
            self._reassembly = Reassembly(max_bytes=_FRAGMENT_BYTES)
        timeout = None if envelope.is_extended else self.session.netcode_timeout
        if self._meter is None:
            self._meter = Meter(now)
        self._traffic.begin(envelope, link, now=now, timeout=timeout)
        self._lifecycle.accept()
        self._send_tickets(now)

    def _send_tickets(self, now: float) -> None:
        for message in self.session.messages(now):
            self._traffic.send(OWN_CHANNEL, message, now)

    def _on_connected(self) -> None:
        self._is_connected = True
        self._events.append(Connected())

    def _on_dropped(self, reason: CloseReason) -> None:
        self._is_connected = False
        self._handshake = None
        self._traffic.outbox.drop_unreliable()
        self._events.append(Dropped(reason))

    def _on_resumed(self) -> None:
        self._is_connected = True
        self.session.find_link()
        self.session.resumes += 1
        self._events.append(Resumed())

    def _on_closed(self, reason: CloseReason, detail: str) -> None:
        self._is_connected = False
        if self._handshake is not None:
            self._handshake.stop()
        self._events.append(Closed(reason, detail))

    def _is_heard_again(self) -> bool:
        """Go on with the old link, whose peer was silent for a while."""
        if self.state != "Dropped":
            return False
        self._lifecycle.accept()
        return True

    def _handle_waiting(self, now: float) -> None:
        """Give up what has taken too long: the handshake, an attempt, the session."""
        session = self.session
        if self.state != "Dropped":
            if self._deadline is not None and now >= self._deadline:
                self._lifecycle.end(CloseReason.HANDSHAKE_TIMED_OUT, "")
        elif session.is_given_up(now):
            self._lifecycle.end(session.reason, "")
        elif session.attempt_until is not None and now >= session.attempt_until:
            self.abandon()

    # -- handshakes -----------------------------------------------------------

    def _receive_handshake(self, data: bytes, now: float) -> None:
        handshake = self._handshake
        if not isinstance(handshake, ClientHandshake) or self.is_closed:
            return
        outcome = handshake.receive(data, now=now)
        if isinstance(outcome, str):
            self._dropped[outcome] += 1
            return
        self._n_answers += 1
        if isinstance(outcome, Challenged):
            self._lifecycle.challenge()
        elif isinstance(outcome, Refused):
            self._receive_refusal(outcome, handshake)
        else:
            self.session.discard(handshake.token)
            self._link_up(outcome.envelope, self.link, None, now)

    def _receive_refusal(self, refused: Refused, handshake: ClientHandshake) -> None:
        session = self.session
        is_spent = refused.reason in _SPENT
        if is_spent:
            session.discard(handshake.token)
        may_try = refused.reason in _LATER or (is_spent and session.has_tickets)
        if self.state == "Dropped" and may_try:
            self.abandon()
        else:
            self._lifecycle.end(refused.reason, refused.detail)

    # -- receiving what is no message -----------------------------------------

    def _take_netcode(self, kind: int, body: bytes, now: float) -> bytes:
        """Take a packet of netcode's own; return the payload that it completes."""
        self._handshake = None
        if self._traffic.link is not None:
            self._traffic.link.last_received = now
        if kind == KEEP_ALIVE:
            return b""
        if kind == DISCONNECT:
            self._lifecycle.end(CloseReason.NORMAL, "")
            return b""
        if self._reassembly is None or not is_fragment(body):
            return body
        return self._reassembly.receive(body) or b""

    def _follow(self, path: Hashable, size: int, now: float) -> None:
        """Take note of where a packet came from, which is not where the peer was."""
        link = self._traffic.link
        assert link is not None
        was_unproved = self._path.is_unproved
        must_ask = self._path.heard(
            path, size, is_newest=link.is_newest, response=link.path_response
        )
        if must_ask:
            link.leave_path()
            self._traffic.move(0, now)
            self._challenge(now)
        elif was_unproved and not self._path.is_unproved:
            link.trust_path()

    def _challenge(self, now: float) -> None:
        link = self._traffic.link
        assert link is not None
        link.path_response = b""
        self._traffic.control(PATH_CHALLENGE, self._path.challenge)
        self._path.asked(link.rtt.smoothed, now)

    def _attend(self, now: float) -> None:
        """Do what the peer's connection, not its game, has to say."""
        inbox = self._traffic.inbox
        messages, inbox.own = inbox.own, []
        for message in messages:
            try:
                self.session.receive(message)
            except RemoteProtocolError as error:
                self._refuse("malformed", error, now)
        link = self._traffic.link
        if link is not None and link.farewell is not None:
            self._lifecycle.end(*reason_of(*link.farewell))

    def _refuse(
        self, reason: str, error: RemoteProtocolError | None, now: float
    ) -> None:
        """Count a packet that is dropped, and close where it must be the peer's."""
        self._dropped[reason] += 1
        link = self._traffic.link
        close_reason = CloseReason.MALFORMED if error is None else error.reason
        is_fatal = close_reason is not CloseReason.MALFORMED
        if link is not None and (link.is_broken or link.is_stream):
            is_fatal = True
        if is_fatal:
            detail = f"a packet was dropped: {reason}" if error is None else str(error)
            self.close(close_reason, detail, now=now)


def _seconds(timeout: int) -> float | None:
    """Return the time-out that a token gives; a negative one means never."""
    if timeout < 0:
        return math.inf
    return timeout or None


def _earlier(one: float | None, other: float | None) -> float | None:
    if one is None or (other is not None and other < one):
        return other
    return one
