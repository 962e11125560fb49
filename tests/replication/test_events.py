# SPDX-License-Identifier: MIT
"""Tests of events: what happens once, to whom it is told, and when."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.replication.events import (
    MAX_BATCH,
    MAX_EVENT,
    MAX_EVENTS,
    MAX_HELD,
    MAX_ROWS,
    Event,
    EventCodec,
    EventOutbox,
    EventQueue,
    Happened,
)
from gamenet.wire import blob, uint8, uint32

CAPACITY = 8
ALL = np.ones(CAPACITY, np.uint8)


class Shot(Event):
    """Somebody fires."""

    gun: int = uint8()


class Whistle(Event):
    """The game is over."""


class Noise(Event):
    """Something long."""

    wave: bytes = blob(4000)


class Mark(Event):
    """Something that tests can tell apart."""

    number: int = uint32()


KINDS = [Shot, Whistle, Noise, Mark]
rows = st.none() | st.integers(0, MAX_ROWS - 1)
events = st.one_of(
    st.builds(Shot, st.integers(0, 255)),
    st.builds(Whistle),
    st.builds(Noise, st.binary(max_size=200)),
)


class CodecTests(SynchronousTestCase):
    """Events are numbered, bounded, and read back as written."""

    def setUp(self) -> None:
        self.codec = EventCodec(KINDS)

    def test_bytes(self) -> None:
        """The bytes are tick, then kind, origin, length and body of each."""
        outbox = EventOutbox(self.codec, CAPACITY)
        outbox.emit(Shot(7), 258)
        outbox.emit(Whistle(), 258)
        outbox.emit(Noise(bytes(130)), 258)
        outbox.emit(Whistle(), 258, origin=7)
        (message,) = outbox.messages(1, ALL)
        expected = b"\x02\x01\0\0" + b"\x00\x01\x07" + b"\x02\x00"
        expected += b"\x04\x84\x01" + b"\x82\x01" + bytes(130) + b"\x03\x07\x00"
        self.assertEqual(message, expected)

    @given(st.integers(0, 2**32 - 1), st.lists(st.tuples(events, rows), max_size=20))
    def test_round_trip(self, tick: int, sent: list[Happened]) -> None:
        """What is written is read, in order, with the rows that it comes from."""
        payload = tick.to_bytes(4, "little")
        payload += b"".join(self.codec.encode(*each) for each in sent)
        self.assertEqual(self.codec.decode(payload), (tick, sent))

    def test_no_event_of_the_game(self) -> None:
        """An event of a class that is not listed is the author's mistake."""
        for codec, known in ((EventCodec([Shot]), "Shot"), (EventCodec([]), "none")):
            with self.assertRaisesRegex(LocalProtocolError, f"has {known}: list"):
                codec.encode(Whistle())

    def test_too_large(self) -> None:
        """An event has at most so many bytes."""
        self.codec.encode(Noise(bytes(MAX_EVENT - 2)))
        with self.assertRaisesRegex(LocalProtocolError, "at most 1024"):
            self.codec.encode(Noise(bytes(MAX_EVENT - 1)))
        self.assertRaises(LocalProtocolError, self.codec.encode, Shot(300))

    def test_unknown_events(self) -> None:
        """A newer server's events are skipped and counted; the others are there."""
        newer = bytes(4) + b"\x0a\x03abc" + b"\x00\x01\x09" + b"\x88\x02\x00"
        newer += b"\x0b\x05\x03abc"
        self.assertEqual(self.codec.decode(newer), (0, [(Shot(9), None)]))
        self.assertEqual(self.codec.n_unknown, 3)

    def test_origins(self) -> None:
        """A row is any of the largest world, and no other."""
        last = MAX_ROWS - 1
        payload = bytes(4) + self.codec.encode(Shot(1), last)
        self.assertEqual(self.codec.decode(payload), (0, [(Shot(1), last)]))
        payload = bytes(4) + self.codec.encode(Shot(1), last + 1)
        with self.assertRaisesRegex(RemoteProtocolError, "of row 16777216"):
            self.codec.decode(payload)

    def test_malformed(self) -> None:
        """A message that is cut, too long, or has too much in it is refused whole."""
        head, shot = bytes(4), b"\x00\x01\x09"
        for payload in (
            b"",
            bytes(3),
            head + shot + b"\x00",
            head + shot + b"\x80",
            head + shot + b"\x01",
            head + shot + b"\x01\x80",
            head + shot + b"\x01\x05",
            head + shot + b"\x01\x80\x80\x80\x08\x01\x09",
            head + b"\x00\x80",
            head + b"\x00\x02\x09",
            head + b"\x00\x00",
            head + b"\x00\x02\x09\x09",
            head + b"\x80\x00\x01\x09",
            head + b"\x0a\x81\x08" + bytes(MAX_EVENT + 1),
            head + b"\x02\x00" * (MAX_EVENTS + 1),
            head + b"\x0a\xff\x07" + bytes(MAX_BATCH),
        ):
            self.assertRaises(RemoteProtocolError, self.codec.decode, payload)
        self.assertEqual(self.codec.n_unknown, 0)

    def test_most(self) -> None:
        """What the limits allow is read; no event at all is one of these."""
        most = bytes(4) + b"\x02\x00" * MAX_EVENTS
        self.assertEqual(len(self.codec.decode(most)[1]), MAX_EVENTS)
        self.assertEqual(self.codec.decode(bytes(4)), (0, []))

    @given(st.binary(max_size=64))
    @example(bytes(4) + b"\x00\x01\x09")
    @example(bytes(4) + b"\x01\x07\x01\x09")
    def test_any_bytes(self, payload: bytes) -> None:
        """Arbitrary bytes are events or a RemoteProtocolError."""
        codec = EventCodec(KINDS)
        try:
            tick, found = codec.decode(payload)
        except RemoteProtocolError:
            return
        if not codec.n_unknown:
            again = b"".join(codec.encode(*each) for each in found)
            self.assertEqual(tick.to_bytes(4, "little") + again, payload)


class OutboxTests(SynchronousTestCase):
    """Every client is told what it should hear, and no other."""

    def setUp(self) -> None:
        self.codec = EventCodec(KINDS)
        self.outbox = EventOutbox(self.codec, CAPACITY)

    def heard(self, player_id: int, level=ALL) -> list[Event]:
        """Return what a client hears."""
        messages = self.outbox.messages(player_id, level)
        return [each for one in messages for each, _ in self.codec.decode(one)[1]]

    def test_nothing(self) -> None:
        """A tick without events has no message, nor has one without any for us."""
        self.assertEqual(self.outbox.messages(1, ALL), ())
        self.outbox.emit(Whistle(), 1, to=[])
        self.assertEqual(self.outbox.messages(1, ALL), ())

    def test_to(self) -> None:
        """Players are named by themselves, by their ids, alone or together."""
        ada, ben = SimpleNamespace(id=1), SimpleNamespace(id=2)
        for number, to in enumerate(
            [None, ada, 2, [ada, ben], {2: ben}, (np.uint32(1), 1)]
        ):
            self.outbox.emit(Mark(number), 1, to=to)
        numbers = [[each.number for each in self.heard(i)] for i in (1, 2, 3)]
        self.assertEqual(numbers, [[0, 1, 3, 5], [0, 2, 3, 4], [0]])

    def test_seen(self) -> None:
        """Where a row has to be seen, only who sees it hears."""
        level = np.zeros(CAPACITY, np.uint8)
        level[3] = 7
        self.outbox.emit(Mark(0), 1, seen=3)
        self.outbox.emit(Mark(1), 1, seen=4)
        self.outbox.emit(Mark(2), 1, seen=4, to=1)
        self.outbox.emit(Mark(3), 1, seen=3, to=1)
        self.assertEqual(self.heard(1, level), [Mark(0), Mark(3)])
        self.assertEqual(self.heard(2, level), [Mark(0)])
        self.assertEqual(self.heard(1), [Mark(0), Mark(1), Mark(2), Mark(3)])

    def test_shared(self) -> None:
        """Clients that hear the same are given the same object."""
        self.outbox.emit(Mark(0), 1)
        self.outbox.emit(Mark(1), 1, to=3)
        first = self.outbox.messages(1, ALL)
        self.assertIs(self.outbox.messages(2, ALL), first)
        self.assertNotEqual(self.outbox.messages(3, ALL), first)
        self.outbox.emit(Mark(2), 1)
        self.assertEqual(self.heard(1), [Mark(0), Mark(2)])

    def test_values_of_then(self) -> None:
        """An event that is changed after it was emitted is told as it was."""
        shot = Shot(1)
        self.outbox.emit(shot, 1)
        shot.gun = 2
        self.assertEqual(self.heard(1), [Shot(1)])

    def test_clear(self) -> None:
        """The next tick begins with nothing, and with nobody named."""
        self.outbox.emit(Mark(0), 1, to=1, seen=5)
        self.assertEqual(len(self.outbox), 1)
        self.outbox.clear()
        self.assertEqual((len(self.outbox), self.heard(1)), (0, []))
        self.outbox.emit(Mark(1), 2)
        nothing_seen = np.zeros(CAPACITY, np.uint8)
        self.assertEqual(self.heard(2, nothing_seen), [Mark(1)])

    def test_one_message_for_each_tick(self) -> None:
        """Events of different ticks travel apart; a tick on the wire wraps around."""
        self.outbox.emit(Mark(0), 2**32 - 1)
        self.outbox.emit(Mark(1), 2**32)
        found = [self.codec.decode(each) for each in self.outbox.messages(1, ALL)]
        self.assertEqual(
            found, [(2**32 - 1, [(Mark(0), None)]), (0, [(Mark(1), None)])]
        )

    def test_large_ticks(self) -> None:
        """What is too much for one message is cut between events, in order."""
        sent = [Noise(bytes([i]) * 1000) for i in range(100)]
        for each in sent:
            self.outbox.emit(each, 9)
        messages = self.outbox.messages(1, ALL)
        self.assertEqual(max(map(len, messages)) <= MAX_BATCH, True)
        self.assertEqual(len(messages), 7)
        self.assertEqual(self.heard(1), sent)

    def test_too_many(self) -> None:
        """More events than a tick can have are the author's mistake."""
        for _ in range(MAX_EVENTS):
            self.outbox.emit(Whistle(), 1)
        with self.assertRaisesRegex(LocalProtocolError, "event 1025 of tick 1"):
            self.outbox.emit(Whistle(), 1)
        self.assertEqual(len(self.heard(1)), MAX_EVENTS)

    def test_refused(self) -> None:
        """What cannot be sent, or to nobody that there is, leaves nothing behind."""
        for event, options in (
            (Shot(300), {}),
            (Whistle(), {"seen": CAPACITY}),
            (Whistle(), {"seen": -1}),
            (Whistle(), {"origin": CAPACITY}),
            (Whistle(), {"origin": -1}),
            (Whistle(), {"to": "ada"}),
            (Whistle(), {"to": [1, None]}),
            (Whistle(), {"to": 1.5}),
        ):
            with self.assertRaises(LocalProtocolError):
                self.outbox.emit(event, 1, **options)
        self.assertEqual((len(self.outbox), self.heard(1)), (0, []))

    @given(
        st.lists(
            st.tuples(
                st.none() | st.sets(st.integers(1, 4)),
                st.none() | st.integers(0, CAPACITY - 1),
            ),
            max_size=12,
        ),
        st.lists(st.integers(0, 2**CAPACITY - 1), min_size=4, max_size=4),
    )
    def test_any_audience(self, sent, views: list[int]) -> None:
        """Whoever is named and sees it hears an event, and nobody else."""
        outbox = EventOutbox(self.codec, CAPACITY)
        for number, (to, seen) in enumerate(sent):
            outbox.emit(Mark(number), 1, to=to, seen=seen)
        for player_id, view in enumerate(views, 1):
            level = np.array([view >> row & 1 for row in range(CAPACITY)], np.uint8)
            messages = outbox.messages(player_id, level)
            found = [e for m in messages for e, _ in self.codec.decode(m)[1]]
            expected = [
                Mark(number)
                for number, (to, seen) in enumerate(sent)
                if (to is None or player_id in to) and (seen is None or level[seen])
            ]
            self.assertEqual(found, expected)


class Told:
    """A queue of events without an origin; what it gives out, likewise."""

    def __init__(self) -> None:
        self.held = EventQueue()

    def add(self, tick: int, events: list[Event]) -> list[tuple[int, Event]]:
        """Take events."""
        due = self.held.add(tick, [(event, None) for event in events])
        return [(when, event) for when, event, _ in due]

    def advance(self, tick: int) -> list[tuple[int, Event]]:
        """Let the world come to a tick."""
        return [(when, event) for when, event, _ in self.held.advance(tick)]


class QueueTests(SynchronousTestCase):
    """A client hears of an event when its world has come so far."""

    def setUp(self) -> None:
        self.queue = Told()

    def test_held_back(self) -> None:
        """Events wait for a snapshot of their tick, or of a later one."""
        self.assertEqual(self.queue.add(5, [Mark(1)]), [])
        self.assertEqual(self.queue.advance(4), [])
        self.assertEqual(self.queue.add(7, [Mark(3)]), [])
        self.assertEqual(self.queue.add(5, [Mark(2)]), [])
        self.assertEqual(self.queue.advance(6), [(5, Mark(1)), (5, Mark(2))])
        self.assertEqual(len(self.queue.held), 1)
        self.assertEqual(self.queue.advance(7), [(7, Mark(3))])
        self.assertEqual(self.queue.held.n_early, 0)

    def test_origin(self) -> None:
        """An event keeps its origin, wherever it waits."""
        queue = EventQueue()
        queue.add(7, [(Mark(1), 3), (Mark(1), None)])
        queue.advance(6)
        self.assertEqual(queue.advance(7), [(7, Mark(1), 3), (7, Mark(1), None)])
        self.assertEqual(queue.add(5, [(Mark(2), 0)]), [(5, Mark(2), 0)])

    def test_at_once(self) -> None:
        """Events of a tick that the world has are told as they come."""
        self.queue.advance(10)
        self.assertEqual(self.queue.add(10, [Mark(1)]), [(10, Mark(1))])
        self.assertEqual(self.queue.add(3, [Mark(2)]), [(3, Mark(2))])
        self.assertEqual(self.queue.add(11, []), [])

    def test_older_snapshots(self) -> None:
        """A snapshot that comes late does not take the world back."""
        self.queue.advance(10)
        self.assertEqual(self.queue.advance(8), [])
        self.assertEqual(self.queue.add(9, [Mark(1)]), [(9, Mark(1))])

    def test_before_any_snapshot(self) -> None:
        """Nothing is told before there is a world, whatever the ticks."""
        for number, tick in enumerate((2**31 + 5, 7, 4, 2**32 - 1, 9)):
            self.assertEqual(self.queue.add(tick, [Mark(number)]), [])
        found = self.queue.advance(7)
        self.assertEqual([e.number for _, e in found], [3, 2, 1])
        self.assertEqual(len(self.queue.held), 2)

    def test_too_many_before_any_snapshot(self) -> None:
        """What is held before there is a world is bounded, too."""
        early = self.queue.add(5, [Mark(i) for i in range(MAX_HELD + 3)])
        self.assertEqual([e.number for _, e in early], [0, 1, 2])

    def test_wraparound(self) -> None:
        """After the last tick of 32 bits comes tick 0."""
        self.queue.advance(2**32 - 2)
        self.assertEqual(self.queue.add(1, [Mark(2)]), [])
        self.assertEqual(self.queue.add(2**32 - 1, [Mark(1)]), [])
        self.assertEqual(self.queue.advance(2**32 - 1), [(2**32 - 1, Mark(1))])
        self.assertEqual(self.queue.advance(0), [])
        self.assertEqual(self.queue.advance(1), [(1, Mark(2))])
        self.assertEqual(self.queue.add(2**32 - 1, [Mark(3)]), [(2**32 - 1, Mark(3))])

    def test_bounded(self) -> None:
        """Of too many the oldest are told early, and counted."""
        self.queue.advance(1)
        self.assertEqual(self.queue.add(9, [Mark(i) for i in range(MAX_HELD)]), [])
        self.assertEqual(self.queue.add(8, [Mark(998)]), [(8, Mark(998))])
        self.assertEqual(self.queue.add(9, [Mark(999)]), [(9, Mark(0))])
        self.assertEqual((len(self.queue.held), self.queue.held.n_early), (MAX_HELD, 2))
        told = self.queue.advance(9)
        self.assertEqual([e.number for _, e in told], [*range(1, MAX_HELD), 999])
        self.assertEqual(self.queue.held.n_early, 2)

    @given(
        st.integers(0, 2**32 - 1),
        st.lists(st.tuples(st.booleans(), st.integers(-50, 50)), max_size=40),
    )
    def test_model(self, start: int, steps: list[tuple[bool, int]]) -> None:
        """Each event is told once, as soon as its tick is there, in order."""
        queue, world = Told(), 0
        queue.advance(start)
        held: list[tuple[int, int]] = []
        for number, (is_event, offset) in enumerate(steps):
            tick = (start + offset) & 0xFFFFFFFF
            if is_event:
                held.append((offset, number))
                found = queue.add(tick, [Mark(number)])
            else:
                world = max(world, offset)
                found = queue.advance(tick)
            due = sorted(each for each in held if each[0] <= world)
            held = [each for each in held if each not in due]
            expected = [((start + t) & 0xFFFFFFFF, Mark(n)) for t, n in due]
            self.assertEqual(found, expected)
        self.assertEqual(len(queue.held), len(held))
