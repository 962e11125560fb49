# SPDX-License-Identifier: MIT
"""Tests of the search for the largest packet that passes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.probing import PacketSizeProbe


def search(probe: PacketSizeProbe, passes: int, *, until: float = 100.0) -> list[int]:
    """Search a path on which packets up to some size pass; return the sizes tried."""
    tried, now = [], 0.0
    while (due := probe.next_timeout()) is not None and due <= until:
        now = max(now, due)
        size = probe.next_probe(now)
        if size is None:
            continue
        tried.append(size)
        probe.probe_sent(size, now)
        if size <= passes:
            probe.probe_acked(size)
        else:
            probe.probe_lost(size)
    return tried


class SearchTests(SynchronousTestCase):
    """Which sizes are tried, and what is found."""

    def test_ordinary_path(self) -> None:
        """Two steps lead to the largest size, and that is the end."""
        probe = PacketSizeProbe(1200, 1452)
        self.assertEqual(probe.size, 1200)
        self.assertEqual(search(probe, 1452), [1350, 1452])
        self.assertEqual(probe.size, 1452)
        self.assertIsNone(probe.next_timeout())
        self.assertIsNone(probe.next_probe(1e9))

    def test_tunnel(self) -> None:
        """After three losses of one size the search ends with the size before."""
        probe = PacketSizeProbe(1200, 1452)
        self.assertEqual(search(probe, 1400), [1350, 1452, 1452, 1452])
        self.assertEqual(probe.size, 1350)

    def test_narrow_path(self) -> None:
        """If nothing larger passes nothing changes."""
        probe = PacketSizeProbe(1200, 1452)
        self.assertEqual(search(probe, 1200), [1350] * 3)
        self.assertEqual(probe.size, 1200)

    def test_again(self) -> None:
        """After ten minutes larger sizes are tried again."""
        probe = PacketSizeProbe(1200, 1452)
        search(probe, 1350)
        due = probe.next_timeout()
        assert due is not None
        self.assertTrue(600 <= due < 610)
        self.assertIsNone(probe.next_probe(due - 1))
        self.assertEqual(search(probe, 1452, until=1000), [1452])
        self.assertEqual(probe.size, 1452)

    def test_jumbo_frames(self) -> None:
        """The largest size is tried after the common ones."""
        probe = PacketSizeProbe(1200, 8952)
        self.assertEqual(search(probe, 9000), [1350, 1452, 8952])
        self.assertEqual(probe.size, 8952)

    def test_between(self) -> None:
        """If that is too large the middle is tried, and so on."""
        probe = PacketSizeProbe(1200, 8952)
        tried = search(probe, 4000)
        self.assertEqual(tried[:5], [1350, 1452, 8952, 8952, 8952])
        self.assertTrue(3800 <= probe.size <= 4000)
        self.assertLess(len(tried), 20)

    def test_nothing_to_try(self) -> None:
        """If the base is the largest nothing is tried."""
        for largest in (1200, 500):
            probe = PacketSizeProbe(1200, largest)
            self.assertIsNone(probe.next_timeout())
            self.assertIsNone(probe.next_probe(5.0))

    @given(st.integers(1200, 9000), st.integers(1000, 9000))
    def test_finds(self, largest: int, passes: int) -> None:
        """What is found passes, and not much more would."""
        probe = PacketSizeProbe(1200, largest)
        search(probe, passes)
        best = min(largest, passes)
        self.assertLessEqual(probe.size, max(1200, best))
        self.assertGreater(probe.size, best - 200)


class NarrowedTests(SynchronousTestCase):
    """A path may become narrower after its size was found."""

    def setUp(self) -> None:
        self.probe = PacketSizeProbe(1200, 1452)
        search(self.probe, 1452)

    def lose(self, now: float) -> None:
        """Lose the probe that is due."""
        self.assertEqual(self.probe.next_timeout(), now)
        self.assertIsNone(self.probe.next_probe(now - 0.1))
        self.assertEqual(self.probe.next_probe(now), 1452)
        self.probe.probe_sent(1452, now)
        self.probe.probe_lost(1452)

    def test_falls_back(self) -> None:
        """Three lost probes of the size in use end it, and the search begins anew."""
        self.probe.used(1448, 100.0)
        self.probe.used(1300, 100.9)
        for now in (101.0, 102.0, 103.0):
            self.assertEqual(self.probe.size, 1452)
            self.lose(now)
        self.assertEqual((self.probe.size, self.probe.next_timeout()), (1200, 104.0))
        self.assertEqual(search(self.probe, 1300, until=200.0), [1350] * 3)
        self.assertEqual(self.probe.size, 1200)

    def test_smaller_is_no_proof(self) -> None:
        """Of larger packets, only one as large as those under way proves something."""
        self.probe.used(1448, 100.0)
        for now in (101.0, 102.0, 103.0):
            self.probe.confirmed(1300)
            self.lose(now)
        self.assertEqual(self.probe.size, 1200)

    def test_arrives(self) -> None:
        """A large packet that arrives, or a probe, is proof enough."""
        self.probe.used(1448, 100.0)
        self.probe.confirmed(1448)
        self.assertIsNone(self.probe.next_timeout())
        self.probe.used(1448, 200.0)
        self.lose(201.0)
        self.lose(202.0)
        self.probe.probe_sent(1452, 203.0)
        self.probe.probe_acked(1452)
        self.assertIsNone(self.probe.next_timeout())
        self.probe.used(1300, 300.0)
        self.lose(301.0)
        self.lose(302.0)
        self.assertEqual(self.probe.size, 1452)


class ProbeTests(SynchronousTestCase):
    """What becomes of single probes."""

    def setUp(self) -> None:
        self.probe = PacketSizeProbe(1200, 1452)

    def test_one_at_a_time(self) -> None:
        """While a probe is under way there is no other."""
        self.assertEqual(self.probe.next_probe(5.0), 1350)
        self.assertEqual(self.probe.next_probe(5.0), 1350)
        self.probe.probe_sent(1350, 5.0)
        self.assertIsNone(self.probe.next_probe(6.0))
        self.assertEqual(self.probe.next_timeout(), 10.0)

    def test_unreported(self) -> None:
        """A probe of which nothing is heard counts as lost after a while."""
        for begin in (5.0, 10.0, 15.0):
            self.probe.probe_sent(1350, begin)
            self.assertIsNone(self.probe.next_probe(begin + 4.9))
            asked = self.probe.next_probe(begin + 5.0)
        self.assertIsNone(asked)
        self.assertEqual(self.probe.next_timeout(), 615.0)

    def test_waits_after_loss(self) -> None:
        """After a loss the next try is a second later."""
        self.probe.probe_sent(1350, 5.0)
        self.probe.probe_lost(1350)
        self.assertIsNone(self.probe.next_probe(5.9))
        self.assertEqual(self.probe.next_timeout(), 6.0)
        self.assertEqual(self.probe.next_probe(6.0), 1350)

    def test_losses_do_not_add_up(self) -> None:
        """Losses of one size are not counted against another."""
        for now in (5.0, 6.0):
            self.probe.probe_sent(1350, now)
            self.probe.probe_lost(1350)
        self.probe.probe_sent(1350, 7.0)
        self.probe.probe_acked(1350)
        self.probe.probe_sent(1452, 8.0)
        self.probe.probe_lost(1452)
        self.assertEqual(self.probe.next_probe(9.0), 1452)

    def test_late_ack(self) -> None:
        """A probe that arrives after it was given up counts all the same."""
        for now in (5.0, 6.0, 7.0):
            self.probe.probe_sent(1350, now)
            self.probe.probe_lost(1350)
        self.assertIsNone(self.probe.next_probe(8.0))
        self.probe.probe_acked(1350)
        self.assertEqual(self.probe.size, 1350)
        self.assertEqual(self.probe.next_probe(8.0), None)

    def test_strange_reports(self) -> None:
        """Reports of what was never probed change nothing."""
        self.probe.probe_lost(1350)
        self.probe.probe_acked(1000)
        self.probe.probe_acked(9000)
        self.assertEqual((self.probe.size, self.probe.next_probe(5.0)), (1200, 1350))

    def test_reset(self) -> None:
        """On another path everything begins anew."""
        search(self.probe, 1452)
        self.probe.reset()
        self.assertEqual((self.probe.size, self.probe.next_probe(5.0)), (1200, 1350))
        self.assertEqual(self.probe.next_timeout(), 0.0)

    @given(
        st.integers(1000, 2000),
        st.integers(1000, 9000),
        st.lists(
            st.tuples(
                st.sampled_from(("ask", "sent", "acked", "lost", "reset", "used")),
                st.integers(0, 9000),
                st.floats(0, 700),
            )
        ),
    )
    def test_any_calls(
        self, base: int, largest: int, calls: list[tuple[str, int, float]]
    ) -> None:
        """Whatever is reported, the size stays between its bounds."""
        probe, now = PacketSizeProbe(base, largest), 0.0
        for name, size, step in calls:
            now += step
            asked = probe.next_probe(now)
            if asked is not None:
                self.assertTrue(base <= probe.size <= asked <= max(base, largest))
            if name == "sent":
                probe.probe_sent(asked or size, now)
            elif name == "acked":
                probe.probe_acked(size)
            elif name == "lost":
                probe.probe_lost(asked or size)
            elif name == "reset":
                probe.reset()
            elif name == "used":
                probe.used(size, now)
            self.assertTrue(base <= probe.size <= max(base, largest))
            due = probe.next_timeout()
            self.assertTrue(due is None or due <= now + 600)
