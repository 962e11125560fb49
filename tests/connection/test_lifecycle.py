# SPDX-License-Identifier: MIT
"""Tests of the life of a connection: every input in every state."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Closed,
    Connected,
    Connection,
    ConnectionConfig,
    Dropped,
    Event,
    Link,
    MessageAcked,
    MessageLost,
    MessageReceived,
    Resumed,
    TransferProgress,
)
from gamenet.connection.lifecycle import Course, new_lifecycle
from gamenet.errors import CloseReason, LocalProtocolError
from tests.connection.network import (
    LATEST,
    ORDERED,
    SEQUENCED,
    SIX,
    UNORDERED,
    Carrier,
    Network,
    drain,
)
from tests.connection.strategies import edited, edits, garbage

INPUTS: dict[str, tuple[Any, ...]] = {
    "connect": (),
    "challenge": (),
    "accept": (),
    "drop": (CloseReason.TIMED_OUT,),
    "end": (CloseReason.NORMAL, "bye"),
}
WAYS: dict[str, list[str]] = {
    "Idle": [],
    "Requesting": ["connect"],
    "Responding": ["connect", "challenge"],
    "Connected": ["accept"],
    "Dropped": ["accept", "drop"],
    "Closed": ["end"],
}
"""How each state is reached."""
MOVES = {
    ("Idle", "connect"): "Requesting",
    ("Requesting", "challenge"): "Responding",
    ("Idle", "accept"): "Connected",
    ("Requesting", "accept"): "Connected",
    ("Responding", "accept"): "Connected",
    ("Connected", "drop"): "Dropped",
    ("Dropped", "accept"): "Connected",
    ("Idle", "end"): "Closed",
    ("Requesting", "end"): "Closed",
    ("Responding", "end"): "Closed",
    ("Connected", "end"): "Closed",
    ("Dropped", "end"): "Closed",
}
"""All that change the state; every other pair does nothing."""


def said(before: str, after: str, arguments: tuple[Any, ...]) -> list[Any]:
    """Return what the machine tells the connection of a move."""
    if before == after:
        return []
    if after == "Connected":
        return ["resumed" if before == "Dropped" else "connected"]
    return [arguments] if after in ("Dropped", "Closed") else []


class MachineTests(SynchronousTestCase):
    """The machine of the lifecycle alone."""

    def test_every_pair(self) -> None:
        """Every input is legal in every state, and moves exactly where it should."""
        for state, way in WAYS.items():
            for name, arguments in INPUTS.items():
                told: list[Any] = []
                course = Course(
                    lambda told=told: told.append("connected"),
                    lambda *why, told=told: told.append(why),
                    lambda told=told: told.append("resumed"),
                    lambda *why, told=told: told.append(why),
                )
                machine = new_lifecycle(course)
                for step in way:
                    getattr(machine, step)(*INPUTS[step])
                self.assertEqual(course.state, state)
                told.clear()
                getattr(machine, name)(*arguments)
                after = MOVES.get((state, name), state)
                self.assertEqual(course.state, after, f"{name} in {state}")
                self.assertEqual(told, said(state, after, arguments))


numbers = st.integers(0, 1000)
ends = st.sampled_from(["client", "server"])
CONFIG = ConnectionConfig(
    channels=SIX,
    timeout=1.0,
    heartbeat=0.1,
    handshake_timeout=0.5,
    resume_window=3.0,
    max_packet_size=0,
)


class Side:
    """What one end was told, and what it told."""

    def __init__(self) -> None:
        self.sent: dict[int, list[bytes]] = {n: [] for n in range(6)}
        self.numbers: dict[int, bytes] = {}
        self.given_up: set[bytes] = set()
        self.events: list[Event] = []
        self.pool: list[tuple[bytes, Carrier]] = []

    def received(self, channel: int) -> list[bytes]:
        """Return what came on a channel."""
        return [
            event.payload
            for event in self.events
            if isinstance(event, MessageReceived) and event.channel == channel
        ]


class LifeMachine(RuleBasedStateMachine):
    """Two ends, a pool of packets between them, and everything that can happen."""

    link = Link.DATAGRAM

    def __init__(self) -> None:
        super().__init__()
        self.network = Network(CONFIG, link=self.link, keeps_events=False)
        self.sides = {"client": Side(), "server": Side()}
        self.n_sent = 0
        self.is_disturbed = False

    @property
    def client(self) -> Connection:
        """Return the client's end."""
        return self.network.client

    @property
    def server(self) -> Connection | None:
        """Return the server's end, if it is there."""
        return self.network.server

    def end(self, name: str) -> Connection | None:
        """Return an end by name."""
        return self.client if name == "client" else self.server

    def other(self, name: str) -> Side:
        """Return what is at the other end."""
        return self.sides["server" if name == "client" else "client"]

    # -- commands -------------------------------------------------------------

    @rule()
    def connect(self) -> None:
        """Connect, or be refused in any state but the first."""
        is_idle = self.client.state == "Idle"
        try:
            self.client.connect(now=self.network.now)
        except LocalProtocolError:
            assert not is_idle
        else:
            assert is_idle
            assert self.client.state == "Requesting"

    @rule(
        name=ends,
        channel=st.integers(0, 5),
        size=st.sampled_from([0, 9, 1130, 3000]),
        has_flush=st.booleans(),
    )
    def send(self, name: str, channel: int, size: int, has_flush: bool) -> None:
        """Send, or be refused where there is no session."""
        end, side = self.end(name), self.sides[name]
        if end is None:
            return
        is_streamed = channel in (ORDERED, UNORDERED)
        self.n_sent += 1
        message = (b"%d." % self.n_sent).ljust(size, b"x")
        message = message[: max(size, 8)] if is_streamed else message[:1130]
        try:
            number = end.send(channel, message, now=self.network.now)
        except LocalProtocolError:
            assert end.state not in ("Connected", "Dropped")
            return
        assert end.state in ("Connected", "Dropped")
        assert number not in side.numbers
        side.numbers[number] = message
        side.sent[channel].append(message)
        if has_flush:
            end.flush()

    @rule(n_rounds=st.integers(1, 10), loses=st.sampled_from([0, 0, 3, 5]))
    def talk(self, n_rounds: int, loses: int) -> None:
        """Let both ends say something on every channel, for some rounds."""
        for n in range(n_rounds):
            for name in ("client", "server"):
                for channel in range(6):
                    self.send(name, channel, 9, has_flush=False)
                self.take_packets(name)
                if loses and n % loses == 1:
                    self.lose(name, n)
                self.deliver_all(name)
            self.network.now += 0.016

    @rule(n_rounds=st.integers(1, 20))
    def exchange(self, n_rounds: int) -> None:
        """Let packets come and go for a while, as they should."""
        for _ in range(n_rounds):
            for name in ("client", "server"):
                self.take_packets(name)
                self.deliver_all(name)
                self.wake(name, is_on_time=False)
            self.network.now += 0.02

    @rule(link=st.sampled_from(Link), n_rounds=st.integers(1, 8))
    def come_back(self, link: Link, n_rounds: int) -> None:
        """Come back over another carrier, and be on the way for a while."""
        self.resume(link)
        self.exchange(n_rounds)

    @rule(name=ends, number=numbers)
    def cancel(self, name: str, number: int) -> None:
        """Give a message up, which is legal in every state."""
        end, side = self.end(name), self.sides[name]
        if end is None or not side.numbers:
            return
        chosen = list(side.numbers)[number % len(side.numbers)]
        if end.cancel(chosen):  # type: ignore[arg-type]
            side.given_up.add(side.numbers[chosen])
            for sent in side.sent.values():
                if side.numbers[chosen] in sent:
                    sent.remove(side.numbers[chosen])

    @precondition(lambda self: self.n_sent > 200)
    @rule(name=ends, reason=st.sampled_from(CloseReason))
    def close(self, name: str, reason: CloseReason) -> None:
        """Close, which is legal in every state, and does nothing the second time."""
        end = self.end(name)
        if end is not None:
            end.close(reason, "the machine closes", now=self.network.now)
            assert end.state == "Closed"

    @rule(name=ends, reason=st.sampled_from(CloseReason))
    def drop(self, name: str, reason: CloseReason) -> None:
        """Say that the link is lost, which is legal in every state."""
        end = self.end(name)
        if end is None:
            return
        was_connected = end.is_connected
        end.drop(reason, now=self.network.now)
        assert not end.is_connected
        assert not was_connected or end.state in ("Dropped", "Closed")

    @rule(link=st.sampled_from(Link))
    def resume(self, link: Link) -> None:
        """Ask to come back over another carrier, which is legal in every state."""
        before = self.client.state
        can = self.client.session.has_tickets and before in ("Connected", "Dropped")
        if before not in ("Connected", "Dropped"):
            secret = bytes(32)
            now = self.network.now
            assert not self.client.reconnect(link, secret=secret, now=now)
            return
        assert self.network.resume(link) == can
        assert self.client.is_reconnecting == can

    @rule()
    def abandon(self) -> None:
        """Give an attempt to come back up, which is legal in every state."""
        if self.client.state not in ("Idle", "Requesting", "Responding"):
            self.client.abandon()
        assert not self.client.is_reconnecting

    # -- packets --------------------------------------------------------------

    @initialize(n_steps=st.integers(0, 12))
    def begin(self, n_steps: int) -> None:
        """Go some steps on the straight way, so that every state comes early."""
        if n_steps:
            self.connect()
        for step in range(n_steps):
            self.take_packets(("client", "server")[step % 2])
            self.deliver_all(("client", "server")[step % 2])

    @rule(name=ends)
    def take_packets(self, name: str) -> None:
        """Take what an end wants to send."""
        end, network = self.end(name), self.network
        if end is None:
            return
        is_client = name == "client"
        carrier = network.carrier if is_client else network.server_carrier
        for packet in end.datagrams_to_send(now=network.now):
            self.sides[name].pool.append((packet, carrier))

    @rule(name=ends)
    def deliver_all(self, name: str) -> None:
        """Deliver all packets that an end has sent, in order."""
        pool = self.sides[name].pool
        for _ in range(len(pool)):
            self.arrive(name, *pool.pop(0))

    @rule(name=ends, number=numbers)
    def deliver(self, name: str, number: int) -> None:
        """Deliver a packet that an end sent: on a stream the next one, else any."""
        pool = self.sides[name].pool
        if not pool:
            return
        at = number % len(pool)
        carrier = pool[at][1]
        if carrier.link is Link.STREAM:
            at = next(i for i, item in enumerate(pool) if item[1] is carrier)
        packet = pool[at][0]
        if carrier.link is Link.STREAM or number % 3:
            del pool[at]
        self.arrive(name, packet, carrier)

    @rule(name=ends, number=numbers)
    def lose(self, name: str, number: int) -> None:
        """Lose a packet, unless a stream carries it."""
        pool = self.sides[name].pool
        if pool and pool[number % len(pool)][1].link is Link.DATAGRAM:
            del pool[number % len(pool)]

    def arrive(self, sender: str, packet: bytes, carrier: Carrier) -> None:
        """Give a packet to the end that it is for."""
        network = self.network
        if sender == "server":
            if carrier is network.carrier:
                self.client.receive_datagram(packet, now=network.now)
        elif carrier.link is Link.STREAM:
            network._arrive_by_stream(packet, carrier)
        else:
            network.arrive(packet, carrier.address, carrier)
        for one in network._travelling:
            self.sides["server"].pool.append((one.packet, one.carrier))
        network._travelling.clear()

    @precondition(lambda self: self.network.carrier.link is Link.DATAGRAM)
    @rule(address=st.sampled_from(["192.0.2.1:5000", "192.0.2.1:5001", "192.0.2.7:1"]))
    def move(self, address: str) -> None:
        """Let the client's packets come from another address."""
        self.network.move(address)

    @rule(name=ends, data=garbage)
    def disturb(self, name: str, data: bytes) -> None:
        """Let arbitrary bytes arrive."""
        self.attack(name, data)

    @precondition(lambda self: any(side.pool for side in self.sides.values()))
    @rule(name=ends, number=numbers, changes=edits, length=numbers)
    def forge(self, name: str, number: int, changes: Any, length: int) -> None:
        """Let a changed packet arrive."""
        pool = [*self.sides["client"].pool, *self.sides["server"].pool]
        packet = edited(pool[number % len(pool)][0], changes, length)
        self.attack(name, packet)

    def attack(self, name: str, data: bytes) -> None:
        """Let a packet arrive that the peer has not sent."""
        network = self.network
        if name == "server" and network.server is not None:
            carrier = network.server_carrier
            if carrier.link is Link.STREAM:
                self.tamper(data, is_up=True)
            else:
                network.arrive(data, "192.0.2.99:9")
        elif network.carrier.link is Link.STREAM:
            self.tamper(data, is_up=False)
        else:
            self.client.receive_datagram(data, now=network.now)
        network._travelling.clear()

    def tamper(self, data: bytes, *, is_up: bool) -> None:
        """Put something into a stream, which only who carries it can: now and then."""
        if len(data) % 5:
            return
        self.is_disturbed = True
        if is_up:
            self.network._arrive_by_stream(data, self.network.server_carrier)
        else:
            self.client.receive_datagram(data, now=self.network.now)

    # -- time -----------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.001, 0.025, 0.1, 0.3, 1.0]))
    def pass_time(self, seconds: float) -> None:
        """Let time pass, without waking anybody."""
        self.network.now += seconds

    @rule(name=ends, is_on_time=st.booleans())
    def wake(self, name: str, is_on_time: bool) -> None:
        """Wake an end at the very moment that it asks for, or now."""
        end, network = self.end(name), self.network
        if end is None:
            return
        due = end.next_timeout()
        if is_on_time and due is not None:
            network.now = max(network.now, due)
        end.handle_timeout(now=network.now)
        self.take_packets(name)
        after = end.next_timeout()
        assert after is None or after > network.now, "a loop without end"

    # -- what always holds ----------------------------------------------------

    @invariant()
    def collect(self) -> None:
        """Take all events: they come in an order that makes sense."""
        for name, side in self.sides.items():
            end = self.end(name)
            if end is None:
                continue
            side.events += drain(end)
            state = "Idle"
            for event in side.events:
                assert state != "Closed"
                if isinstance(event, Closed):
                    state = "Closed"
                elif isinstance(event, Connected):
                    assert state == "Idle"
                    state = "Connected"
                elif isinstance(event, Dropped):
                    assert state == "Connected"
                    state = "Dropped"
                elif isinstance(event, Resumed):
                    assert state == "Dropped"
                    state = "Connected"
                else:
                    assert state in ("Connected", "Dropped")
            assert state == end.state or (
                state == "Idle" and end.state in ("Requesting", "Responding")
            )

    @invariant()
    def tell_the_truth(self) -> None:
        """What an end says of itself fits its state."""
        for end in self.network.ends:
            assert end.is_closed == (end.state == "Closed")
            assert end.is_connected == (end.state == "Connected")
            asleep = end.is_closed or (end is self.client and end.state == "Idle")
            assert (end.next_timeout() is None) == asleep
            stats = end.stats()
            assert 0.0 <= stats.loss <= 1.0
            assert stats.packets_missed >= 0
            assert end._traffic.inbox.held_bytes <= 2 * (65536 + (1 << 19)) * 3

    @invariant()
    def deliver_as_promised(self) -> None:
        """What is delivered was sent, once, in order, and was not given up."""
        if self.is_disturbed:
            return
        for name, side in self.sides.items():
            theirs = self.other(name)
            for channel in range(6):
                came, sent = side.received(channel), theirs.sent[channel]
                assert not theirs.given_up.intersection(came)
                if channel == ORDERED:
                    assert came == sent[: len(came)]
                    continue
                assert len(set(came)) == len(came)
                places = [sent.index(message) for message in came]
                if channel in (SEQUENCED, LATEST):
                    assert places == sorted(places)

    @invariant()
    def one_receipt_each(self) -> None:
        """No message has two receipts, and none that was not sent has one."""
        for side in self.sides.values():
            receipts = [
                event.message_id
                for event in side.events
                if isinstance(event, MessageAcked | MessageLost)
            ]
            assert len(receipts) == len(set(receipts))
            for event in side.events:
                if isinstance(event, MessageAcked | MessageLost | TransferProgress):
                    assert event.message_id in side.numbers

    def teardown(self) -> None:
        """Let the network heal: what was promised is delivered in the end."""
        if self.is_disturbed or self.server is None:
            return
        for _ in range(300):
            if any(end.is_closed for end in self.network.ends):
                return
            self.heal()
        assert all(end.is_connected for end in self.network.ends)
        self.collect()
        self.deliver_as_promised()
        for name, side in self.sides.items():
            theirs = self.other(name)
            assert side.received(ORDERED) == theirs.sent[ORDERED]
            assert sorted(side.received(UNORDERED)) == sorted(theirs.sent[UNORDERED])
            assert side.received(LATEST)[-1:] == theirs.sent[LATEST][-1:]

    def heal(self) -> None:
        """Let a twentieth of a second pass in which all goes well."""
        network = self.network
        if self.client.state == "Dropped" and not self.client.is_reconnecting:
            network.resume(Link.DATAGRAM)
        for name in ("client", "server"):
            end = self.end(name)
            assert end is not None
            due = end.next_timeout()
            if due is not None and due <= network.now:
                end.handle_timeout(now=network.now)
            self.take_packets(name)
            self.deliver_all(name)
        network.now += 0.05


class StreamMachine(LifeMachine):
    """The same, beginning over a stream, where packets keep their order."""

    link = Link.STREAM


class LifeTests(SynchronousTestCase):
    """Whatever happens, in whatever order, a connection keeps its promises."""

    def test_datagrams(self) -> None:
        """Every command and every packet is taken in every state, over datagrams."""
        run_state_machine_as_test(
            LifeMachine, settings=settings(max_examples=120, stateful_step_count=60)
        )

    def test_stream(self) -> None:
        """Every command and every packet is taken in every state, over a stream."""
        run_state_machine_as_test(
            StreamMachine, settings=settings(max_examples=80, stateful_step_count=60)
        )
