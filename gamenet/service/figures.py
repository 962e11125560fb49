# SPDX-License-Identifier: MIT
"""Make what players' connections measured ready for JSON.

Addresses stay private, because anybody may ask a server for its figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from gamenet.connection import DeliveryMode
from gamenet.game import Player
from gamenet.stats import ConnectionStats, LaneStats, Sample, percentile

__all__ = ["history_figures", "player_figures", "total_figures"]

_STATS = tuple(field.name for field in fields(ConnectionStats))
_LANE = tuple(field.name for field in fields(LaneStats))
_SAMPLE = tuple(field.name for field in fields(Sample) if field.name != "time")
_TOTALS = (
    *("packets_sent", "packets_received", "packets_lost", "packets_missed"),
    *("bytes_sent", "bytes_received", "messages_sent", "messages_received"),
    *("messages_delivered", "messages_resent", "messages_repeated", "duplicates"),
    *("unreliable_dropped", "queued_bytes", "bandwidth_out", "bandwidth_in"),
    *("window", "in_flight", "resumes", "migrations"),
)
"""Figures of a connection that can be added up."""
_UNANSWERED = {DeliveryMode.UNRELIABLE.value, DeliveryMode.UNRELIABLE_SEQUENCED.value}
"""Modes in which a sender never hears what became of a message."""


def player_figures(player: Player) -> dict[str, Any]:
    """Return everything that is known of a player's connection."""
    stats = player.stats()
    return {
        "id": player.id,
        "name": player.name,
        "transport": player.transport,
        "state": _state(player),
        **{name: getattr(stats, name) for name in _STATS},
        "loss": stats.loss,
        "delivery_ratio": stats.delivery_ratio,
        "dropped": dict(stats.dropped),
        "lanes": [_lane(lane) for lane in stats.lanes],
    }


def _state(player: Player) -> str:
    if player.is_leaving:
        return "leaving"
    return "dropped" if player.is_dropped else "playing"


def _lane(lane: LaneStats) -> dict[str, Any]:
    return {
        **{name: getattr(lane, name) for name in _LANE},
        "delivery_ratio": _delivered(lane),
    }


def _delivered(lane: LaneStats) -> float | None:
    """Return the share of a lane's messages that arrived; None if nobody can know."""
    if lane.mode in _UNANSWERED or not lane.messages_sent:
        return None
    return min(lane.messages_delivered / lane.messages_sent, 1.0)


def total_figures(players: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is true of all players together, given the figures of each.

    Sums where figures can be added up; of round trips and jitters the median and the
    worst of those that are measured, of losses the mean, of waits the worst.
    """
    sums: dict[str, float] = dict.fromkeys(_TOTALS, 0)
    dropped: Counter[str] = Counter()
    for player in players:
        for name in _TOTALS:
            sums[name] += player[name]
        dropped.update(player["dropped"])
    sent, lost = sums["packets_sent"], sums["packets_lost"]
    trips = [each["rtt"] for each in players if each["rtt"]]
    jitters = [each["rtt_variation"] for each in players if each["rtt"]]
    return {
        **sums,
        "rtt_median": percentile(trips, 0.5),
        "rtt_worst": percentile(trips, 1.0),
        "jitter_median": percentile(jitters, 0.5),
        "jitter_worst": percentile(jitters, 1.0),
        "loss_out": _mean([each["loss_out"] for each in players]),
        "loss_in": _mean([each["loss_in"] for each in players]),
        "queue_time_worst": percentile([each["queue_time"] for each in players], 1.0),
        "delivery_ratio": 1.0 - lost / sent if sent else 1.0,
        "dropped": dict(dropped),
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def history_figures(samples: Sequence[Sample], now: float) -> dict[str, Any]:
    """Return samples of a connection, one list for each figure, the oldest first.

    Args:
        samples: the oldest first.
        now: in the seconds of the samples.
    """
    columns = {name: [getattr(each, name) for each in samples] for name in _SAMPLE}
    return {"age": [round(now - each.time, 3) for each in samples], **columns}
