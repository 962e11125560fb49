// SPDX-License-Identifier: MIT
/**
 * Read a row block: some rows of the world, one component after the other.
 *
 *   base_row u32 | span u16 | bitmap | generations | n_components u8
 *   then per component: id u8 | length u32 | presence bitmap of the n rows | planes
 *
 * Generations are u16, their low bits, in snapshots; where entities are introduced they
 * are u32 and the owners follow, u32.
 *
 * What is gathered here stands in arrays that every block reuses; the planes go straight
 * into the columns. Nothing is made per entity.
 */

import { Reader } from "./bytes.js";
import { WireError } from "./numbers.js";

export class RowBlock {
  /** @param {number} capacity rows of the world */
  constructor(capacity) {
    this.capacity = capacity;
    /** How many rows are in the block. */
    this.count = 0;
    this.rows = new Uint32Array(capacity);
    /** Of each row; the low 16 bits only if the block is without identity. */
    this.generations = new Uint32Array(capacity);
    this.owners = new Uint32Array(capacity);
    /** Which of the block's rows have the component being read: indices into `rows`. */
    this.members = new Uint32Array(capacity);
  }

  /**
   * Read everything before the components.
   * @param {Reader} from
   * @param {boolean} withIdentity whether the block has whole generations, and owners
   */
  readRows(from, withIdentity) {
    const base = from.uint32();
    const span = from.uint16();
    if (span === 0 || base + span > this.capacity) {
      throw new WireError(`rows ${base} to ${base + span - 1}: the world has ${this.capacity}`);
    }
    this.count = readBitmap(from, span, base, this.rows);
    if (this.rows[0] !== base || this.rows[this.count - 1] !== base + span - 1) {
      throw new WireError(`bitmap of ${span} bits that does not begin and end with a 1`);
    }
    if (withIdentity) this.#readIdentity(from);
    else for (let i = 0; i < this.count; i++) this.generations[i] = from.uint16();
  }

  #readIdentity(from) {
    for (let i = 0; i < this.count; i++) {
      this.generations[i] = from.uint32();
      if (!(this.generations[i] & 0xffff)) throw new WireError("generation 0 (modulo 65,536)");
    }
    for (let i = 0; i < this.count; i++) this.owners[i] = from.uint32();
  }

  /**
   * Read the components, and refuse bytes after them.
   * @param {Reader} from
   * @param {(id: number, planes: Reader, nMembers: number) => void} take called for each
   *     component that has rows here, with `members` filled and the planes to be read
   */
  readComponents(from, take) {
    let last = -1;
    for (let left = from.uint8(); left > 0; left--) {
      const id = from.uint8();
      if (id <= last) throw new WireError(`component ${id} is out of order`);
      last = id;
      const part = new Reader(from.take(from.uint32()));
      take(id, part, readBitmap(part, this.count, 0, this.members));
    }
    from.end();
  }
}

/** Write the set bits' positions plus `base` into an array; return how many there are. */
function readBitmap(from, length, base, into) {
  const size = (length + 7) >> 3;
  const start = from.claim(size);
  if (length & 7 && from.bytes[start + size - 1] >> (length & 7)) {
    throw new WireError(`bitmap of ${length} bits has an unused bit set`);
  }
  let count = 0;
  for (let i = 0; i < length; i++) {
    if (from.bytes[start + (i >> 3)] & (1 << (i & 7))) into[count++] = base + i;
  }
  return count;
}
