# SPDX-License-Identifier: MIT
"""Put what a connection has measured into one frozen record."""

from __future__ import annotations

from typing import Any

from gamenet.connection.lanes import Lane
from gamenet.connection.meter import Meter
from gamenet.connection.traffic import Traffic
from gamenet.stats import ConnectionStats, LaneStats, Sample

__all__ = ["report", "totals"]


def report(traffic: Traffic, meter: Meter | None, **counts: Any) -> ConnectionStats:
    """Return the stats of a connection.

    Args:
        traffic: its packets and lanes.
        meter: its rates, if there are any yet.
        counts: fields of the record that the connection itself counts.
    """
    lanes = tuple(_lane(traffic, lane) for lane in traffic.outbox.lanes.values())
    recent = Sample() if meter is None else meter.recent()
    return ConnectionStats(
        packets_lost=traffic.n_lost,
        packets_missed=traffic.n_missed,
        messages_sent=traffic.n_messages_sent,
        messages_received=sum(lane.messages_received for lane in lanes),
        messages_delivered=sum(lane.messages_delivered for lane in lanes),
        messages_resent=sum(lane.messages_resent for lane in lanes),
        messages_repeated=sum(lane.messages_repeated for lane in lanes),
        duplicates=sum(lane.duplicates for lane in lanes),
        unreliable_dropped=sum(lane.messages_discarded for lane in lanes),
        queued_bytes=traffic.outbox.queued_bytes,
        queue_time=max(lane.queue_time for lane in lanes),
        loss_out=recent.loss_out,
        loss_in=recent.loss_in,
        bandwidth_out=recent.bytes_out,
        bandwidth_in=recent.bytes_in,
        lanes=lanes,
        **(traffic.link.figures() if traffic.link is not None else {}),
        **counts,
    )


def totals(
    traffic: Traffic, packets_sent: int, bytes_sent: int, bytes_received: int
) -> tuple[int, int, int, int, int, int]:
    """Return the counters that a meter takes the differences of."""
    return (
        packets_sent,
        traffic.n_lost,
        traffic.n_packets_received,
        traffic.n_missed,
        bytes_sent,
        bytes_received,
    )


def _lane(traffic: Traffic, lane: Lane) -> LaneStats:
    channel, counts = lane.channel, lane.counts
    packing = traffic.outbox.packings.get(channel.id)
    ratio = 1.0
    if packing is not None and packing.bytes_packed:
        ratio = packing.bytes_plain / packing.bytes_packed
    return LaneStats(
        channel=channel.id,
        name=channel.name,
        mode=channel.mode.value,
        messages_sent=counts.sent,
        messages_received=counts.received,
        messages_delivered=counts.delivered,
        messages_resent=counts.resent,
        messages_repeated=counts.repeated,
        messages_discarded=counts.discarded,
        duplicates=counts.duplicates,
        bytes_sent=counts.bytes_sent,
        bytes_received=counts.bytes_received,
        queued_bytes=lane.queued_bytes,
        queue_time=counts.queue_time,
        compression=ratio,
    )
