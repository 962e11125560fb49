// SPDX-License-Identifier: MIT
/** Bitmaps of the wire: lowest bit first, unused bits zero. */

import { WireError } from "./numbers.js";

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

/**
 * Step over a bitmap after checking it.
 * @param {import("./bytes.js").Reader} from
 * @param {number} length in bits
 * @returns {number} where its bytes begin
 */
export function claimBitmap(from, length) {
  const size = Math.ceil(length / 8);
  const start = from.claim(size);
  if (length & 7 && from.bytes[start + size - 1] >> (length & 7)) {
    throw new WireError(`bitmap of ${length} bits has an unused bit set`);
  }
  return start;
}

/** @param {Uint8Array} bytes @param {number} start @param {number} bit @returns {number} 0 or 1 */
export function bitAt(bytes, start, bit) {
  return (bytes[start + (bit >>> 3)] >> (bit & 7)) & 1;
}

/** @param {Uint8Array} bytes @param {number} start @param {number} length in bits @returns {number} */
export function countOnes(bytes, start, length) {
  let count = 0;
  for (let at = start; at < start + Math.ceil(length / 8); at++) count += ONES[bytes[at]];
  return count;
}

/**
 * List the bits that are set.
 * @param {Uint8Array} bytes
 * @param {number} start
 * @param {number} length in bits
 * @param {Uint32Array} into receives their positions, each plus `base`
 * @param {number} at where to begin there
 * @param {number} base
 * @returns {number} how many there are
 */
export function listOnes(bytes, start, length, into, at, base) {
  let count = 0;
  for (let bit = 0; bit < length; bit++) {
    if (bitAt(bytes, start, bit)) into[at + count++] = base + bit;
  }
  return count;
}
