// SPDX-License-Identifier: MIT
/**
 * Numbers as the wire has them: checked, rounded half to even, halves of a float.
 *
 * Rounding is that of Python and numpy, so that both sides make the same word of the
 * same value.
 */

/** Thrown for bytes that do not follow the schema, and for values that do not fit it. */
export class WireError extends Error {
  /**
   * @param {string} message what was wrong, the value seen and the limit
   * @param {string} [reason] name of the close reason if the connection ends by it
   */
  constructor(message, reason = "MALFORMED") {
    super(message);
    this.name = "WireError";
    this.reason = reason;
  }
}

/**
 * Round to the nearest integer, a half to the even one (Python's `round`).
 * @param {number} value
 * @returns {number}
 */
export function roundHalfEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Give a 64-bit number as a plain number where that is exact, as a BigInt beyond.
 * @param {bigint} value
 * @returns {number | bigint}
 */
export function plain(value) {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * Refuse a number above a limit: a length, or a word with unused bits set.
 * @template {number | bigint} T
 * @param {T} value
 * @param {number | bigint} limit
 * @returns {T}
 */
export function within(value, limit) {
  if (value > limit) throw new WireError(`${value} is above the limit ${limit}`);
  return value;
}

/**
 * Refuse a number that no member of an enum has.
 * @param {number} value
 * @param {Set<number>} numbers
 * @returns {number}
 */
export function known(value, numbers) {
  if (!numbers.has(value)) throw new WireError(`${value} is none of ${[...numbers]}`);
  return value;
}

/**
 * Refuse a number that is no integer or out of range.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @returns {number}
 */
export function ranged(value, low, high) {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new WireError(`${value} is not an integer from ${low} to ${high}`);
}

/**
 * Refuse what is no number at all: `undefined` would silently become NaN.
 * @param {number} value
 * @returns {number}
 */
export function numeric(value) {
  if (typeof value === "number") return value;
  throw new WireError(`${value} is not a number`);
}

/**
 * Refuse what is no integer of 64 bits, given as number or BigInt.
 * @param {number | bigint} value
 * @param {bigint} low 0n, or the smallest signed number
 * @param {number} bits 64, or 63 if signed
 * @returns {bigint}
 */
export function wide(value, low, bits) {
  if (typeof value !== "bigint" && !Number.isInteger(value)) {
    throw new WireError(`${value} is not an integer`);
  }
  const big = BigInt(value);
  if (big >= low && big >> BigInt(bits) <= 0n) return big;
  throw new WireError(`${value} does not fit into 64 bits`);
}

/**
 * Widen an IEEE 754 half (5 exponent bits, 10 fraction bits).
 * @param {number} half its 16 bits
 * @returns {number}
 */
export function halfToNumber(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Narrow a number to the nearest IEEE 754 half, a tie to the even one.
 * @param {number} value
 * @returns {number} 16 bits
 */
export function numberToHalf(value) {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00; // rounds to beyond the largest half
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  // The fraction carries into the exponent by plain addition when it rounds up.
  const fraction = roundHalfEven(size * 2 ** (10 - exponent));
  const biased = exponent + 14;
  return sign | (biased * 1024 + fraction);
}

/** The same 64 bits, seen in several ways; every browser is little-endian. */
const bits = new Uint32Array(2);
const single = new Float32Array(bits.buffer);
const double = new Float64Array(bits.buffer);
const signed = new BigInt64Array(bits.buffer);
const unsigned = new BigUint64Array(bits.buffer);

/** @param {number} low @param {number} high their 64 bits @returns {bigint} a signed integer */
export function int64OfBits(low, high) {
  bits[0] = low;
  bits[1] = high;
  return signed[0];
}

/** @param {number} low @param {number} high their 64 bits @returns {bigint} an unsigned integer */
export function uint64OfBits(low, high) {
  bits[0] = low;
  bits[1] = high;
  return unsigned[0];
}

/** @param {number} word its 32 bits @returns {number} an IEEE 754 single */
export function float32OfBits(word) {
  bits[0] = word;
  return single[0];
}

/** @param {number} low @param {number} high its 64 bits @returns {number} an IEEE 754 double */
export function float64OfBits(low, high) {
  bits[0] = low;
  bits[1] = high;
  return double[0];
}

/** @param {number} value @returns {number} the 32 bits of an IEEE 754 single */
export function bitsOfFloat32(value) {
  single[0] = value;
  return bits[0];
}

/** @param {number} value @param {number} half 0 low, 1 high @returns {number} of a double's 64 bits */
export function bitsOfFloat64(value, half) {
  double[0] = value;
  return bits[half];
}

/** @param {bigint} value @param {number} half 0 low, 1 high @returns {number} of its 64 bits */
export function bitsOfInt64(value, half) {
  signed[0] = value;
  return bits[half];
}

/**
 * Return a number that some member of an enum has: what none has becomes the smallest.
 * @param {number} value
 * @param {Set<number>} numbers
 */
export function member(value, numbers) {
  return numbers.has(value) ? value : Math.min(...numbers);
}
