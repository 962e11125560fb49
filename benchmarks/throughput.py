# SPDX-License-Identifier: MIT
"""How many small messages a second one client gets to one server.

64-byte messages that share datagrams, two processes, loopback. gamenet's are encrypted,
reliable-ordered once and unreliable once. The peers do the same in the same run, in
turns with ours, each in what it offers: ENet both, unencrypted; aioquic unreliable
datagrams, encrypted; websockets an ordered stream, unencrypted and uncompressed. What
counts is what arrived, without the first moments; each figure is a median of rounds.
"""

from __future__ import annotations

import statistics
from types import ModuleType
from typing import Any

from benchmarks import ours
from benchmarks.blasting import Blast
from benchmarks.peers import Absent, find
from benchmarks.roles import playing

__all__ = ["run"]

SIZE = 64
N_ROUNDS = 3
SECONDS = 1.5
WINDOW = 4096
PEERS = {"enet": "enet", "aioquic": "quic", "websockets": "websocket"}

Round = dict[tuple[str, str], dict[str, float]]
"""What was measured, by stack and mode."""


def run() -> dict[str, Any]:
    """Return messages a second of each mode, ours and the peers'."""
    found = {name: find(module) for name, module in PEERS.items()}
    stacks = {"gamenet": ours} | {
        name: peer for name, peer in found.items() if not isinstance(peer, Absent)
    }
    figures = _figures(_rounds(stacks))
    gamenet = figures.pop("gamenet")
    absent = {
        name: peer.figures() for name, peer in found.items() if isinstance(peer, Absent)
    }
    return {**gamenet, **_times(gamenet, figures), "peers": figures | absent}


def _times(
    gamenet: dict[str, float], peers: dict[str, dict[str, float]]
) -> dict[str, float]:
    """Return how many times as fast as the peers in Python gamenet is."""
    pairs = (("aioquic", "unreliable_per_s"), ("websockets", "reliable_per_s"))
    return {
        f"times_{name}": gamenet[key] / peers[name][key]
        for name, key in pairs
        if name in peers
    }


def _rounds(
    stacks: dict[str, ModuleType],
) -> list[dict[tuple[str, str], dict[str, float]]]:
    """Measure every mode of every stack, once a round."""
    cases = [(name, mode) for name, stack in stacks.items() for mode in stack.MODES]
    return [
        {(name, mode): _measure(stacks[name], mode) for name, mode in cases}
        for _ in range(N_ROUNDS)
    ]


def _measure(stack: ModuleType, mode: str) -> dict[str, float]:
    """Return the rate, and the microseconds of CPU a message at both ends."""
    blasting = Blast(SECONDS, SIZE, WINDOW, can_lose=mode == "unreliable")
    with playing(stack.count, mode) as counter:
        port, ticket = counter.hear()
        with playing(stack.blast, mode, port, ticket, blasting) as blaster:
            sent = blaster.hear()
            counted = counter.ask("result")
    return {
        "per_s": counted["per_s"],
        "client_us": sent["cpu_us"],
        "server_us": counted["cpu_us"],
        "lost": 1 - counted["n_messages"] / sent["n_sent"],
    }


def _figures(rounds: list[Round]) -> dict[str, dict[str, float]]:
    """Return the medians of the rounds, by stack."""
    figures: dict[str, dict[str, float]] = {}
    for name, mode in rounds[0]:
        for key in rounds[0][name, mode]:
            values = [results[name, mode][key] for results in rounds]
            figures.setdefault(name, {})[f"{mode}_{key}"] = statistics.median(values)
    return figures
