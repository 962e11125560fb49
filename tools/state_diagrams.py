# SPDX-License-Identifier: MIT
"""Show a state machine as a table, as a Mermaid diagram and as an SVG picture.

Where the states stand in a picture is said here; which there are, and how they lead to
one another, comes from the machine.
"""

from __future__ import annotations

from html import escape
from itertools import groupby
from math import hypot

from tools.state_machines import Machine, Move

__all__ = ["mermaid", "picture", "table"]

PLACES: dict[str, dict[str, tuple[float, float]]] = {
    "lifecycle": {
        "Idle": (0, 0),
        "Requesting": (0, 1),
        "Responding": (0, 2),
        "Connected": (1, 1),
        "Dropped": (2, 1),
        "Closed": (2, 2),
    },
    "client-handshake": {
        "idle": (0, 1),
        "requesting": (1, 1),
        "responding": (2, 0),
        "joining": (2, 2),
        "done": (3, 1),
    },
    "server-door": {"unknown": (0, 0), "challenged": (1, 0), "connected": (2, 0)},
    "peer-address": {"proved": (0, 0), "on trial": (1.5, 0)},
}
"""Column and row of each state."""
ANYWHERE = {"lifecycle": (1, 2), "client-handshake": (3, 2)}
"""Where "any other state" stands, from which one input leads to one state."""
_ANY = "any other state"

_COLUMN, _ROW = 250, 110
_WIDTH, _HEIGHT = 112, 38
_MARGIN, _LINE, _BEND = 20, 14, 22
_STYLE = """\
<style>
text { font: 12px sans-serif; text-anchor: middle; dominant-baseline: central; \
fill: #111 }
.label { font-size: 11px; stroke: #fff; stroke-width: 4px; paint-order: stroke }
rect { fill: #eef3fb; stroke: #345 }
.page { fill: #fff; stroke: none }
.any { fill: #fff; stroke-dasharray: 4 3 }
.first { stroke-width: 2.5px }
path { fill: none; stroke: #345 }
marker path { fill: #345 }
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" \
markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>"""

Arrow = tuple[str, str, list[str]]


def table(machine: Machine) -> str:
    """Return a table of what each input does in each state."""
    states = list(PLACES[machine.name])
    assert set(states) == set(machine.states), f"PLACES lacks a state: {states}"
    cells = {(move.input, move.state): _cell(move) for move in machine.moves}
    inputs = dict.fromkeys(move.input for move in machine.moves)
    lines = [
        f"|  | {' | '.join(states)} |",
        "|---" * (len(states) + 1) + "|",
    ]
    for name in inputs:
        row = " | ".join(cells.get((name, state), "") for state in states)
        lines.append(f"| {name} | {row} |")
    return "\n".join(lines)


def _cell(move: Move) -> str:
    if move.after == move.state:
        return move.effect or "-"
    return f"**{move.after}**" + (f"; {move.effect}" if move.effect else "")


def mermaid(machine: Machine) -> str:
    """Return a diagram as Mermaid's text, of everything that leads to another state."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {_word(machine.states[0])}"]
    for before, after, names in _arrows(machine):
        lines.append(f"    {_word(before)} --> {_word(after)}: {', '.join(names)}")
    return "\n".join([*lines, "```"])


def _word(state: str) -> str:
    return state.replace(" ", "_")


def _arrows(machine: Machine) -> list[Arrow]:
    """Return what leads from one state to another, with all inputs that do."""
    moves = [move for move in machine.moves if move.after != move.state]
    places = list(PLACES[machine.name])
    moves.sort(key=lambda move: (places.index(move.state), places.index(move.after)))
    pairs = groupby(moves, key=lambda move: (move.state, move.after))
    return [(*pair, [move.input for move in among]) for pair, among in pairs]


def _joined(machine: Machine, arrows: list[Arrow]) -> list[Arrow]:
    """Return the arrows with those in one that lead from everywhere to one state."""
    places = PLACES[machine.name]
    joined = arrows
    for name in dict.fromkeys(move.input for move in machine.moves):
        targets = [(one, to) for one, to, names in arrows if name in names]
        is_from_all = len(targets) == len(places) - 1 > 1
        if is_from_all and len({to for _, to in targets}) == 1:
            joined = [
                (one, to, [each for each in names if each != name])
                for one, to, names in joined
            ]
            joined.append((_ANY, targets[0][1], [name]))
    return [arrow for arrow in joined if arrow[2]]


# -- the picture -------------------------------------------------------------------


def picture(machine: Machine) -> str:
    """Return the same diagram as SVG."""
    places = dict(PLACES[machine.name])
    arrows = _joined(machine, _arrows(machine))
    if any(arrow[0] == _ANY for arrow in arrows):
        places[_ANY] = ANYWHERE[machine.name]
    columns = max(column for column, _ in places.values())
    rows = max(row for _, row in places.values())
    width = int(columns * _COLUMN + _WIDTH + 2 * _MARGIN)
    height = int(rows * _ROW + _HEIGHT + 4 * _MARGIN)
    middles = {name: _middle(*place) for name, place in places.items()}
    size = f'width="{width}" height="{height}"'
    space = 'xmlns="http://www.w3.org/2000/svg"'
    parts = [
        f'<svg {space} viewBox="0 0 {width} {height}" {size}>',
        _STYLE,
        f'<rect class="page" {size}/>',
        *[_curve(middles[one], middles[to], names) for one, to, names in arrows],
        *[_box(name, *middle, machine) for name, middle in middles.items()],
        "</svg>\n",
    ]
    return "\n".join(parts)


def _middle(column: float, row: float) -> tuple[float, float]:
    return (
        _MARGIN + _WIDTH / 2 + column * _COLUMN,
        2 * _MARGIN + _HEIGHT / 2 + row * _ROW,
    )


def _box(name: str, x: float, y: float, machine: Machine) -> str:
    kind = "any" if name == _ANY else "first" if name == machine.states[0] else "state"
    return (
        f'<rect class="{kind}" x="{x - _WIDTH / 2:g}" y="{y - _HEIGHT / 2:g}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" rx="9"/>'
        f'<text x="{x:g}" y="{y:g}">{escape(name)}</text>'
    )


def _curve(
    begin: tuple[float, float], end: tuple[float, float], names: list[str]
) -> str:
    """Return an arrow that bends to the left, so that one back has a place."""
    (x0, y0), (x1, y1) = begin, end
    far = hypot(x1 - x0, y1 - y0)
    bend_x, bend_y = _BEND * (y1 - y0) / far, -_BEND * (x1 - x0) / far
    over_x, over_y = (x0 + x1) / 2 + 2 * bend_x, (y0 + y1) / 2 + 2 * bend_y
    start, stop = _edge(begin, (over_x, over_y)), _edge(end, (over_x, over_y))
    at_x = (start[0] + 2 * over_x + stop[0]) / 4
    at_y = (start[1] + 2 * over_y + stop[1]) / 4
    top = at_y - _LINE * (len(names) - 1) / 2
    lines = [
        f'<text class="label" x="{at_x:.1f}" y="{top + i * _LINE:.1f}">'
        f"{escape(name)}</text>"
        for i, name in enumerate(names)
    ]
    d = (
        f"M{start[0]:.1f} {start[1]:.1f}Q{over_x:.1f} {over_y:.1f} "
        f"{stop[0]:.1f} {stop[1]:.1f}"
    )
    return "".join([f'<path d="{d}" marker-end="url(#tip)"/>', *lines])


def _edge(
    middle: tuple[float, float], towards: tuple[float, float]
) -> tuple[float, float]:
    """Return where the way from a box's middle leaves the box."""
    x, y = middle
    dx, dy = towards[0] - x, towards[1] - y
    scale = min(
        _WIDTH / 2 / abs(dx) if dx else 9.0, _HEIGHT / 2 / abs(dy) if dy else 9.0
    )
    return x + dx * scale, y + dy * scale
