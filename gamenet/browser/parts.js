// SPDX-License-Identifier: MIT
/**
 * Tell when the snapshot of a tick is over: when all its parts have come, or, because
 * parts are lost, when one of a newer tick comes before that.
 */

import { distance32 } from "./sequence.js";

export class PartCounter {
  #tick = null;
  #missing = 0;

  /**
   * Count a part that has come; each comes at most once.
   * @param {number} tick
   * @param {number} parts in how many the tick was sent
   * @returns {number[]} the ticks that are over now and were not before, oldest first
   */
  take(tick, parts) {
    const over = [];
    if (this.#tick === null || distance32(tick, this.#tick) > 0) {
      if (this.#missing > 0) over.push(this.#tick);
      this.#tick = tick;
      this.#missing = parts;
    }
    if (tick === this.#tick && --this.#missing === 0) over.push(tick);
    return over;
  }
}
