// SPDX-License-Identifier: MIT
/**
 * What each row was at the ticks that we were told of: the baselines of what comes next.
 *
 * A row has a slot for each of the last ticks, and one for the newest sample that had to
 * make room. Its state at a tick is the newest sample that is not newer than the tick. A
 * row of which nothing was told is all zeros, which is what the slots begin with.
 */

import { WireError } from "./numbers.js";

/** How many ticks back a baseline may be; a power of two. */
export const HISTORY = 32;
const FLOOR = HISTORY; // the slot of the newest sample that was overwritten
const SLOTS = HISTORY + 1;
const MAX_BYTES = 2 ** 30;
const FIRST_ROWS = 64;

export class History {
  #lanes;
  #capacity;
  #mostRows;
  #ticks = new Uint32Array(0);
  #newest = new Uint32Array(0);

  /**
   * @param {number} lanes of a row
   * @param {number} capacity rows of the world
   */
  constructor(lanes, capacity) {
    this.#lanes = lanes;
    this.#capacity = capacity;
    this.#mostRows = Math.floor(MAX_BYTES / (4 * SLOTS * (lanes + 1)));
    /** How many rows there is room for. */
    this.rows = 0;
    /** The lanes of all samples. */
    this.words = new Uint32Array(0);
    this.reserve(1);
  }

  /**
   * Make room for a number of rows.
   * @param {number} rows at most the capacity
   */
  reserve(rows) {
    if (rows <= this.rows) return;
    if (rows > this.#mostRows) throw new WireError(this.#refusal(rows));
    const wanted = Math.min(Math.max(rows, 2 * this.rows, FIRST_ROWS), this.#capacity, this.#mostRows);
    try {
      this.words = grown(this.words, wanted * SLOTS * this.#lanes);
      this.#ticks = grown(this.#ticks, wanted * SLOTS);
      this.#newest = grown(this.#newest, wanted);
    } catch (error) {
      throw new WireError(`this browser has no memory for the history of ${wanted} rows (${error.message})`);
    }
    this.rows = wanted;
  }

  #refusal(rows) {
    return `row ${rows - 1} is above the limit ${this.#mostRows - 1}: the history of one row takes ` +
      `${4 * SLOTS * (this.#lanes + 1)} bytes, and there are ${MAX_BYTES}; spawn fewer entities, or declare fewer components`;
  }

  /** @param {number} row @returns {number} the tick of its newest sample; 0 for none */
  newest(row) {
    return this.#newest[row];
  }

  /** @param {number} row @returns {number} where its newest sample begins in `words` */
  shown(row) {
    return (row * SLOTS + (this.#newest[row] & (HISTORY - 1))) * this.#lanes;
  }

  /**
   * Return where the state of a row at a tick begins in `words`.
   * @param {number} row
   * @param {number} tick among the last ones
   * @returns {number}
   */
  at(row, tick) {
    if (this.#newest[row] <= tick) return this.shown(row);
    const first = row * SLOTS;
    let found = FLOOR;
    let best = this.#ticks[first + FLOOR]; // older than all ticks that may be asked for
    for (let slot = 0; slot < HISTORY; slot++) {
      const sample = this.#ticks[first + slot];
      // A slot that was never used says tick 0, which belongs into the first one only.
      if (sample <= tick && sample >= best && (sample & (HISTORY - 1)) === slot) {
        found = slot;
        best = sample;
      }
    }
    return (first + found) * this.#lanes;
  }

  /**
   * Keep what a row was at a tick.
   * @param {number} row for which there is room
   * @param {number} tick among the last ones
   * @param {Uint32Array} words
   * @param {number} from where its state begins there
   */
  put(row, tick, words, from) {
    const slot = tick & (HISTORY - 1);
    const at = row * SLOTS + slot;
    const floor = row * SLOTS + FLOOR;
    const old = this.#ticks[at];
    if (old !== tick && old >= this.#ticks[floor] && (old & (HISTORY - 1)) === slot) {
      this.#ticks[floor] = old;
      this.words.copyWithin(floor * this.#lanes, at * this.#lanes, (at + 1) * this.#lanes);
    }
    this.#ticks[at] = tick;
    for (let n = 0, to = at * this.#lanes; n < this.#lanes; n++) this.words[to + n] = words[from + n];
    if (tick > this.#newest[row]) this.#newest[row] = tick;
  }
}

/** Return a longer array that begins with what an array holds. */
function grown(array, length) {
  const longer = new Uint32Array(length);
  longer.set(array);
  return longer;
}
