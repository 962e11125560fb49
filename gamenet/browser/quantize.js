// SPDX-License-Identifier: MIT
/**
 * Turn floats into bounded integers ("words") and back, as gamenet.wire.quantize does.
 *
 * Each function repeats Python's arithmetic operation by operation: the same double
 * gives the same word on both sides, and the same word the same double. Shared vectors
 * hold them equal. A word above its limit is not something a peer may send.
 */

import { WireError, roundHalfEven } from "./numbers.js";

const TAU = 2 * Math.PI;

/** @template {number | bigint} T @param {T} word @param {number | bigint} limit @returns {T} */
function checked(word, limit) {
  if (word > limit) throw new WireError(`word ${word} is above its limit ${limit}`);
  return word;
}

/** @param {number} value */
function comparable(value) {
  if (Number.isNaN(value)) throw new WireError("NaN cannot be quantized");
  return value;
}

/**
 * Return the number of the step nearest to a value; values outside saturate.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @param {number} step
 * @param {number} steps the number of the last step
 * @returns {number}
 */
export function fixedWord(value, low, high, step, steps) {
  if (comparable(value) <= low) return 0;
  if (value >= high) return steps;
  return Math.min(roundHalfEven((value - low) / step), steps);
}

/**
 * Return the value of a step.
 * @param {number} word
 * @param {number} low
 * @param {number} step
 * @param {number} steps
 * @returns {number}
 */
export function fixedValue(word, low, step, steps) {
  return low + checked(word, steps) * step;
}

/**
 * Return the step of an angle in radians, of `turn` steps around.
 * @param {number} value
 * @param {number} turn
 * @returns {number}
 */
export function angleWord(value, turn) {
  if (!Number.isFinite(value)) throw new WireError(`${value} is not an angle`);
  const rest = value % TAU;
  const around = rest < 0 ? rest + TAU : rest;
  return roundHalfEven((around / TAU) * turn) % turn;
}

/**
 * Return the angle of a step, in [-pi, pi).
 * @param {number} word
 * @param {number} turn
 * @returns {number}
 */
export function angleValue(word, turn) {
  checked(word, turn - 1);
  return (word >= turn / 2 ? word - turn : word) * (TAU / turn);
}

/**
 * Pack a rotation (x, y, z, w) as its smallest three components.
 * @param {Iterable<number>} value
 * @param {number} bits for each of the three
 * @returns {bigint}
 */
export function quaternionWord(value, bits) {
  const [x, y, z, w] = value;
  const norm = comparable(Math.sqrt(x * x + y * y + z * z + w * w));
  if (!Number.isFinite(norm)) throw new WireError("a quaternion without a finite length");
  const unit = norm === 0 ? [0, 0, 0, 1] : [x / norm, y / norm, z / norm, w / norm];
  const largest = largestOf(unit);
  const sign = unit[largest] < 0 ? -1 : 1;
  let word = BigInt(largest);
  let shift = 2;
  for (let i = 0; i < 4; i++) {
    if (i === largest) continue;
    word |= BigInt(componentStep(unit[i] * sign, bits)) << BigInt(shift);
    shift += bits;
  }
  return word;
}

function largestOf(unit) {
  let largest = 0;
  for (let i = 1; i < 4; i++) {
    if (Math.abs(unit[i]) > Math.abs(unit[largest])) largest = i;
  }
  return largest;
}

function componentStep(component, bits) {
  const top = 2 ** bits - 2;
  const step = roundHalfEven(((component * Math.SQRT2 + 1) / 2) * top);
  return Math.min(Math.max(step, 0), top);
}

/**
 * Unpack a rotation into an array.
 * @template {{[index: number]: number}} T
 * @param {number | bigint} word
 * @param {number} bits
 * @param {T} into array that receives x, y, z, w
 * @param {number} [at] where in the array
 * @returns {T}
 */
export function quaternionValue(word, bits, into, at = 0) {
  const wide = checked(BigInt(word), (1n << BigInt(2 + 3 * bits)) - 1n);
  const mask = (1n << BigInt(bits)) - 1n;
  const first = Number(wide & ((mask << 2n) | 3n));
  const second = Number((wide >> BigInt(2 + bits)) & mask);
  const third = Number((wide >> BigInt(2 + 2 * bits)) & mask);
  const top = 2 ** bits - 2;
  checked(Math.max(first >>> 2, second, third), top);
  return quaternionOfSteps(first, second, third, bits, into, at);
}

/**
 * Unpack a rotation whose word comes in three parts, already checked.
 * @template {{[index: number]: number}} T
 * @param {number} first which component is largest, and four times the first step
 * @param {number} second step
 * @param {number} third step
 * @param {number} bits of a step
 * @param {T} into array that receives x, y, z, w
 * @param {number} at where in the array
 * @returns {T}
 */
export function quaternionOfSteps(first, second, third, bits, into, at) {
  const top = 2 ** bits - 2; // an even number of steps, so that zero is one of them
  const largest = first & 3;
  const a = componentOf(first >>> 2, top);
  const b = componentOf(second, top);
  const c = componentOf(third, top);
  into[at + (largest > 0 ? 0 : 1)] = a;
  into[at + (largest > 1 ? 1 : 2)] = b;
  into[at + (largest > 2 ? 2 : 3)] = c;
  into[at + largest] = Math.sqrt(Math.max(0, 1 - (a * a + b * b + c * c)));
  return into;
}

const componentOf = (step, top) => ((step / top) * 2 - 1) / Math.SQRT2;

/** As `fixedWord`; for columns, in which NaN is the lowest value as in Python's. */
export function stepOf(value, low, high, step, steps) {
  return Number.isNaN(value) ? 0 : fixedWord(value, low, high, step, steps);
}

/** As `angleWord`; for columns, in which what is no angle is 0 as in Python's. */
export function turnOf(value, turn) {
  return Number.isFinite(value) ? angleWord(value, turn) : 0;
}

/**
 * Pack a rotation into three lanes; what has no finite length is none.
 * @param {ArrayLike<number>} from x, y, z, w
 * @param {number} at where they begin there
 * @param {number} bits of a step
 * @param {Uint32Array} words
 * @param {number} to where the lanes begin there
 */
export function quaternionToSteps(from, at, bits, words, to) {
  let square = 0;
  for (let i = 0; i < 4; i++) square += from[at + i] * from[at + i];
  const isRotation = square > 0 && square < Infinity;
  const norm = isRotation ? Math.sqrt(square) : 1;
  const unit = (i) => (isRotation ? from[at + i] / norm : i === 3 ? 1 : 0);
  let largest = 0;
  for (let i = 1; i < 4; i++) if (Math.abs(unit(i)) > Math.abs(unit(largest))) largest = i;
  const sign = unit(largest) < 0 ? -1 : 1;
  for (let i = 0, lane = to; i < 4; i++) if (i !== largest) words[lane++] = componentStep(unit(i) * sign, bits);
  words[to] = words[to] * 4 + largest;
}
