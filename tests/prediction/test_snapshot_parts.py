# SPDX-License-Identifier: MIT
"""Tests of sending a state in parts."""

from __future__ import annotations

import zlib
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.prediction import snapshot_parts
from gamenet.prediction.snapshot_parts import (
    HEAD,
    N_ON_WAY,
    PART,
    IncomingSnapshot,
    OutgoingSnapshot,
)


class SnapshotPartsTests(SynchronousTestCase):
    """A state arrives whole, a few parts at a time."""

    def test_round_trip(self) -> None:
        """Whatever its size, it comes out as it went in."""
        chance = Random(1)
        for size in (0, 1, PART, 10 * PART, 10 * PART + 1):
            data = chance.randbytes(size)
            out, into = OutgoingSnapshot(data), IncomingSnapshot()
            while not out.is_there:
                parts = out.parts()
                self.assertTrue(0 < len(parts) <= N_ON_WAY)
                for part in parts:
                    into.receive(part)
                self.assertEqual(out.parts(), [])
                out.got(into.n_parts)
            self.assertEqual(into.data, data)

    def test_too_large(self) -> None:
        """A state beyond the limit is refused on both sides."""
        self.patch(snapshot_parts, "MAX_BYTES", 1000)
        self.assertRaises(LocalProtocolError, OutgoingSnapshot, bytes(1001))
        packed = zlib.compress(bytes(100_000))
        part = HEAD.pack(len(packed), 0) + packed
        self.assertRaises(RemoteProtocolError, IncomingSnapshot().receive, part)

    def test_hostile(self) -> None:
        """Parts out of order, of a wrong size, or that are none are refused."""
        for bad in (
            b"",
            HEAD.pack(5, 0),
            HEAD.pack(5, 1) + b"hello",
            HEAD.pack(6, 0) + b"hello",
            HEAD.pack(1 << 25, 0) + bytes(PART),
            HEAD.pack(5, 0) + b"hello",
        ):
            self.assertRaises(RemoteProtocolError, IncomingSnapshot().receive, bad)

    def test_lying_receiver(self) -> None:
        """Nobody has parts that were not sent."""
        out = OutgoingSnapshot(Random(2).randbytes(10 * PART))
        out.parts()
        self.assertRaises(RemoteProtocolError, out.got, N_ON_WAY + 1)
        out.got(2)
        self.assertRaises(RemoteProtocolError, out.got, 1)
