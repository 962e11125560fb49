# SPDX-License-Identifier: MIT
"""Send a million reliable messages through a bad network, and count what went wrong.

    python -m tests.soak [--messages N] [--seed N] [--limit SECONDS]

Two cores talk both ways in simulated time, over a network that loses 30 % of all
packets, doubles 5 % and lets some overtake others. Each message is numbered; each
number has to arrive exactly once, and in order where that was promised. What was found
is printed as one line of JSON. The exit status is 0 if it is all zeros.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from random import Random

from gamenet.connection import (
    Channel,
    Connection,
    ConnectionConfig,
    DeliveryMode,
    MessageReceived,
)
from gamenet.transport import Impairment
from tests.connection.network import Network

__all__ = ["Report", "soak"]

CHANNELS = (
    Channel(0, DeliveryMode.RELIABLE_ORDERED, "ordered", priority=1, weight=3),
    Channel(1, DeliveryMode.RELIABLE_ORDERED, "also ordered"),
    Channel(2, DeliveryMode.RELIABLE_UNORDERED, "unordered", priority=1),
    Channel(3, DeliveryMode.RELIABLE_UNORDERED, "compressed", compression=True),
    Channel(4, DeliveryMode.RELIABLE_SEQUENCED, "latest"),
)
LATEST = 4
CONFIG = ConnectionConfig(channels=CHANNELS, timeout=60.0, max_queue=1 << 24)
WEATHER = Impairment(latency=0.02, jitter=0.01, loss=0.3, duplicate=0.05, reorder=0.05)
STEP = 0.01  # s
BACKLOGS = (-1, 100, 2000, 60_000)  # bytes to wait at an end, drawn for each step
LARGE_EVERY, LARGE = 2000, 5000
PATIENCE = 300.0  # simulated seconds for the last message


@dataclass
class Report:
    """What became of the messages."""

    seed: int = 0
    messages: int = 0
    """Reliable messages sent, both ways; values of which only the latest counts are
    sent beside them."""
    lost: int = 0
    duplicated: int = 0
    misordered: int = 0
    stale: int = 0
    """Values that came after a newer one, and last values that did not come."""
    packets: int = 0
    packets_lost: int = 0
    simulated_seconds: float = 0.0
    seconds: float = 0.0
    is_finished: bool = False
    """Whether all messages were sent before the time was over."""

    @property
    def is_clean(self) -> bool:
        """Return whether everything was sent, and nothing went wrong."""
        wrong = self.lost + self.duplicated + self.misordered + self.stale
        return self.is_finished and not wrong


class _Way:
    """One direction: numbers that were sent, and those that came."""

    def __init__(
        self, sender: Connection, receiver: Connection, random: Random
    ) -> None:
        self.n_sent = [0] * len(CHANNELS)
        self.n_came = [0] * len(CHANNELS)
        self._newest = [-1] * len(CHANNELS)
        self._seen = [bytearray() for _ in CHANNELS]
        self._sender = sender
        self._receiver = receiver
        self._random = random

    def send(self, most: int, now: float) -> int:
        """Send until enough waits; return how many messages that were."""
        random, sender = self._random, self._sender
        room = random.choice(BACKLOGS) - sender._traffic.outbox.queued_bytes
        count = 0
        while room > 0 and count < most:
            channel = random.randrange(LATEST)
            number = self.n_sent[channel]
            self.n_sent[channel] = number + 1
            size = random.randrange(64)
            if (number + channel) % LARGE_EVERY == 0:
                size = LARGE
            sender.send(channel, number.to_bytes(4, "little") + bytes(size), now=now)
            room -= size + 8
            count += 1
        latest = self.n_sent[LATEST]
        self.n_sent[LATEST] = latest + 1
        sender.send(LATEST, latest.to_bytes(4, "little"), now=now)
        return count

    def receive(self, report: Report) -> None:
        """Take what came, and note what is wrong with it."""
        next_event = self._receiver.next_event
        while (event := next_event()) is not None:
            if isinstance(event, MessageReceived):
                number = int.from_bytes(event.payload[:4], "little")
                self._note(event.channel, number, report)

    def _note(self, channel: int, number: int, report: Report) -> None:
        newest = self._newest[channel]
        if channel == LATEST:
            report.stale += number <= newest
            self._newest[channel] = max(newest, number)
            return
        seen = self._seen[channel]
        if number >= len(seen):
            seen.extend(bytes(number + 1024 - len(seen)))
        if seen[number]:
            report.duplicated += 1
            return
        seen[number] = 1
        self.n_came[channel] += 1
        if CHANNELS[channel].mode is DeliveryMode.RELIABLE_ORDERED:
            report.misordered += number != newest + 1
            self._newest[channel] = number

    def is_done(self) -> bool:
        """Return whether everything has come."""
        last = self._newest[LATEST] == self.n_sent[LATEST] - 1
        return last and self.n_came[:LATEST] == self.n_sent[:LATEST]

    def conclude(self, report: Report) -> None:
        """Count what has not come."""
        report.lost += sum(self.n_sent[:LATEST]) - sum(self.n_came[:LATEST])
        report.stale += self._newest[LATEST] != self.n_sent[LATEST] - 1


def soak(n_messages: int, seed: int, limit: float = float("inf")) -> Report:
    """Send so many messages, half of them each way; return what became of them.

    Args:
        n_messages: reliable messages in all.
        seed: of everything random.
        limit: seconds of real time after which no more is sent.
    """
    began = time.monotonic()  # noqa: TID251 - how long it may take is real time
    network = Network(
        CONFIG,
        up=WEATHER.reseeded(seed),
        down=WEATHER.reseeded(seed + 1),
        seed=seed,
        keeps_events=False,
    ).connect(30.0)
    report = Report(seed)
    random = Random(seed)
    client, server = network.client, network.peer
    ways = _Way(client, server, random), _Way(server, client, random)
    end = float("inf")
    while network.now < end and not (report.is_finished and _are_done(ways)):
        if not report.is_finished:
            for way in ways:
                way_left = (n_messages - report.messages + 1) // 2
                report.messages += way.send(way_left, network.now)
            report.is_finished = report.messages >= n_messages
            is_late = time.monotonic() - began > limit  # noqa: TID251 - likewise
            if report.is_finished or is_late:
                end = network.now + PATIENCE
            if is_late:
                break
        network.run(STEP)
        for way in ways:
            way.receive(report)
    _conclude(report, network, ways)
    report.seconds = round(time.monotonic() - began, 1)  # noqa: TID251 - likewise
    return report


def _are_done(ways: tuple[_Way, _Way]) -> bool:
    return all(way.is_done() for way in ways)


def _conclude(report: Report, network: Network, ways: tuple[_Way, _Way]) -> None:
    for way in ways:
        way.conclude(report)
    stats = [end.stats() for end in network.ends]
    report.packets = sum(each.packets_sent for each in stats)
    report.packets_lost = sum(each.packets_lost for each in stats)
    report.simulated_seconds = round(network.now - 100.0, 1)


def main() -> int:
    """Run the soak as the command line says."""
    parser = argparse.ArgumentParser(description="reliable messages over a bad network")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=240.0, help="seconds")
    options = parser.parse_args()
    report = soak(options.messages, options.seed, options.limit)
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
