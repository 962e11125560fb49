# SPDX-License-Identifier: MIT
"""Tests of the reliable messages of replication."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.replication import Despawned, EntityRef, Spawned
from gamenet.replication.messages import MAX_BLOCK, MAX_DESPAWNED


class MessageTests(SynchronousTestCase):
    """The messages are small, bounded, and read back as written."""

    @given(st.sampled_from([Spawned, Despawned]), st.integers(0, 2**32))
    def test_round_trip(self, kind, seed: int) -> None:
        """What is written is read."""
        message = kind.sample(Random(seed))
        self.assertEqual(kind.decode(message.encode()), message)

    def test_bounds(self) -> None:
        """A message has at most so many bytes or entities."""
        longest = Spawned(1, bytes(MAX_BLOCK)).encode()
        self.assertLess(len(longest), 65536)
        forged = longest[:4] + b"\xff\xff\x03" + bytes(65535)
        self.assertRaises(RemoteProtocolError, Spawned.decode, forged)
        most = Despawned(1, [EntityRef(1, 1)] * MAX_DESPAWNED).encode()
        self.assertLess(len(most), 65536)
        forged = most[:4] + b"\x81\x08" + most[6:] + bytes(8)
        self.assertRaises(RemoteProtocolError, Despawned.decode, forged)

    @given(st.sampled_from([Spawned, Despawned]), st.binary(max_size=64))
    def test_any_bytes(self, kind, data: bytes) -> None:
        """Arbitrary bytes are a message or a RemoteProtocolError."""
        try:
            message = kind.decode(data)
        except RemoteProtocolError:
            return
        self.assertEqual(message.encode(), data)
