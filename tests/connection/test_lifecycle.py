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
    Accept,
    Acceptor,
    Closed,
    Connected,
    Connection,
    ConnectionConfig,
    Event,
    Gate,
    Link,
    MessageReceived,
    Reply,
)
from gamenet.connection.lifecycle import Course, new_lifecycle
from gamenet.errors import CloseReason, LocalProtocolError
from tests.connection.network import HASH, drain
from tests.connection.strategies import edited, edits, garbage

INPUTS: dict[str, tuple[Any, ...]] = {
    "connect": (),
    "challenge": (),
    "accept": (),
    "end": (CloseReason.NORMAL, "bye"),
}
WAYS: dict[str, list[str]] = {
    "Idle": [],
    "Requesting": ["connect"],
    "Responding": ["connect", "challenge"],
    "Connected": ["accept"],
    "Closed": ["end"],
}
"""How each state is reached."""
MOVES = {
    ("Idle", "connect"): "Requesting",
    ("Idle", "accept"): "Connected",
    ("Requesting", "challenge"): "Responding",
    ("Requesting", "accept"): "Connected",
    ("Responding", "accept"): "Connected",
    ("Idle", "end"): "Closed",
    ("Requesting", "end"): "Closed",
    ("Responding", "end"): "Closed",
    ("Connected", "end"): "Closed",
}
"""All that change the state; every other pair does nothing."""


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
                )
                machine = new_lifecycle(course)
                for step in way:
                    getattr(machine, step)(*INPUTS[step])
                self.assertEqual(course.state, state)
                told.clear()
                getattr(machine, name)(*arguments)
                after = MOVES.get((state, name), state)
                self.assertEqual(course.state, after, f"{name} in {state}")
                expected: list[Any] = []
                if after != state and after == "Connected":
                    expected = ["connected"]
                elif after != state and after == "Closed":
                    expected = [arguments]
                self.assertEqual(told, expected, f"{name} in {state}")


numbers = st.integers(0, 1000)
ends = st.sampled_from(["client", "server"])


class LifeMachine(RuleBasedStateMachine):
    """Two ends, a pool of packets between them, and everything that can happen."""

    link = Link.DATAGRAM

    def __init__(self) -> None:
        super().__init__()
        config = ConnectionConfig(timeout=1.0, heartbeat=0.1, handshake_timeout=0.5)
        gate = Gate(HASH)
        self.now = 10.0
        self.tags = iter(range(1, 1 << 20))
        self.acceptor = Acceptor(
            config, gate, secret=bytes(32), new_tag=lambda: next(self.tags)
        )
        self.client = Connection.client(
            config, protocol_hash=HASH, salt=99, link=self.link
        )
        self.server: Connection | None = None
        if self.link is Link.STREAM:
            self.server = Connection.server_stream(config, gate, tag=7, now=self.now)
        self.pool: dict[str, list[bytes]] = {"client": [], "server": []}
        self.events: dict[str, list[Event]] = {"client": [], "server": []}
        self.sent: dict[str, list[bytes]] = {"client": [], "server": []}
        self.n_sent = 0
        self.is_disturbed = False

    def end(self, name: str) -> Connection | None:
        """Return an end by name."""
        return self.client if name == "client" else self.server

    def other(self, name: str) -> str:
        """Return the name of the other end."""
        return "server" if name == "client" else "client"

    @rule()
    def connect(self) -> None:
        """Connect, or be refused in any state but the first."""
        is_idle = self.client.state == "Idle"
        try:
            self.client.connect(now=self.now)
        except LocalProtocolError:
            assert not is_idle
        else:
            assert is_idle
            assert self.client.state == "Requesting"

    @rule(name=ends, channel=st.integers(0, 1), size=st.sampled_from([0, 9, 1180]))
    def send(self, name: str, channel: int, size: int) -> None:
        """Send, or be refused in any state but connected."""
        end = self.end(name)
        if end is None:
            return
        self.n_sent += 1
        message = (b"%d." % self.n_sent).ljust(size, b"x")[: max(size, 8)]
        try:
            end.send(channel, message, now=self.now)
        except LocalProtocolError:
            assert end.state != "Connected"
        else:
            assert end.state == "Connected"
            self.sent[name].append(message)

    @rule(name=ends, reason=st.sampled_from(CloseReason))
    def close(self, name: str, reason: CloseReason) -> None:
        """Close, which is legal in every state, and does nothing the second time."""
        end = self.end(name)
        if end is not None:
            end.close(reason, "the machine closes", now=self.now)
            assert end.state == "Closed"

    @initialize(n_steps=st.integers(0, 8))
    def begin(self, n_steps: int) -> None:
        """Go some steps on the straight way, so that every state comes early."""
        if n_steps:
            self.connect()
        for step in range(n_steps):
            name = ("client", "server")[step % 2]
            self.take_packets(name)
            for _ in range(len(self.pool[name])):
                self.deliver(name, 1)

    @rule(name=ends)
    def take_packets(self, name: str) -> None:
        """Take what an end wants to send."""
        end = self.end(name)
        if end is not None:
            self.pool[name] += end.datagrams_to_send(now=self.now)

    @rule(name=ends, number=numbers)
    def deliver(self, name: str, number: int) -> None:
        """Deliver a packet that an end sent: on a stream the next one, else any."""
        pool = self.pool[name]
        if not pool:
            return
        if self.link is Link.STREAM:
            packet = pool.pop(0)
        else:
            packet = pool[number % len(pool)]
            if number % 3:
                pool.remove(packet)
        self.arrive(self.other(name), packet)

    @rule(name=ends, data=garbage)
    def disturb(self, name: str, data: bytes) -> None:
        """Let arbitrary bytes arrive."""
        self.is_disturbed = True
        self.arrive(name, data)

    @precondition(lambda self: self.pool["client"] or self.pool["server"])
    @rule(name=ends, number=numbers, changes=edits, length=numbers)
    def forge(self, name: str, number: int, changes: Any, length: int) -> None:
        """Let a changed packet arrive."""
        pool = self.pool["client"] + self.pool["server"]
        self.is_disturbed = True
        self.arrive(name, edited(pool[number % len(pool)], changes, length))

    def arrive(self, name: str, packet: bytes) -> None:
        """Give a packet to an end, or to the door where there is no end yet."""
        end = self.end(name)
        if end is not None:
            end.receive_datagram(packet, now=self.now)
            return
        answer = self.acceptor.receive(packet, "192.0.2.1:1", now=self.now)
        if isinstance(answer, Accept):
            self.server = answer.connection
        elif isinstance(answer, Reply):
            self.pool["server"] += answer.datagrams

    @rule(seconds=st.sampled_from([0.001, 0.025, 0.1, 0.3, 1.0]))
    def pass_time(self, seconds: float) -> None:
        """Let time pass, without waking anybody."""
        self.now += seconds

    @rule(name=ends, is_on_time=st.booleans())
    def wake(self, name: str, is_on_time: bool) -> None:
        """Wake an end at the very moment that it asks for, or now."""
        end = self.end(name)
        if end is None:
            return
        due = end.next_timeout()
        if is_on_time and due is not None:
            self.now = max(self.now, due)
        end.handle_timeout(now=self.now)
        self.take_packets(name)
        after = end.next_timeout()
        assert after is None or after > self.now, "a loop without end"

    @invariant()
    def collect(self) -> None:
        """Take all events: connected comes first, closed last, each once."""
        for name in ("client", "server"):
            end = self.end(name)
            if end is None:
                continue
            self.events[name] += drain(end)
            events = self.events[name]
            closed = [e for e in events if isinstance(e, Closed)]
            assert len(closed) == (end.state == "Closed")
            if closed:
                assert isinstance(events[-1], Closed)
            rest = events[:-1] if closed else events
            assert rest.count(Connected()) == bool(rest)
            assert not rest or rest[0] == Connected()
            if end.state == "Connected":
                assert rest

    @invariant()
    def tell_the_truth(self) -> None:
        """What an end says of itself fits its state."""
        for end in (self.client, self.server):
            if end is None:
                continue
            assert end.is_closed == (end.state == "Closed")
            asleep = end.is_closed or (end is self.client and end.state == "Idle")
            assert (end.next_timeout() is None) == asleep
            stats = end.stats()
            assert 0.0 <= stats.loss <= 1.0
            assert stats.packets_missed >= 0

    @invariant()
    def invent_nothing(self) -> None:
        """Nothing is delivered that was not sent, unless somebody forged it."""
        if self.is_disturbed:
            return
        for name, events in self.events.items():
            theirs = self.sent[self.other(name)]
            for event in events:
                if isinstance(event, MessageReceived):
                    assert event.payload in theirs


class StreamMachine(LifeMachine):
    """The same over a stream, where packets keep their order."""

    link = Link.STREAM


class LifeTests(SynchronousTestCase):
    """Whatever happens, in whatever order, a connection keeps its promises."""

    def test_datagrams(self) -> None:
        """Every command and every packet is taken in every state, over datagrams."""
        run_state_machine_as_test(
            LifeMachine, settings=settings(max_examples=120, stateful_step_count=50)
        )

    def test_stream(self) -> None:
        """Every command and every packet is taken in every state, over a stream."""
        run_state_machine_as_test(
            StreamMachine, settings=settings(max_examples=80, stateful_step_count=50)
        )
