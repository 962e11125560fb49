# SPDX-License-Identifier: MIT
"""Tests of writing what a game keeps, and a whole game, for a peer."""

from __future__ import annotations

import json
import struct
from collections import deque
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.game import LonePlayer, Serverless
from gamenet.game.plain import plain_texts, read_plain
from gamenet.game.portable_game import game_from_bytes, game_to_bytes
from tests.game.test_rollback import Crowd, Push

SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
HASHABLE = SIMPLE | st.text() | st.binary()


def again(value: object, players: dict | None = None) -> object:
    """Return what is read of what was written."""
    players = players or {}
    return read_plain(plain_texts({"it": value}, players)["it"], players)


class PlainTests(SynchronousTestCase):
    """Plain values come out as they went in; others are refused."""

    @given(
        st.recursive(
            HASHABLE,
            lambda inner: (
                st.lists(inner)
                | st.tuples(inner, inner)
                | st.dictionaries(HASHABLE, inner)
                | st.sets(HASHABLE)
            ),
            max_leaves=20,
        )
    )
    def test_round_trip(self, value):
        """Values of all kinds, in one another."""
        read = again(value)
        self.assertEqual(read, value)
        self.assertIs(type(read), type(value))

    def test_arrays(self) -> None:
        """Arrays keep kind, shape and every bit, and can be written to."""
        for array in (
            np.arange(6, dtype=np.int16).reshape(2, 3),
            np.array([np.nan, -0.0, np.inf]),
            np.zeros((0, 4), np.float32),
            np.ones(3, bool),
        ):
            read = again(array)
            self.assertEqual((read.dtype, read.shape), (array.dtype, array.shape))
            self.assertEqual(read.tobytes(), array.tobytes())
            read[...] = 0
        self.assertEqual(type(again(np.float32(2.5))), np.float32)

    def test_players(self) -> None:
        """Players come out as those of the reader."""
        player = LonePlayer(3)
        read = again({"fans": {player}, "last": deque([player])}, {3: player})
        self.assertEqual(read, {"fans": {player}, "last": deque([player])})

    def test_equal_text(self) -> None:
        """Sets give the same text, in whatever order they were filled."""
        words = [str(n) for n in range(50)]
        one, other = set(), set()
        one.update(words)
        for word in reversed(words):
            other.add(word)
        self.assertEqual(plain_texts({"a": one}, {}), plain_texts({"a": other}, {}))

    def test_refused(self) -> None:
        """What cannot be sent is named."""
        shared: list[int] = []
        deep: list[object] = []
        for _ in range(40):
            deep = [deep]
        for value in (len, object(), [LonePlayer(1)], np.array([None]), deep):
            with self.assertRaises(LocalProtocolError) as caught:
                plain_texts({"self.log": value}, {})
            self.assertIn("self.log", str(caught.exception))
        with self.assertRaises(LocalProtocolError):
            plain_texts({"one": shared, "other": shared}, {})

    def test_hostile(self) -> None:
        """Text that is none is refused with one kind of error."""
        for text in (
            "",
            "{}",
            "[]",
            '["list"]',
            '["eval", "1"]',
            '["__class__", []]',
            '["player", 7]',
            '["bytes", "xyz"]',
            '["array", "O", [1], "0000000000000000"]',
            '["array", "<f8", [1000000000000], ""]',
            '["array", "<f8", [-1], "00"]',
            '["dict", [[["list", []], 1]]]',
            '["set", [["list", []]]]',
            "[" * 100_000,
        ):
            self.assertRaises(RemoteProtocolError, read_plain, text, {})


class PortableGameTests(SynchronousTestCase):
    """A whole game goes to a peer, and goes on there as here."""

    def setUp(self) -> None:
        self.match = Serverless(Crowd, seed=5)
        for number in (1, 2):
            self.match.join(number, f"guest {number}")
        self.chance = Random(3)
        for _ in range(50):
            self.match.advance(self.inputs())
        self.data = game_to_bytes(self.match.save(), self.match.players)

    def inputs(self) -> dict[int, list[Push]]:
        return {n: [Push(self.chance.randrange(-50, 50))] for n in (1, 2)}

    def read(self, match: Serverless, data: bytes, tick: int = 50) -> None:
        """Load a state that came as bytes."""

        def player(number: int, name: str) -> LonePlayer:
            return match.players.setdefault(number, LonePlayer(number, name))

        match.load(game_from_bytes(match, tick, data, player))

    def test_goes_on(self) -> None:
        """World, chance and what is kept are there: all ticks come out alike."""
        other = Serverless(Crowd, seed=99)
        self.read(other, self.data)
        self.assertEqual(other.players[2].name, "guest 2")
        self.assertEqual(other.game.fans, set(other.players.values()))
        for _ in range(50):
            inputs = self.inputs()
            for match in (self.match, other):
                match.advance(inputs)
            self.assertEqual(self.match.world.checksum(), other.world.checksum())
        self.assertTrue((self.match.game.table == other.game.table).all())

    def test_waits(self) -> None:
        """While something is scheduled there are no bytes."""
        self.match.game.after(1.0, self.match.game.bumped, 1)
        self.assertIsNone(game_to_bytes(self.match.save(), self.match.players))

    def test_hostile(self) -> None:
        """Bytes that are no state of this tick are refused; nothing else happens."""
        (n_head,) = struct.unpack_from("<I", self.data)
        head = json.loads(self.data[4 : 4 + n_head])
        world = self.data[4 + n_head :]

        def with_head(**changed: object) -> bytes:
            packed = json.dumps({**head, **changed}).encode()
            return struct.pack("<I", len(packed)) + packed + world

        state = head["state"]
        other = Serverless(Crowd, seed=99)
        before = other.save()
        chance = Random(4)
        bad = [
            b"",
            self.data[:-1],
            self.data + b"\0",
            struct.pack("<I", 1 << 31) + self.data[4:],
            with_head(tick=51),
            with_head(names=[[n, ""] for n in range(65)]),
            with_head(names=[[8, "who"]]),
            with_head(state={}),
            with_head(state={**state, "self.random": '["dict", []]'}),
            with_head(state={**state, "self.players": "[]"}),
            *(chance.randbytes(chance.randrange(200)) for _ in range(100)),
        ]
        for data in bad:
            self.assertRaises(RemoteProtocolError, self.read, other, data)
            other.players.clear()
        self.assertEqual(before.world.checksum(), other.world.checksum())
