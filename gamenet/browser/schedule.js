// SPDX-License-Identifier: MIT
/** Calls that are to be made at a tick. The same as gamenet/prediction/schedule.py. */

const MOST = 65_536; // calls that may wait

/** A call that waits for its tick. */
export class Scheduled {
  /** @param {number} tick @param {() => void} call */
  constructor(tick, call) {
    /** The tick at which it is made. */
    this.tick = tick;
    this.call = call;
    /** Whether it will never be made. */
    this.isCancelled = false;
  }

  /** Never make this call; without effect if it was made. */
  cancel() {
    this.isCancelled = true;
  }
}

/** Keeps calls until their tick, in the order of ticks, then of scheduling. */
export class Schedule {
  /** @type {Scheduled[]} in that order */
  #waiting = [];

  /** @returns {number} how many calls wait */
  get length() {
    return this.#waiting.filter(({ isCancelled }) => !isCancelled).length;
  }

  /**
   * Schedule a call for a tick; one that is over is due at once.
   * @param {number} tick
   * @param {() => void} call
   * @returns {Scheduled} it may be cancelled
   */
  at(tick, call) {
    if (Number.isNaN(tick)) throw new RangeError("a call is scheduled for tick NaN: give a number");
    if (this.#waiting.length >= MOST) this.#waiting = this.#waiting.filter(({ isCancelled }) => !isCancelled);
    if (this.#waiting.length >= MOST) {
      throw new RangeError(`${MOST} calls are scheduled, the limit is ${MOST}: cancel some, or let one ` +
                           "call do the work of many");
    }
    const scheduled = new Scheduled(tick, call);
    this.#waiting.splice(this.#after(tick), 0, scheduled);
    return scheduled;
  }

  /** Where what is due later than a tick begins. */
  #after(tick) {
    let [low, high] = [0, this.#waiting.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#waiting[middle].tick <= tick) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Return the calls of all ticks up to one; they wait no more. One that is scheduled while
   * these are made is due the next time.
   * @param {number} tick
   * @returns {Scheduled[]}
   */
  due(tick) {
    return this.#waiting.splice(0, this.#after(tick)).filter(({ isCancelled }) => !isCancelled);
  }
}
