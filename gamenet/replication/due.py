# SPDX-License-Identifier: MIT
"""Find what one client is to be told now, and against which ticks.

A row is due when its state, as this client may see it, has changed after it was last
told. It can be told against the newest tick that the client acknowledged if its state
then was the one that the client is known to hold; else it needs a base of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gamenet.replication.mirror import Mirror
from gamenet.replication.viewer import Viewer

__all__ = ["EVERYONE", "MAX_AGE", "Due", "find_due", "has_base", "is_held"]

MAX_AGE = 24
"""Ticks that a base may lie back: some less than a client remembers, because packets
may be late."""
EVERYONE = 1
"""Level of who may see what everybody may."""

Rows = NDArray[np.intp]


@dataclass(slots=True)
class Due:
    """The rows that one client is to be told; the three have none in common."""

    shared: Rows
    """Against the newest tick that it acknowledged, as are those of other clients."""
    own: Rows
    """Each against a base of its own."""
    gone: Rows
    """Those that it sees no more."""


def find_due(mirror: Mirror, viewer: Viewer) -> Due:
    """Return what is due for a client at the mirror's tick."""
    rows = _changed_rows(mirror, viewer)
    is_here = mirror.alive(mirror.tick).take(rows) != 0
    if viewer.has_touched:
        is_here &= viewer.level.take(rows) != 0
    gone = rows[:0]
    if np.count_nonzero(is_here) < len(rows):
        gone = _gone(mirror, viewer, rows[~is_here])
        rows = rows[is_here]
    is_shared = _is_shared(mirror, viewer, rows)
    if np.count_nonzero(is_shared) == len(rows):
        return Due(rows, rows[:0], gone)
    return Due(rows[is_shared], rows[~is_shared], gone)


def is_held(mirror: Mirror, viewer: Viewer, tick: int) -> bool:
    """Return whether a client is known to hold all that it sees, as of a tick.

    What has changed again since counts as held if that is acknowledged at all.
    """
    n = mirror.n_rows
    changed = _changed_at(mirror, viewer, tick if mirror.has(tick) else mirror.tick)
    touched = viewer.touched[:n]
    np.maximum(changed, np.where(touched <= tick, touched, 0), out=changed)
    is_due: NDArray[np.bool_] = changed > viewer.base[:n]
    # Whoever holds the state of that tick or a later one holds what was then.
    is_due &= viewer.base[:n] < tick
    is_seen = (viewer.level[:n] != 0) & (mirror.alive(mirror.tick)[:n] != 0)
    is_due &= viewer.held[:n] | is_seen
    return not is_due.any()


def has_base(mirror: Mirror, viewer: Viewer) -> bool:
    """Return whether the newest tick that a client acknowledged is of use."""
    acked = viewer.acked
    return bool(acked) and mirror.tick - acked <= MAX_AGE and mirror.has(acked)


def _changed_rows(mirror: Mirror, viewer: Viewer) -> Rows:
    """Return the rows whose state has changed, as the client sees it, since told."""
    if not viewer.has_backlog:
        # Whatever changed before was told; what is out of view was touched then.
        rows = mirror.changed_since(viewer.since)
        if not (viewer.has_touched or mirror.layout.is_restricted):
            return rows
        level = viewer.level.take(rows)
        is_due = level != 0
        if mirror.layout.is_restricted:
            public = mirror.public_changed_at(mirror.tick).take(rows)
            is_due &= (public > viewer.since) | (level != EVERYONE)
        seen: Rows = rows[is_due]
        return seen
    n = mirror.n_rows
    changed = _changed_at(mirror, viewer, mirror.tick)
    if viewer.has_touched:
        changed = np.maximum(changed, viewer.touched[:n])
    return (changed > viewer.told[:n]).nonzero()[0]


def _changed_at(mirror: Mirror, viewer: Viewer, tick: int) -> NDArray[np.uint32]:
    """Return when what a client may know of each row had last changed, as of a tick."""
    n = mirror.n_rows
    changed, level = mirror.changed_at(tick)[:n], viewer.level[:n]
    if mirror.layout.is_restricted:
        public = mirror.public_changed_at(tick)[:n]
        changed = np.where(level == EVERYONE, public, changed)
    if viewer.has_touched:
        changed = np.where(level != 0, changed, 0)
    return changed


def _gone(mirror: Mirror, viewer: Viewer, rows: Rows) -> Rows:
    """Return those rows of which the client holds something; be done with the rest."""
    is_held = viewer.held.take(rows)
    unknown = rows[~is_held]
    viewer.told[unknown] = mirror.tick
    viewer.base[unknown] = viewer.base_level[unknown] = 0
    return rows[is_held]


def _is_shared(mirror: Mirror, viewer: Viewer, rows: Rows) -> NDArray[np.bool_]:
    """Return which rows the client holds as they were at the tick it acknowledged."""
    acked = viewer.acked
    if not has_base(mirror, viewer):
        return np.zeros(len(rows), np.bool_)
    base = viewer.base.take(rows)
    # Only who may know no more than everybody is told what is shared.
    unchanged: NDArray[np.bool_] = mirror.public_changed_at(acked).take(rows) <= base
    if not (viewer.has_touched or mirror.layout.is_restricted):
        return unchanged
    level = viewer.level.take(rows)
    same_level = viewer.base_level.take(rows) == level
    same_level &= viewer.touched.take(rows) <= base
    # Where nobody lived then, all clients held the same: nothing.
    same_level |= mirror.alive(acked).take(rows) == 0
    unchanged &= same_level
    if mirror.layout.is_restricted:
        unchanged &= level == EVERYONE
    return unchanged
