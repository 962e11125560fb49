# SPDX-License-Identifier: MIT
"""The limits on how many may come in hold, in total and per address."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason
from gamenet.transport.admission import Admission


class AdmissionTests(SynchronousTestCase):
    """An `Admission` counts."""

    def test_total(self):
        """Beyond the total everybody is told that it is full."""
        admission = Admission(2, 2)
        admission.enter("a")
        self.assertIsNone(admission.reason_against("b"))
        admission.enter("b")
        self.assertIs(admission.reason_against("c"), CloseReason.SERVER_FULL)
        admission.leave("a")
        self.assertIsNone(admission.reason_against("c"))

    def test_per_address(self):
        """One address may have its share, others theirs."""
        admission = Admission(10, 1)
        admission.enter("a")
        self.assertIs(admission.reason_against("a"), CloseReason.TOO_MANY_FROM_ADDRESS)
        self.assertIsNone(admission.reason_against("b"))

    @given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=50))
    def test_counts(self, steps):
        """The count is that of those who came and have not left; nothing is kept."""
        admission, inside = Admission(100, 100), []
        for comes, host in steps:
            if comes:
                admission.enter(host)
                inside.append(host)
            elif host in inside:
                admission.leave(host)
                inside.remove(host)
            self.assertEqual(len(admission), len(inside))
        self.assertEqual(
            dict(admission._by_host), {h: inside.count(h) for h in set(inside)}
        )
