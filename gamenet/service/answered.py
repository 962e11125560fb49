# SPDX-License-Identifier: MIT
"""Read the figures that a server answered, and write them for people.

The answer is another program's, perhaps an older one's, perhaps hostile: what it lacks
counts as 0, and nothing in it can command the terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["Answered", "aligned", "sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 60
"""Characters of a sparkline."""


class Answered:
    """One object of an answer in JSON.

    Args:
        value: the object; anything else counts as an empty one.
    """

    def __init__(self, value: object) -> None:
        self._table = value if isinstance(value, dict) else {}

    def number(self, name: str) -> float:
        """Return a member that is a number; 0 if it is none."""
        return _number(self._table.get(name))

    def table(self, name: str) -> Answered:
        """Return a member that is an object."""
        return Answered(self._table.get(name))

    def rows(self, name: str) -> list[Answered]:
        """Return a member that is a list of objects."""
        return [Answered(each) for each in self._list(name)]

    def numbers(self, name: str) -> list[float]:
        """Return a member that is a list of numbers."""
        return [_number(each) for each in self._list(name)]

    def text(self, name: str) -> str:
        """Return a member as one line without control characters."""
        return _line(self._table.get(name, ""))

    def whole(self, name: str) -> str:
        """Return a number without its fraction."""
        return f"{self.number(name):.0f}"

    def ms(self, name: str) -> str:
        """Return seconds as milliseconds."""
        return f"{self.number(name) * 1000:.1f}"

    def kilo(self, name: str) -> str:
        """Return a number in thousands."""
        return f"{self.number(name) / 1000:.1f}"

    def kilo_if_any(self, name: str) -> str:
        """Return a number in thousands, a dash for 0."""
        return self.kilo(name) if self.number(name) else "-"

    def percent(self, name: str) -> str:
        """Return a share in hundredths."""
        return f"{self.number(name) * 100:.1f}"

    def percent_if_any(self, name: str) -> str:
        """Return a share in hundredths, a dash if there is none."""
        return "-" if self._table.get(name) is None else self.percent(name)

    def ratio(self, name: str) -> str:
        """Return a ratio."""
        return f"{self.number(name):.2f}"

    def counts(self, name: str) -> str:
        """Return counts by reason, the largest first."""
        value = self._table.get(name)
        table = Answered(value)
        reasons = value if isinstance(value, dict) else {}
        parts = [
            f"{_line(reason)} {table.whole(reason)}"
            for reason in sorted(reasons, key=table.number, reverse=True)
        ]
        return ", ".join(parts) or "none"

    def _list(self, name: str) -> list[object]:
        value = self._table.get(name)
        return value if isinstance(value, list) else []


def _number(value: object) -> float:
    try:
        is_number = isinstance(value, int | float) and value - value == 0
        return float(value) if is_number else 0.0  # type: ignore[arg-type]
    except OverflowError:
        return 0.0


def _line(value: object) -> str:
    return "".join(each if each.isprintable() else " " for each in str(value))


def aligned(rows: Sequence[Sequence[str]], n_left: int) -> list[str]:
    """Return lines with columns below each other, the first ones flush left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i < n_left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def sparkline(values: Sequence[float], width: int = _WIDTH) -> str:
    """Return a row of bars from 0 to the largest value.

    Where there are more values than bars, a bar shows the largest of its share.

    Example:
        >>> sparkline([0, 1, 2, 3])
        '▁▃▆█'
    """
    n = len(values)
    if n > width:
        edges = [i * n // width for i in range(width + 1)]
        values = [max(values[a:b]) for a, b in pairwise(edges)]
    top = max([*values, 0.0])
    last = len(_BLOCKS) - 1
    return "".join(
        _BLOCKS[round(max(value, 0.0) / top * last) if top else 0] for value in values
    )
