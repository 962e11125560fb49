# SPDX-License-Identifier: MIT
"""The fields of floats that travel as bounded integers.

They differ in their quantizer only; see `quantize` for what it does.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from gamenet.wire.fields import RandomSource, WordField
from gamenet.wire.quantize import AngleQuantizer, FixedQuantizer, QuaternionQuantizer

__all__ = ["AngleField", "FixedField", "QuantizedField", "QuaternionField"]


class QuantizedField(WordField):
    """A field whose word is made by a quantizer; its column holds float64."""

    column_dtype = "f8"
    quantizer: FixedQuantizer | AngleQuantizer | QuaternionQuantizer

    def _use_quantizer(self, highest: int) -> None:
        """Take words up to `highest` from the quantizer."""
        self.to_word, self.from_word = self.quantizer.to_word, self.quantizer.from_word
        self._use_word(highest)

    def subcon(self) -> Any:
        """Return the word, adapted by the quantizer."""
        return self._adapted()

    def words_of(self, column: NDArray[Any]) -> NDArray[Any]:
        """Quantize a column."""
        return self.quantizer.to_words(column).astype("<" + self.word_dtype)

    def column_of(self, words: NDArray[Any]) -> NDArray[Any]:
        """Return the values of quantized words."""
        return self.quantizer.from_words(words)


class FixedField(QuantizedField):
    """A bounded float in equal steps."""

    kind = "fixed"
    quantizer: FixedQuantizer

    def __init__(
        self,
        lo: float,
        hi: float,
        step: float,
        default: float,
        *,
        appended: bool = False,
    ) -> None:
        super().__init__(default, appended=appended)
        self.quantizer = FixedQuantizer(lo, hi, step)
        self._use_quantizer(self.quantizer.steps)

    def parameters(self) -> dict[str, Any]:
        """Return the bounds and the step."""
        quantizer = self.quantizer
        return {"lo": quantizer.lo, "hi": quantizer.hi, "step": quantizer.step}

    def sample(self, random: RandomSource) -> float:
        """Return a representable value."""
        return self.quantizer.from_word(random.randrange(0, self.quantizer.steps + 1))

    @property
    def layout(self) -> str:
        """Return the word and the formula."""
        q = self.quantizer
        return f"uint{8 * self.word_size}: rint((value - {q.lo:g}) / {q.step:g})"


class AngleField(QuantizedField):
    """An angle in radians, a whole turn in 2**bits steps."""

    kind = "angle"
    quantizer: AngleQuantizer

    def __init__(self, bits: int, default: float, *, appended: bool = False) -> None:
        super().__init__(default, appended=appended)
        self.quantizer = AngleQuantizer(bits)
        self._use_quantizer(self.quantizer.turn - 1)

    def parameters(self) -> dict[str, Any]:
        """Return the bits."""
        return {"bits": self.quantizer.bits}

    def sample(self, random: RandomSource) -> float:
        """Return a representable angle."""
        return self.quantizer.from_word(random.randrange(0, self.quantizer.turn))

    @property
    def layout(self) -> str:
        """Return the word and the formula."""
        bits = self.quantizer.bits
        return f"uint{8 * self.word_size}: rint((value mod 2 pi) / 2 pi * 2**{bits})"


class QuaternionField(QuantizedField):
    """A rotation as a unit quaternion (x, y, z, w), smallest three."""

    kind = "quaternion"
    quantizer: QuaternionQuantizer
    column_shape = (4,)

    def __init__(self, bits: int, *, appended: bool = False) -> None:
        super().__init__((0.0, 0.0, 0.0, 1.0), appended=appended)
        self.quantizer = QuaternionQuantizer(bits)
        self._use_quantizer(self.quantizer.limit)

    def parameters(self) -> dict[str, Any]:
        """Return the bits of a component."""
        return {"bits": self.quantizer.bits}

    def sample(self, random: RandomSource) -> tuple[float, ...]:
        """Return a rotation that is its own quantization."""
        quantizer = self.quantizer
        rotation = tuple(random.random() - 0.5 for _ in range(4))
        for _ in range(8):
            rotation = quantizer.from_word(quantizer.to_word(rotation))
        return rotation

    @property
    def layout(self) -> str:
        """Return the word and the rule."""
        bits = self.quantizer.bits
        return f"uint{8 * self.word_size}: smallest three, {bits} bits each"
