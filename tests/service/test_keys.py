# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.keys."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.service.keys import Key, keys_of, setting, show
from gamenet.service.reference import document_fields


def _even(text: str) -> None:
    if len(text) % 2:
        raise ValueError("an odd number of characters")


@dataclass(frozen=True)
class Inner:
    """A table."""

    ratio: float = 0.5
    """A number without a setting."""


@dataclass(frozen=True)
class Outer:
    """A configuration."""

    count: int = setting(3, low=1, high=9)
    """How many,
    in all."""
    seed: int | None = setting(None, low=0)
    names: tuple[str, ...] = setting(("a",), low=1, high=2)
    """Which."""
    inner: Inner = field(default_factory=Inner)


class KeysOfTests(SynchronousTestCase):
    """The keys are read from the fields."""

    def test_names(self) -> None:
        """Fields of a table are named with the table's name before them."""
        names = [key.name for key in keys_of(Outer)]
        self.assertEqual(names, ["count", "seed", "names", "inner.ratio"])

    def test_types(self) -> None:
        """Type, default and bounds come from the field; None makes it optional."""
        count, seed, names, ratio = keys_of(Outer)
        self.assertEqual((count.type, count.default, count.high), (int, 3, 9))
        self.assertEqual((seed.type, seed.optional), (int, True))
        self.assertIs(names.type, tuple)
        self.assertTrue(ratio.above_zero)

    def test_documentation(self) -> None:
        """The string beneath a field is its text, on one line."""
        texts = document_fields(Outer)
        self.assertEqual(texts, {"count": "How many, in all.", "names": "Which."})

    def test_option(self) -> None:
        """A plain key is an option of its own; one of a table is set by --set."""
        self.assertEqual(Key("max_players", int, 1).option, "--max-players")
        self.assertEqual(Key("limits.max", int, 1).option, "--set limits.max")


class AllowedTests(SynchronousTestCase):
    """A key says in words what it takes."""

    def test_words(self) -> None:
        """Each type has its words, with the bounds where there are any."""
        for key, words in (
            (Key("a", int, 0, low=1, high=9), "an integer, 1 to 9"),
            (Key("a", int, 0, low=1), "an integer, at least 1"),
            (Key("a", float, 0, above_zero=True), "a number above 0"),
            (Key("a", str, ""), "a string"),
            (Key("a", str, "", high=64), "a string of at most 64 characters"),
            (Key("a", str, "", words="a host name"), "a host name"),
            (Key("a", str, "", choices=("x", "y")), "one of x, y"),
            (Key("a", bool, False), "true or false"),
            (Key("a", tuple, (), low=1, high=32), "a list of 1 to 32 strings"),
            (Key("a", tuple, (), words="origins"), "a list of origins"),
            (Key("a", int, 0, high=2**64 - 1), f"an integer, 0 to {2**64 - 1}"),
        ):
            self.assertEqual(key.allowed, words)


class CheckTests(SynchronousTestCase):
    """A key takes what is allowed, and says what is wrong with the rest."""

    def refuses(self, key: Key, value: object, complaint: str) -> None:
        """Assert that a value is refused with a complaint."""
        error = self.assertRaises(ConfigError, key.check, value)
        self.assertIn(complaint, str(error))

    def test_types(self) -> None:
        """A wrong type is named; above all, a boolean is no integer."""
        key = Key("a", int, 0)
        for value, noun in (
            (True, "a boolean"),
            (1.0, "a number"),
            ("1", "a string"),
            ([1], "a list"),
            ({}, "a table"),
            (None, "null"),
        ):
            self.refuses(key, value, f"is {noun}")

    def test_integer_as_number(self) -> None:
        """An integer is a number, and comes out as a float."""
        value = Key("a", float, 0.0).check(3)
        self.assertIs(type(value), float)
        self.assertEqual(value, 3.0)

    def test_null(self) -> None:
        """Null is a value of an optional key alone."""
        self.assertIsNone(Key("a", int, None, optional=True).check(None))
        self.refuses(Key("a", int, 0), None, "is null")

    def test_bounds(self) -> None:
        """The bounds belong to the range, and what is beyond them does not."""
        key = Key("a", int, 0, low=1, high=9)
        self.assertEqual([key.check(1), key.check(9)], [1, 9])
        for value in (0, 10):
            self.refuses(key, value, "is out of range")

    def test_above_zero(self) -> None:
        """A number without bounds has to be above zero."""
        key = Key("a", float, 1.0, above_zero=True)
        self.assertEqual(key.check(0.001), 0.001)
        self.refuses(key, 0.0, "is out of range")

    def test_not_finite(self) -> None:
        """Infinity and NaN are out of every range."""
        for value in (math.inf, -math.inf, math.nan):
            self.refuses(Key("a", float, 0.0), value, "is out of range")

    def test_text(self) -> None:
        """A text has its choices, its length and its form."""
        self.refuses(Key("a", str, "", choices=("x",)), "y", "is not known")
        self.refuses(Key("a", str, "", high=2), "abc", "has 3 characters")
        self.refuses(Key("a", str, "", form=_even), "a", "is not understood: an odd")
        self.assertEqual(Key("a", str, "", form=_even).check("ab"), "ab")

    def test_list(self) -> None:
        """A list has its count, and each of its items the form; it becomes a tuple."""
        key = Key("a", tuple, (), low=1, high=2, form=_even)
        self.assertEqual(key.check(["ab"]), ("ab",))
        self.refuses(key, "ab", "is a string")
        self.refuses(key, [], "has 0 items")
        self.refuses(key, ["", "", ""], "has 3 items")
        self.refuses(key, ["ab", 3], "holds an integer at position 1")
        self.refuses(key, ["ab", "c"], 'holds "c", which is not understood: an odd')

    @given(st.integers(), st.integers(), st.integers())
    def test_range(self, low: int, high: int, value: int) -> None:
        """An integer is taken if and only if it lies within the bounds."""
        key = Key("a", int, 0, low=low, high=high)
        try:
            taken = key.check(value) == value
        except ConfigError:
            taken = False
        self.assertEqual(taken, low <= value <= high)


class FromTextTests(SynchronousTestCase):
    """A text of the command line becomes a value of the key's type."""

    def test_values(self) -> None:
        """Each type is read as one would write it."""
        for kind, text, value in (
            (int, "12", 12),
            (int, "-3", -3),
            (float, "0.5", 0.5),
            (bool, "true", True),
            (bool, "False", False),
            (str, "12", "12"),
            (tuple, "a,b", ["a", "b"]),
        ):
            self.assertEqual(Key("a", kind, None).from_text(text), value)

    def test_mistakes(self) -> None:
        """What is no value of the type is said to be none."""
        for kind, text, complaint in (
            (int, "1.5", "is not an integer"),
            (int, "", "is not an integer"),
            (float, "x", "is not a number"),
            (bool, "1", "is neither true nor false"),
        ):
            error = self.assertRaises(ConfigError, Key("a", kind, None).from_text, text)
            self.assertEqual(str(error), complaint)

    @given(st.integers())
    def test_integers(self, value: int) -> None:
        """Every integer is read back from its digits."""
        self.assertEqual(Key("a", int, 0).from_text(str(value)), value)


class ShowTests(SynchronousTestCase):
    """An error repeats a value as a file spells it."""

    def test_values(self) -> None:
        """Texts are quoted, booleans and null are lower-case."""
        self.assertEqual(
            [show("a"), show(True), show(None), show([1, "b"])],
            ['"a"', "true", "null", '[1, "b"]'],
        )

    def test_long(self) -> None:
        """A value of any length stays on one short line."""
        self.assertEqual(len(show("x" * 10_000)), 60)
