# SPDX-License-Identifier: MIT
"""Tests of the tokens by which a client proves its address."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.challenges import CHALLENGE_SIZE, ChallengeTokens
from tests.vectors import netcode_vectors as independent

KEY = bytes(range(32))
USER_DATA = bytes(range(256))


class ChallengeTests(SynchronousTestCase):
    """A token is read by the server that made it, and says what was put in."""

    def setUp(self) -> None:
        self.tokens = ChallengeTokens(KEY)

    def test_vectors(self) -> None:
        """The bytes are those of the standard."""
        cases = json.loads(independent.PATH.read_text())["challenge_tokens"]
        tokens = ChallengeTokens(bytes.fromhex(cases[0]["key"]))
        for case in cases:
            user_data = bytes.fromhex(case["user_data"])
            sequence, sealed = tokens.seal(case["client_id"], user_data)
            self.assertEqual(sequence, case["sequence"])
            self.assertEqual(sealed.hex(), case["sealed"])
            opened = tokens.open(sequence, sealed)
            self.assertEqual(opened, (case["client_id"], user_data))

    @given(st.integers(0, 2**64 - 1), st.binary(max_size=256))
    def test_round_trip(self, client_id: int, user_data: bytes) -> None:
        """Client and user data come back, these filled up with zeros."""
        tokens = ChallengeTokens(KEY)
        for expected in range(3):
            sequence, sealed = tokens.seal(client_id, user_data)
            self.assertEqual((sequence, len(sealed)), (expected, CHALLENGE_SIZE))
            opened = tokens.open(sequence, sealed)
            self.assertEqual(opened, (client_id, user_data.ljust(256, b"\0")))

    @given(st.integers(0, 8 * CHALLENGE_SIZE - 1))
    def test_one_bit(self, bit: int) -> None:
        """One changed bit makes it worthless."""
        tokens = ChallengeTokens(KEY)
        sequence, sealed = tokens.seal(1, USER_DATA)
        forged = bytearray(sealed)
        forged[bit // 8] ^= 1 << bit % 8
        self.assertIsNone(tokens.open(sequence, bytes(forged)))

    def test_other_sequence(self) -> None:
        """It is good under its own sequence alone; no sequence is an error."""
        sequence, sealed = self.tokens.seal(1, USER_DATA)
        self.tokens.seal(2, USER_DATA)
        for other in (1, 2, 2**32, 2**64 - 1):
            self.assertIsNone(self.tokens.open(other, sealed))
        self.assertIsNotNone(self.tokens.open(sequence, sealed))

    def test_other_server(self) -> None:
        """Another server, or this one started anew, does not read it."""
        sequence, sealed = self.tokens.seal(1, USER_DATA)
        other = ChallengeTokens(bytes(32))
        other.seal(1, USER_DATA)
        self.assertIsNone(other.open(sequence, sealed))

    @given(st.integers(0, 2**64 - 1), st.binary(max_size=400))
    def test_any_bytes(self, sequence: int, data: bytes) -> None:
        """Arbitrary bytes are no token."""
        tokens = ChallengeTokens(KEY)
        tokens.seal(1, USER_DATA)
        self.assertIsNone(tokens.open(sequence, data))
        self.assertIsNone(tokens.open(0, data.ljust(CHALLENGE_SIZE, b"\0")))
