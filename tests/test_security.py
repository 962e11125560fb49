# SPDX-License-Identifier: MIT
"""Tests that the numbers in docs/security.md are those of the code."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    ConnectionConfig,
    Door,
    acks,
    connection,
    lanes,
    netcode,
    outbox,
    pending,
    receivers,
    reliable,
    replay,
    tickets,
    traffic,
)
from gamenet.connection import acceptor as door
from gamenet.errors import CloseReason
from gamenet.game import Game, messages
from gamenet.replication import events, history, ledger, viewer, writes
from gamenet.testing import Stepper
from gamenet.transport import Limits, factories, udp

PAGE = Path(__file__).parent.parent / "docs" / "security.md"
CONFIG, LIMITS = ConnectionConfig(), Limits()
KIB = 1024


def default(made: object, name: str) -> int:
    """Return the default of an argument."""
    return int(signature(made).parameters[name].default)  # type: ignore[arg-type]


def held(config: ConnectionConfig) -> int:
    """Return the bytes that a reliable channel holds at most."""
    channel = config.channels[0]
    counts = lanes.LaneCounts()
    receiver = receivers.new_receiver(channel, counts, config)
    assert isinstance(receiver, receivers.OrderedReceiver)
    return receiver._most_held


class NumberTests(SynchronousTestCase):
    """Each number that the page states, in the words in which it does."""

    def setUp(self) -> None:
        """Read the page."""
        self.page = " ".join(PAGE.read_text(encoding="utf-8").split())

    def check(self, *sentences: str) -> None:
        """Check that the page says all this."""
        for sentence in sentences:
            self.assertIn(sentence, self.page)

    def test_before_a_connection(self) -> None:
        """What a stranger can cost."""
        visitors = factories._MAX_VISITORS, factories._MAX_VISITORS_PER_ADDRESS
        self.check(
            f"{door.ATTEMPTS_PER_SECOND:,} times a second at most",
            f"after {door.ATTEMPTS_AT_ONCE:,} at once",
            f"A request has {netcode.REQUEST_SIZE:,} bytes",
            f"datagrams are cut at {udp.DATAGRAM_LIMIT:,} bytes",
            f"{default(Door, 'max_used'):,} are remembered",
            f"{door.MAX_PENDING:,} are kept for {pending.LONGEST:g} s at most",
            f"{pending.MOST_OF_ONE} of one address, "
            f"{pending.MOST_OF_ONE} of one token from whatever addresses. Nobody",
            f"{visitors[0]} streams beyond it are heard out to be told why, "
            f"{visitors[1]} of one address",
            f"must be done in {LIMITS.handshake_timeout:g} s",
        )

    def test_answer(self) -> None:
        """A request is answered by a denial and a challenge, at most."""
        sealed = 1 + 8 + netcode.TAG
        self.check(f"what answers it has {sealed + sealed + 308} at most")

    def test_on_a_connection(self) -> None:
        """What a peer can cost."""
        self.check(
            f"A window of {replay.ReplayWindow()._size} sequences",
            f"more than {acks.WINDOW} behind",
            f"at most {reliable.WINDOW + reliable.PIECE_WINDOW:,} ahead",
            f"`window` ({CONFIG.window // KIB} KiB)",
            f"{connection._FRAGMENT_BYTES // KIB} KiB and 8 packets",
            f"{LIMITS.write_buffer // KIB} KiB of write buffer",
            f"have {CONFIG.max_queue // KIB**2} MiB, small ones counting "
            f"{outbox.FRAGMENT_COST} bytes",
            f"At most {acks.MAX_IN_FLIGHT:,} packets are in flight, "
            f"{lanes.MAX_UNRELIABLE_WAITING} unreliable",
            f"{CONFIG.timeout:g} s, then its session waits {CONFIG.resume_window:g} s",
            f"At most {traffic.MAX_CONTROLS} control frames",
        )
        self.assertEqual(tickets.OUTSTANDING, 2)

    def test_memory(self) -> None:
        """The table of what can be held."""
        self.check(
            f"one frame, {LIMITS.max_frame // KIB} KiB",
            f"{held(CONFIG) // KIB:,} KiB for each reliable channel",
            f"`max_connections` is {LIMITS.max_connections:,}",
        )

    def test_in_a_game(self) -> None:
        """What a player can cost, by what they send and by what they acknowledge."""
        stepper = Stepper.of(Game, n_clients=1)
        (player,) = stepper.server.players.values()
        resyncs, answers, said = player.resyncs, player.answers, player.messages
        self.assertEqual((resyncs._rate, said._rate), (1, 120))
        self.check(
            f"at most {viewer.MAX_FLIGHTS:,} messages are remembered",
            f"After {resyncs._burst} at once, more than one a second",
            f"More than {writes.WRITES_A_SECOND:g} a second, after as many at once",
            f"at most {answers._rate} a second are answered, after {answers._burst}",
            f"the history of rows takes {history.MAX_HISTORY_BYTES >> 30} GiB at most",
            f"has at most {messages.MAX_CAPACITY:,} rows",
            f"{events.MAX_HELD} events are held back",
            f"of {ledger.MOST_WATCHED} players at once, of {ledger.KEPT_TICKS} ticks",
        )

    def test_reasons(self) -> None:
        """Every reason for which a handshake is refused has its row."""
        for reason in CloseReason:
            if 22 <= reason < 27:
                self.check(reason.name)
