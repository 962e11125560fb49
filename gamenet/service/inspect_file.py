# SPDX-License-Identifier: MIT
"""Look into a recording as into a running server: the same report of the same messages.

A file is read from front to end and never held in memory, however long it is.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from gamenet.errors import ConfigError, LocalProtocolError, RemoteProtocolError
from gamenet.game import Packet, Recording
from gamenet.replication import Ledger, ShapeHistory

__all__ = ["file_report"]


def file_report(
    path: str, player_id: int | None = None, tick: int | None = None
) -> dict[str, Any]:
    """Return what a recording holds.

    Args:
        path: of the recording.
        player_id: whose packets; if left out those of the only player, or a list of the
            players.
        tick: the last one that counts, to be shown row by row; the last of all if
            left out.

    Raises:
        ConfigError: the file is no recording, or has no such player or tick.
    """
    players = _players(path)
    by_id = {each["id"]: each for each in players}
    if player_id is None and len(by_id) == 1:
        (player_id,) = by_id
    if player_id is None:
        with contextlib.closing(Recording(path)) as recording:
            return {"tick_rate": recording.tick_rate, "players": players}
    if player_id not in by_id:
        known = ", ".join(map(str, by_id)) or "none"
        raise ConfigError(f"--player {player_id}: is not in {path}; there are: {known}")
    mine = by_id[player_id]
    if tick is not None and not mine["first"] <= tick <= mine["last"]:
        raise ConfigError(
            f"--tick {tick}: player {player_id} has ticks from {mine['first']} to "
            f"{mine['last']} in {path}"
        )
    with contextlib.closing(Recording(path)) as recording:
        report = _report(recording, player_id, tick)
        head = {"tick_rate": recording.tick_rate, "players": players}
        return {**head, "beside": mine["beside"], **report}


def _players(path: str) -> list[dict[str, Any]]:
    """Return a line for each player of a recording."""
    found: dict[int, dict[str, Any]] = {}
    beside: dict[int, Counter[str]] = {}
    with contextlib.closing(Recording(path)) as recording:
        names = {each.id: each.name for each in recording.protocol.channels}
        for packet in recording.packets():
            number, size = packet.player_id, len(packet.payload)
            others = beside.setdefault(number, Counter())
            if not packet.is_snapshot:
                others[names.get(packet.channel, f"channel {packet.channel}")] += size
                continue
            line = found.setdefault(
                number,
                {
                    "id": number,
                    "first": packet.tick,
                    "last": packet.tick,
                    "messages": 0,
                    "bytes": 0,
                    "beside": others,
                },
            )
            line["last"] = packet.tick
            line["messages"] += 1
            line["bytes"] += size
    return [found[each] for each in sorted(found)]


def _snapshots(recording: Recording) -> Iterator[Packet]:
    return (each for each in recording.packets() if each.is_snapshot)


def _report(recording: Recording, player_id: int, tick: int | None) -> dict[str, Any]:
    components = recording.protocol.components
    shapes = ShapeHistory(components).follow
    ledger = Ledger(components, recording.capacity, shapes, is_endless=True)
    n_malformed = 0
    for packet in _snapshots(recording):
        if packet.player_id != player_id or (tick is not None and packet.tick > tick):
            continue
        decided = (packet.budget, packet.n_left_out, packet.priorities)
        ledger.watch(player_id, packet.tick)
        try:
            ledger.sent(player_id, packet.tick, packet, *decided)
        except RemoteProtocolError:
            n_malformed += 1
    try:
        report = ledger.report(player_id, tick)
    except LocalProtocolError as error:
        raise ConfigError(f"--tick {tick}: {error}") from error
    warnings = [recording.damage] if recording.damage else []
    if recording.n_missing:
        warnings.append(
            f"{recording.n_missing} packets of any player are missing here, because "
            "the disk was too slow for them"
        )
    if n_malformed:
        warnings.append(f"left out, because they are malformed: {n_malformed} packets")
    return {**report, "warnings": warnings}
