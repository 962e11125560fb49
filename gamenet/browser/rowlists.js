// SPDX-License-Identifier: MIT
/**
 * Lists of ascending rows on the wire, in the form that takes the fewest bytes.
 *
 *   first u24 | n u16 | bitmap: n bits from the first row on, the first and the last a 1
 *                     | gaps:   n - 1 numbers of one or two bytes between n rows
 */

import { bitAt, claimBitmap, listOnes } from "./bitmaps.js";
import { WireError } from "./numbers.js";

const BITMAP = 0;

/** The highest mode; gaps have as many bytes as their mode says. */
export const MAX_MODE = 2;

/**
 * Read a list of rows.
 * @param {import("./bytes.js").Reader} from
 * @param {number} mode 0 for a bitmap, otherwise the bytes of a gap
 * @param {(count: number) => Uint32Array} roomFor returns an array that takes so many rows
 * @param {number} at where to begin there
 * @returns {number} how many rows there are
 */
export function readRows(from, mode, roomFor, at) {
  const first = from.uint16() + from.uint8() * 65536;
  const length = from.uint16();
  if (length === 0) throw new WireError("a block of no rows");
  const into = roomFor(length);
  return mode === BITMAP ? readBitmap(from, first, length, into, at) : readGaps(from, first, length, mode, into, at);
}

function readBitmap(from, first, length, into, at) {
  const start = claimBitmap(from, length);
  if (!bitAt(from.bytes, start, 0) || !bitAt(from.bytes, start, length - 1)) {
    throw new WireError(`bitmap of ${length} rows that does not begin and end with a 1`);
  }
  return listOnes(from.bytes, start, length, into, at, first);
}

function readGaps(from, first, length, size, into, at) {
  const start = from.claim((length - 1) * size);
  const { bytes } = from;
  let row = (into[at] = first);
  for (let i = 0; i < length - 1; i++) {
    const gap = size === 1 ? bytes[start + i] : bytes[start + 2 * i] + bytes[start + 2 * i + 1] * 256;
    row += 1 + gap;
    into[at + 1 + i] = row;
  }
  return length;
}
