# SPDX-License-Identifier: MIT
"""The nine ready component codecs."""

from __future__ import annotations

import random
import struct

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.wire import COMPONENT_CODECS, ComponentUpdate, StateUpdate

VECTORS = {
    "position": ((1.0, -2.0, 0.5), struct.pack("<3f", 1, -2, 0.5)),
    "velocity": ((0.0, 3.0, 9.0), struct.pack("<3f", 0, 3, 9)),
    "rotation": ((0.0, 0.0, 0.0, 1.0), struct.pack("<4f", 0, 0, 0, 1)),
    "health": ((75, 100), struct.pack("<2H", 75, 100)),
    "stats": ((10, 11, 12, 13), struct.pack("<4H", 10, 11, 12, 13)),
    "team": ((2,), b"\2"),
    "level": ((12, 345678), struct.pack("<HI", 12, 345678)),
    "animation": ((3, 0.25, 1.0), struct.pack("<Hff", 3, 0.25, 1)),
}


class ComponentCodecTests(SynchronousTestCase):
    """Components of a state update by the names of their types."""

    def test_nine(self) -> None:
        """They are the nine that everybody expects."""
        self.assertEqual(list(COMPONENT_CODECS), [*VECTORS, "inventory"])

    def test_vectors(self) -> None:
        """Each is the bytes that `struct` packs of its values."""
        for name, (values, encoded) in VECTORS.items():
            codec = COMPONENT_CODECS[name]
            self.assertEqual(codec(*values).encode(), encoded, name)
            self.assertEqual(codec.decode(encoded), codec(*values), name)

    def test_inventory(self) -> None:
        """An inventory is a count, and for each item its name and how many."""
        codec = COMPONENT_CODECS["inventory"]
        item = type(codec.decode(b"\1\1a\0\0\0\0").items[0])
        inventory = codec([item("sword"), item("gold", -5)])
        encoded = b"\2" + b"\5sword\1\0\0\0" + b"\4gold\xfb\xff\xff\xff"
        self.assertEqual(inventory.encode(), encoded)
        self.assertEqual(codec.decode(encoded), inventory)
        self.assertEqual(codec().encode(), b"\0")
        with self.assertRaisesRegex(LocalProtocolError, "above its limit 256"):
            codec([item("x")] * 257).encode()

    def test_malformed(self) -> None:
        """Other bytes than those of a component are refused."""
        for codec in COMPONENT_CODECS.values():
            encoded = codec.sample(random.Random(3)).encode()
            for end in range(len(encoded)):
                with self.assertRaises(RemoteProtocolError):
                    codec.decode(encoded[:end])
            with self.assertRaises(RemoteProtocolError):
                codec.decode(encoded + b"\0")

    def test_in_a_state_update(self) -> None:
        """They travel as the data of the component of that type."""
        source = random.Random(3)
        sent = {name: codec.sample(source) for name, codec in COMPONENT_CODECS.items()}
        components = [
            ComponentUpdate(name, component.encode())
            for name, component in sent.items()
        ]
        update = StateUpdate.decode(StateUpdate(1, 2, 3, 4, components).encode())
        for component in update.components:
            codec = COMPONENT_CODECS[component.type]
            again = codec.decode(component.data)
            self.assertEqual(again.encode(), sent[component.type].encode())
