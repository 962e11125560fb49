// SPDX-License-Identifier: MIT
/**
 * Serial arithmetic on numbers that wrap around (RFC 1982): packet sequences of 16
 * bits, ticks of 32 bits. Of two, the newer is the one less than half the circle ahead.
 */

/** @param {number} newer @param {number} older @returns {number} -32768 to 32767 */
export function distance16(newer, older) {
  return ((newer - older) << 16) >> 16;
}

/** @param {number} newer @param {number} older @returns {number} -2^31 to 2^31 - 1 */
export function distance32(newer, older) {
  return (newer - older) | 0;
}
