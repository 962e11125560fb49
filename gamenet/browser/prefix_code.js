// SPDX-License-Identifier: MIT
/** The prefix codes of DEFLATE (RFC 1951, section 3.2.2): a symbol is as many bits as it has to be. */

import { WireError } from "./numbers.js";

const LONGEST_CODE = 15;

/** A prefix code: how many codes there are of each length, and their symbols in order. */
export class PrefixCode {
  #counts = new Uint16Array(LONGEST_CODE + 1);
  #symbols;

  /** @param {ArrayLike<number>} lengths by symbol; 0 for symbols without a code */
  constructor(lengths) {
    for (let symbol = 0; symbol < lengths.length; symbol++) this.#counts[lengths[symbol]]++;
    this.#counts[0] = 0;
    /** Codes of the longest length that are not given out. */
    this.left = 1;
    for (let length = 1; length <= LONGEST_CODE; length++) {
      this.left = 2 * this.left - this.#counts[length];
      if (this.left < 0) throw new WireError("a prefix code with too many codes");
    }
    this.used = this.#counts.reduce((sum, count) => sum + count, 0);
    this.#symbols = this.#sorted(lengths);
  }

  #sorted(lengths) {
    const next = new Uint16Array(LONGEST_CODE + 2);
    for (let length = 1; length <= LONGEST_CODE; length++) next[length + 1] = next[length] + this.#counts[length];
    const symbols = new Uint16Array(this.used);
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol]) symbols[next[lengths[symbol]]++] = symbol;
    }
    return symbols;
  }

  /** @returns {boolean} codes may be left over only where one symbol, with one bit, is all (as zlib has it) */
  get isComplete() {
    return this.left === 0 || this.used === 0 || (this.used === 1 && this.#counts[1] === 1);
  }

  /** @param {{take: (count: number) => number}} bits @returns {number} the symbol of the code that comes next */
  symbol(bits) {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= LONGEST_CODE; length++) {
      code |= bits.take(1);
      const count = this.#counts[length];
      if (code - count < first) return this.#symbols[index + code - first];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new WireError("bits that are no code");
  }
}
