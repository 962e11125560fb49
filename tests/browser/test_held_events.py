# SPDX-License-Identifier: MIT
"""The browser tells the events of a tick when Python would, in the same order."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.replication import Event, EventCodec, EventQueue
from gamenet.wire import uint32
from gamenet.wire.javascript import javascript_module
from tests.browser.javascript import run_program


class Shot(Event):
    """A loud noise."""

    number: int = uint32()


class Flash(Event):
    """A bright light."""

    number: int = uint32()


EVENTS = [Shot, Flash]
PROTOCOL = javascript_module(
    protocol_hash=bytes(8),
    version=1,
    components=[],
    inputs=[],
    messages={},
    events=EVENTS,
)
CODEC = EventCodec(EVENTS)
LAST = 2**32 - 1

Step = dict[str, Any]


class Feed:
    """Steps for the browser, and what Python tells after each."""

    def __init__(self) -> None:
        self.queue = EventQueue()
        self.n_events = 0
        self.steps: list[Step] = []
        self.told: list[list[Any]] = []

    def add(self, tick: int, count: int) -> None:
        """Let the events of a tick come."""
        kinds = [EVENTS[(self.n_events + n) % 2] for n in range(count)]
        events = [kind(self.n_events + n) for n, kind in enumerate(kinds)]
        self.n_events += count
        data = tick.to_bytes(4, "little")
        for event in events:
            origin = event.number * 1000 if event.number % 3 else None
            data += CODEC.encode(event, origin)
        self.steps.append({"bytes": data.hex()})
        self._note(self.queue.add(*CODEC.decode(data)))

    def reach(self, tick: int) -> None:
        """Let the world come to a tick."""
        self.steps.append({"tick": tick})
        self._note(self.queue.advance(tick))

    def _note(self, due: list[tuple[int, Any, int | None]]) -> None:
        self.told.append(
            [
                [tick, type(event).__name__, {"number": event.number}, origin]
                for tick, event, origin in due
            ]
        )

    @property
    def order(self) -> list[int]:
        """Return the numbers of what was told, in order."""
        return [event[2]["number"] for told in self.told for event in told]


class HeldEventsTests(SynchronousTestCase):
    """Both sides hold the same back."""

    def check(self, feed: Feed) -> None:
        """Fail unless the browser tells the same after each step."""
        answers = run_program(
            "held_events.js", {"steps": feed.steps}, protocol=PROTOCOL
        )
        self.assertEqual(answers, feed.told)

    def test_random(self) -> None:
        """Whatever comes in whatever order, also around the end of 32 bits."""
        for seed in range(4):
            random = Random(seed)
            feed = Feed()
            start = random.choice((0, 1000, LAST - 20))
            for now in range(60):
                tick = (start + now + random.randrange(-9, 10)) & LAST
                if random.random() < 0.6:
                    feed.add(tick, random.randrange(6))
                elif now > 9:
                    feed.reach(tick)
            self.check(feed)
            self.assertGreater(len(feed.order), 20)

    def test_wrapped(self) -> None:
        """Tick 0 is told after the last one before it."""
        feed = Feed()
        feed.reach(LAST - 3)
        for tick in (0, LAST, 1, LAST - 1):
            feed.add(tick, 1)
        self.assertEqual(feed.order, [])
        feed.reach(0)
        self.assertEqual(feed.order, [3, 1, 0])
        feed.reach(LAST)
        feed.add(LAST, 1)
        feed.reach(1)
        self.assertEqual(feed.order, [3, 1, 0, 4, 2])
        self.check(feed)

    def test_before_the_world(self) -> None:
        """Without a world all wait, and then from its tick on."""
        feed = Feed()
        for tick in (2, LAST, 1, 0):
            feed.add(tick, 1)
        feed.reach(LAST - 1)
        self.assertEqual(feed.order, [])
        feed.reach(1)
        self.assertEqual(feed.order, [1, 3, 2])
        self.check(feed)

    def test_many(self) -> None:
        """Of more than 256 the oldest go early, by tick and then by arrival."""
        feed = Feed()
        for tick in (9, LAST, 7):
            feed.add(tick, 100)
        self.assertEqual(feed.order, list(range(100, 144)))
        feed.reach(LAST)
        feed.add(8, 300)
        self.check(feed)
