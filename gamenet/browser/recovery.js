// SPDX-License-Identifier: MIT
/**
 * When to try again after the link was lost, and when to give up.
 *
 * Attempts are spread at random over a span that doubles (exponential backoff with full
 * jitter), so that the players of a server that comes back do not all come at once.
 */

const FIRST_SPAN = 0.25; // seconds
const LONGEST_SPAN = 8;
const SETTLED = 8; // seconds; a link that held less long does not count as a success

export class Recovery {
  #random;
  #window;
  #patience;
  #failures = 0;
  #linkedAt = -Infinity;
  #attemptAt = Infinity;
  #attemptEnds = Infinity;
  #ends = Infinity;

  /**
   * @param {{resumeWindow: number, handshakeTimeout: number}} config in seconds
   * @param {() => number} random 0 to 1
   */
  constructor({ resumeWindow, handshakeTimeout }, random) {
    this.#window = resumeWindow;
    this.#patience = handshakeTimeout;
    this.#random = random;
  }

  /** The link is lost: the first attempt comes soon. @param {number} now */
  begin(now) {
    if (now - this.#linkedAt >= SETTLED) this.#failures = 0;
    this.#ends = now + this.#window;
    this.#schedule(now);
  }

  #schedule(now) {
    const span = Math.min(FIRST_SPAN * 2 ** this.#failures, LONGEST_SPAN);
    this.#failures++;
    this.#attemptAt = now + this.#random() * span;
    this.#attemptEnds = Infinity;
  }

  /** @returns {boolean} whether a link is being made */
  get isTrying() {
    return this.#attemptEnds < Infinity;
  }

  /** @param {number} now @returns {boolean} whether it is time for an attempt; it begins by this */
  begins(now) {
    if (now < this.#attemptAt) return false;
    this.#attemptAt = Infinity;
    this.#attemptEnds = now + this.#patience;
    return true;
  }

  /** The attempt came to nothing. @param {number} now */
  failed(now) {
    if (this.isTrying) this.#schedule(now);
  }

  /** There is reason to hope: do not wait for the next attempt. @param {number} now */
  hurry(now) {
    if (this.#attemptAt === Infinity) return;
    this.#failures = 0;
    this.#attemptAt = Math.min(this.#attemptAt, now);
  }

  /** The session goes on. @param {number} now */
  succeeded(now) {
    this.#linkedAt = now;
    this.#attemptAt = this.#attemptEnds = this.#ends = Infinity;
  }

  /** @param {number} now @returns {boolean} whether the attempt has taken too long */
  isStuck(now) {
    return now >= this.#attemptEnds;
  }

  /** @param {number} now @returns {boolean} whether the session is lost */
  isOver(now) {
    return now >= this.#ends;
  }

  /** @returns {number} when something is to be done; Infinity for never */
  get due() {
    return Math.min(this.#attemptAt, this.#attemptEnds, this.#ends);
  }
}
