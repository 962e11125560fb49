# SPDX-License-Identifier: MIT
"""Tests of inputs on their way from a client to the server's tick."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.prediction import Input, InputBuffer, InputQueue
from gamenet.prediction.inputs import MAX_PER_PACKET, MAX_QUEUED, MAX_REPEATED
from gamenet.wire import blob, int8, uint32
from tests.connection.strategies import edited, edits, seeds


class Steer(Input):
    """Numbered, so that each can be told from all others."""

    number: int = uint32()


class Fire(Input):
    """Another kind."""

    number: int = uint32()


class Paint(Input):
    """An input that may be large."""

    pixels: bytes = blob(100_000)


class Stranger(Input):
    """An input of another game."""

    x: int = int8()


INPUTS = [Steer, Fire, Paint]


class Way:
    """A client's buffer and a server's queue."""

    def __init__(self) -> None:
        self.buffer = InputBuffer(INPUTS)
        self.queue = InputQueue(INPUTS)

    def steer(self, number: int, tick: int = 0) -> bytes:
        """Return the packet of a numbered input."""
        return self.buffer.add(Steer(number), snapshot_tick=tick)

    def taken(self, n_ticks: int = 1) -> list[Any]:
        """Return the numbers taken in some ticks."""
        return [item.number for _ in range(n_ticks) for item in self.queue.take()]


def packet(sequence: int, *entries: tuple[int, bytes], count: int | None = None):
    """Return a packet made by hand, newest entry first."""
    head = struct.pack("<IIB", sequence, 7, len(entries) if count is None else count)
    body = b"".join(
        struct.pack("<BH", number, len(data)) + data for number, data in entries
    )
    return head + body


class BufferTests(SynchronousTestCase):
    """The client numbers its inputs and repeats the last ones."""

    def setUp(self) -> None:
        self.buffer = InputBuffer(INPUTS)

    def test_bytes(self) -> None:
        """The bytes are those of the standard, newest first, three of one class."""
        buffer = InputBuffer([Steer])
        packets = [buffer.add(Steer(n), snapshot_tick=9).hex() for n in range(1, 5)]
        head, old = "0100000009000000", "00040001000000"
        self.assertEqual(packets[0], head + "01" + old)
        last = "000400040000000004000300000000040002000000"
        self.assertEqual(packets[3], "040000000900000003" + last)
        self.assertEqual(buffer.sequence, 4)

    def test_unknown(self) -> None:
        """An input of another game is refused, with the names of this one's."""
        error = self.assertRaises(
            LocalProtocolError, self.buffer.add, Stranger(1), snapshot_tick=0
        )
        self.assertIn("Stranger is no input of this game: it has Steer", str(error))
        error = self.assertRaises(
            LocalProtocolError, InputBuffer([]).add, Steer(1), snapshot_tick=0
        )
        self.assertIn("it has none", str(error))
        self.assertEqual(self.buffer.sequence, 0)

    def test_large_inputs_are_not_repeated(self) -> None:
        """What is repeated always leaves room in a packet."""
        for size in (10, 300, 300, 5, 600, 5, 5, 5):
            data = self.buffer.add(Paint(bytes(size)), snapshot_tick=0)
            self.assertLessEqual(len(data), max(MAX_REPEATED, size + 6) + 9)
        self.assertEqual(data[8], 3)

    def test_too_large(self) -> None:
        """An input longer than its length can say is refused."""
        self.buffer.add(Paint(bytes(65532)), snapshot_tick=0)
        error = self.assertRaises(
            LocalProtocolError, self.buffer.add, Paint(bytes(65533)), snapshot_tick=0
        )
        self.assertIn("the limit is 65535", str(error))
        self.assertEqual(self.buffer.sequence, 1)

    def test_wraps(self) -> None:
        """Sequence and tick are 32 bits."""
        self.buffer.sequence = 2**32 - 1
        data = self.buffer.add(Steer(1), snapshot_tick=2**32 + 5)
        self.assertEqual(struct.unpack_from("<II", data), (0, 5))


class QueueTests(SynchronousTestCase):
    """The server takes each input once, in order, one of a kind in a tick."""

    def setUp(self) -> None:
        self.way = Way()
        self.queue = self.way.queue

    def test_once(self) -> None:
        """What packets repeat is taken once."""
        for n in range(5):
            data = self.way.steer(n, tick=n + 10)
            self.queue.receive(data)
            self.queue.receive(data)
            self.assertEqual(self.way.taken(3), [n])
            self.assertEqual(self.queue.snapshot_tick, n + 10)
        self.assertEqual((self.queue.sequence, self.queue.n_missing), (5, 0))

    def test_lost(self) -> None:
        """Two lost packets in a row lose no input; a third one is counted."""
        for n_lost, taken in ((2, [0, 1, 2, 3]), (3, [0, 2, 3, 4])):
            buffer, queue = InputBuffer([Steer]), InputQueue([Steer])
            packets = [buffer.add(Steer(n), snapshot_tick=0) for n in range(7)]
            queue.receive(packets[0])
            queue.receive(packets[n_lost + 1])
            items = [item for _ in range(9) for item in queue.take()]
            self.assertEqual([item.number for item in items], taken)
            self.assertEqual(queue.n_missing, n_lost - 2)

    def test_reordered(self) -> None:
        """A packet that was overtaken brings nothing, and takes nothing back."""
        packets = [self.way.steer(n) for n in range(3)]
        for data in (packets[2], packets[0], packets[1]):
            self.queue.receive(data)
        self.assertEqual(self.way.taken(9), [0, 1, 2])
        self.assertEqual(self.queue.sequence, 3)

    def test_one_of_a_kind(self) -> None:
        """A tick takes one of each kind, in order; who sends more waits."""
        for n, kind in enumerate([Steer, Steer, Fire, Steer]):
            self.queue.receive(self.way.buffer.add(kind(n), snapshot_tick=0))
        ticks = [self.way.taken() for _ in range(4)]
        self.assertEqual(ticks, [[0], [1, 2], [3], []])

    def test_bounded(self) -> None:
        """Of too many inputs the oldest are dropped and counted."""
        for n in range(100):
            self.queue.receive(self.way.steer(n))
        self.assertEqual(self.way.taken(99), list(range(100 - MAX_QUEUED, 100)))
        self.assertEqual(self.queue.n_overflowed, 100 - MAX_QUEUED)

    def test_many_kinds(self) -> None:
        """Kinds do not crowd one another out: each has its own bound."""
        kinds = [type(f"Kind{i}", (Steer,), {}) for i in range(6)]
        buffer, queue = InputBuffer(kinds), InputQueue(kinds)
        for tick in range(50):
            for kind in kinds:
                queue.receive(buffer.add(kind(tick), snapshot_tick=tick))
            self.assertEqual([item.number for item in queue.take()], [tick] * 6)
        self.assertEqual(queue.n_overflowed, 0)

    def test_burst_drains(self) -> None:
        """What a burst leaves behind does not delay inputs for ever."""
        for n in range(4):
            self.queue.receive(self.way.steer(n))
        for n in range(4, 200):
            self.queue.receive(self.way.steer(n))
            self.queue.take()
        self.assertEqual(len(self.queue._queue), 0)
        self.assertEqual(self.queue.n_overflowed, 4)

    def test_wrap(self) -> None:
        """The sequence wraps without a gap."""
        self.way.buffer.sequence = self.queue.sequence = 2**32 - 2
        for n in range(4):
            self.queue.receive(self.way.steer(n))
            self.assertEqual(self.way.taken(), [n])
        self.assertEqual((self.queue.sequence, self.queue.n_missing), (2, 0))

    @settings(max_examples=150)
    @given(seeds, st.floats(0, 0.5), st.integers(1, 80), st.integers(1, 4))
    def test_any_network(self, seed: int, loss: float, count: int, rate: int) -> None:
        """Over any network inputs come once, in order, and none that was not sent."""
        random, way = Random(seed), Way()
        travelling: list[tuple[float, bytes]] = []
        taken = []
        for n in range(count):
            kind = random.choice((Steer, Fire))
            data = way.buffer.add(kind(n), snapshot_tick=n)
            for _ in range(random.choice((1, 1, 2))):
                delay = random.random() * 5 if random.random() >= loss else 1e9
                travelling.append((n + delay, data))
            arrived = [item for item in travelling if item[0] <= n]
            travelling = [item for item in travelling if item[0] > n]
            for _, packet in sorted(arrived):
                way.queue.receive(packet)
            if n % rate == 0:
                now = way.queue.take()
                self.assertEqual(len(now), len({type(item) for item in now}))
                taken += [item.number for item in now]
            self.assertLessEqual(len(way.queue._queue), 2 * MAX_QUEUED)
        for moment, packet in sorted(travelling):
            if moment < 1e6:
                way.queue.receive(packet)
        taken += way.taken(count)
        self.assertEqual(taken, sorted(set(taken)))
        lost = way.queue.n_missing + way.queue.n_overflowed
        self.assertEqual(len(taken) + lost, way.queue.sequence)


class HostileTests(SynchronousTestCase):
    """Malformed packets raise RemoteProtocolError, and nothing of them is taken."""

    def setUp(self) -> None:
        self.queue = InputQueue(INPUTS)
        self.good = struct.pack("<I", 5)

    def refused(self, data: bytes) -> str:
        """Return why a packet is refused."""
        error = self.assertRaises(RemoteProtocolError, self.queue.receive, data)
        self.assertEqual((self.queue.sequence, self.queue.snapshot_tick), (0, 0))
        self.assertEqual(self.queue.take(), [])
        return str(error)

    def test_truncated(self) -> None:
        """A packet cut short anywhere, or with bytes after it, is refused."""
        whole = packet(3, (0, self.good), (1, self.good), (0, self.good))
        for length in range(len(whole)):
            self.refused(whole[:length])
        self.refused(whole + b"\0")
        self.queue.receive(whole)

    def test_counts(self) -> None:
        """A packet has 1 to 16 inputs."""
        entry = (0, self.good)
        self.assertIn("1 to 16", self.refused(packet(1)))
        self.refused(packet(99, *[entry] * (MAX_PER_PACKET + 1)))
        self.refused(packet(99, *[entry] * 255))
        self.refused(packet(1, entry, count=2))
        self.queue.receive(packet(99, *[entry] * MAX_PER_PACKET))
        self.assertEqual(len(self.queue._queue), MAX_QUEUED)

    def test_unknown_kind(self) -> None:
        """An input of an unknown kind is refused, also among old ones."""
        self.assertIn("there are 3", self.refused(packet(1, (3, self.good))))
        self.refused(packet(1, (0, self.good), (255, b"")))
        self.assertRaises(
            RemoteProtocolError, InputQueue([]).receive, packet(1, (0, b""))
        )

    def test_bad_body(self) -> None:
        """One bad input makes the whole packet bad."""
        for body in (b"", self.good[:3], self.good + b"\0"):
            self.refused(packet(2, (0, self.good), (0, body)))

    def test_leap(self) -> None:
        """A leap of the sequence costs its sender the inputs between, nobody else."""
        self.queue.receive(packet(2**31 - 1, (0, self.good)))
        self.assertEqual(len(self.queue.take()), 1)
        self.assertEqual(self.queue.n_missing, 2**31 - 2)
        self.queue.receive(packet(2**31 - 1 + 2**31, (0, self.good)))
        self.assertEqual(self.queue.take(), [])

    @given(st.binary(max_size=80))
    def test_random_bytes(self, data: bytes) -> None:
        """Arbitrary bytes are inputs or a RemoteProtocolError."""
        queue = InputQueue(INPUTS)
        for head in (b"", struct.pack("<IIB", 1, 0, 1), packet(1, (0, b""))[:9]):
            try:
                queue.receive(head + data)
            except RemoteProtocolError:
                continue
        self.assertLessEqual(len(queue._queue), len(INPUTS) * MAX_QUEUED)

    @given(edits, st.integers(0, 60))
    def test_mutated(self, changes: Any, length: int) -> None:
        """A changed packet is inputs or a RemoteProtocolError that takes nothing."""
        queue = InputQueue(INPUTS)
        queue.receive(packet(1, (0, self.good)))
        data = edited(packet(4, *[(0, self.good)] * 3), changes, length)
        try:
            queue.receive(data)
        except RemoteProtocolError:
            self.assertEqual(queue.sequence, 1)
            self.assertEqual([item.number for item in queue.take()], [5])
