# SPDX-License-Identifier: MIT
"""Draw bars as SVG, by hand: a plot of a few figures needs no library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Panel", "bar_plot"]

_WIDTH = 960
_MARGIN = 24
_LABEL = 44
"""Pixels for the names of bars."""
_VALUE = 76
"""Pixels for what stands behind a bar."""
_ROW = 26
_TOP = 92
_FONT = 'font-family="sans-serif" font-size="13"'
_COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#9498a0")


@dataclass(frozen=True)
class Panel:
    """One group of bars."""

    title: str
    """What is shown, with its unit."""
    note: str
    """How to read it: "lower is better"."""
    values: Mapping[str, float]
    """A bar each, by name."""


def bar_plot(title: str, panels: Sequence[Panel]) -> str:
    """Return an SVG with panels beside each other.

    Args:
        title: of the whole plot.
        panels: with the same names of bars.
    """
    n_rows = max((len(panel.values) for panel in panels), default=0)
    height = _TOP + n_rows * _ROW + _MARGIN
    width = (_WIDTH - _MARGIN) / max(len(panels), 1)
    size = f'width="{_WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {_FONT}>',
        f'<rect {size} fill="#ffffff"/>',
        _words(_MARGIN, 30, title, 'font-size="17" font-weight="bold"'),
    ]
    for i, panel in enumerate(panels):
        parts += _panel(panel, _MARGIN + i * width, width - _MARGIN)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, left: float, width: float) -> list[str]:
    top = max([*panel.values.values(), 0.0])
    longest = width - _LABEL - _VALUE
    parts = [
        _words(left, 58, panel.title, 'font-weight="bold"'),
        _words(left, 76, panel.note, 'fill="#666666" font-size="12"'),
    ]
    for row, (name, value) in enumerate(panel.values.items()):
        y = _TOP + row * _ROW
        length = longest * value / top if top else 0.0
        parts += [
            _words(left, y + 14, name),
            _bar(left + _LABEL, y, length, _COLOURS[row % len(_COLOURS)]),
            _words(left + _LABEL + length + 6, y + 14, _figure(value)),
        ]
    return parts


def _bar(x: float, y: float, length: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y}" width="{length:.1f}" height="{_ROW - 7}" rx="2" '
        f'fill="{colour}"/>'
    )


def _words(x: float, y: float, text: str, style: str = "") -> str:
    space = " " if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{space}{style}>{escape(text)}</text>'


def _figure(value: float) -> str:
    """Return a value with three digits or more."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
