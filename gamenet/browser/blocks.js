// SPDX-License-Identifier: MIT
/**
 * Decode a snapshot message: for some rows, their state as a difference from a baseline.
 *
 *   tick u32 | part u8 | n_parts u8 | block*
 *   block: flags u8 | rows | gone:  a bit per row
 *                          | state: ages, cells
 *
 * The rows and their new state are gathered in arrays that every message reuses; nothing
 * is made per row. The history is read here, and changed by whoever has seen that the
 * whole message is without error. Source: docs/STANDARD.md, "Snapshots".
 */

import { bitAt, claimBitmap } from "./bitmaps.js";
import { Reader } from "./bytes.js";
import { CELL, CellReader } from "./cells.js";
import { GENERATION, isPresent } from "./groups.js";
import { HISTORY } from "./history.js";
import { WireError, within } from "./numbers.js";
import { MAX_MODE, readRows } from "./rowlists.js";

/** What a message says of a row: how it is now, or that it is gone. */
export const Told = Object.freeze({ STATE: 0, DESPAWNED: 1, LEFT: 2 });

const MIXED = 1; // kinds of block, after the uniform one
const GONE = 2;

/** Thrown for a difference from what we no longer remember, or never had. */
export class BaselineMissing extends WireError {}

export class SnapshotReader {
  #components;
  #groups;
  #history;
  #doubts;
  #capacity;
  #from = new Reader(new Uint8Array(0));
  #own = new Uint8Array(CELL);
  #cells;
  /** How many rows were read so far. */
  #read = 0;
  /** @type {WireError | null} what is wrong with the message, although its blocks can be read */
  #refusal = null;
  #messages = 0;
  /** Of each row, which message told of it last. */
  #toldBy = new Uint32Array(64);

  /**
   * @param {readonly any[]} components of the generated module
   * @param {import("./groups.js").Groups} groups of these components
   * @param {import("./history.js").History} history of the baselines
   * @param {import("./doubts.js").Doubts} doubts rows whose baselines are not trusted
   * @param {number} capacity rows of the world
   */
  constructor(components, groups, history, doubts, capacity) {
    this.#components = components;
    this.#groups = groups;
    this.#history = history;
    this.#doubts = doubts;
    this.#capacity = capacity;
    this.#cells = new CellReader(groups);
    this.tick = 0;
    this.part = 0;
    this.parts = 0;
    /** Whether a row is told against what we do not have. */
    this.isMissing = false;
    /** How many rows the message tells of; none as long as not all of its blocks were read. */
    this.count = 0;
    this.rows = new Uint32Array(64);
    /** What is said of each, see `Told`. */
    this.told = new Uint8Array(64);
    /** The new state of each, lane after lane. */
    this.words = new Uint32Array(64 * groups.lanes);
  }

  /**
   * Take a message, and read what stands before its blocks.
   * @param {Uint8Array} bytes
   */
  begin(bytes) {
    this.count = this.#read = 0;
    this.isMissing = false;
    this.#refusal = null;
    this.#messages++;
    if (this.#own.length < bytes.length + CELL) this.#own = new Uint8Array(2 * bytes.length + CELL);
    this.#own.set(bytes);
    this.#from = new Reader(this.#own.subarray(0, bytes.length));
    this.tick = this.#from.uint32();
    this.part = this.#from.uint8();
    this.parts = this.#from.uint8();
    if (this.part >= this.parts) throw new WireError(`part ${this.part} of a snapshot of ${this.parts}`);
  }

  /**
   * Read all blocks of the message; what they come to is to be checked then.
   * @param {number} newest the newest tick of all messages, this one included
   */
  readBlocks(newest) {
    while (this.#from.remaining) {
      const flags = this.#from.uint8();
      const [mode, kind] = [flags & 3, flags >> 2];
      if (mode > MAX_MODE || kind > GONE) throw new WireError(`block flags ${flags} are none that there are`);
      const first = this.#read;
      const rows = this.#readRows(mode);
      if (kind === GONE) this.#readGone(first, rows);
      else this.#readStates(first, rows, kind, newest);
    }
    this.count = this.#read;
  }

  /** List the rows of a block, and make room for their state; return how many they are. */
  #readRows(mode) {
    const rows = readRows(this.#from, mode, (count) => this.#roomFor(count), this.#read);
    const last = this.rows[this.#read + rows - 1];
    if (last >= this.#capacity) throw new WireError(`row ${last}: the world has ${this.#capacity}`);
    this.#reserve(last + 1);
    this.#noteTwice(this.#read, this.#read + rows);
    this.#read += rows;
    const needed = this.#read * this.#groups.lanes;
    if (this.words.length < needed) this.words = grown(this.words, 2 * needed);
    return rows;
  }

  /** Make room for rows in the history, unless the message is refused anyway. */
  #reserve(rows) {
    if (this.#refusal !== null) return;
    try {
      this.#history.reserve(rows);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#refusal = error;
    }
  }

  /** Refuse a row that the message has told of before; those without room are refused already. */
  #noteTwice(first, end) {
    if (this.#toldBy.length < this.#history.rows) this.#toldBy = grown(this.#toldBy, this.#history.rows);
    for (let i = first; i < end; i++) {
      const row = this.rows[i];
      if (this.#toldBy[row] === this.#messages) this.#refusal ??= new WireError(`row ${row} twice in a snapshot`);
      this.#toldBy[row] = this.#messages;
    }
  }

  #roomFor(count) {
    if (this.#read + count > this.rows.length) {
      this.rows = grown(this.rows, 2 * (this.#read + count));
      this.told = grown(this.told, 2 * (this.#read + count));
    }
    return this.rows;
  }

  #readGone(first, rows) {
    const { lanes } = this.#groups;
    const start = claimBitmap(this.#from, rows);
    for (let i = 0; i < rows; i++) {
      this.told[first + i] = bitAt(this.#from.bytes, start, i) ? Told.LEFT : Told.DESPAWNED;
    }
    this.words.fill(0, first * lanes, (first + rows) * lanes);
  }

  #readStates(first, rows, kind, newest) {
    const from = this.#from;
    const ages = from.claim(kind === MIXED ? rows : 1);
    for (let i = 0; i < rows; i++) {
      this.told[first + i] = Told.STATE;
      this.#begin(first + i, from.bytes[kind === MIXED ? ages + i : ages], newest);
    }
    this.#cells.read(from, rows, this.words, first * this.#groups.lanes);
  }

  /** Begin with the baseline of a row. */
  #begin(index, age, newest) {
    const { words } = this.#history;
    const { lanes } = this.#groups;
    const to = index * lanes;
    if (age === 0) {
      this.words.fill(0, to, to + lanes);
      return;
    }
    const base = this.tick - within(age, HISTORY - 1);
    if (base < 0 || base <= newest - HISTORY || this.#doubts.has(this.rows[index])) {
      this.isMissing = true;
    }
    if (this.isMissing || this.#refusal !== null) return; // nothing is taken, so there is nothing to work out
    const at = this.#history.at(this.rows[index], base);
    for (let n = 0; n < lanes; n++) this.words[to + n] = words[at + n];
  }

  /** Refuse a message of which a baseline is not known, or that comes to what no entity is. */
  check() {
    if (this.isMissing) throw new BaselineMissing(`snapshot of tick ${this.tick}: a baseline is not known`);
    if (this.#refusal !== null) throw this.#refusal;
    for (let i = 0; i < this.count; i++) if (this.told[i] === Told.STATE) this.#checkState(i);
  }

  #checkState(index) {
    const at = index * this.#groups.lanes;
    if (this.words[at + GENERATION] === 0) throw new WireError(`row ${this.rows[index]} has generation 0`);
    for (let i = 0; i < this.#components.length; i++) {
      if (isPresent(this.words, at, i)) this.#components[i].checkLanes(this.words, at + this.#groups.starts[i]);
    }
  }
}

/** Return a longer array of the same kind that begins with what an array holds. */
function grown(array, length) {
  const longer = new array.constructor(length);
  longer.set(array);
  return longer;
}
