// SPDX-License-Identifier: MIT
/** Estimate which tick the server is at, and count things by the second. */

// A snapshot that came early says more of the server's clock than one that was held up.
const EARLY_WEIGHT = 0.3;
const LATE_WEIGHT = 0.05;
const MAX_ERROR = 0.5; // seconds; beyond, the estimate begins anew

/** The server's tick as the snapshots tell it, flowing evenly between them. */
export class ServerClock {
  #offset = null;

  /** @param {number} tickRate ticks a second */
  constructor(tickRate) {
    this.tickRate = tickRate;
  }

  /** Take the tick of a snapshot that came now. @param {number} tick @param {number} now */
  observe(tick, now) {
    const sample = tick / this.tickRate - now;
    const error = this.#offset === null ? Infinity : sample - this.#offset;
    if (Math.abs(error) > MAX_ERROR) this.#offset = sample;
    else this.#offset += error * (error > 0 ? EARLY_WEIGHT : LATE_WEIGHT);
  }

  /** @param {number} now @returns {number} the tick at a moment, with a fraction */
  tickAt(now) {
    return this.#offset === null ? 0 : (now + this.#offset) * this.tickRate;
  }
}

const BUCKETS = 8;
const BUCKET_SECONDS = 0.25;

/** How much of something there was per second, over the last two seconds. */
export class Rate {
  #buckets = new Float64Array(BUCKETS);
  #current = -1;
  #first = -1;

  /** @param {number} amount @param {number} now */
  add(amount, now) {
    this.#advance(now);
    this.#buckets[this.#current % BUCKETS] += amount;
  }

  /** @param {number} now @returns {number} amount per second */
  perSecond(now) {
    if (this.#first < 0) return 0;
    this.#advance(now);
    const whole = now / BUCKET_SECONDS - this.#current + BUCKETS - 1;
    const lived = now / BUCKET_SECONDS - this.#first;
    const seconds = Math.max(Math.min(whole, lived), 1) * BUCKET_SECONDS;
    return this.#buckets.reduce((sum, amount) => sum + amount, 0) / seconds;
  }

  #advance(now) {
    const wanted = Math.floor(now / BUCKET_SECONDS);
    if (this.#first < 0) this.#first = wanted;
    const passed = Math.min(wanted - this.#current, BUCKETS);
    for (let i = 0; i < passed; i++) this.#buckets[(wanted - i) % BUCKETS] = 0;
    if (passed > 0) this.#current = wanted;
  }
}
