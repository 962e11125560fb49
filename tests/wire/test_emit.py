# SPDX-License-Identifier: MIT
"""The emitters, which write the source of codecs."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.wire.emit import Emitter, ReadEmitter, WriteEmitter


class EmitterTests(SynchronousTestCase):
    """What reading and writing have in common."""

    def test_bind_once(self) -> None:
        """An object has one name, however often it is bound, and others have others."""
        out = WriteEmitter()
        first, second = object(), object()
        name = out.bind("thing", first)
        self.assertEqual(out.bind("other", first), name)
        self.assertNotEqual(out.bind("thing", second), name)
        self.assertIs(out.names[name], first)

    def test_names_no_field_has(self) -> None:
        """Bound names begin with two underscores, as no field's name may."""
        self.assertTrue(WriteEmitter().bind("pack", len).startswith("__"))

    def test_locals(self) -> None:
        """Each local is a new one."""
        out = WriteEmitter()
        self.assertEqual([out.local("n"), out.local("n")], ["n1", "n2"])

    def test_flush_is_theirs(self) -> None:
        """What waits is for the reading or writing emitter to say."""
        with self.assertRaises(NotImplementedError):
            Emitter().flush()


class WriteTests(SynchronousTestCase):
    """Neighbouring words become one call."""

    def test_one_pack(self) -> None:
        """Words are gathered until something else is written."""
        out = WriteEmitter()
        out.word("B", "a")
        out.word("H", "b")
        out.chunk("c")
        out.word("I", "d")
        out.flush()
        (first, third) = [line for line in out.lines if "pack" in line]
        self.assertRegex(first, r"^    out\(__pack_\d\(a, b\)\)$")
        self.assertRegex(third, r"^    out\(__pack_\d\(d\)\)$")
        self.assertEqual(out.lines[1], "    out(c)")

    def test_words_end_with_their_block(self) -> None:
        """Words inside a block are packed inside it."""
        out = WriteEmitter()
        with out.block("if x:"):
            out.word("B", "a")
        out.line("after")
        self.assertEqual(out.lines[0], "    if x:")
        self.assertTrue(out.lines[1].startswith("        out("))
        self.assertEqual(out.lines[2], "    after")


class ReadTests(SynchronousTestCase):
    """Neighbouring words come from one call."""

    def test_one_unpack(self) -> None:
        """Words are unpacked together, then converted in order."""
        out = ReadEmitter()
        out.word("B", "a")
        out.word("H", "b", abs)
        out.after_words("check(a)")
        out.line("rest")
        self.assertRegex(out.lines[0], r"^    a, w1, = __unpack_\d\(data, at\)$")
        self.assertEqual(out.lines[1], "    at += 3")
        self.assertRegex(out.lines[2], r"^    b = __from_\d\(w1\)$")
        self.assertEqual(out.lines[3:], ["    check(a)", "    rest"])
