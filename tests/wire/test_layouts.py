# SPDX-License-Identifier: MIT
"""Known layouts are a shortcut: the same bytes, the same refusals."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.wire import ComponentUpdate, StateUpdate
from gamenet.wire.layouts import MAX_COMPONENTS, MAX_LAYOUTS, LayoutTable
from gamenet.wire.updates import MAX_PAYLOAD, MAX_TYPE

components = st.lists(
    st.builds(
        ComponentUpdate, st.sampled_from(["a", "b", "", "é"]), st.binary(max_size=3)
    ),
    max_size=MAX_COMPONENTS + 2,
)
updates = st.builds(
    StateUpdate,
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 64) - 1),
    st.integers(0, 255),
    st.integers(0, (1 << 32) - 1),
    components,
)


def outcome(function: Callable[[Any], Any], argument: Any) -> Any:
    """Return what a function returns, or the class of the error that it raises."""
    try:
        return function(argument)
    except (LocalProtocolError, RemoteProtocolError) as error:
        return type(error)


def update(*parts: tuple[str, bytes]) -> StateUpdate:
    """Return an update of these components."""
    return StateUpdate(1, 2, 3, 4, [ComponentUpdate(*part) for part in parts])


class LayoutTableTests(SynchronousTestCase):
    """A table beside the general codec."""

    def setUp(self) -> None:
        self.table = LayoutTable(StateUpdate, ComponentUpdate)
        self.encode, self.decode = self.table.encoder(), self.table.decoder()
        self.general = StateUpdate.codec

    def check(self, encoded: bytes) -> None:
        """Fail unless the table and the general codec make the same of bytes."""
        self.assertEqual(
            outcome(self.decode, encoded), outcome(self.general.decode, encoded)
        )

    @settings(max_examples=60)
    @given(st.lists(updates, min_size=1, max_size=6))
    def test_equal(self, drawn: list[StateUpdate]) -> None:
        """Known or not, each update has the bytes and values of the general codec."""
        for one in drawn * 2:
            encoded = self.encode(one)
            self.assertEqual(encoded, self.general.encode(one))
            self.assertEqual(self.decode(encoded), one)
            self.assertEqual(self.decode(memoryview(encoded)), one)

    def test_every_changed_byte(self) -> None:
        """A known layout with one other byte is judged as the general codec does."""
        known = update(("position", b"abcd"), ("", b""), ("health", b"\0"))
        encoded = self.encode(known)
        self.decode(encoded)
        for at in range(len(encoded)):
            for other in (0, 1, 2, 255, encoded[at] ^ 1, encoded[at] ^ 128):
                changed = encoded[:at] + bytes([other]) + encoded[at + 1 :]
                self.check(changed)
                self.check(encoded)

    def test_cut_short_and_longer(self) -> None:
        """A known layout that is cut, or has bytes behind it, is refused."""
        encoded = self.encode(update(("a", b"12"), ("b", b"")))
        self.decode(encoded)
        for end in range(len(encoded)):
            with self.assertRaises(RemoteProtocolError):
                self.decode(encoded[:end])
        with self.assertRaises(RemoteProtocolError):
            self.decode(encoded + b"\0")

    def test_same_size(self) -> None:
        """Layouts of one size do not get into each other's way."""
        both = [update(("ab", b"1")), update(("a", b"12")), update(("ba", b"3"))]
        encoded = [self.encode(one) for one in both]
        self.assertEqual(len(set(map(len, encoded))), 1)
        for _ in range(3):
            self.assertEqual([self.decode(data) for data in encoded], both)

    def test_no_components(self) -> None:
        """An update without components is a layout, too."""
        for _ in range(2):
            self.assertEqual(self.decode(self.encode(update())), update())
        self.assertEqual(len(self.encode(update())), 23)

    def test_too_many_components(self) -> None:
        """Beyond so many components the general codec does it, and learns nothing."""
        for n in (MAX_COMPONENTS, MAX_COMPONENTS + 1, 64):
            many = update(*[("a", b"x")] * n)
            for _ in range(2):
                self.assertEqual(self.decode(self.encode(many)), many)
        self.assertEqual(len(self.table._packs), 1)
        with self.assertRaises(LocalProtocolError):
            self.encode(update(*[("a", b"x")] * 65))

    def test_own_instances(self) -> None:
        """Two updates of one layout share nothing that can be changed."""
        encoded = self.encode(update(("a", b"1")))
        first, second = self.decode(encoded), self.decode(encoded)
        first.components[0].data = b"2"
        first.components.append(ComponentUpdate())
        self.assertEqual(second, update(("a", b"1")))

    def test_illegal(self) -> None:
        """A value that cannot be sent is refused, of a known layout, too."""
        self.encode(update(("a", b"1")))
        for change in (
            {"timestamp": -1},
            {"timestamp": "1"},
            {"entity_id": 1 << 64},
            {"priority": 256},
            {"priority": None},
            {"sequence": 1.5},
            {"components": None},
            {"components": 5},
            {"components": [None]},
            {"components": {"a": b"1"}},
            {"components": [ComponentUpdate(b"a", b"1")]},
            {"components": [ComponentUpdate(["a"], b"1")]},
            {"components": [ComponentUpdate("a", "1")]},
            {"components": [ComponentUpdate("a", 5)]},
            {"components": [ComponentUpdate("a", None)]},
            {"components": [ComponentUpdate("a", [1])]},
            {"components": [ComponentUpdate("a" * (MAX_TYPE + 1), b"1")]},
            {"components": [ComponentUpdate("a", bytes(MAX_PAYLOAD + 1))]},
        ):
            bad = update(("a", b"1"))
            for name, value in change.items():
                setattr(bad, name, value)
            with self.assertRaisesRegex(LocalProtocolError, rf"StateUpdate\.{name} = "):
                self.encode(bad)

    def test_other_instances(self) -> None:
        """What is no update is refused."""
        for other in (None, 5, ComponentUpdate("a", b"1")):
            with self.assertRaises(LocalProtocolError):
                self.encode(other)

    def test_bytes_like_data(self) -> None:
        """Data may be any bytes-like object, of a known layout, too."""
        wanted = self.encode(update(("a", b"1234")))
        for data in (bytearray(b"1234"), memoryview(b"1234")):
            self.assertEqual(self.encode(update(("a", data))), wanted)


class BoundTests(SynchronousTestCase):
    """What a peer can make the table remember is bounded."""

    def test_a_thousand_layouts(self) -> None:
        """However many layouts come, some hundreds are remembered, all are right."""
        table = LayoutTable(StateUpdate, ComponentUpdate)
        encode, decode = table.encoder(), table.decoder()
        source = random.Random(7)
        for n in range(1000):
            parts = [(f"t{n}_{i}", source.randbytes(n % 37)) for i in range(n % 4 + 1)]
            encoded = StateUpdate.codec.encode(update(*parts))
            self.assertEqual(decode(encoded), update(*parts))
            self.assertEqual(encode(update(*parts)), encoded)
            self.assertLessEqual(len(table._packs), MAX_LAYOUTS)
            self.assertLessEqual(len(table._decoders), MAX_LAYOUTS)

    def test_relearned(self) -> None:
        """A layout that was forgotten is learned again."""
        table = LayoutTable(StateUpdate, ComponentUpdate)
        encode, decode = table.encoder(), table.decoder()
        first = encode(update(("first", b"1")))
        for n in range(2 * MAX_LAYOUTS):
            encode(update((f"{n:09}", b"1")))
        for _ in range(2):
            self.assertEqual(decode(first), update(("first", b"1")))
            self.assertEqual(encode(update(("first", b"1"))), first)

    def test_malformed_is_not_remembered(self) -> None:
        """Bytes that are refused leave nothing behind."""
        table = LayoutTable(StateUpdate, ComponentUpdate)
        decode = table.decoder()
        for n in range(100):
            with self.assertRaises(RemoteProtocolError):
                decode(bytes(n) + b"\xff" * 23)
        self.assertEqual((len(table._packs), len(table._decoders)), (0, 0))
