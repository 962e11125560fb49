// SPDX-License-Identifier: MIT
/**
 * What is to be seen and heard when the view gets to it.
 *
 * The server tells of a tick before the page draws it: an explosion that was shown when it
 * is told would come before the ship is hit.
 */

/** Holds calls back until the view comes to their ticks. */
export class Moments {
  #later = [];

  /**
   * Call when the view comes to a tick.
   *
   * @param {number} tick
   * @param {() => void} call
   */
  at(tick, call) {
    this.#later.push({ tick, call });
  }

  /**
   * Make the calls that are due, in the order of their ticks.
   *
   * @param {number} viewTick what is drawn
   */
  reach(viewTick) {
    const due = this.#later.filter(({ tick }) => tick <= viewTick).sort((a, b) => a.tick - b.tick);
    if (due.length === 0) return;
    this.#later = this.#later.filter(({ tick }) => tick > viewTick);
    for (const { call } of due) call();
  }
}
