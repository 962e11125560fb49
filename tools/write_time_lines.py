# SPDX-License-Identifier: MIT
"""Draw the time lines of the concept pages: `python -m tools.write_time_lines`.

Each drawing is a few lanes from left to right, with marks, spans and arrows between
them. A panel of its own keeps it legible on a light page and on a dark one.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent.parent / "docs" / "concepts"

INK, FAINT, PANEL = "#1f2933", "#8794a3", "#f7f9fb"
BLUE, ORANGE, GREEN, RED = "#1b6ac9", "#b45309", "#13795b", "#b42318"
LEFT, STEP, TOP, LANE = 150, 52, 64, 78
FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"


class Drawing:
    """Collect the parts of a drawing.

    Args:
        title: what it shows, for those who cannot see it, too.
        lanes: their names, from top to bottom.
        n_steps: how many steps the lanes are long.
    """

    def __init__(self, title: str, lanes: list[str], n_steps: int) -> None:
        self.title = title
        self.width = LEFT + STEP * n_steps + 40
        self.height = TOP + LANE * len(lanes) + 6
        self.parts: list[str] = []
        for i, name in enumerate(lanes):
            y = self.y(i)
            self.line(LEFT, y, self.width - 24, y, FAINT, 1.5)
            self.text(16, y + 5, name, INK, weight=600)

    def x(self, step: float) -> float:
        """Return the place of a step."""
        return LEFT + 20 + STEP * step

    def y(self, lane: float) -> float:
        """Return the height of a lane."""
        return TOP + LANE * lane + 18

    def line(
        self,
        x: float,
        y: float,
        to_x: float,
        to_y: float,
        colour: str,
        width: float = 2,
        more: str = "",
    ) -> None:
        """Draw a line."""
        self.parts.append(
            f'<path d="M{x:g} {y:g}L{to_x:g} {to_y:g}" stroke="{colour}" '
            f'stroke-width="{width:g}" fill="none"{more}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        colour: str,
        anchor: str = "start",
        weight: int = 400,
    ) -> None:
        """Write some words."""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" fill="{colour}" text-anchor="{anchor}" '
            f'font-weight="{weight}">{escape(words)}</text>'
        )

    def mark(
        self,
        lane: int,
        step: float,
        words: str = "",
        colour: str = INK,
        *,
        above: int = 0,
        anchor: str = "middle",
    ) -> None:
        """Mark a place of a lane, and name it."""
        x, y = self.x(step), self.y(lane)
        self.parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="5" fill="{colour}"/>')
        if words:
            self.text(x, y - 12 if above else y + 22, words, colour, anchor)

    def ring(self, lane: int, step: float, colour: str = FAINT) -> None:
        """Mark a place where something was to be."""
        x, y = self.x(step), self.y(lane)
        self.parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="6" fill="{PANEL}" stroke="{colour}" '
            'stroke-width="2" stroke-dasharray="3 2"/>'
        )

    def arrow(
        self, lane: int, step: float, to_lane: int, to_step: float, colour: str
    ) -> None:
        """Draw what goes from one lane to another."""
        down = 1 if to_lane > lane else -1
        self.line(
            self.x(step),
            self.y(lane) + 9 * down,
            self.x(to_step),
            self.y(to_lane) - 11 * down,
            colour,
            2,
            f' marker-end="url(#{colour[1:]})"',
        )

    def span(
        self, lane: float, step: float, to_step: float, words: str, colour: str = INK
    ) -> None:
        """Measure from one step to another."""
        y = self.y(lane)
        self.line(self.x(step), y, self.x(to_step), y, colour, 1.5)
        for end in (step, to_step):
            self.line(self.x(end), y - 5, self.x(end), y + 5, colour, 1.5)
        self.text(self.x((step + to_step) / 2), y - 7, words, colour, "middle")

    def svg(self) -> str:
        """Return the drawing as SVG."""
        heads = "".join(
            f'<marker id="{colour[1:]}" viewBox="0 0 10 10" refX="8" refY="5" '
            'markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
            for colour in (BLUE, ORANGE, GREEN, RED)
        )
        body = "\n".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} '
            f'{self.height}" width="{self.width}" height="{self.height}" '
            f'role="img" font-family="{FONT}" font-size="14">\n'
            f"<title>{escape(self.title)}</title>\n<defs>{heads}</defs>\n"
            f'<rect width="{self.width}" height="{self.height}" rx="10" '
            f'fill="{PANEL}"/>\n'
            f'<text x="16" y="28" fill="{INK}" font-size="15" font-weight="600">'
            f"{escape(self.title)}</text>\n{body}\n</svg>\n"
        )


def three_ticks() -> Drawing:
    """Draw where a client lives at one instant."""
    d = Drawing("One instant, three ticks", ["view", "server", "own"], 13)
    for lane in range(3):
        for step in range(13):
            x, y = d.x(step), d.y(lane)
            d.line(x, y - 4, x, y + 4, FAINT, 1.5)
    d.mark(0, 2.6, "92.6: others are drawn here", ORANGE)
    d.mark(1, 7.3, "97.3: the server is here", INK)
    d.mark(2, 11, "101: inputs are sampled here", BLUE)
    d.span(0.6, 2.6, 7.3, "behind: a way, and the delay", ORANGE)
    d.span(1.6, 7.3, 11, "ahead: a way, and the slack", BLUE)
    return d


def life_of_a_frame() -> Drawing:
    """Draw frames on their way to the server."""
    d = Drawing("Frames on their way", ["client", "server"], 12)
    for i, tick in enumerate(range(101, 107)):
        d.mark(0, 2 * i, str(tick), BLUE, above=1)
    for i, tick in enumerate(range(97, 103)):
        d.mark(1, 2 * i + 1, f"makes {tick}", INK)
    for start, arrival, lost in ((0, 3.4, 0), (2, 5.6, 0), (4, 0, 1), (6, 9.4, 0)):
        if lost:
            x, y = d.x(start + 1.4), (d.y(0) + d.y(1)) / 2
            d.line(d.x(start), d.y(0) + 9, x, y, RED, 2, ' stroke-dasharray="4 3"')
            d.text(x + 6, y + 6, "lost", RED)
        else:
            d.arrow(0, start, 1, arrival, BLUE)
    d.text(d.x(7.7), d.y(0.42), "104, 103, 102", BLUE)
    d.text(d.x(9.6), d.y(1) + 42, "103 comes with 104, and is in time", GREEN, "end")
    d.height += 14
    return d


def correction() -> Drawing:
    """Draw a misprediction, and what becomes of it."""
    lanes = ["predicted", "confirmed", "after"]
    d = Drawing("A correction: go back, take what is true, replay", lanes, 11)
    for step, tick in enumerate(range(100, 110)):
        wrong = tick >= 104
        d.mark(0, step + 0.5, str(tick), RED if wrong else GREEN, above=1)
    d.mark(1, 2.5, "102 is as predicted", GREEN, anchor="end")
    d.mark(1, 5.5, colour=ORANGE)
    d.text(d.x(5.8), d.y(1) + 22, "104 is not: another ship was in the way", ORANGE)
    d.arrow(1, 5.5, 2, 4.5, ORANGE)
    d.line(d.x(2.5), d.y(0) + 9, d.x(2.5), d.y(1) - 9, GREEN, 1.5)
    d.line(d.x(4.5), d.y(0) + 9, d.x(5.3), d.y(1) - 8, RED, 1.5)
    for step, tick in enumerate(range(100, 110)):
        if tick > 104:
            d.mark(2, step + 0.5, str(tick), BLUE)
    d.mark(2, 4.5, "104", ORANGE)
    d.text(d.x(7.5), d.y(2) - 16, "105 to 109 once more, same inputs", BLUE, "middle")
    return d


def interpolation() -> Drawing:
    """Draw how the view moves between snapshots."""
    d = Drawing("The view moves between two snapshots", ["snapshots", "view"], 12)
    for step in range(6):
        if step == 3:
            d.ring(0, 2 * step)
            d.text(d.x(6), d.y(0) + 22, "lost", RED, "middle")
        else:
            d.mark(0, 2 * step, f"tick {90 + 2 * step}", BLUE)
    d.mark(1, 6, "96: half way from 94 to 98", ORANGE)
    d.line(d.x(4), d.y(0) + 30, d.x(6), d.y(1) - 9, ORANGE, 1.5)
    d.line(d.x(8), d.y(0) + 30, d.x(6), d.y(1) - 9, ORANGE, 1.5)
    d.span(1.62, 6, 11.4, "delay: two snapshots, and the jitter", INK)
    d.mark(1, 11.4, "now", INK, above=1)
    d.height += 26
    return d


def rewind() -> Drawing:
    """Draw how far a shot goes back."""
    lanes = ["shooter sees", "shooter acts", "server judges"]
    d = Drawing("A shot is judged where it was seen", lanes, 12)
    d.mark(
        0,
        1.6,
        "others as of 92.6, between snapshots 92 and 94",
        ORANGE,
        above=1,
        anchor="start",
    )
    d.mark(1, 5.0, colour=BLUE)
    d.text(d.x(5.4), d.y(1) - 12, "own tick 100: fires, and says 92.6", BLUE)
    d.mark(2, 9.5, "makes tick 100", INK)
    d.arrow(0, 1.6, 1, 5.0, ORANGE)
    d.arrow(1, 5.0, 2, 9.5, BLUE)
    d.mark(2, 1.6, "92.6", GREEN)
    d.span(2.56, 1.6, 9.5, "rewound: 7.4 ticks, at most max_rewind", GREEN)
    d.height += 12
    return d


DRAWINGS = {
    "three-ticks.svg": three_ticks,
    "frames.svg": life_of_a_frame,
    "correction.svg": correction,
    "interpolation.svg": interpolation,
    "rewind.svg": rewind,
}


def main() -> None:
    """Write all drawings."""
    for name, draw in DRAWINGS.items():
        (FOLDER / name).write_text(draw().svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
