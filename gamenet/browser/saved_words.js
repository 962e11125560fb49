// SPDX-License-Identifier: MIT
/**
 * Remember the words of a few rows for a good while: a ring of blocks, by tick.
 *
 * Each row knows since when its words are remembered, for rows come and go while the ring
 * goes on. The same as gamenet/prediction/saved_words.py.
 */

export class SavedWords {
  #depth;
  #lanes;
  #rows = 0;
  #words = new Uint32Array(0);

  /**
   * @param {number} lanes of a row
   * @param {number} depth ticks that are kept
   */
  constructor(lanes, depth) {
    this.#lanes = lanes;
    this.#depth = depth;
    /** Newest tick that is kept. */
    this.newest = 0;
    /** Oldest tick of which each row's words are kept. */
    this.since = new Float64Array(0);
  }

  /** Forget all before a tick, whose words are to be written. @param {number} tick */
  begin(tick) {
    this.newest = tick;
    this.since.fill(tick);
  }

  /** Keep the next tick, whose words are to be written; those of the oldest are lost. */
  append() {
    this.newest++;
    const oldest = this.newest - this.#depth + 1;
    for (let place = 0; place < this.#rows; place++) this.since[place] = Math.max(this.since[place], oldest);
  }

  /**
   * Return the words of a tick: those of each row after the other, to be read or written.
   * @param {number} tick
   * @returns {Uint32Array}
   */
  at(tick) {
    const size = this.#rows * this.#lanes;
    const start = (tick % this.#depth) * size;
    return this.#words.subarray(start, start + size);
  }

  /** @param {number} tick @returns {boolean} whether it is within the ring */
  reaches(tick) {
    return tick > this.newest - this.#depth && tick <= this.newest;
  }

  /**
   * Change which rows there are.
   * @param {readonly number[]} places of each row its place until now, -1 if it is new: its
   *     words are kept from the newest tick on, and are to be written
   */
  rearrange(places) {
    const [lanes, before, rows] = [this.#lanes, this.#rows, places.length];
    const words = new Uint32Array(this.#depth * rows * lanes);
    places.forEach((old, place) => {
      for (let slot = 0; old >= 0 && slot < this.#depth; slot++) {
        const from = (slot * before + old) * lanes;
        words.set(this.#words.subarray(from, from + lanes), (slot * rows + place) * lanes);
      }
    });
    this.since = Float64Array.from(places, (old) => (old < 0 ? this.newest : this.since[old]));
    this.#words = words;
    this.#rows = rows;
  }
}
