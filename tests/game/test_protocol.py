# SPDX-License-Identifier: MIT
"""Tests of what a game speaks."""

from __future__ import annotations

import json
import zlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.game import Component, Message, Protocol, fixed, text, uint8
from tests.game.games import Marker, Meadow, Place, Say, Wave


class ProtocolTests(SynchronousTestCase):
    """Two sides agree, or can say why they do not."""

    def test_same_words_same_hash(self) -> None:
        """The hash depends on what travels, not on names of games or modules."""
        renamed = type("Field", (Meadow,), {})
        self.assertEqual(Protocol.of(Meadow).hash, Protocol.of(renamed).hash)
        self.assertEqual(len(Protocol.of(Meadow).hash), 8)

    def test_every_change_changes_the_hash(self) -> None:
        """Fields, orders, limits, names: each tells the peers apart."""

        class Place2(Component):
            x: float = fixed(-512, 512, step=1 / 32)
            y: float = fixed(-512, 512, step=1 / 64)

        Place2.__name__ = "Place"
        variants = [
            {"components": [Marker, Place]},
            {"components": [Place]},
            {"components": [Place2, Marker]},
            {"inputs": [Wave]},
            {"messages": []},
        ]
        hashes = {Protocol.of(type("M", (Meadow,), v)).hash for v in variants}
        hashes.add(Protocol.of(Meadow).hash)
        self.assertEqual(len(hashes), len(variants) + 1)

    def test_description(self) -> None:
        """A peer without the classes learns the same protocol."""
        ours = Protocol.of(Meadow)
        learned = Protocol.from_description(ours.description())
        self.assertEqual(learned.hash, ours.hash)
        self.assertIs(ours.description(), ours.description())
        self.assertEqual(learned.name, "meadow")
        message = learned.messages[0](words="hi")
        self.assertEqual(
            learned.registry.encode(message), ours.registry.encode(Say(words="hi"))
        )
        self.assertIsInstance(message, Message)

    def test_differences(self) -> None:
        """A mismatch is explained by naming what differs."""

        class Say2(Message):
            words: str = text(100)

        Say2.__name__ = "Say"

        class Extra(Message):
            number: int = uint8()

        theirs = Protocol.of(
            type("T", (Meadow,), {"messages": [Say2, Extra], "inputs": [Wave]})
        )
        told = Protocol.of(Meadow).differences(theirs.summary())
        self.assertEqual(
            told,
            "differ: input Wave, message Say; unknown to the server: input Push; "
            "unknown here: message Extra",
        )

    @given(st.binary(max_size=300))
    def test_hostile_descriptions(self, data: bytes) -> None:
        """Whatever a server describes, the client refuses it or learns it."""
        for packed in (data, zlib.compress(data)):
            self.assertRaises(RemoteProtocolError, Protocol.from_description, packed)

    def test_description_bombs(self) -> None:
        """A description that unpacks to a lot is refused at the limit."""
        bomb = zlib.compress(b" " * (64 << 20))
        self.assertRaises(RemoteProtocolError, Protocol.from_description, bomb)
        many = {"game": "x", "inputs": [], "messages": []}
        many["components"] = [{"name": f"C{i}", "fields": []} for i in range(300)]
        packed = zlib.compress(json.dumps(many).encode())
        self.assertRaises(RemoteProtocolError, Protocol.from_description, packed)
        deep = zlib.compress(b"[" * 200_000)
        self.assertRaises(RemoteProtocolError, Protocol.from_description, deep)
        code = {
            "game": "x",
            "components": [],
            "messages": [],
            "inputs": [
                {"name": "I", "fields": [{"name": "x;import os", "kind": "uint8"}]}
            ],
        }
        packed = zlib.compress(json.dumps(code).encode())
        self.assertRaises(RemoteProtocolError, Protocol.from_description, packed)
