# SPDX-License-Identifier: MIT
"""How late a reliable message is when the link loses one datagram in twenty.

60 messages a second of 64 bytes, reliable and in order, 25 ms each way, 5 % loss each
way: the time from sending to delivery, of gamenet through its transport at both ends
and, in the same run and through the same kind of link, of ENet. Three flows run at a
time, each with a loss of its own seed. Sender, link and receiver are three processes;
their one clock is the machine's monotonic one. The bytes are those of the datagrams,
without IP and UDP headers, as offered to the link by the sender.
"""

from __future__ import annotations

from itertools import chain
from types import ModuleType
from typing import Any

from benchmarks import ours
from benchmarks.link import Carried, Condition, carry
from benchmarks.peers import Absent, find
from benchmarks.percentiles import percentile
from benchmarks.roles import playing
from benchmarks.stamped import Plan

__all__ = ["run"]

SEEDS = (1, 2, 3)
PLAN = Plan(n_flows=len(SEEDS), n_messages=1200, rate=60.0, size=64)
CONDITION = Condition(delay=0.025, loss=0.05)

Counts = list[tuple[Carried, Carried]]


def run() -> dict[str, Any]:
    """Return one-way milliseconds and bytes a message, ours and the peer's."""
    enet = find("enet")
    peer = enet.figures() if isinstance(enet, Absent) else _measure(enet)
    return {**_measure(ours), "peers": {"enet": peer}}


def _measure(stack: ModuleType) -> dict[str, Any]:
    """Send the flows of the plan through the link by one stack."""
    with playing(stack.receive, PLAN) as receiver:
        port, ticket = receiver.hear()
        targets = [(port, seed) for seed in SEEDS]
        with playing(carry, targets, CONDITION) as link:
            with playing(stack.send, PLAN, link.hear(), ticket) as sender:
                sender.hear()
                before = link.ask("carried")
                sender.ask("go")
                after = link.ask("carried")
            one_way, n_misplaced = receiver.ask("result")
            late_p99, late_max = link.ask("lateness")
    return {
        **_times(one_way),
        **_bytes(before, after),
        "missing": PLAN.n_flows * PLAN.n_messages - sum(map(len, one_way)),
        "misplaced": n_misplaced,
        "link_late_ms_p99": late_p99,
        "link_late_ms_max": late_max,
    }


def _times(one_way: list[list[float]]) -> dict[str, Any]:
    """Return percentiles of all flows together; seeds differ by luck."""
    pooled = [seconds * 1e3 for seconds in chain.from_iterable(one_way)]
    return {
        "p50_ms": percentile(pooled, 50),
        "p95_ms": percentile(pooled, 95),
        "p99_ms": percentile(pooled, 99),
        "max_ms": max(pooled),
        "p99_ms_by_seed": [percentile(flow, 99) * 1e3 for flow in one_way],
    }


def _bytes(before: Counts, after: Counts) -> dict[str, float]:
    """Return what a message cost on the wire, in the sender's direction and back."""
    there = [_since(old, new) for (old, _), (new, _) in zip(before, after, strict=True)]
    back = [_since(old, new) for (_, old), (_, new) in zip(before, after, strict=True)]
    n_messages = PLAN.n_flows * PLAN.n_messages
    return {
        "bytes_per_message": sum(each.n_bytes for each in there) / n_messages,
        "bytes_back_per_message": sum(each.n_bytes for each in back) / n_messages,
        "datagrams_per_message": sum(each.n_datagrams for each in there) / n_messages,
    }


def _since(old: Carried, new: Carried) -> Carried:
    return Carried(
        new.n_datagrams - old.n_datagrams,
        new.n_bytes - old.n_bytes,
        new.n_lost - old.n_lost,
    )
