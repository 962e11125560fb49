# SPDX-License-Identifier: MIT
"""Rollback sessions over a bad network in simulated time, and a small game for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from random import Random
from typing import Any
from zlib import crc32

import numpy as np

from gamenet.prediction import (
    HOST,
    CaughtUp,
    FellBehind,
    Input,
    Missing,
    RollbackSession,
    missing_input,
)
from gamenet.replication import Event
from gamenet.wire import float64, int8, uint8
from gamenet.world import Component, World

TICK_RATE = 60.0


class Body(Component):
    """Where somebody is, and how fast."""

    x: float = float64()
    v: float = float64()


class Score(Component):
    """How often somebody has hit."""

    points: int = uint8()


class Stick(Input):
    """What is held."""

    x: int = int8()


class Fire(Input):
    """What happens once."""

    missing = Missing.NOTHING
    power: int = uint8()


class Bang(Event):
    """A shot is heard."""

    power: int = uint8()


class Bodies:
    """A game in which the order of everything matters: `RollbackRules` of its own."""

    def __init__(self) -> None:
        self.arena = World([Body, Score], 32)
        self.avatars: dict[int, Any] = {}
        self.made: dict[int, Any] = {}
        """Of what each tick was made, the last time that it was."""
        self.spoil: int | None = None
        """A tick that comes out otherwise here."""

    def save(self, into: Any) -> Any:
        old = None if into is None else into[0]
        return self.arena.save(old), dict(self.avatars)

    def load(self, saved: Any) -> None:
        self.arena.load(saved[0])
        self.avatars = dict(saved[1])

    def advance(
        self,
        tick: int,
        inputs: Mapping[int, Sequence[Input]],
        joined: Sequence[tuple[int, bytes]],
        left: Sequence[tuple[int, int]],
    ) -> Iterable[tuple[Any, int | None]]:
        self.made[tick] = dict(inputs), list(joined), list(left)
        self.arena.tick = tick
        for player, _ in left:
            self.arena.despawn(self.avatars.pop(player))
        for player, about in joined:
            self.avatars[player] = self.arena.spawn(
                Body(x=float(len(about))), Score(), owner=player
            )
        happened = []
        for player, items in inputs.items():
            body = self.arena[self.avatars[player], Body]
            for item in items:
                if isinstance(item, Stick):
                    body.v += item.x * 0.01
                else:
                    score = self.arena[self.avatars[player], Score]
                    score.points = (score.points * 3 + item.power) % 251
                    row = self.arena.row_of(self.avatars[player])
                    happened.append((Bang(item.power), row))
        rows = self.arena.query(Body)
        body = self.arena.columns(Body)
        pull = np.tanh(body.x[rows].mean() - body.x[rows]) if len(rows) else 0.0
        body.v[rows] = body.v[rows] * 0.98 + pull * 0.01
        body.x[rows] += body.v[rows]
        if self.spoil == tick and self.avatars:
            self.arena[self.avatars[max(self.avatars)], Score].points += 1
        return happened

    def checksum(self, saved: Any) -> int:
        return crc32(repr(sorted(saved[1].items())).encode(), saved[0].checksum())

    def world(self, saved: Any) -> Any:
        return saved[0]

    def extras(self, saved: Any) -> Mapping[str, str]:
        return {"avatars": repr(sorted(saved[1].items()))}

    def to_bytes(self, saved: Any) -> bytes | None:
        head = b"".join(
            b"%d %d," % (player, entity) for player, entity in saved[1].items()
        )
        return head + b"\n" + saved[0].to_bytes()

    def from_bytes(self, tick: int, data: bytes) -> None:
        head, _, body = data.partition(b"\n")
        saved = type(self.arena.save()).from_bytes(body, self.arena.components, 32)
        pairs = (each.split() for each in head.split(b",") if each)
        self.load((saved, {int(player): int(entity) for player, entity in pairs}))

    def missing(self, player: int, kind: Any, last: Any) -> Any:
        return missing_input(kind, last)


class Network:
    """Peers of one match, their packets, and their time.

    Args:
        seed: of all chance.
        latency: seconds, one way.
        jitter: seconds that a packet may take longer, so that they overtake each other.
        loss: share of packets that are lost.
        settings: of all sessions.
    """

    def __init__(
        self,
        seed: int,
        latency: float = 0.05,
        jitter: float = 0.03,
        loss: float = 0.1,
        **settings: Any,
    ) -> None:
        self.seed = seed
        self.chance = Random(seed)
        self.latency, self.jitter, self.loss = latency, jitter, loss
        self.settings = settings
        self.now = 0.0
        self.sessions: dict[Any, RollbackSession] = {}
        self.rules: dict[Any, Bodies] = {}
        self.events: dict[Any, list[Any]] = {}
        self.cut: set[Any] = set()
        """Peers whose packets are all lost, both ways; messages wait."""
        self.inputs = self.wiggle
        """What a player does in a tick."""
        self.sums: dict[Any, dict[int, int]] = {}
        """Checksums that were confirmed, by peer and tick."""
        self.n_kept = 0
        """The most that any queue of any peer has held."""
        self._asked: dict[Any, int] = {}
        self._queue: list[Any] = []
        self._stuck: list[Any] = []
        self._n_sent = 0
        self._ordered: dict[Any, float] = {}
        self._players: dict[Any, int] = {}
        self._open(HOST, is_host=True)

    def _open(self, peer: Any, **settings: Any) -> RollbackSession:
        rules = self.rules[peer] = Bodies()
        session = self.sessions[peer] = RollbackSession(
            rules, [Stick, Fire], TICK_RATE, **{**self.settings, **settings}
        )
        self.events[peer] = []
        self.sums[peer] = {}
        return session

    @property
    def host(self) -> RollbackSession:
        """Return the host's session."""
        return self.sessions[HOST]

    def play_here(self, player: int) -> None:
        """Let a player join at the host."""
        self.host.add_player(player, b"x" * player)

    def connect(self, peer: Any, player: int | None = None) -> RollbackSession:
        """Connect a peer, who looks on, or joins as a player once it can."""
        session = self._open(peer)
        session.connect()
        self.host.connect(peer)
        if player is not None:
            self._players[peer] = player
        return session

    def wiggle(self, player: int, tick: int) -> list[Input]:
        """Return what a player does: held for some ticks, the same for every run."""
        chance = Random((self.seed, player, tick // 7).__hash__())
        found: list[Input] = [Stick(chance.randint(-127, 127))]
        if Random((self.seed, player, tick, 1).__hash__()).random() < 0.05:
            found.append(Fire(chance.randint(1, 9)))
        return found

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        stuck, self._stuck = self._stuck, []
        for who, whom, message in stuck:
            self._carry(who, whom, message, is_reliable=True)
        while self.now < end:
            self.now += 1 / 240
            while self._queue and self._queue[0][0] <= self.now:
                self._arrive(*heappop(self._queue)[2:])
            for peer in list(self.sessions):
                if peer in self.sessions:
                    self._turn(peer)

    def straight(self) -> dict[int, int]:
        """Return the checksums of a run without any prediction, on the same inputs."""
        rules, sums = Bodies(), {}
        for tick in range(1, self.host.confirmed + 1):
            rules.advance(tick, *self.rules[HOST].made[tick])
            sums[tick] = rules.checksum(rules.save(None))
        return sums

    def until_all_play(self, seconds: float = 20.0) -> None:
        """Let time pass until all who want to play do."""
        end = self.now + seconds
        while not all(self._plays(peer) for peer in self._players):
            assert self.now < end, f"seed {self.seed}: not all play"
            self.run(0.1)

    def _plays(self, peer: Any) -> bool:
        line = self.host.roster.lines.get(self._players[peer])
        return line is not None and self.sessions[peer].confirmed > line.first

    def _turn(self, peer: Any) -> None:
        session = self.sessions[peer]
        n_due = session.due(self.now)
        for _ in range(n_due):
            is_new = self._asked.get(peer) != session.tick
            self._asked[peer] = session.tick
            for player in session.local if is_new else ():
                for item in self.inputs(player, session.tick):
                    session.hold(player, item)
            session.advance(self.now)
            self._note(peer)
        while (event := session.next_event()) is not None:
            self.events[peer].append(event)
            if peer == HOST:
                self._host_hears(event)
        for other in list(session.links):
            for message in session.messages_to_send(other):
                self._send(peer, other, message, is_reliable=True)
            packet = session.packet(other) if n_due else None
            if packet is not None:
                self._send(peer, other, packet, is_reliable=False)

    def _note(self, peer: Any) -> None:
        session, sums = self.sessions[peer], self.sums[peer]
        last = next(reversed(sums), 0)
        for checkpoint in session.timeline.checkpoints.after(last):
            sums[checkpoint.tick] = checkpoint.checksum
        queues = [len(line) for line in session.roster.lines.values()]
        queues += [session.timeline.n_states, len(session.roster.changes)]
        self.n_kept = max(self.n_kept, *queues)

    def _host_hears(self, event: Any) -> None:
        if isinstance(event, CaughtUp) and event.peer in self._players:
            player = self._players[event.peer]
            if player not in self.host.roster.lines:
                self.host.add_player(player, b"x" * player, event.peer)
        elif isinstance(event, FellBehind):
            self.sessions.pop(event.peer, None)
            self._players.pop(event.peer, None)

    def _send(self, peer: Any, other: Any, data: bytes, *, is_reliable: bool) -> None:
        # The host knows its peers by name, they know it as the host.
        who, whom = (peer, other) if peer == HOST else (peer, HOST)
        self._carry(who, whom, data, is_reliable=is_reliable)

    def _carry(self, who: Any, whom: Any, data: bytes, *, is_reliable: bool) -> None:
        is_lost = self.chance.random() < self.loss
        if {who, whom} & self.cut and is_reliable:
            self._stuck.append((who, whom, data))
            return
        if {who, whom} & self.cut or (is_lost and not is_reliable):
            return
        at = self.now + self.latency + self.chance.random() * self.jitter
        if is_reliable:
            at += 2 * self.latency if is_lost else 0.0
            at = self._ordered[who, whom] = max(at, self._ordered.get((who, whom), 0.0))
        self._n_sent += 1
        heappush(self._queue, (at, self._n_sent, who, whom, data, is_reliable))

    def _arrive(self, who: Any, whom: Any, data: bytes, is_reliable: bool) -> None:
        session = self.sessions.get(whom)
        if session is None or who not in session.links:
            return
        if is_reliable:
            session.receive_message(who, data)
        else:
            session.receive_packet(who, data)
