// SPDX-License-Identifier: MIT
/**
 * When to show what arrived: the view's time, behind the newest snapshot.
 *
 * A view that is delayed by the arrival of a snapshot less the time of the newest one before
 * it has data until that snapshot comes. Jitter, loss and the pace at which the server sends
 * are all in it. The delay grows by what is missing and shrinks by a four-hundredth of the
 * time that passes; so it settles where that share of time is without fresh data. It is never
 * below what a single lost snapshot needs. The same as gamenet/prediction/playout.py.
 */

const STALE_SHARE = 1 / 400;
const MAX_CHANGE = 0.1; // of the speed
const CATCH_UP = 1; // seconds in which an error would be made up, were it not for the limit
const FAR = 0.5; // seconds: beyond this the view jumps ahead, or waits
const LATEST = 0.25; // seconds: the view goes no further beyond the newest snapshot
const OUTAGE = 0.5; // seconds without a snapshot that no delay should bridge
const OUTAGE_PACES = 5;
const SMOOTHING = 1 / 32;
const MOST_PACES = 15;

/** Runs the view's time line. */
export class Playout {
  #tickRate;
  #isFixed;
  /** @type {number[]} */
  #paces = [];
  #lag = 0;
  #arrivedAt = 0;
  #arrived = 0;
  /** @type {number | null} */
  #view = null;
  #now = 0;

  /**
   * @param {number} tickRate ticks a second
   * @param {number | null} [delay] seconds after its mean arrival at which a snapshot is shown; null
   *     adapts it to the link
   */
  constructor(tickRate, delay = null) {
    this.#tickRate = tickRate;
    this.#isFixed = delay !== null;
    /** @type {number | null} the newest snapshot's tick */
    this.newest = null;
    /** Seconds after its mean arrival at which a snapshot is shown. */
    this.delay = delay ?? 0;
    /** Mean deviation of the arrivals from their mean, in seconds. */
    this.jitter = 0;
    /** Seconds of the view in a second: 0.9 to 1.1 but for jumps and waits. */
    this.speed = 1;
    /** How often `viewTick` was asked at another instant. */
    this.nViews = 0;
    /** How often the view was beyond the newest snapshot then. */
    this.nStale = 0;
  }

  /** @returns {number} the seconds between two snapshots, as the server makes them */
  get pace() {
    const paces = [...this.#paces].sort((a, b) => a - b);
    return (paces[paces.length >> 1] ?? 1) / this.#tickRate;
  }

  /**
   * Note a snapshot; one that is older than the newest changes nothing.
   * @param {number} tick
   * @param {number} now
   */
  arrived(tick, now) {
    if (this.newest !== null && tick <= this.newest) return;
    const lag = now - tick / this.#tickRate;
    this.#arrived++;
    if (this.newest === null) {
      this.#lag = lag;
      if (!this.#isFixed) this.delay = 2 * this.pace;
    } else {
      this.#paces.push(tick - this.newest);
      if (this.#paces.length > MOST_PACES) this.#paces.shift();
      this.#follow(lag, now);
    }
    this.newest = tick;
    this.#arrivedAt = now;
  }

  /**
   * Return the tick, with a fraction, at which others are drawn now. It never goes back; before
   * the first snapshot it is 0.
   * @param {number} now
   * @returns {number}
   */
  viewTick(now) {
    if (this.newest === null) return 0;
    const target = (now - this.#lag - this.delay) * this.#tickRate;
    if (this.#view === null) {
      this.#view = target;
      this.#now = now;
    }
    const passed = now - this.#now;
    if (passed > 0) {
      this.#advance(target, passed);
      this.#now = now;
      this.nViews++;
      if (this.#view > this.newest) this.nStale++;
    }
    return this.#view;
  }

  /** @param {number} now @returns {boolean} whether the view is beyond the newest snapshot */
  isStale(now) {
    return this.newest !== null && this.viewTick(now) > this.newest;
  }

  /** Move the view towards where it should be. */
  #advance(target, passed) {
    const error = (target - this.#view) / this.#tickRate - passed;
    let moved = target;
    if (error > FAR) {
      this.speed = 1;
    } else {
      this.speed = error < -FAR ? 0 : 1 + Math.min(Math.max(error / CATCH_UP, -MAX_CHANGE), MAX_CHANGE);
      moved = this.#view + passed * this.speed * this.#tickRate;
    }
    // Nothing is shown so late; and if the server stood still, it had to wait.
    const end = this.newest + LATEST * this.#tickRate;
    this.#view = Math.min(moved, Math.max(this.#view, end));
  }

  /** Take an arrival into mean, deviation and delay. */
  #follow(lag, now) {
    const waited = now - this.#arrivedAt;
    const isOther = Math.abs(lag - this.#lag) > FAR;
    if (isOther) this.#lag = lag;
    if (isOther || waited > Math.max(OUTAGE, OUTAGE_PACES * this.pace)) return;
    const weight = Math.max(SMOOTHING, 1 / this.#arrived);
    this.jitter += (Math.abs(lag - this.#lag) - this.jitter) * weight;
    this.#lag += (lag - this.#lag) * weight;
    if (this.#isFixed) return;
    const needed = now - this.newest / this.#tickRate - this.#lag;
    this.delay += Math.max(needed - this.delay, 0);
    this.delay -= STALE_SHARE * waited;
    this.delay = Math.max(this.delay, 2 * this.pace);
  }
}
