# SPDX-License-Identifier: MIT
"""A server's world and a client's copy, as simple as they can be.

The server tells of some rows at each tick, compared with what the client has taken;
its messages are lost, delayed, overtaken, and sometimes malformed. The copy keeps
every sample that came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.browser import snapshot_bytes as wire
from tests.browser.javascript import marked
from tests.browser.snapshot_bytes import Entity, Layout, State, Told

HISTORY = 32

ILLEGAL = "illegal"
"""A message whose blocks can be read, but say what cannot be."""
UNREADABLE = "unreadable"

Shown = dict[str, Any]


@dataclass
class Sent:
    """A message on its way."""

    tick: int
    rows: dict[int, Entity | None]
    """What it tells."""
    bases: dict[int, int] = field(default_factory=dict)
    """The tick that a row is compared with, if it is with any."""
    flaw: str | None = None
    """What is wrong with it, if anything is."""
    due: int = 0
    data: bytes = b""


class Copy:
    """What a client has taken: for each row and tick, what was there."""

    def __init__(self) -> None:
        self.newest = -1
        self.samples: dict[int, dict[int, Entity | None]] = {}
        self.doubted: dict[int, int] = {}
        """Rows of which the server thinks that we have what was dropped, and when."""

    def take(self, sent: Sent) -> str:
        """Take a message; return what becomes of it."""
        tick, rows, bases = sent.tick, sent.rows, sent.bases
        if sent.flaw == UNREADABLE:
            return "refused"
        if tick <= self.newest - HISTORY:
            self._doubt(rows, tick)
            return "late"
        newest = max(tick, self.newest)
        is_doubted = not self.doubted.keys().isdisjoint(bases)
        if is_doubted or any(base <= newest - HISTORY for base in bases.values()):
            self._doubt(rows, tick)
            return "missing"
        if sent.flaw == ILLEGAL:
            self._doubt(rows, tick)
            return "refused"
        self.newest = newest
        for row in rows:
            if self.doubted.get(row, tick + 1) <= tick:
                del self.doubted[row]
        for row, entity in rows.items():
            self.samples.setdefault(row, {})[tick] = entity
        return "taken"

    def _doubt(self, rows: dict[int, Entity | None], tick: int) -> None:
        for row in rows:
            self.doubted[row] = max(tick, self.doubted.get(row, tick))

    def entity(self, row: int) -> Entity | None:
        """Return what is in a row: what was told of the newest tick."""
        samples = self.samples.get(row)
        return samples[max(samples)] if samples else None


def all_shown(rows: dict[int, Entity | None]) -> list[Shown]:
    """Return everything that can be seen of rows, as the program does."""
    found = sorted(rows.items(), key=lambda pair: pair[0])
    return [shown(row, entity) for row, entity in found if entity is not None]


def shown(row: int, entity: Entity) -> Shown:
    """Return what can be seen of a row, as the program does."""
    components = {}
    for component, part in entity.parts.items():
        seen = component.decode(part.encode())  # as quantized
        names = [field.name for field in component.schema_fields]
        components[component.__name__] = [marked(getattr(seen, n)) for n in names]
    return {
        "row": row,
        "generation": entity.generation,
        "owner": entity.owner,
        "components": components,
    }


class Match:
    """A server's world that random things happen in, and its messages.

    Args:
        components: of the world, in the order of their ids.
        capacity: rows of the world.
        seed: of all that happens.
    """

    def __init__(self, components: Sequence[Any], capacity: int, seed: int) -> None:
        self.components = list(components)
        self.layout = Layout(components)
        self.capacity = capacity
        self.random = Random(seed)
        self.tick = 0
        self.rows: dict[int, Entity] = {}
        self.generations: dict[int, int] = {}
        self.history: dict[int, dict[int, State]] = {}
        self.acked: dict[int, int] = {}
        self.copy = Copy()
        self.waiting: list[Sent] = []
        self.steps: list[dict[str, Any]] = []
        self.results: list[str] = []
        self.asked: list[bool] = []
        """Whether everything is to be asked for, after each message."""
        self.after: list[dict[int, Entity | None]] = []
        """What the copy has in its rows, after each message."""

    def run(self, ticks: int) -> None:
        """Let ticks pass; messages are delivered, or lost, when they are due."""
        for _ in range(ticks):
            self.tick += self.random.choice((1, 1, 1, 2, 5))
            for _ in range(self.random.randrange(6)):
                self.happen()
            self.history[self.tick] = {
                row: self.layout.state(entity) for row, entity in self.rows.items()
            }
            self.send()
            due = [sent for sent in self.waiting if sent.due <= self.tick]
            self.waiting = [sent for sent in self.waiting if sent.due > self.tick]
            for sent in due:
                self.deliver(sent)

    def happen(self) -> None:
        """Spawn, despawn, reshape, give away or change something."""
        random = self.random
        if not self.rows or random.random() < 0.2:
            row = random.randrange(self.capacity)
            generation = self.generations.get(row, random.randrange(2**32 - 99)) + 1
            self.generations[row] = generation
            parts = {c: c.sample(random) for c in self.components}
            kept = {c: p for c, p in parts.items() if random.random() < 0.7}
            self.rows[row] = Entity(generation, random.randrange(5), kept)
            return
        row = random.choice(sorted(self.rows))
        entity = self.rows[row]
        component = random.choice(self.components)
        parts = dict(entity.parts)
        match random.randrange(8):
            case 0:
                del self.rows[row]
                return
            case 1:
                parts.pop(component, None)
            case 2:
                parts[component] = component.sample(random)
            case 3:
                entity = Entity(entity.generation, random.randrange(9), parts)
            case _ if component in parts:
                parts[component] = self.changed(parts[component])
        in_order = {c: parts[c] for c in self.components if c in parts}
        self.rows[row] = Entity(entity.generation, entity.owner, in_order)

    def changed(self, part: Any) -> Any:
        """Return a component of which some fields have other values."""
        other = type(part).sample(self.random)
        values = {
            field.name: getattr(self.random.choice((part, other)), field.name)
            for field in part.schema_fields
        }
        return type(part)(**values)

    def send(self) -> None:
        """Send some rows; what is sent arrives at once, later, or not at all."""
        random = self.random
        known = sorted({*self.rows, *self.acked, *self.copy.samples})
        chosen = [row for row in known if random.random() < 0.6]
        random.shuffle(chosen)
        blocks: list[bytes] = []
        sent = Sent(self.tick, {})
        while chosen:
            size = random.randrange(1, 9)
            block, chosen = chosen[:size], chosen[size:]
            blocks += self.blocks(block, sent.bases)
            sent.rows |= {row: self.rows.get(row) for row in block}
        if random.random() < 0.04:
            blocks.append(self.flawed(sent))
        sent.data = wire.message(self.tick, *blocks)
        sent.due = self.tick + random.choice((0, 0, 0, 0, 1, 3, 9, 25, 45))
        if random.random() < 0.8:
            self.waiting.append(sent)

    def flawed(self, sent: Sent) -> bytes:
        """Return a block that makes a message malformed."""
        row = self.random.randrange(self.capacity)
        match self.random.randrange(3):
            case 0:
                sent.flaw = UNREADABLE
                return b"\xff"
            case 1 if sent.rows:
                twice = self.random.choice(sorted(sent.rows))
                block = wire.gone({twice: False})
            case _:  # of generation 0
                sent.rows.setdefault(row, None)
                told = Told(self.layout.zeros, self.layout.zeros, 0)
                block = wire.states(self.layout, {row: told})
        sent.flaw = ILLEGAL
        return block

    def blocks(self, rows: list[int], bases: dict[int, int]) -> list[bytes]:
        """Return blocks that tell of rows, of every kind."""
        mode = self.random.randrange(3)
        if max(rows) - min(rows) > 255 and mode == wire.GAPS8:
            mode = wire.GAPS16
        dead = {row: self.random.random() < 0.5 for row in rows if row not in self.rows}
        living = {row: self.told(row, bases) for row in rows if row in self.rows}
        blocks = [wire.gone(dead, mode)] if dead else []
        if self.random.random() < 0.5 or len({t.age for t in living.values()}) == 1:
            return blocks + ([self.states(living, mode)] if living else [])
        return blocks + [
            self.states({r: t for r, t in living.items() if t.age == age}, mode)
            for age in sorted({told.age for told in living.values()})
        ]

    def states(self, rows: dict[int, Told], mode: int) -> bytes:
        """Return a block with the sizes of cells chosen at random."""

        def choose(sizes: list[int], full: int) -> tuple[int, int]:
            small = self.random.randrange(1, full + 1)
            return small, self.random.randrange(small, full + 1)

        return wire.states(self.layout, rows, mode, choose)

    def told(self, row: int, bases: dict[int, int]) -> Told:
        """Return how a row is told: against what was taken of it, unless long ago."""
        base = self.acked.get(row, -HISTORY)
        age = self.tick - base
        if age >= HISTORY or age < 1 or self.random.random() < 0.1:
            return Told(self.layout.state(self.rows[row]), self.layout.zeros, 0)
        bases[row] = base
        old = self.history[base].get(row, self.layout.zeros)
        return Told(self.layout.state(self.rows[row]), old, age)

    def deliver(self, sent: Sent) -> None:
        """Give a message to the copy, and note it for the browser.

        What was dropped makes the copy ask for everything again.
        """
        result = self.copy.take(sent)
        is_asked = result == "refused" or (result != "taken" and bool(sent.rows))
        self.results.append(result)
        self.asked.append(is_asked)
        self.steps.append({"bytes": sent.data.hex()})
        self.after.append({row: self.copy.entity(row) for row in self.copy.samples})
        if is_asked:
            self.acked.clear()
        elif result == "taken":
            for row in sent.rows:
                self.acked[row] = max(sent.tick, self.acked.get(row, 0))
