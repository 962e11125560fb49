// SPDX-License-Identifier: MIT
/**
 * Read and write the bytes of the wire: little-endian numbers, varints, text.
 *
 * The generated codec of a game is written against these two classes. Whatever a
 * server sends, a Reader answers with a value or throws WireError: every length is
 * compared with the schema's limit and with the bytes that are there before anything
 * is allocated. Rounding is half to even everywhere, as in Python and numpy.
 */

import {
  WireError, halfToNumber, numberToHalf, numeric, plain, ranged, wide, within,
} from "./numbers.js";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const MAX_VARINT_BYTES = 10; // ceil(64 / 7)

/** @typedef {"varint" | "uint8" | "uint16" | "uint32"} LengthKind */

/** Reads values one after the other from bytes; throws WireError beyond their end. */
export class Reader {
  /** @param {Uint8Array} bytes read in place, not copied */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = 0;
  }

  /** @returns {number} how many bytes are left */
  get remaining() {
    return this.bytes.length - this.offset;
  }

  /**
   * Step over a number of bytes after checking that they are there.
   * @param {number} length
   * @returns {number} the offset at which they begin
   */
  claim(length) {
    const start = this.offset;
    if (length > this.bytes.length - start) {
      throw new WireError(`${length} bytes expected, ${this.remaining} are left`);
    }
    this.offset = start + length;
    return start;
  }

  /** Refuse bytes after the last field. */
  end() {
    if (this.remaining) throw new WireError(`${this.remaining} bytes too many`);
  }

  uint8() { return this.view.getUint8(this.claim(1)); }
  uint16() { return this.view.getUint16(this.claim(2), true); }
  uint32() { return this.view.getUint32(this.claim(4), true); }
  uint64() { return this.view.getBigUint64(this.claim(8), true); }
  int8() { return this.view.getInt8(this.claim(1)); }
  int16() { return this.view.getInt16(this.claim(2), true); }
  int32() { return this.view.getInt32(this.claim(4), true); }
  int64() { return this.view.getBigInt64(this.claim(8), true); }
  float16() { return halfToNumber(this.uint16()); }
  float32() { return this.view.getFloat32(this.claim(4), true); }
  float64() { return this.view.getFloat64(this.claim(8), true); }

  /** @returns {bigint} a LEB128 number of at most 64 bits, in its shortest form */
  bigVarint() {
    let value = 0n;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.uint8();
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte & 0x80) continue;
      if (byte === 0 && i > 0) throw new WireError("varint longer than it needs to be");
      if (value >> 64n) throw new WireError("varint of more than 64 bits");
      return value;
    }
    throw new WireError(`varint of more than ${MAX_VARINT_BYTES} bytes`);
  }

  /** @returns {number | bigint} an unsigned LEB128 number; BigInt beyond 2^53 - 1 */
  varint() {
    const first = this.bytes[this.offset];
    return first < 0x80 ? this.uint8() : plain(this.bigVarint());
  }

  /** @returns {number | bigint} a signed LEB128 number; BigInt beyond 2^53 - 1 */
  zigzag() {
    const value = this.bigVarint();
    return plain((value >> 1n) ^ -(value & 1n));
  }

  /**
   * Read bytes without copying them: a view that lives as long as the packet does.
   * @param {number} length
   * @returns {Uint8Array}
   */
  take(length) {
    const start = this.claim(length);
    return this.bytes.subarray(start, start + length);
  }

  /**
   * Read a length and check it before anything is allocated for it.
   * @param {LengthKind} kind how the length is written
   * @param {number} limit the largest that the schema allows
   * @returns {number}
   */
  length(kind, limit) {
    return Number(within(this[kind](), limit));
  }

  /** @param {LengthKind} kind @param {number} limit @returns {Uint8Array} a copy */
  blob(kind, limit) {
    return this.take(this.length(kind, limit)).slice();
  }

  /** @param {LengthKind} kind @param {number} limit in bytes @returns {string} */
  text(kind, limit) {
    const bytes = this.take(this.length(kind, limit));
    try {
      return decoder.decode(bytes);
    } catch {
      throw new WireError("text that is not UTF-8");
    }
  }

  /**
   * @template T
   * @param {LengthKind} kind
   * @param {number} limit
   * @param {() => T} readItem
   * @returns {T[]}
   */
  list(kind, limit, readItem) {
    const items = [];
    for (let left = this.length(kind, limit); left > 0; left--) items.push(readItem());
    return items;
  }

  /** @template T @param {() => T} readItem @returns {T | null} */
  optional(readItem) {
    return within(this.uint8(), 1) === 1 ? readItem() : null;
  }
}

/** Collects values one after the other; grows as needed. */
export class Writer {
  /** @param {number} [capacity] bytes to begin with */
  constructor(capacity = 64) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
    this.length = 0;
  }

  /** @param {number} length @returns {number} the offset of the space made */
  claim(length) {
    const start = this.length;
    const end = start + length;
    if (end > this.bytes.length) this.#grow(end);
    this.length = end;
    return start;
  }

  #grow(needed) {
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** @returns {Uint8Array} a copy of what was written */
  finish() {
    return this.bytes.slice(0, this.length);
  }

  uint8(value) {
    const at = this.claim(1);
    this.view.setUint8(at, ranged(value, 0, 0xff));
  }

  uint16(value) {
    const at = this.claim(2);
    this.view.setUint16(at, ranged(value, 0, 0xffff), true);
  }

  uint32(value) {
    const at = this.claim(4);
    this.view.setUint32(at, ranged(value, 0, 0xffffffff), true);
  }

  uint64(value) {
    const at = this.claim(8);
    this.view.setBigUint64(at, wide(value, 0n, 64), true);
  }

  int8(value) {
    const at = this.claim(1);
    this.view.setInt8(at, ranged(value, -0x80, 0x7f));
  }

  int16(value) {
    const at = this.claim(2);
    this.view.setInt16(at, ranged(value, -0x8000, 0x7fff), true);
  }

  int32(value) {
    const at = this.claim(4);
    this.view.setInt32(at, ranged(value, -(2 ** 31), 2 ** 31 - 1), true);
  }

  int64(value) {
    const at = this.claim(8);
    this.view.setBigInt64(at, wide(value, -(1n << 63n), 63), true);
  }

  float16(value) {
    this.uint16(numberToHalf(numeric(value)));
  }

  float32(value) {
    const at = this.claim(4);
    this.view.setFloat32(at, numeric(value), true);
  }

  float64(value) {
    const at = this.claim(8);
    this.view.setFloat64(at, numeric(value), true);
  }


  /** @param {number | bigint} value unsigned, at most 64 bits */
  varint(value) {
    let rest = wide(value, 0n, 64);
    while (rest > 0x7fn) {
      this.uint8(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.uint8(Number(rest));
  }

  /** @param {number | bigint} value signed, at most 64 bits */
  zigzag(value) {
    const wanted = wide(value, -(1n << 63n), 63);
    this.varint(BigInt.asUintN(64, (wanted << 1n) ^ (wanted >> 63n)));
  }

  /** @param {Uint8Array} bytes */
  raw(bytes) {
    const at = this.claim(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** @param {ArrayLike<unknown>} items @param {LengthKind} kind @param {number} limit */
  count(items, kind, limit) {
    this[kind](within(items.length, limit));
  }

  /** @param {Uint8Array} bytes @param {LengthKind} kind @param {number} limit */
  blob(bytes, kind, limit) {
    this.count(bytes, kind, limit);
    this.raw(bytes);
  }

  /** @param {string} text @param {LengthKind} kind @param {number} limit in bytes */
  text(text, kind, limit) {
    this.blob(encoder.encode(text), kind, limit);
  }

  /**
   * @template T
   * @param {ArrayLike<T>} items
   * @param {LengthKind} kind
   * @param {number} limit
   * @param {(item: T) => void} writeItem
   */
  list(items, kind, limit, writeItem) {
    this.count(items, kind, limit);
    for (let i = 0; i < items.length; i++) writeItem(items[i]);
  }

  /** @template T @param {T | null} value @param {(value: T) => void} writeItem */
  optional(value, writeItem) {
    const isThere = value !== null && value !== undefined;
    this.uint8(isThere ? 1 : 0);
    if (isThere) writeItem(value);
  }
}
