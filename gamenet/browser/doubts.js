// SPDX-License-Identifier: MIT
/**
 * Rows of a message that was dropped, although the server knows that it has arrived.
 *
 * The server may tell such a row against what the message said, which we do not have. So
 * no difference of the row is trusted any more, until it is told against nothing, in a
 * message of that tick or a later one.
 */

export class Doubts {
  #capacity;
  /** Of each row, the tick of the newest message dropped with it, and 1; 0 for none. */
  #ticks = new Float64Array(0); // until there is a doubt

  /** @param {number} capacity rows of the world */
  constructor(capacity) {
    this.#capacity = capacity;
  }

  /** @param {number} row @returns {boolean} */
  has(row) {
    return this.#ticks[row] > 0;
  }

  /**
   * A message was dropped.
   * @param {Uint32Array} rows that it told
   * @param {number} count how many of them are meant
   * @param {number} tick of the message
   */
  add(rows, count, tick) {
    if (this.#ticks.length === 0) this.#ticks = new Float64Array(this.#capacity);
    for (let i = 0; i < count; i++) this.#ticks[rows[i]] = Math.max(this.#ticks[rows[i]], tick + 1);
  }

  /** A row was told against nothing. @param {number} row @param {number} tick of the message */
  end(row, tick) {
    if (this.has(row) && this.#ticks[row] <= tick + 1) this.#ticks[row] = 0;
  }
}
