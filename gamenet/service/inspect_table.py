# SPDX-License-Identifier: MIT
"""Show what a player was sent, as `GET /inspect.json` answers it, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from gamenet.service.answered import Answered, aligned, sparkline

__all__ = ["account_table", "players_table"]

_LONGEST_NAME = 40
_MOST_LINES = 12
_MOST_ROWS = 40
_SEEN_BY = {1: "everyone", 2: "team", 4: "owner"}
"""What an audience is called."""


def players_table(answer: object) -> str:
    """Return a line for each player that can be inspected."""
    players = Answered(answer).rows("players")
    if not players:
        return "there is no player to inspect"
    is_recorded = any(each.number("messages") for each in players)
    head = ["player", "ticks", "packets", "kB"] if is_recorded else ["player", "name"]
    rows = [
        [
            each.whole("id"),
            f"{each.whole('first')} to {each.whole('last')}",
            each.whole("messages"),
            each.kilo("bytes"),
        ]
        if is_recorded
        else [each.whole("id"), each.text("name")[:_LONGEST_NAME]]
        for each in players
    ]
    return "\n".join([*aligned([head, *rows], 2), "", "choose one: --player ID"])


def account_table(answer: object) -> str:
    """Return what one player was sent: in all, and in one tick row by row."""
    report = Answered(answer)
    detail = report.table("detail")
    lines = [*_head_lines(report)]
    if not report.number("ticks"):
        return "\n".join([*lines, "nothing was sent to this player meanwhile"])
    for title, name in (
        ("type of entity", "types"),
        ("component", "components"),
        ("reason", "reasons"),
    ):
        lines += ["", *_share_lines(title, report, name)]
    lines += ["", *_talker_lines(report), "", *_tick_lines(detail)]
    return "\n".join(lines)


def _head_lines(report: Answered) -> list[str]:
    rate, ticks = report.number("tick_rate"), report.number("ticks")
    seconds = ticks / rate if rate else 0.0
    sent, told = report.number("bytes"), _sum(report, "types", "told")
    name = report.text("name")[:_LONGEST_NAME]
    history = [each.number("bytes") for each in report.rows("history")]
    a_second = f", {sent / seconds / 1000:.1f} kB/s" if seconds else ""
    each_row = f", {sent / told:.1f} B for each entity told" if told else ""
    return [
        (
            f"player {report.whole('player')}{f' ({name})' if name else ''}: "
            f"{ticks:.0f} ticks ({seconds:.1f} s)"
        ),
        (
            f"sent     {report.whole('messages')} packets, {sent / 1000:.1f} kB"
            f"{a_second}{each_row}"
        ),
        (
            f"raw      {report.kilo('raw')} kB if every component were sent whole: "
            f"{report.ratio('ratio')} to 1"
        ),
        *_beside_lines(report),
        f"by tick  {sparkline(history)}  at most {max(history, default=0):.0f} B",
    ]


def _beside_lines(report: Answered) -> list[str]:
    """Return what was sent on other channels, where that is known."""
    beside = report.counts("beside")
    return [] if beside == "none" else [f"beside   bytes of messages: {beside}"]


def _sum(report: Answered, table: str, name: str) -> float:
    return sum(each.number(name) for each in report.rows(table))


def _share_lines(title: str, report: Answered, name: str) -> list[str]:
    total = report.number("bytes") or 1.0
    has_told = name != "components"
    head = [title, "kB", "share %", *(["told", "B each"] if has_told else [])]
    lines = [head]
    for each in report.rows(name)[:_MOST_LINES]:
        size, told = each.number("bytes"), each.number("told")
        cells = [f"{size / 1000:.2f}", f"{size / total * 100:.1f}"]
        if has_told:
            cells += [f"{told:.0f}", f"{size / told:.1f}"] if told else ["-", "-"]
        lines.append([each.text("name")[:_LONGEST_NAME], *cells])
    return aligned(lines, 1)


def _talker_lines(report: Answered) -> list[str]:
    total = report.number("bytes") or 1.0
    rows = [
        [
            each.whole("row"),
            each.text("type")[:_LONGEST_NAME],
            f"{each.number('bytes'):.0f}",
            f"{each.number('bytes') / total * 100:.1f}",
        ]
        for each in report.rows("rows")[:_MOST_LINES]
    ]
    return aligned([["top talkers: row", "type", "B", "share %"], *rows], 2)


def _tick_lines(detail: Answered) -> list[str]:
    rows = detail.rows("rows")
    left_out = detail.whole("left_out")
    lines = [
        (
            f"tick {detail.whole('tick')}: {detail.whole('bytes')} B in "
            f"{_count(detail.number('parts'), 'packet')}, budget {_budget(detail)}; "
            f"{detail.whole('wanted')} entities were due, {left_out} had no room; "
            f"oldest base {_count(detail.number('oldest'), 'tick')} back"
        ),
    ]
    head = ["row", "type", "why", "base", "seen by", "priority", "B", "components"]
    cells = [head, *(_row_cells(row) for row in rows[:_MOST_ROWS])]
    width = max(len(each[-1]) for each in cells)
    cells = [[*each[:-1], each[-1].ljust(width)] for each in cells]
    lines += aligned(cells, 5) if rows else []
    rest = int(detail.number("told")) - min(len(rows), _MOST_ROWS)
    return [*lines, f"... and {rest} more"] if rest > 0 and rows else lines


def _count(number: float, noun: str) -> str:
    return f"{number:.0f} {noun}{'' if number == 1 else 's'}"


def _budget(detail: Answered) -> str:
    is_limited = detail.text("budget") not in ("", "None")
    return f"{detail.whole('budget')} B" if is_limited else "without limit"


def _row_cells(row: Answered) -> Sequence[str]:
    age = row.number("age")
    is_gone = row.text("reason") in ("left", "despawned")
    base = "-" if is_gone else f"{_count(age, 'tick')} back" if age else "nothing"
    level = int(row.number("level"))
    seen = [text for bit, text in _SEEN_BY.items() if level & bit]
    return [
        row.whole("row"),
        row.text("type")[:_LONGEST_NAME],
        row.text("reason"),
        base,
        "+".join(seen) or "-",
        "-" if row.text("priority") in ("", "None") else row.ratio("priority"),
        f"{row.number('bytes'):.1f}",
        ", ".join(
            f"{each.text('name')[:_LONGEST_NAME]} {each.number('bytes'):.1f}"
            for each in row.rows("components")
        ),
    ]
