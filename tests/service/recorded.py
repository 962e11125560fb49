# SPDX-License-Identifier: MIT
"""A match that was recorded, in simulated time: two crafts on a bad network."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from gamenet.game import Recorder
from gamenet.prediction import InputQueue
from tests.game.playing import Match

PUSHED = 3.0
"""Metres by which the server pushes the first pilot's craft."""


@dataclass
class Recorded:
    """A recording, and what is known of its match from elsewhere."""

    data: bytes
    match: Match
    pushed: int
    """Player whose craft was pushed."""
    tick: int
    """The last one before that."""
    queues: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """What each player's queue on the server has counted."""

    def file(self, directory: str) -> str:
        """Write the recording to a new directory; return the path."""
        path = Path(directory).absolute()
        path.mkdir(parents=True)
        (path / "match.rec").write_bytes(self.data)
        return str(path / "match.rec")


def counted(queue: InputQueue) -> tuple[int, ...]:
    """Return what a queue has counted."""
    return (queue.n_taken, queue.n_late, queue.n_missing, queue.newest, queue.depth)


@cache
def recorded(rtt: float = 0.1, jitter: float = 0.02, loss: float = 0.05) -> Recorded:
    """Return a recording of seven seconds."""
    match = Match(rtt, jitter, loss, seed=3, n_pilots=0)
    server, clock = match.server, match.stepper.clock
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "match.rec"
        world, rate = server.world.capacity, server.game.tick_rate
        recorder = Recorder(path, server.protocol, world, rate, clock.seconds)
        server.inspection.record(recorder)
        server.hearing.on_inputs = server.inspection.heard
        match.join()
        match.join()
        match.until_joined()
        match.play(4)
        tick = server.game.tick
        match.push(match.one, PUSHED)
        match.play(3)
        server.inspection.stop()
        made = Recorded(path.read_bytes(), match, match.one.player_id, tick)
    made.queues = {each.id: counted(each.inputs) for each in server.players.values()}
    return made
