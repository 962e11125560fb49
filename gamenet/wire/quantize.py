# SPDX-License-Identifier: MIT
"""Turn floats into bounded integers and back, one at a time or a column at a time.

Every quantizer exists twice, for a Python float and for a numpy column, and both give
the same integer for the same double: IEEE operations in the same order, rounding half
to even. The browser's codec repeats them in JavaScript. A test holds all three equal.

Source: "smallest three" is the quaternion compression of Glenn Fiedler's article
"Snapshot Compression".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import SchemaError

__all__ = ["AngleQuantizer", "FixedQuantizer", "QuaternionQuantizer"]

TAU = 2.0 * math.pi
SQRT2 = math.sqrt(2.0)

FloatColumn = NDArray[np.float64]
WordColumn = NDArray[Any]

# Of each component, itself and then the three others in their order: (4, 4).
_ORDER = np.array([[i, *(j for j in range(4) if j != i)] for i in range(4)]).T.copy()


def _double(value: float) -> float:
    """Return a number as a double: numpy's float32 would round at every operation."""
    return value if value.__class__ is float else math.ldexp(value, 0)


class FixedQuantizer:
    """Map [lo, hi] to the integers 0 to `steps`; values outside saturate.

    Args:
        lo: smallest value, exactly representable on the wire.
        hi: largest value.
        step: distance between two representable values.
    """

    def __init__(self, lo: float, hi: float, step: float) -> None:
        if not (math.isfinite(lo) and math.isfinite(hi) and lo < hi and step > 0):
            msg = f"fixed({lo}, {hi}, step={step}): needs finite lo < hi and step > 0"
            raise SchemaError(msg)
        self.lo = float(lo)
        self.hi = float(hi)
        self.step = float(step)
        span = self.hi - self.lo
        n_steps = span / self.step
        # What rounding can add up to on the way from a step to its value and back, in
        # steps: half of one would make it another step.
        largest = max(abs(self.lo), abs(self.hi))
        noise = (math.ulp(span) + math.ulp(largest) / 2) / self.step
        noise += math.ulp(n_steps) / 2
        if not (n_steps < math.inf and round(n_steps) >= 1 and noise < 0.5):
            msg = (
                f"fixed({lo}, {hi}, step={step}) has {n_steps:g} steps: at least one "
                "is needed, and a float64 must tell each from the next; change step"
            )
            raise SchemaError(msg)
        self.steps = round(n_steps)
        self.bits = self.steps.bit_length()

    def to_word(self, value: float) -> int:
        """Return the nearest step's number; NaN raises ValueError."""
        value = _double(value)
        if value <= self.lo:
            return 0
        if value >= self.hi:
            return self.steps
        return min(round((value - self.lo) / self.step), self.steps)

    def from_word(self, word: int) -> float:
        """Return the value of a step; a number above `steps` raises ValueError."""
        if word > self.steps:
            msg = f"fixed-point word {word} is above its limit {self.steps}"
            raise ValueError(msg)
        return self.lo + word * self.step

    def to_words(self, values: FloatColumn) -> WordColumn:
        """Return `to_word` of each value; NaN becomes 0."""
        words = np.fmax(np.asarray(values, np.float64), self.lo)
        np.fmin(words, self.hi, out=words)
        words -= self.lo
        words /= self.step
        # The highest value is `steps` when rounded, so nothing is above it.
        return np.rint(words, out=words)

    def from_words(self, words: WordColumn) -> FloatColumn:
        """Return `from_word` of each word."""
        if words.size and (highest := int(words.max())) > self.steps:
            msg = f"fixed-point word {highest} is above its limit {self.steps}"
            raise ValueError(msg)
        column: FloatColumn = np.multiply(words, self.step, dtype=np.float64)
        column += self.lo
        return column


class AngleQuantizer:
    """Map an angle in radians to a whole turn of 2**bits steps, [-pi, pi) on return."""

    def __init__(self, bits: int) -> None:
        if not 1 <= bits <= 32:
            msg = f"angle(bits={bits}): allowed are 1 to 32 bits"
            raise SchemaError(msg)
        self.bits = bits
        self.turn = 1 << bits
        self.scale = TAU / self.turn

    def to_word(self, value: float) -> int:
        """Return the nearest step's number; NaN and infinity raise ValueError."""
        return round((_double(value) % TAU) / TAU * self.turn) % self.turn

    def from_word(self, word: int) -> float:
        """Return the angle of a step in [-pi, pi); a larger word raises ValueError."""
        if word >= self.turn:
            msg = f"angle word {word} is above its limit {self.turn - 1}"
            raise ValueError(msg)
        half = self.turn >> 1
        return (word - self.turn if word >= half else word) * self.scale

    def to_words(self, values: FloatColumn) -> WordColumn:
        """Return `to_word` of each value; NaN and infinity become 0."""
        doubles = np.asarray(values, np.float64)
        turns = np.remainder(np.where(np.isfinite(doubles), doubles, 0.0), TAU) / TAU
        return np.rint(turns * self.turn) % self.turn

    def from_words(self, words: WordColumn) -> FloatColumn:
        """Return `from_word` of each word."""
        if words.size and (highest := int(np.maximum.reduce(words))) >= self.turn:
            msg = f"angle word {highest} is above its limit {self.turn - 1}"
            raise ValueError(msg)
        steps = words.astype(np.float64)
        signed: FloatColumn = np.where(
            steps >= self.turn >> 1, steps - self.turn, steps
        )
        return signed * self.scale


class QuaternionQuantizer:
    """Store the three smallest components of a unit quaternion (x, y, z, w).

    The word holds the index of the largest component in bits 0-1, then the other
    three in order, `bits` each, in 2**bits - 1 steps so that zero is one of them. The
    sign is flipped so that the largest is positive, which names the same rotation.
    Input is normalised; zero becomes the identity.
    """

    def __init__(self, bits: int) -> None:
        if not 2 <= bits <= 20:
            msg = f"quaternion(bits={bits}): allowed are 2 to 20 bits"
            raise SchemaError(msg)
        self.bits = bits
        self.mask = (1 << bits) - 1
        self.top = self.mask - 1
        self.limit = (1 << (2 + 3 * bits)) - 1

    def to_word(self, value: Sequence[float]) -> int:
        """Return the packed word of four floats.

        Raises:
            ValueError: not four, or their length is not finite.
        """
        x, y, z, w = map(_double, value)
        norm = math.sqrt(((x * x + y * y) + z * z) + w * w)
        if not norm < math.inf:
            msg = f"the quaternion {(x, y, z, w)} has no finite length"
            raise ValueError(msg)
        if norm == 0.0:
            x, y, z, w, norm = 0.0, 0.0, 0.0, 1.0, 1.0
        unit = (x / norm, y / norm, z / norm, w / norm)
        largest = max(range(4), key=lambda i: abs(unit[i]))
        sign = -1.0 if unit[largest] < 0.0 else 1.0
        word, shift = largest, 2
        for i in range(4):
            if i != largest:
                word |= self._step(unit[i] * sign) << shift
                shift += self.bits
        return word

    def _step(self, component: float) -> int:
        step = round((component * SQRT2 + 1.0) / 2.0 * self.top)
        return min(max(step, 0), self.top)

    def from_word(self, word: int) -> tuple[float, float, float, float]:
        """Return the unit quaternion of a word; a larger word raises ValueError."""
        steps = [(word >> (2 + k * self.bits)) & self.mask for k in range(3)]
        if word > self.limit or max(steps) > self.top:
            msg = f"quaternion word {word:#x} has a step above {self.top}"
            raise ValueError(msg)
        largest = word & 3
        small = [self._component(step) for step in steps]
        rest = (small[0] * small[0] + small[1] * small[1]) + small[2] * small[2]
        small.insert(largest, math.sqrt(max(0.0, 1.0 - rest)))
        return (small[0], small[1], small[2], small[3])

    def _component(self, step: int) -> float:
        return (step / self.top * 2.0 - 1.0) / SQRT2

    def to_words(self, values: FloatColumn) -> WordColumn:
        """Return the uint64 words of (n, 4) floats; no finite length: the identity.

        Shapes:
            values: (n, 4).
        """
        largest, steps = self.to_steps(values)
        words: WordColumn = largest.astype(np.uint64)
        for k in range(3):
            words |= steps[k].astype(np.uint64) << np.uint64(2 + k * self.bits)
        return words

    def from_words(self, words: WordColumn) -> FloatColumn:
        """Return the unit quaternions of the words.

        Shapes:
            returned: (n, 4) float64.
        """
        wide = words.astype(np.uint64)
        if wide.size and int(wide.max()) > self.limit:
            msg = f"quaternion word {wide.max():#x} is above {self.limit:#x}"
            raise ValueError(msg)
        largest = (wide & np.uint64(3)).astype(np.intp)
        shifts = np.array([2 + k * self.bits for k in range(3)], np.uint64)
        return self.from_steps(largest, wide >> shifts[:, None] & np.uint64(self.mask))

    def to_steps(self, values: FloatColumn) -> tuple[NDArray[np.intp], FloatColumn]:
        """Return which component is the largest, and the steps of the other three.

        Shapes:
            values: (n, 4). Returned: (n,) and (3, n).
        """
        unit = np.array(np.asarray(values, np.float64).T, order="C")
        with np.errstate(over="ignore", invalid="ignore"):
            # From the first to the last, as the scalar sum is made.
            total = np.add.reduce(unit * unit, axis=0)
        if len(total) and not 0.0 < total.min() <= total.max() < np.inf:
            bad = ~((total > 0.0) & (total < np.inf))
            total[bad] = 1.0
            unit[:, bad] = [[0.0], [0.0], [0.0], [1.0]]
        unit /= np.sqrt(total, out=total)
        largest = np.abs(unit).argmax(axis=0)
        n_rows = unit.shape[1]
        columns = np.arange(n_rows)
        flat = unit.reshape(-1)
        places = _ORDER.take(largest, axis=1)
        places *= n_rows
        places += columns
        ordered: FloatColumn = flat.take(places)
        steps = ordered[1:]
        steps *= np.copysign(1.0, ordered[0])
        steps *= SQRT2
        steps += 1.0
        steps *= 0.5 * self.top
        # A rounding error beyond an end is rounded away: what comes out is in bounds.
        return largest, np.rint(steps, out=steps)

    def from_steps(self, largest: NDArray[np.intp], steps: WordColumn) -> FloatColumn:
        """Return the unit quaternions of steps; one too large raises ValueError.

        Shapes:
            largest: (n,); steps: (3, n); returned: (n, 4) float64.
        """
        if steps.size and (highest := int(steps.max())) > self.top:
            msg = f"quaternion step {highest} is above its limit {self.top}"
            raise ValueError(msg)
        small = np.true_divide(steps, self.top)
        small *= 2.0
        small -= 1.0
        small /= SQRT2
        rest = np.add.reduce(small * small, axis=0)
        np.subtract(1.0, rest, out=rest)
        np.sqrt(np.maximum(rest, 0.0, out=rest), out=rest)
        n_rows = len(largest)
        result: FloatColumn = np.empty((n_rows, 4))
        flat = result.reshape(-1)
        places = _ORDER.take(largest, axis=1)
        places += np.arange(0, 4 * n_rows, 4)
        flat[places[0]] = rest
        flat[places[1:]] = small
        return result
