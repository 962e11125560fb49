# SPDX-License-Identifier: MIT
"""Messages over links that break at any moment: none is lost, none comes twice.

Both ends are the browser's here; that each speaks as docs/STANDARD.md has it is for
test_connection.py and test_resume.py to show.
"""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.browser import connection_bytes as wire
from tests.browser.conversation import (
    ALL_MODES,
    HASH,
    LATEST,
    ORDERED,
    PLAIN,
    PROTOCOL,
    RECEIPTS,
    SEQUENCED,
    TOKEN,
    UNORDERED,
)
from tests.browser.javascript import run_program

N_TICKETS = 300


def session(seed: int, **options: Any) -> Any:
    """Return what came of a session."""
    random = Random(seed)
    tokens = [wire.Token.random(random, is_resume=True) for _ in range(N_TICKETS)]
    tickets = [
        wire.ticket(token, n, TOKEN.server_key).hex() for n, token in enumerate(tokens)
    ]
    argument = {
        "seed": seed,
        "channels": ALL_MODES,
        "token": TOKEN.encode().hex(),
        "hash": HASH.hex(),
        "requests": [token.request(HASH).hex() for token in [TOKEN, *tokens]],
        "tickets": tickets,
        **options,
    }
    return run_program("sessions.js", argument, protocol=PROTOCOL)


class SessionTests(SynchronousTestCase):
    """What each mode promises holds in both directions."""

    def check(self, ledger: Any) -> None:
        """Fail unless everything came as promised."""
        sent = [ledger["sent"][str(n)] for n in range(6)]
        came = [ledger["came"][str(n)] for n in range(6)]
        self.assertEqual(came[ORDERED], sent[ORDERED])
        self.assertEqual(sorted(came[UNORDERED]), sent[UNORDERED])
        self.assertEqual(came[LATEST], sorted(set(came[LATEST])))
        self.assertEqual(came[LATEST][-1], sent[LATEST][-1])
        for channel in (PLAIN, SEQUENCED, RECEIPTS):
            self.assertEqual(len(set(came[channel])), len(came[channel]))
            self.assertTrue(set(came[channel]) <= set(sent[channel]))
        self.assertEqual(came[SEQUENCED], sorted(came[SEQUENCED]))

    def test_breaks(self) -> None:
        """Whenever links break, however often, the promises are kept."""
        for seed, breaks in ((1, 0.002), (2, 0.01), (3, 0.03)):
            answer = session(seed, steps=8000, chance=0.6, breaks=breaks)
            self.assertEqual(answer["ended"], None, seed)
            self.assertEqual(answer["state"], "connected", seed)
            self.check(answer["upward"])
            self.check(answer["downward"])
            self.assertGreater(answer["events"]["resumed"], 5, seed)
            self.assertGreater(answer["resent"], 10, seed)
            self.assertGreater(answer["duplicates"], 10, seed)
            self.assertEqual(answer["queuedBytes"], 0, seed)

    def test_calm(self) -> None:
        """While no link breaks, nothing is lost or sent twice in any mode."""
        answer = session(4, steps=4000, chance=0.6, breaks=0)
        for ledger in (answer["upward"], answer["downward"]):
            self.check(ledger)
            for channel in (PLAIN, SEQUENCED, RECEIPTS):
                self.assertEqual(
                    ledger["came"][str(channel)], ledger["sent"][str(channel)]
                )
        self.assertEqual((answer["resent"], answer["duplicates"]), (0, 0))
        self.assertEqual(
            answer["events"].keys(), {"connected", "message", "acked", "progress"}
        )
        self.assertEqual(answer["samples"], 50)
