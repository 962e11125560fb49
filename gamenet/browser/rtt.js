// SPDX-License-Identifier: MIT
/** The round trip of a link: smoothed, its deviation, and its extremes of late. */

const SMOOTHING = 1 / 8; // RFC 6298, section 2.3
const DEVIATION = 1 / 4;
const SPAN = 10; // seconds; the extremes are those of the last one to two spans

export class RoundTrip {
  #spanEnds = -Infinity;
  #now = { least: Infinity, most: 0 };
  #before = { least: Infinity, most: 0 };

  constructor() {
    /** Smoothed round trip in seconds, 0 until measured. */
    this.smoothed = 0;
    /** Its mean deviation in seconds (RFC 6298, RTTVAR). */
    this.jitter = 0;
    /** The last one measured. */
    this.latest = 0;
    this.isMeasured = false;
  }

  /** @param {number} sample seconds, what the peer took to answer left out @param {number} now */
  take(sample, now) {
    this.latest = sample;
    this.#remember(sample, now);
    if (!this.isMeasured) {
      this.isMeasured = true;
      this.smoothed = sample;
      this.jitter = sample / 2;
      return;
    }
    this.jitter += (Math.abs(sample - this.smoothed) - this.jitter) * DEVIATION;
    this.smoothed += (sample - this.smoothed) * SMOOTHING;
  }

  #remember(sample, now) {
    if (now >= this.#spanEnds) {
      this.#before = this.#now;
      this.#now = { least: Infinity, most: 0 };
      this.#spanEnds = now + SPAN;
    }
    this.#now.least = Math.min(this.#now.least, sample);
    this.#now.most = Math.max(this.#now.most, sample);
  }

  /** @returns {number} the shortest one of late, 0 until measured */
  get least() {
    const least = Math.min(this.#now.least, this.#before.least);
    return least === Infinity ? 0 : least;
  }

  /** @returns {number} the longest one of late */
  get most() {
    return Math.max(this.#now.most, this.#before.most);
  }
}
