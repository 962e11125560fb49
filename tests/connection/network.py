# SPDX-License-Identifier: MIT
"""Two ends of a connection with a bad network between them, in simulated time.

Everything happens at its own moment: arrivals and timeouts are one queue. Each time
that an end was driven it is checked that it asks for nothing at a time that has passed,
because whoever drives it would loop without end.

The network also plays the part of the shells: it knows which carrier a packet came by,
lets a client come back over another one, and sends to the address that the server
believes in. So a client can move, and a stranger can claim that it did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from gamenet.connection import (
    PACKET,
    Accept,
    Acceptor,
    Admitted,
    Channel,
    Connection,
    ConnectionConfig,
    DatagramServerHandshake,
    DeliveryMode,
    Door,
    Event,
    Link,
    MessageReceived,
    Pass,
    Refused,
    Reply,
    ServerAddress,
    StreamServerHandshake,
    TokenBucket,
)
from gamenet.errors import CloseReason
from gamenet.transport import Impairment

HASH = b"protocol"
HOME = "192.0.2.1:5000"
SERVER = ServerAddress("192.0.2.9", 7777)
UNIX = 1_800_000_000
QUIET = Impairment(latency=0.02)

MODES = tuple(DeliveryMode)
SIX = tuple(
    Channel(number, mode, mode.value, receipts=True)
    for number, mode in enumerate(MODES)
)
"""A channel of each mode, with receipts where there can be some."""
UNRELIABLE, SEQUENCED, RECEIPTS, UNORDERED, ORDERED, LATEST = range(6)
"""The channels of `SIX`."""


def drain(connection: Connection) -> list[Event]:
    """Return all events that were not taken yet."""
    events = []
    while (event := connection.next_event()) is not None:
        events.append(event)
    return events


def messages(events: list[Event], channel: int) -> list[bytes]:
    """Return the payloads that came on a channel."""
    return [
        event.payload
        for event in events
        if isinstance(event, MessageReceived) and event.channel == channel
    ]


@dataclass(eq=False)
class Carrier:
    """One socket of the client's, and what the server has at its other end."""

    link: Link
    address: str
    handshake: StreamServerHandshake | None = None
    is_cut: bool = False


@dataclass(order=True)
class Travelling:
    """A packet on its way."""

    moment: float
    serial: int
    is_up: bool = field(compare=False)
    packet: bytes = field(compare=False)
    carrier: Carrier = field(compare=False)
    source: str = field(compare=False)


class Network:
    """A client, a server, and what lies between.

    Args:
        config: of both ends.
        link: what carries the packets; a stream neither loses nor reorders.
        up: what happens to packets to the server.
        down: what happens to packets to the client.
        seed: of all keys.
        is_plain: whether the client speaks netcode alone.
        token_timeout: seconds of silence that the token allows plain peers.
        shared: limit that the server's end has in common with others.
        keeps_events: whether events are collected; else whoever drives it takes them.
    """

    def __init__(
        self,
        config: ConnectionConfig | None = None,
        *,
        link: Link = Link.DATAGRAM,
        up: Impairment = QUIET,
        down: Impairment = QUIET,
        seed: int = 0,
        is_plain: bool = False,
        token_timeout: int = 5,
        shared: TokenBucket | None = None,
        keeps_events: bool = True,
    ) -> None:
        self.config = config or ConnectionConfig()
        self.now = 100.0
        self.random = Random(seed)
        self.up, self.down = up.reseeded(up.seed), down.reseeded(down.seed)
        self.mtu = 1 << 20
        """Larger datagrams vanish."""
        self.door = self._new_door()
        self.acceptor = Acceptor(
            self.door,
            admit=lambda _source, pass_: self.reason_against(pass_),
            new_secret=lambda: self.random.randbytes(32),
            new_id=lambda: self.random.getrandbits(32) or 1,
            slot_for=lambda _pass: 0,
        )
        self.client = Connection.client(
            self.config,
            token=self.door.issue(
                client_id=1,
                user_data=b"ada",
                timeout=token_timeout,
                expires_in=60,
                addresses=[SERVER],
            ),
            protocol_hash=HASH,
            secret=self.random.randbytes(32),
            link=link,
            is_plain=is_plain,
        )
        self.server: Connection | None = None
        self.shared = shared
        self.carrier = Carrier(link, HOME)
        self.server_carrier = self.carrier
        self.n_accepted = 0
        self.n_resumed = 0
        self.refused: Counter[str] = Counter()
        self.client_events: list[Event] = []
        self.server_events: list[Event] = []
        self.sent_up: list[bytes] = []
        self.sent_down: list[bytes] = []
        self.astray: dict[str, list[bytes]] = {}
        """What the server sent to addresses at which the client is not."""
        self._keeps_events = keeps_events
        self._n_carriers = 0
        self._serial = 0
        self._travelling: list[Travelling] = []

    def _new_door(self) -> Door:
        return Door(
            key=self.random.randbytes(32),
            protocol_id=1,
            protocol_hash=HASH,
            summary="the test's game",
            addresses=lambda: [SERVER],
            unix_time=lambda: UNIX + self.now,
            random_bytes=self.random.randbytes,
            max_clients=64,
        )

    @property
    def peer(self) -> Connection:
        """Return the server's end, which must be there."""
        assert self.server is not None
        return self.server

    @property
    def ends(self) -> tuple[Connection, ...]:
        """Return both ends, or the client's while there is no other."""
        return (self.client,) if self.server is None else (self.client, self.server)

    # -- what the shells do ---------------------------------------------------

    def connect(self, limit: float = 5.0) -> Network:
        """Do the handshake."""
        self.client.connect(now=self.now)
        self.run(limit, until=self.is_connected)
        return self

    def is_connected(self) -> bool:
        """Return whether both ends are connected."""
        return len(self.ends) == 2 and all(end.is_connected for end in self.ends)

    def reason_against(self, pass_: Pass) -> CloseReason | None:
        """Return why a client may not come in, as a listener does."""
        if not pass_.session:
            return None if self.server is None else CloseReason.SERVER_FULL
        server = self.server
        if server is None or server.is_closed or server.session.id != pass_.session:
            return CloseReason.SESSION_GONE
        return None if server.can_resume(pass_.generation) else CloseReason.TOKEN_USED

    def resume(self, link: Link = Link.DATAGRAM, address: str = "") -> bool:
        """Have the client come back over another carrier; return if it has a ticket."""
        self._n_carriers += 1
        self.carrier = Carrier(link, address or f"192.0.2.1:{6000 + self._n_carriers}")
        secret = self.random.randbytes(32)
        return self.client.reconnect(link, secret=secret, now=self.now)

    def cut(self) -> None:
        """Break the stream that carries the packets: both ends are told at once."""
        self.carrier.is_cut = self.server_carrier.is_cut = True
        for end in self.ends:
            end.drop(CloseReason.LINK_LOST, now=self.now)

    def move(self, address: str) -> None:
        """Let the client's packets come from another address from now on."""
        self.carrier.address = address

    # -- time -----------------------------------------------------------------

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass; return whether the condition came to hold."""
        target = self.now + seconds
        self.pump()
        while not (until is not None and until()):
            moment = self._next_moment()
            if moment > target:
                self.now = target
                return until is None
            self.now = max(self.now, moment)
            self._arrive()
            self._wake()
            self.pump()
        return True

    def pump(self) -> None:
        """Take what both ends want to send, and what they have to tell."""
        for packet in self.client.datagrams_to_send(now=self.now):
            self._send_up(packet)
        if self.server is not None:
            for packet in self.server.datagrams_to_send(now=self.now):
                self._send_down(packet)
        if self._keeps_events:
            self.client_events += drain(self.client)
            if self.server is not None:
                self.server_events += drain(self.server)

    def _next_moment(self) -> float:
        moments = [self._travelling[0].moment] if self._travelling else []
        dues = [end.next_timeout() for end in self.ends]
        return min([*moments, *(x for x in dues if x is not None)], default=1e300)

    def _wake(self) -> None:
        for end in self.ends:
            due = end.next_timeout()
            if due is None or due > self.now:
                continue
            end.handle_timeout(now=self.now)
            send = self._send_up if end is self.client else self._send_down
            for packet in end.datagrams_to_send(now=self.now):
                send(packet)
            after = end.next_timeout()
            assert after is None or after > self.now, "a loop without end"

    # -- packets --------------------------------------------------------------

    def _send_up(self, packet: bytes) -> None:
        if self._keeps_events:
            self.sent_up.append(packet)
        self._admit(packet, self.carrier, is_up=True)

    def _send_down(self, packet: bytes) -> None:
        if self._keeps_events:
            self.sent_down.append(packet)
        self._admit(packet, self.server_carrier, is_up=False)

    def _admit(self, packet: bytes, carrier: Carrier, *, is_up: bool) -> None:
        impairment = self.up if is_up else self.down
        address = carrier.address
        if carrier.link is Link.STREAM:
            if carrier.is_cut:
                return
            moments = [impairment.carry(len(packet), now=self.now)]
        else:
            if not is_up and self.server is not None and self.server.path != address:
                self.astray.setdefault(self.server.path, []).append(packet)
                return
            if len(packet) > self.mtu:
                return
            moments = impairment.admit(len(packet), now=self.now)
        for moment in moments:
            self._serial += 1
            one = Travelling(moment, self._serial, is_up, packet, carrier, address)
            heappush(self._travelling, one)

    def _arrive(self) -> None:
        while self._travelling and self._travelling[0].moment <= self.now:
            one = heappop(self._travelling)
            carrier = one.carrier
            if carrier.is_cut:
                continue
            if not one.is_up:
                if carrier is self.carrier:
                    self.client.receive_datagram(one.packet, now=self.now)
            elif carrier.link is Link.STREAM:
                self._arrive_by_stream(one.packet, carrier)
            else:
                self.arrive(one.packet, one.source, carrier)

    def arrive(
        self, packet: bytes, source: str = HOME, carrier: Carrier | None = None
    ) -> None:
        """Give the server's socket a datagram, whoever sent it."""
        server = self.server
        kind = packet[0] & 15 if packet else -1
        if kind == PACKET or (server is not None and 4 <= kind <= 6):
            if server is not None and self.server_carrier.link is Link.DATAGRAM:
                server.receive_datagram(packet, now=self.now, path=source)
            return
        if server is not None and server.repeats(packet):
            return
        answer = self.acceptor.receive(packet, source, now=self.now)
        carrier = carrier or self.carrier
        if isinstance(answer, Accept):
            self._let_in(answer.admitted, answer.handshake, carrier, source)
        elif isinstance(answer, Reply):
            for datagram in answer.datagrams:
                self._reply(datagram, carrier)

    def _reply(self, packet: bytes, carrier: Carrier) -> None:
        self.sent_down.append(packet)
        for moment in self.down.admit(len(packet), now=self.now):
            self._serial += 1
            one = Travelling(moment, self._serial, False, packet, carrier, "")
            heappush(self._travelling, one)

    def _arrive_by_stream(self, packet: bytes, carrier: Carrier) -> None:
        if carrier is self.server_carrier and self.server is not None:
            self.server.receive_datagram(packet, now=self.now)
        elif carrier.handshake is None:
            self._open_stream(packet, carrier)

    def _open_stream(self, frame: bytes, carrier: Carrier) -> None:
        handshake = carrier.handshake = StreamServerHandshake(self.door)
        outcome = handshake.receive(frame, carrier.address, now=self.now)
        if isinstance(outcome, Admitted):
            assert outcome.pass_ is not None
            reason = self.reason_against(outcome.pass_)
            if reason is not None:
                handshake.refuse(Refused(reason, ""))
                outcome = Refused(reason, "")
            else:
                outcome = handshake.accept(0) or outcome
        for reply in handshake.packets_due(now=self.now):
            self._admit(reply, carrier, is_up=False)
        if isinstance(outcome, Admitted):
            self._let_in(outcome, None, carrier, None)
        elif isinstance(outcome, Refused):
            self.refused[outcome.reason.name] += 1

    def _let_in(
        self,
        admitted: Admitted,
        handshake: DatagramServerHandshake | None,
        carrier: Carrier,
        path: str | None,
    ) -> None:
        pass_ = admitted.pass_
        assert pass_ is not None
        link = carrier.link
        self.server_carrier = carrier
        if pass_.session:
            self.n_resumed += 1
            self.peer.attach(
                admitted, link=link, now=self.now, handshake=handshake, path=path
            )
            return
        self.n_accepted += 1
        self.server = Connection.accepted(
            self.config,
            admitted,
            link=link,
            now=self.now,
            handshake=handshake,
            path=path,
            random_bytes=self.random.randbytes,
            issue=lambda session, n: self.door.issue_resume(session, n, pass_),
            shared=self.shared,
        )
