# SPDX-License-Identifier: MIT
"""Show the figures of a server, as `GET /stats` answers them, as tables for people.

What each figure means says `gamenet.stats`.
"""

from __future__ import annotations

from collections.abc import Sequence

from gamenet.service.answered import Answered, aligned, sparkline

__all__ = ["history_table", "player_table", "server_table"]

_LONGEST_NAME = 20
_PLAYER = (
    ("id", "whole", "id"),
    ("name", "text", "name"),
    ("by", "text", "transport"),
    ("state", "text", "state"),
    ("rtt ms", "ms", "rtt"),
    ("min", "ms", "rtt_min"),
    ("max", "ms", "rtt_max"),
    ("jitter", "ms", "rtt_variation"),
    ("loss% out", "percent", "loss_out"),
    ("in", "percent", "loss_in"),
    ("kB/s out", "kilo", "bandwidth_out"),
    ("in", "kilo", "bandwidth_in"),
    ("queue ms", "ms", "queue_time"),
    ("arrived%", "percent", "delivery_ratio"),
    ("resent", "whole", "messages_resent"),
    ("repeated", "whole", "messages_repeated"),
    ("dup", "whole", "duplicates"),
    ("window kB", "kilo_if_any", "window"),
)
"""Heading, how it is written, name of the figure; the same for lanes."""
_LANE = (
    ("lane", "whole", "channel"),
    ("name", "text", "name"),
    ("mode", "text", "mode"),
    ("sent", "whole", "messages_sent"),
    ("received", "whole", "messages_received"),
    ("delivered", "whole", "messages_delivered"),
    ("%", "percent_if_any", "delivery_ratio"),
    ("resent", "whole", "messages_resent"),
    ("repeated", "whole", "messages_repeated"),
    ("stale", "whole", "messages_discarded"),
    ("dup", "whole", "duplicates"),
    ("kB out", "kilo", "bytes_sent"),
    ("kB in", "kilo", "bytes_received"),
    ("waiting B", "whole", "queued_bytes"),
    ("wait ms", "ms", "queue_time"),
    ("packed", "ratio", "compression"),
)
_CURVES = (
    ("round trip", "rtt", 1000, "ms"),
    ("jitter", "jitter", 1000, "ms"),
    ("loss out", "loss_out", 100, "%"),
    ("loss in", "loss_in", 100, "%"),
    ("out", "bytes_out", 0.001, "kB/s"),
    ("in", "bytes_in", 0.001, "kB/s"),
    ("waiting", "queued", 0.001, "kB"),
    ("window", "window", 0.001, "kB"),
)
"""Title, name in the history, factor to the unit, unit."""


def server_table(answer: object) -> str:
    """Return the lines about a server, its listeners and all of its players."""
    stats = Answered(answer)
    listening = ", ".join(map(_listener, stats.rows("listening")))
    lines = [
        _server_line(stats.table("server")),
        _line("listening", listening or "nowhere"),
        _game_line(stats.table("server")),
        _token_line(stats.table("tokens")),
        *_link_lines(stats.table("transports")),
        *_total_lines(stats.table("totals")),
    ]
    players = stats.rows("players")
    if players:
        lines += ["", *_columns(_PLAYER, players, n_left=4)]
    return "\n".join(lines)


def player_table(answer: object) -> str:
    """Return the lines about one player: its figures, and each lane by itself."""
    player = Answered(answer)
    lines = _columns(_PLAYER, [player], n_left=4)
    lines += ["", *_connection_lines(player)]
    lanes = player.rows("lanes")
    if lanes:
        lines += ["", *_columns(_LANE, lanes, n_left=3)]
    return "\n".join(lines)


def history_table(answer: object) -> str:
    """Return a line for each figure of the last minute, as a row of bars."""
    history = Answered(answer)
    ages = history.numbers("age")
    rows = []
    for title, name, factor, unit in _CURVES:
        values = [each * factor for each in history.numbers(name)]
        if values:
            now = f"{values[-1]:.1f} {unit} now, {max(values):.1f} at most"
            rows.append((title, sparkline(values), now))
    if not rows or not ages:
        return "no history yet"
    return "\n".join([f"the last {ages[0]:.0f} s", *aligned(rows, n_left=3)])


def _columns(
    columns: Sequence[tuple[str, str, str]], rows: Sequence[Answered], n_left: int
) -> list[str]:
    cells = [
        [getattr(row, how)(name)[:_LONGEST_NAME] for _, how, name in columns]
        for row in rows
    ]
    return aligned([[head for head, _, _ in columns], *cells], n_left)


def _line(title: str, *parts: str) -> str:
    return f"{title:<11}{'; '.join(parts)}"


def _server_line(server: Answered) -> str:
    minutes, seconds = divmod(int(server.number("uptime_s")), 60)
    hours, minutes = divmod(minutes, 60)
    away = server.whole("players_dropped")
    return (
        f"{server.text('name')} ({server.text('game')}): {server.text('status')}, "
        f"tick {server.whole('tick')} at {server.number('tick_rate'):g} Hz, "
        f"{server.whole('players')} of {server.whole('max_players')} players"
        f"{f' ({away} away)' if away != '0' else ''}, "
        f"up {hours}:{minutes:02}:{seconds:02}"
    )


def _listener(listener: Answered) -> str:
    host = listener.text("host")
    shown = f"[{host}]" if ":" in host else host
    return f"{listener.text('transport')} {shown}:{listener.whole('port')}"


def _game_line(server: Answered) -> str:
    return _line(
        "game",
        f"ticks p50 {server.ratio('tick_ms_p50')} ms, p99 "
        f"{server.ratio('tick_ms_p99')} ms, {server.whole('ticks_late')} late",
        f"{server.whole('entities')} entities",
        f"{server.whole('hook_errors')} errors in hooks",
    )


def _token_line(tokens: Answered) -> str:
    return _line(
        "tokens",
        f"{tokens.text('mode') or 'unknown'}, {tokens.whole('issued')} issued",
        f"refused: {tokens.counts('refused')}",
    )


def _link_lines(transports: Answered) -> list[str]:
    return [
        _line(
            "links",
            f"{transports.whole('accepted')} accepted, "
            f"{transports.whole('resumed')} resumed, "
            f"{transports.whole('migrated')} moved",
            f"refused: {transports.counts('refused')}",
            f"closed: {transports.counts('closed')}",
        ),
        _line(
            "packets",
            f"{transports.whole('packets_sent')} out, "
            f"{transports.whole('packets_received')} in",
            f"thrown away: {transports.counts('dropped')}",
        ),
    ]


def _total_lines(totals: Answered) -> list[str]:
    return [
        _line(
            "round trip",
            f"{totals.ms('rtt_median')} ms median, {totals.ms('rtt_worst')} worst",
            f"jitter {totals.ms('jitter_median')} ms median, "
            f"{totals.ms('jitter_worst')} worst",
        ),
        _line(
            "loss",
            f"{totals.percent('loss_out')} % out, {totals.percent('loss_in')} in",
            f"{totals.percent('delivery_ratio')} % of all packets arrived",
        ),
        _line(
            "bandwidth",
            f"{totals.kilo('bandwidth_out')} kB/s out, "
            f"{totals.kilo('bandwidth_in')} in",
            f"{totals.ms('queue_time_worst')} ms in queues here at worst",
            f"windows of {totals.kilo('window')} kB",
        ),
        _line(
            "messages",
            f"{totals.whole('messages_resent')} resent, "
            f"{totals.whole('messages_repeated')} repeated",
            f"{totals.whole('duplicates')} duplicates",
            f"packets dropped: {totals.counts('dropped')}",
        ),
    ]


def _connection_lines(player: Answered) -> list[str]:
    return [
        _line(
            "packets",
            f"{player.whole('packets_sent')} out, "
            f"{player.whole('packets_received')} in",
            f"lost: {player.whole('packets_lost')} out, "
            f"{player.whole('packets_missed')} in",
        ),
        _congestion_line(player),
        _line(
            "session",
            f"resumed: {player.whole('resumes')}",
            f"moved to another address: {player.whole('migrations')}",
        ),
        _line("dropped", player.counts("dropped")),
    ]


def _congestion_line(player: Answered) -> str:
    if not player.number("window"):
        return _line("congestion", "left to the stream")
    return _line(
        "congestion",
        f"{player.whole('in_flight')} of {player.whole('window')} B on their way",
        f"{player.ms('queue_delay')} ms in queues of the network",
        f"packets of at most {player.whole('packet_size')} B",
    )
