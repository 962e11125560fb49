# SPDX-License-Identifier: MIT
"""Floats as bounded integers, one at a time and a column at a time."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import SchemaError
from gamenet.wire.quantize import AngleQuantizer, FixedQuantizer, QuaternionQuantizer

FIXED = [
    FixedQuantizer(*bounds)
    for bounds in (
        (-512, 512, 1 / 64),
        (0, 1, 0.1),
        (-1e9, 1e9, 1e-6),
        (0, 2.5, 1),
        (-7, -2, 0.3),
        (0, 1, 1),
    )
]
ANGLES = [AngleQuantizer(bits) for bits in (1, 2, 8, 16, 32)]
QUATERNIONS = [QuaternionQuantizer(bits) for bits in (2, 5, 10, 20)]
INF = math.inf
EDGES = (0.0, -0.0, INF, -INF, 5e-324, -5e-324, 1.8e308, -1e300, math.pi, -math.pi)

numbers = st.floats(allow_nan=False)
near = st.floats(-600, 600)
units = st.floats(-1, 1)
quaternions = st.tuples(*[st.one_of(units, numbers, st.just(0.0))] * 4)


class FixedTests(SynchronousTestCase):
    """Numbers between two bounds."""

    @given(st.sampled_from(FIXED), st.lists(near | numbers, max_size=5))
    def test_columns_equal_scalars(
        self, quantizer: FixedQuantizer, values: list[float]
    ) -> None:
        """A column gives the words, and the values, that its floats give alone."""
        column = np.array([*values, *EDGES, quantizer.lo, quantizer.hi])
        words = quantizer.to_words(column)
        self.assertEqual(
            words.tolist(), [quantizer.to_word(v) for v in column.tolist()]
        )
        again = [quantizer.from_word(int(word)) for word in words]
        self.assertEqual(quantizer.from_words(words).tolist(), again)

    @given(st.sampled_from(FIXED), st.data())
    def test_canonical(self, quantizer: FixedQuantizer, data: st.DataObject) -> None:
        """The value of each word is quantized to that word."""
        word = data.draw(st.integers(0, quantizer.steps))
        self.assertEqual(quantizer.to_word(quantizer.from_word(word)), word)

    @given(near)
    def test_nearest(self, value: float) -> None:
        """The value that comes back is at most half a step away, or at a bound."""
        again = FIXED[0].from_word(FIXED[0].to_word(value))
        bounded = min(max(value, -512.0), 512.0)
        self.assertLessEqual(abs(again - bounded), FIXED[0].step / 2)

    def test_half_to_even(self) -> None:
        """A value half way between two steps becomes the even one."""
        quantizer = FixedQuantizer(0, 10, 1)
        halves = np.array([0.5, 1.5, 2.5, 3.5, 4.5, 9.5])
        self.assertEqual([quantizer.to_word(v) for v in halves], [0, 2, 2, 4, 4, 10])
        self.assertEqual(quantizer.to_words(halves).tolist(), [0, 2, 2, 4, 4, 10])

    def test_saturates(self) -> None:
        """Values outside, infinite ones too, become the bounds."""
        quantizer = FixedQuantizer(-1, 1, 0.5)
        self.assertEqual(
            [quantizer.to_word(v) for v in (-INF, -2.0, -1.0, 1.0, 1e9, INF)],
            [0, 0, 0, 4, 4, 4],
        )

    def test_nan(self) -> None:
        """NaN is refused alone; in a column it becomes the lower bound."""
        with self.assertRaises(ValueError):
            FIXED[0].to_word(math.nan)
        self.assertEqual(FIXED[0].to_words(np.array([math.nan])).tolist(), [0.0])

    def test_narrow_floats(self) -> None:
        """A float32 of numpy is quantized as the double of the same value."""
        for value in np.linspace(-500, 500, 97, dtype=np.float32):
            for quantizer in FIXED:
                wanted = quantizer.to_word(float(value))
                self.assertEqual(quantizer.to_word(value), wanted)
                column = np.array([value], np.float32)
                self.assertEqual(quantizer.to_words(column).tolist(), [wanted])

    def test_no_number(self) -> None:
        """What is no number is refused: text is not parsed."""
        for value in ("1.5", None, [1.0], b"1"):
            with self.assertRaises(TypeError):
                FIXED[0].to_word(value)

    def test_above_the_last_step(self) -> None:
        """A word above the last step is refused."""
        quantizer = FixedQuantizer(0, 1, 0.1)
        with self.assertRaisesRegex(ValueError, "11 is above its limit 10"):
            quantizer.from_word(11)
        with self.assertRaisesRegex(ValueError, "11 is above its limit 10"):
            quantizer.from_words(np.array([3, 11], np.uint8))

    def test_illegal(self) -> None:
        """Bounds and steps that leave nothing to count are refused."""
        for lo, hi, step in (
            (0, 0, 1),
            (1, 0, 1),
            (0, INF, 1),
            (math.nan, 1, 1),
            (0, 1, 0),
            (0, 1, -1),
            (0, 1, math.nan),
            (0, 1, INF),
            (0, 1, 3),
            (-1e308, 1e308, 1),
            (0, 1e308, 1e-300),
        ):
            with self.assertRaises(SchemaError):
                FixedQuantizer(lo, hi, step)

    def test_too_fine(self) -> None:
        """Steps that a float64 cannot tell apart are refused, wherever they lie."""
        for lo, hi, step in ((1e15, 1e15 + 1, 2**-10), (0, 1, 2.0**-53), (0, 2**52, 1)):
            with self.assertRaisesRegex(SchemaError, "change step"):
                FixedQuantizer(lo, hi, step)
        self.assertEqual(FixedQuantizer(0, 2**49, 1).steps, 2**49)


class AngleTests(SynchronousTestCase):
    """Angles in radians."""

    @given(st.sampled_from(ANGLES), st.lists(near | numbers, max_size=5))
    def test_columns_equal_scalars(
        self, quantizer: AngleQuantizer, values: list[float]
    ) -> None:
        """A column gives the words, and the angles, that its floats give alone."""
        column = np.array([v for v in (*values, *EDGES) if math.isfinite(v)])
        words = quantizer.to_words(column)
        self.assertEqual(
            words.tolist(), [quantizer.to_word(v) for v in column.tolist()]
        )
        again = [quantizer.from_word(int(word)) for word in words]
        self.assertEqual(quantizer.from_words(words).tolist(), again)
        self.assertTrue(all(-math.pi <= angle < math.pi for angle in again))

    @given(st.sampled_from(ANGLES), st.data())
    def test_canonical(self, quantizer: AngleQuantizer, data: st.DataObject) -> None:
        """The angle of each word is quantized to that word."""
        word = data.draw(st.integers(0, quantizer.turn - 1))
        self.assertEqual(quantizer.to_word(quantizer.from_word(word)), word)

    def test_quarters(self) -> None:
        """Two bits are the four quarters of a turn; the half turn is -pi."""
        quantizer = AngleQuantizer(2)
        quarters = [0.0, math.pi / 2, math.pi, -math.pi / 2, -math.pi, 5 * math.pi]
        self.assertEqual([quantizer.to_word(v) for v in quarters], [0, 1, 2, 3, 2, 2])
        self.assertEqual(quantizer.from_word(2), -math.pi)

    def test_half_to_even(self) -> None:
        """An angle half way between two steps becomes the even one."""
        quantizer = AngleQuantizer(2)
        halves = np.array([1, 3, 5, 7]) * math.pi / 4
        self.assertEqual([quantizer.to_word(v) for v in halves], [0, 2, 2, 0])
        self.assertEqual(quantizer.to_words(halves).tolist(), [0, 2, 2, 0])

    def test_not_finite(self) -> None:
        """NaN and infinity are refused alone; in a column they become 0."""
        for value in (math.nan, INF, -INF):
            with self.assertRaises(ValueError):
                ANGLES[0].to_word(value)
        column = np.array([math.nan, INF, -INF])
        self.assertEqual(ANGLES[3].to_words(column).tolist(), [0.0, 0.0, 0.0])

    def test_narrow_floats(self) -> None:
        """A float32 of numpy is quantized as the double of the same value."""
        for value in np.linspace(-9, 9, 97, dtype=np.float32):
            wanted = ANGLES[4].to_word(float(value))
            self.assertEqual(ANGLES[4].to_word(value), wanted)
            column = np.array([value], np.float32)
            self.assertEqual(ANGLES[4].to_words(column).tolist(), [wanted])

    def test_above_a_turn(self) -> None:
        """A word of a whole turn or more is refused."""
        for quantizer in ANGLES[:2]:
            with self.assertRaisesRegex(ValueError, "above its limit"):
                quantizer.from_word(quantizer.turn)
            with self.assertRaisesRegex(ValueError, "above its limit"):
                quantizer.from_words(np.array([0, quantizer.turn], np.uint8))

    def test_bits(self) -> None:
        """One to 32 bits are allowed."""
        for bits in (0, 33):
            with self.assertRaisesRegex(SchemaError, "1 to 32 bits"):
                AngleQuantizer(bits)


class QuaternionTests(SynchronousTestCase):
    """Rotations by their smallest three components."""

    @given(st.sampled_from(QUATERNIONS), st.lists(quaternions, max_size=4))
    def test_columns_equal_scalars(
        self, quantizer: QuaternionQuantizer, values: list[tuple[float, ...]]
    ) -> None:
        """A column gives the words, and the rotations, that its rows give alone."""
        finite = [v for v in values if sum(c * c for c in v) < INF]
        finite += [(0, 0, 0, 0), (-0.0, 0, 0, -1), (1, 1, 1, 1), (1e-200, 0, 0, 0)]
        words = quantizer.to_words(np.array(finite, np.float64))
        self.assertEqual(words.tolist(), [quantizer.to_word(v) for v in finite])
        again = [list(quantizer.from_word(int(word))) for word in words]
        self.assertEqual(quantizer.from_words(words).tolist(), again)

    @given(st.sampled_from(QUATERNIONS), st.tuples(units, units, units, units))
    def test_same_rotation(
        self, quantizer: QuaternionQuantizer, value: tuple[float, ...]
    ) -> None:
        """What comes back is a unit quaternion of nearly the same rotation."""
        norm = math.sqrt(sum(c * c for c in value))
        again = quantizer.from_word(quantizer.to_word(value))
        if norm < 1e-150:
            return
        dot = sum(a * b / norm for a, b in zip(value, again, strict=True))
        # Half a step off in each of three components, and what that does to the fourth.
        off = 3 * math.sqrt(2) / quantizer.top
        self.assertGreaterEqual(abs(dot), 1 - off * off - 1e-12)
        if quantizer.bits >= 5:
            self.assertAlmostEqual(sum(c * c for c in again), 1.0)

    def test_identity(self) -> None:
        """The identity, either sign of it, and zero are one word, and exact."""
        for quantizer in QUATERNIONS:
            word = quantizer.to_word((0, 0, 0, 1))
            self.assertEqual(quantizer.from_word(word), (0, 0, 0, 1))
            self.assertEqual(quantizer.to_word((0, 0, 0, -1)), word)
            self.assertEqual(quantizer.to_word((0, 0, 0, 0)), word)
            self.assertEqual(quantizer.to_word((0, 0, 0, 1e100)), word)

    def test_word(self) -> None:
        """Bits 0 and 1 name the largest component, the others follow in order."""
        word = 1 | 0 << 2 | 511 << 12 | 1022 << 22
        rotation = QUATERNIONS[2].from_word(word)
        for got, wanted in zip(rotation, (-(0.5**0.5), 0, 0, 0.5**0.5), strict=True):
            self.assertAlmostEqual(got, wanted, places=7)
        word = 3 | 511 << 2 | 511 << 12 | 0 << 22
        self.assertEqual(QUATERNIONS[2].from_word(word)[2], -1 / math.sqrt(2))

    def test_not_finite(self) -> None:
        """Without a finite length it is refused alone; in a column, the identity."""
        identity = QUATERNIONS[2].to_word((0, 0, 0, 1))
        for value in ((math.nan, 0, 0, 1), (INF, 0, 0, 1), (1e200, 0, 0, 1e200)):
            with self.assertRaises(ValueError):
                QUATERNIONS[2].to_word(value)
            column = np.array([value])
            self.assertEqual(QUATERNIONS[2].to_words(column).tolist(), [identity])

    def test_narrow_floats(self) -> None:
        """Four float32 of numpy are quantized as the doubles of the same values."""
        random = np.random.default_rng(5)
        for row in random.normal(size=(50, 4)).astype(np.float32):
            wanted = QUATERNIONS[3].to_word(row.tolist())
            self.assertEqual(QUATERNIONS[3].to_word(row), wanted)
            self.assertEqual(QUATERNIONS[3].to_words(row[None]).tolist(), [wanted])

    def test_illegal_words(self) -> None:
        """A step above the top, or a bit above the last one, is refused."""
        for quantizer in QUATERNIONS:
            for word in (quantizer.mask << 2, quantizer.limit, quantizer.limit + 1):
                with self.assertRaises(ValueError):
                    quantizer.from_word(word)
                with self.assertRaises(ValueError):
                    quantizer.from_words(np.array([0, word], np.uint64))

    def test_not_four(self) -> None:
        """Other than four numbers are refused."""
        for value in ((1, 2, 3), (1, 2, 3, 4, 5), "1234"):
            with self.assertRaises((ValueError, TypeError)):
                QUATERNIONS[0].to_word(value)

    def test_bits(self) -> None:
        """Two to 20 bits are allowed."""
        for bits in (1, 21):
            with self.assertRaisesRegex(SchemaError, "2 to 20 bits"):
                QuaternionQuantizer(bits)
