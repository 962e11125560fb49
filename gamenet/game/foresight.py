# SPDX-License-Identifier: MIT
"""All that one client knows beyond what the server has said: what is, and what will be.

Its time lines, what it predicts of its own entities, and the view that shows both these
and the others, smoothly. It has no I/O: whoever drives it says what time it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gamenet.game.predicting import Predicting
from gamenet.game.timelines import Timelines
from gamenet.prediction import Input, Sight, View
from gamenet.replication import Event, Followed
from gamenet.world import World

__all__ = ["Foresight"]


class Foresight:
    """Tie together the time lines, the prediction and the view of one client.

    Args:
        lines: the time lines.
        world: the confirmed world.
        predicting: predicts our own entities; None where nothing is predicted.
    """

    def __init__(
        self, lines: Timelines, world: World, predicting: Predicting | None = None
    ) -> None:
        self.lines = lines
        self.predicting = predicting
        lines.keeps_inputs = predicting is not None
        self._world = world
        self._view: View | None = None
        self.newest = 0
        """Tick of the newest snapshot; 0 before any."""
        self.resyncs: list[int] = []
        """Own ticks at which our time was set anew; empty it."""

    # -- what the server says -----------------------------------------------------

    def follow(self, followed: Followed, tick: int, now: float) -> None:
        """Take what a part of a snapshot has made of the confirmed world.

        Args:
            followed: what it was.
            tick: of the snapshot.
            now: when it came.
        """
        self.newest = max(self.newest, tick)
        self.lines.arrived(tick, now)
        if self._view is not None:
            told = [(written.component, written.rows) for written in followed.written]
            self._view.arrived(tick, told)
        if self.predicting is not None:
            self.predicting.follow(followed, now)

    def heard(self, event: Event, tick: int, origin: int | None) -> bool:
        """Take an event of the server's; return whether it was not played before."""
        if self.predicting is None:
            return True
        return self.predicting.heard(event, tick, origin)

    # -- our own ticks --------------------------------------------------------------

    def hold(self, item: Input, now: float) -> int:
        """Take what the player does; see `Timelines.hold`."""
        tick = self.lines.hold(item, now)
        if not self.lines.inputs.is_steady:
            self.lines.inputs.see(tick, self.sight())
        return tick

    def ticks(self, now: float) -> Iterator[int]:
        """Yield each of our own ticks that begins now, for its inputs to be sampled.

        When the caller comes back for the next one, the tick is closed and predicted.
        """
        lines, predicting = self.lines, self.predicting
        begun = lines.begin(now)
        if lines.lead.resynced:
            self.resyncs.append(begun.start)
            if predicting is not None:
                predicting.restart(begun.start - 1)
        left = iter(begun)
        try:
            for tick in left:
                lines.sampling = tick
                try:
                    yield tick
                finally:
                    self._end(tick)
        finally:
            # Who stops asking has sampled nothing for the ticks that are left.
            for tick in left:
                self._end(tick)

    def _end(self, tick: int) -> None:
        """Close the frame of an own tick, and predict it."""
        self.lines.close(tick, self.sight())
        if self.predicting is not None:
            self.predicting.advance(tick)

    def sight(self) -> Sight:
        """Return what the player sees now, for the server to rewind to.

        Who draws no view, as a bot, sees the newest snapshot.
        """
        if self._view is None:
            return Sight(float(self.newest))
        return self._view.sight()

    # -- the view -------------------------------------------------------------------

    def look(self, now: float) -> View:
        """Bring the view up to date, and return it."""
        view = self.view
        view.update(self.lines.playout.view_tick(now))
        if self.predicting is not None:
            lead = self.lines.lead
            fraction = min(max(lead.position(now) - lead.tick, 0.0), 1.0)
            self.predicting.show(view, fraction, now)
        return view

    @property
    def view(self) -> View:
        """Return what is to be drawn, as of the last `look`.

        It is made when it is first asked for: who never draws pays nothing for it.
        """
        if self._view is None:
            self._view = View(self._world, self.lines.tick_rate)
            if self.newest:
                query = self._world.query
                told = [(each, query(each)) for each in self._world.components]
                self._view.arrived(self.newest, told)
        return self._view

    @property
    def drawn(self) -> View | None:
        """Return the view, or None if nobody has asked for it yet."""
        return self._view

    def stats(self, now: float) -> dict[str, Any]:
        """Return how it goes, ready for JSON."""
        stats = self.lines.stats(now)
        if self.predicting is not None:
            predictor = self.predicting.predictor
            stats["confirmed_tick"] = predictor.confirmed
            stats["corrections"] = predictor.n_corrections
            stats["resimulated"] = predictor.n_resimulated
        return stats
