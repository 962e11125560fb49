// SPDX-License-Identifier: MIT
/**
 * Decompress raw DEFLATE (RFC 1951), at once and within a limit.
 *
 * The browser's own DecompressionStream answers later, and a message that waits would be
 * overtaken by the next one. What a server sends is refused as zlib refuses it: codes that
 * are no codes, distances to before the beginning, a cut end, and bytes after the end.
 */

import { WireError } from "./numbers.js";
import { PrefixCode } from "./prefix_code.js";

const END_OF_BLOCK = 256;
const MAX_LENGTHS = 286;
const MAX_DISTANCES = 30;
const FIRST_SPACE = 1024;
const STORED = 0;
const FIXED = 1;
const DYNAMIC = 2;

/** In which order the lengths of the code for code lengths come (section 3.2.7). */
const LENGTHS_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** How many bits follow a symbol, and the value of the symbol without them (section 3.2.5). */
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const LENGTHS = [...starts(LENGTH_BITS.slice(0, -1), 3), 258];
const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
const DISTANCES = starts(DISTANCE_BITS, 1);

function starts(bits, first) {
  let next = first;
  return bits.map((count) => (next += 1 << count) - (1 << count));
}

/** Takes bits from bytes, the lowest first. */
class Bits {
  #bytes;
  #at = 0;
  #held = 0;
  #count = 0;

  constructor(bytes) {
    this.#bytes = bytes;
  }

  take(count) {
    while (this.#count < count) {
      this.#held |= this.#byte() << this.#count;
      this.#count += 8;
    }
    const value = this.#held & ((1 << count) - 1);
    this.#held >>>= count;
    this.#count -= count;
    return value;
  }

  #byte() {
    if (this.#at === this.#bytes.length) throw new WireError("compressed bytes are cut short");
    return this.#bytes[this.#at++];
  }

  /** Whole bytes, after what is left of the present one. */
  bytes(length) {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw new WireError("a stored block is cut short");
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  skipToByte() {
    this.#held = this.#count = 0;
  }

  end() {
    if (this.#at < this.#bytes.length) throw new WireError("bytes after the end of what was compressed");
  }
}

/** What comes out, growing as needed within the limit. */
class Output {
  #bytes;
  #length = 0;
  #limit;

  constructor(limit) {
    this.#limit = limit;
    this.#bytes = new Uint8Array(Math.min(limit, FIRST_SPACE));
  }

  #claim(length) {
    const end = this.#length + length;
    if (end > this.#limit) throw new WireError(`more than ${this.#limit} bytes`, "MESSAGE_TOO_LARGE");
    if (end <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(this.#limit, Math.max(end, 2 * this.#bytes.length)));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  byte(value) {
    this.#claim(1);
    this.#bytes[this.#length++] = value;
  }

  raw(bytes) {
    this.#claim(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Repeat bytes, perhaps ones that this repetition makes. */
  repeat(distance, length) {
    if (distance > this.#length) throw new WireError(`a distance of ${distance} to before the beginning`);
    this.#claim(length);
    for (const end = this.#length + length; this.#length < end; this.#length++) {
      this.#bytes[this.#length] = this.#bytes[this.#length - distance];
    }
  }

  finish() {
    return this.#bytes.slice(0, this.#length);
  }
}

const ofLength = (count, length) => Array(count).fill(length);
const FIXED_CODES = {
  lengths: new PrefixCode([...ofLength(144, 8), ...ofLength(112, 9), ...ofLength(24, 7), ...ofLength(8, 8)]),
  distances: new PrefixCode(ofLength(32, 5)),
};

/** Read the two codes of a block that brings its own. */
function readCodes(bits) {
  const nLengths = bits.take(5) + 257;
  const nDistances = bits.take(5) + 1;
  const nCodes = bits.take(4) + 4;
  if (nLengths > MAX_LENGTHS || nDistances > MAX_DISTANCES) {
    throw new WireError(`codes for ${nLengths} lengths and ${nDistances} distances`);
  }
  const sizes = ofLength(LENGTHS_ORDER.length, 0);
  for (let n = 0; n < nCodes; n++) sizes[LENGTHS_ORDER[n]] = bits.take(3);
  const code = new PrefixCode(sizes);
  if (code.left !== 0) throw new WireError("the code for code lengths is not complete");
  const all = readLengths(bits, code, nLengths + nDistances);
  if (all[END_OF_BLOCK] === 0) throw new WireError("a block that cannot end");
  const lengths = new PrefixCode(all.slice(0, nLengths));
  const distances = new PrefixCode(all.slice(nLengths));
  if (!lengths.isComplete || !distances.isComplete) throw new WireError("a prefix code with codes left over");
  return { lengths, distances };
}

function readLengths(bits, code, count) {
  const lengths = [];
  while (lengths.length < count) {
    const symbol = code.symbol(bits);
    if (symbol < 16) lengths.push(symbol);
    else lengths.push(...repeated(bits, symbol, lengths));
  }
  if (lengths.length > count) throw new WireError("more code lengths than announced");
  return lengths;
}

function repeated(bits, symbol, lengths) {
  if (symbol === 17) return ofLength(3 + bits.take(3), 0);
  if (symbol === 18) return ofLength(11 + bits.take(7), 0);
  if (lengths.length === 0) throw new WireError("no code length to repeat");
  return ofLength(3 + bits.take(2), lengths.at(-1));
}

function copyStored(bits, out) {
  bits.skipToByte();
  const [low, high, notLow, notHigh] = bits.bytes(4);
  if ((low ^ notLow) !== 0xff || (high ^ notHigh) !== 0xff) throw new WireError("a stored block of two lengths");
  out.raw(bits.bytes(low | (high << 8)));
}

function expand(bits, out, { lengths, distances }) {
  for (let symbol; (symbol = lengths.symbol(bits)) !== END_OF_BLOCK; ) {
    if (symbol < END_OF_BLOCK) out.byte(symbol);
    else repeat(bits, out, symbol - END_OF_BLOCK - 1, distances);
  }
}

function repeat(bits, out, symbol, distances) {
  if (symbol >= LENGTHS.length) throw new WireError("a length that does not exist");
  const length = LENGTHS[symbol] + bits.take(LENGTH_BITS[symbol]);
  const far = distances.symbol(bits);
  if (far >= MAX_DISTANCES) throw new WireError("a distance that does not exist");
  out.repeat(DISTANCES[far] + bits.take(DISTANCE_BITS[far]), length);
}

/**
 * @param {Uint8Array} bytes raw DEFLATE, nothing after it
 * @param {number} limit bytes that may come out
 * @returns {Uint8Array}
 */
export function inflate(bytes, limit) {
  const bits = new Bits(bytes);
  const out = new Output(limit);
  for (let isLast = 0; !isLast; ) {
    isLast = bits.take(1);
    const kind = bits.take(2);
    if (kind === STORED) copyStored(bits, out);
    else if (kind === FIXED) expand(bits, out, FIXED_CODES);
    else if (kind === DYNAMIC) expand(bits, out, readCodes(bits));
    else throw new WireError("a block of no known kind");
  }
  bits.end();
  return out.finish();
}
