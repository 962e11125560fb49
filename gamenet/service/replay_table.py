# SPDX-License-Identifier: MIT
"""Show a replayed match: a line for each tick, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from gamenet.service.replay_ghost import Mistake, Values
from gamenet.service.replay_run import ReplayedTick

__all__ = ["Summary", "head_line", "tick_dict", "tick_lines"]

WIDTH = 80
"""Characters of a line at most."""
_BAR = 16
"""Characters of a bar at most."""
_HEAD = f"{'tick':>8} {'depth':>5} {'slack':>6} {'wanted':>6} {'late':>4} {'miss':>4}"
_GHOST_HEAD = f"{'confirmed':>9} {'own':>6} {'redone':>6} {'off by':>8}"
_PLAIN_HEAD = f"{'own':>6} {'told B':>6}"


class Summary:
    """Add up the ticks that are shown."""

    def __init__(self) -> None:
        self.n_ticks = self.n_taken = self.n_late = self.n_missing = 0
        self.n_corrections = self.n_resimulated = 0
        self._depth = self._slack = self.worst = 0.0
        self.worst_tick: int | None = None

    def add(self, line: ReplayedTick) -> None:
        """Take a tick."""
        self.n_ticks += 1
        self.n_taken += line.taken
        self.n_late += line.late
        self.n_missing += line.missing
        self.n_corrections += line.n_corrections
        self.n_resimulated += line.resimulated
        self._depth += line.depth
        self._slack += line.slack
        if line.n_corrections and (self.worst_tick is None or line.size > self.worst):
            self.worst, self.worst_tick = line.size, line.tick

    def figures(self, *, is_predicted: bool) -> dict[str, Any]:
        """Return the sums and shares, ready for JSON."""
        frames, ticks = self.n_taken + self.n_late, self.n_ticks
        figures: dict[str, Any] = {
            "ticks": ticks,
            "frames": frames,
            "late": self.n_late,
            "late_share": self.n_late / frames if frames else 0.0,
            "missing": self.n_missing,
            "missing_share": self.n_missing / ticks if ticks else 0.0,
            "mean_depth": self._depth / ticks if ticks else 0.0,
            "mean_slack": self._slack / ticks if ticks else 0.0,
        }
        if is_predicted:
            figures |= {
                "corrections": self.n_corrections,
                "worst": self.worst,
                "worst_tick": self.worst_tick,
                "resimulated": self.n_resimulated,
            }
        return figures

    def lines(self, *, is_predicted: bool) -> list[str]:
        """Return the sums and shares as lines."""
        found = self.figures(is_predicted=is_predicted)
        lines = [
            (
                f"inputs       {found['frames']} frames, {found['late']} late "
                f"({found['late_share']:.1%}); of {found['ticks']} ticks "
                f"{found['missing']} without ({found['missing_share']:.1%})"
            ),
            (
                f"queue        {found['mean_depth']:.2f} frames deep, slack "
                f"{found['mean_slack']:.2f} ticks, on average"
            ),
        ]
        if is_predicted:
            worst = ""
            if self.worst_tick is not None:
                worst = f", the worst by {self.worst:.4g} in tick {self.worst_tick}"
            lines += [
                f"corrections  {self.n_corrections}{worst}",
                f"redone       {self.n_resimulated} ticks",
            ]
        return lines


def head_line(*, is_predicted: bool) -> str:
    """Return what is above the lines of ticks."""
    return f"{_HEAD} {_GHOST_HEAD if is_predicted else _PLAIN_HEAD}"


def tick_lines(line: ReplayedTick, worst: float, *, is_predicted: bool) -> list[str]:
    """Return the line of a tick, and below it what was predicted wrongly.

    Args:
        line: the tick.
        worst: size of the largest correction so far, which has the longest bar.
        is_predicted: whether the game was there to predict.
    """
    text = (
        f"{line.tick:8} {line.depth:5} {line.slack:6.2f} {line.wanted:6.2f} "
        f"{line.late or '-':>4} {line.missing or '-':>4}"
    )
    own = line.own if is_predicted else line.newest or None
    ahead = "-" if own is None else f"{own - line.tick:+d}"
    if not is_predicted:
        return [f"{text} {ahead:>6} {line.n_bytes:6}"]
    confirmed = "-" if line.confirmed is None else str(line.confirmed)
    text += f" {confirmed:>9} {ahead:>6} {line.resimulated or '-':>6}"
    if not line.n_corrections:
        return [f"{text} {'-':>8}"]
    text = f"{text} {line.size:8.3g} "
    room = min(_BAR, WIDTH - len(text))
    share = line.size / worst if worst > 0 else 0.0
    first = text + "#" * max(1, round(share * room))
    return [first, *_mistake_lines(line.mistakes)]


def _mistake_lines(mistakes: Iterable[Mistake]) -> list[str]:
    lines = []
    for each in mistakes:
        head = f"         row {each.row} {each.component}: "
        lines.append((head + _values(each.predicted, each.confirmed))[:WIDTH])
    return lines


def _values(predicted: Values | None, confirmed: Values) -> str:
    """Return what was predicted and what was true, of fields in which they differ."""
    if predicted is None:
        return "confirmed " + ", ".join(
            f"{name} {_number(value)}" for name, value in confirmed.items()
        )
    return ", ".join(
        f"{name} {_number(predicted.get(name))} was {_number(value)}"
        for name, value in confirmed.items()
        if predicted.get(name) != value
    )


def _number(value: Any) -> str:
    if isinstance(value, list):
        return "(" + " ".join(_number(each) for each in value) + ")"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def tick_dict(line: ReplayedTick, *, is_predicted: bool) -> dict[str, Any]:
    """Return a tick, ready for JSON: what is not known without the game is left out."""
    found = asdict(line)
    if not is_predicted:
        for name in (
            *("own", "confirmed", "n_corrections", "size"),
            *("resimulated", "mistakes"),
        ):
            del found[name]
    return found
