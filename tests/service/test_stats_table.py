# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.stats_table."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.service.stats_table import history_table, player_table, server_table

PLAYER = {
    "id": 7,
    "name": "ada",
    "transport": "udp",
    "state": "playing",
    "rtt": 0.0281,
    "rtt_min": 0.02,
    "rtt_max": 0.1,
    "rtt_variation": 0.0042,
    "loss_out": 0.031,
    "loss_in": 0.05,
    "bandwidth_out": 3210,
    "bandwidth_in": 1500,
    "queue_time": 0.0009,
    "delivery_ratio": 0.969,
    "messages_resent": 28,
    "messages_repeated": 9,
    "duplicates": 3,
    "window": 12_000,
    "in_flight": 640,
    "queue_delay": 0.0034,
    "packet_size": 1452,
    "packets_sent": 900,
    "packets_received": 800,
    "packets_lost": 27,
    "packets_missed": 40,
    "resumes": 1,
    "migrations": 2,
    "dropped": {"replayed": 4, "corrupted": 9},
    "lanes": [
        {
            "channel": 8,
            "name": "chat",
            "mode": "reliable-unordered",
            "messages_sent": 20,
            "messages_delivered": 19,
            "delivery_ratio": 0.95,
            "messages_repeated": 6,
            "bytes_sent": 4200,
            "queue_time": 0.0012,
            "compression": 2.5,
        }
    ],
}
STATS = {
    "server": {
        "name": "Here",
        "game": "field",
        "status": "ok",
        "tick": 267,
        "tick_rate": 30,
        "players": 2,
        "players_dropped": 1,
        "max_players": 8,
        "uptime_s": 3723.4,
        "tick_ms_p50": 0.64,
        "tick_ms_p99": 5.38,
        "ticks_late": 3,
        "entities": 6,
        "hook_errors": 0,
    },
    "listening": [
        {"transport": "udp", "host": "0.0.0.0", "port": 7777},
        {"transport": "ws", "host": "::1", "port": 8080},
    ],
    "tokens": {"mode": "secret", "issued": 5, "refused": {"wrong_secret": 2}},
    "transports": {
        "accepted": 4,
        "resumed": 1,
        "migrated": 2,
        "refused": {"SERVER_FULL": 3},
        "closed": {"NORMAL": 2},
        "dropped": {},
        "packets_sent": 948,
        "packets_received": 888,
    },
    "totals": {
        "bandwidth_out": 17_200,
        "bandwidth_in": 9800,
        "delivery_ratio": 0.987,
        "rtt_median": 0.0281,
        "rtt_worst": 0.0912,
        "jitter_median": 0.0042,
        "jitter_worst": 0.009,
        "loss_out": 0.013,
        "queue_time_worst": 0.0009,
        "window": 24_000,
        "messages_resent": 5,
        "messages_repeated": 339,
        "dropped": {"replayed": 4, "corrupted": 9},
    },
    "players": [PLAYER, {**PLAYER, "id": 12, "name": "x" * 50, "window": 0}],
}


HEAD = """\
Here (field): ok, tick 267 at 30 Hz, 2 of 8 players (1 away), up 1:02:03
listening  udp 0.0.0.0:7777, ws [::1]:8080
game       ticks p50 0.64 ms, p99 5.38 ms, 3 late; 6 entities; 0 errors in hooks
tokens     secret, 5 issued; refused: wrong_secret 2
links      4 accepted, 1 resumed, 2 moved; refused: SERVER_FULL 3; closed: NORMAL 2
packets    948 out, 888 in; thrown away: none
round trip 28.1 ms median, 91.2 worst; jitter 4.2 ms median, 9.0 worst
loss       1.3 % out, 0.0 in; 98.7 % of all packets arrived
bandwidth  17.2 kB/s out, 9.8 in; 0.9 ms in queues here at worst; windows of 24.0 kB
messages   5 resent, 339 repeated; 0 duplicates; packets dropped: corrupted 9, \
replayed 4
"""
ROW = "7 ada udp playing 28.1 20.0 100.0 4.2 3.1 5.0 3.2 1.5 0.9 96.9 28 9 3 12.0"
DETAILS = """\
packets    900 out, 800 in; lost: 27 out, 40 in
congestion 640 of 12000 B on their way; 3.4 ms in queues of the network; packets of \
at most 1452 B
session    resumed: 1; moved to another address: 2
dropped    corrupted 9, replayed 4
"""


class ServerTableTests(SynchronousTestCase):
    """A server's figures, for people."""

    def test_head(self) -> None:
        """What is true of the whole server comes first, a line each."""
        self.assertEqual(server_table(STATS).splitlines()[:10], HEAD.splitlines())

    def test_players(self) -> None:
        """Each player is a row, whose name cannot break the table."""
        *_, head, ada, other = server_table(STATS).splitlines()
        words = "id name by state rtt ms min max jitter loss% out in kB/s out in"
        self.assertEqual(head.split()[: len(words.split())], words.split())
        self.assertEqual(ada.split(), ROW.split())
        self.assertEqual(other.split()[:2], ["12", "x" * 20])
        self.assertEqual(other.split()[-1], "-")
        self.assertEqual({len(head), len(ada), len(other)}, {len(head)})

    def test_nobody(self) -> None:
        """Without players there is no table of them."""
        self.assertEqual(len(server_table({**STATS, "players": []}).splitlines()), 10)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from([*STATS, *PLAYER, "age"]), inner)
            ),
            max_leaves=20,
        )
    )
    def test_anything(self, answer: Any) -> None:
        """Whatever a server answers makes a table, and no control characters."""
        for table in (server_table, player_table, history_table):
            text = table(answer).replace("\n", "")
            self.assertTrue(text.isprintable())


class PlayerTableTests(SynchronousTestCase):
    """One player's figures."""

    def test_lines(self) -> None:
        """There is more of a player, and each lane has its row."""
        lines = player_table(PLAYER).splitlines()
        self.assertEqual(lines[3:7], DETAILS.splitlines())
        self.assertEqual(lines[-2].split()[:3], ["lane", "name", "mode"])
        self.assertEqual(
            lines[-1].split(),
            "8 chat reliable-unordered 20 0 19 95.0 0 6 0 0 4.2 0.0 0 1.2 2.50".split(),
        )

    def test_unanswered(self) -> None:
        """A lane whose sender hears nothing has no share that arrived."""
        lane = {"mode": "unreliable", "messages_sent": 20, "delivery_ratio": None}
        lines = player_table({**PLAYER, "lanes": [lane]}).splitlines()
        self.assertEqual(lines[-1].split()[:6], "0 unreliable 20 0 0 -".split())

    def test_stream(self) -> None:
        """On a stream, congestion is not ours."""
        text = player_table({**PLAYER, "window": 0})
        self.assertIn("\ncongestion left to the stream\n", text)


class HistoryTableTests(SynchronousTestCase):
    """The last minute."""

    def test_curves(self) -> None:
        """Each figure is a row of bars with its unit."""
        history = {"age": [2.5, 1.5, 0.5], "rtt": [0.01, 0.04, 0.02]}
        self.assertEqual(
            history_table(history).splitlines(),
            ["the last 2 s", "round trip  ▃█▅  20.0 ms now, 40.0 at most"],
        )

    def test_none(self) -> None:
        """A connection that is new has none."""
        for history in ({}, {"age": [], "rtt": []}, None):
            self.assertEqual(history_table(history), "no history yet")
