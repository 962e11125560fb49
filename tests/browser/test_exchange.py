# SPDX-License-Identifier: MIT
"""The browser's connection and Python's keep what the modes promise to each other."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import DeliveryMode
from gamenet.errors import CloseReason
from tests.browser.exchange import MODES, Exchange, Ledger

ORDERED = DeliveryMode.RELIABLE_ORDERED
UNORDERED = DeliveryMode.RELIABLE_UNORDERED
LATEST = DeliveryMode.RELIABLE_SEQUENCED


class ExchangeTests(SynchronousTestCase):
    """Node runs one end, this process the other."""

    def exchange(self, seed: int) -> Exchange:
        """Return two ends that are connected."""
        exchange = Exchange(seed)
        self.addCleanup(exchange.end)
        exchange.run(0.5)
        self.assertEqual(exchange.browser_state, "connected")
        return exchange

    def check(self, ledger: Ledger) -> None:
        """Fail unless everything came as promised."""
        sent = {mode: ledger.sent_on(mode) for mode in MODES}
        came = {mode: ledger.came_on(mode) for mode in MODES}
        self.assertEqual(came[ORDERED], sent[ORDERED])
        self.assertEqual(sorted(came[UNORDERED]), sorted(sent[UNORDERED]))
        self.assertEqual(came[LATEST][-1], sent[LATEST][-1])
        for mode in MODES:
            self.assertGreater(len(came[mode]), 5, mode)
            self.assertEqual(len(set(came[mode])), len(came[mode]), mode)
            self.assertTrue(set(came[mode]) <= set(sent[mode]), mode)
        for mode in (LATEST, DeliveryMode.UNRELIABLE_SEQUENCED):
            self.assertEqual(came[mode], sorted(came[mode]), mode)

    def check_receipts(self, ledger: Ledger) -> None:
        """Fail unless receipts tell what came."""
        came = set(ledger.came)
        for number in ledger.acked:
            self.assertIn(ledger.sent[number], came)
        acked = [ledger.sent[number] for number in ledger.acked]
        for mode in (ORDERED, UNORDERED):
            told = [data for channel, data in acked if channel == MODES.index(mode)]
            self.assertEqual(sorted(told), sorted(ledger.sent_on(mode)), mode)
        self.assertFalse(ledger.acked & ledger.lost)

    def test_breaks(self) -> None:
        """However often the stream breaks, the promises are kept both ways."""
        exchange = self.exchange(1)
        exchange.run(20, talk=0.4, breaks=0.003)
        exchange.settle()
        self.assertEqual(exchange.endings, [])
        self.assertGreater(exchange.resumes, 2)
        self.assertGreater(exchange.resent, 0)
        for ledger in (exchange.up, exchange.down):
            self.check(ledger)
            self.check_receipts(ledger)

    def test_calm(self) -> None:
        """While the stream holds, everything arrives in all modes, once."""
        exchange = self.exchange(3)
        exchange.run(4, talk=0.4)
        exchange.settle()
        for ledger in (exchange.up, exchange.down):
            self.check(ledger)
            self.check_receipts(ledger)
            for mode in MODES:
                self.assertEqual(
                    sorted(ledger.came_on(mode)), sorted(ledger.sent_on(mode)), mode
                )
            self.assertEqual(ledger.lost, set())
        self.assertEqual(exchange.resent, 0)

    def test_cut_in_transfer(self) -> None:
        """Large messages go on where they were cut, and are whole."""
        exchange = self.exchange(4)
        large = exchange.random.randbytes(180_000)
        exchange.send_up(ORDERED, large)
        exchange.send_down(ORDERED, large)
        for _ in range(3):
            exchange.run(0.05)
            exchange.cut()
            exchange.run(1)
        exchange.settle()
        self.assertEqual(exchange.resumes, 3)
        for ledger in (exchange.up, exchange.down):
            self.assertEqual(ledger.came_on(ORDERED), [large])

    def test_cancel(self) -> None:
        """A transfer that is given up never comes; what is behind it does."""
        exchange = self.exchange(5)
        assert exchange.server is not None
        # More than may be on its way at once, so that the last one has not left whole.
        large = [exchange.random.randbytes(180_000) for _ in range(3)]
        up = [exchange.send_up(ORDERED, data) for data in large]
        down = [exchange.send_down(ORDERED, data) for data in large]
        exchange.run(0.05)
        self.assertIs(exchange.call("cancel", up[-1]), True)
        self.assertIs(exchange.server.cancel(down[-1]), True)
        exchange.send_up(ORDERED, b"next")
        exchange.send_down(ORDERED, b"next")
        exchange.settle()
        for ledger in (exchange.up, exchange.down):
            self.assertEqual(ledger.came_on(ORDERED), [*large[:-1], b"next"])

    def test_close(self) -> None:
        """Whoever ends it, the other one is told why, after what was said before."""
        exchange = self.exchange(6)
        exchange.send_up(ORDERED, b"bye")
        exchange.call("close", "NORMAL", "enough")
        exchange.run(0.1)
        self.assertEqual(exchange.up.came_on(ORDERED), [b"bye"])
        self.assertIn(("server", "NORMAL", "enough"), exchange.endings)
        exchange = self.exchange(7)
        assert exchange.server is not None
        exchange.send_down(ORDERED, b"out")
        exchange.server.close(CloseReason.KICKED, "café", now=exchange.now)
        exchange.run(0.1)
        self.assertEqual(exchange.down.came_on(ORDERED), [b"out"])
        self.assertIn(("browser", "KICKED", "café"), exchange.endings)
