// SPDX-License-Identifier: MIT
/**
 * What the server says of our inputs, some ten times a second.
 *
 *   echo u32 | held u16 | tick u32 | fraction u16 | acked u32 | slack i16 | wanted u16
 *   | late u8 | missing u8 | depth u8
 *
 * The same as gamenet/prediction/feedback.py.
 */

import { Reader } from "./bytes.js";

const HELD = 1e-5; // seconds in a unit
const TOO_LONG = 0xffff; // units: the echo says nothing of the round trip
const FRACTION = 2 ** 16;
const SLACK = 128; // units in a tick
const COUNTS = 256;
const MICROSECONDS = 1e6; // in a second
const CLOCK = 2 ** 32;

/**
 * @typedef {object} Feedback
 * @property {number} echo our clock in the newest input packet, microseconds modulo 2^32
 * @property {number | null} held seconds between its arrival and this; null: the echo is of no use
 * @property {number} serverTick server time in ticks when this was sent, with a fraction
 * @property {number} acked tick of the newest frame received, 0 for none
 * @property {number} slack how many ticks before their own recent frames came, on average
 * @property {number} wanted the same, as this link needs it
 * @property {number} late frames that came after their tick, modulo 256
 * @property {number} missing ticks without their frame, modulo 256
 * @property {number} depth frames that wait
 */

/**
 * Read the feedback of exactly these bytes.
 * @param {Uint8Array} bytes
 * @returns {Feedback}
 */
export function decodeFeedback(bytes) {
  const from = new Reader(bytes);
  const feedback = {
    echo: from.uint32(), held: heldOf(from.uint16()), serverTick: from.uint32() + from.uint16() / FRACTION,
    acked: from.uint32(), slack: from.int16() / SLACK, wanted: from.uint16() / SLACK,
    late: from.uint8(), missing: from.uint8(), depth: from.uint8(),
  };
  from.end();
  return feedback;
}

const heldOf = (units) => (units === TOO_LONG ? null : units * HELD);

/** @param {number} now seconds @returns {number} the same as packets say it: microseconds modulo 2^32 */
export function wireClock(now) {
  return Math.floor(now * MICROSECONDS) % CLOCK;
}

/**
 * Say when the packet was sent that a feedback echoes.
 * @param {Feedback} feedback
 * @param {number} now
 * @returns {number} by the clock that stamped it
 */
export function sentAt({ echo }, now) {
  return now - ((wireClock(now) - echo + CLOCK) % CLOCK) / MICROSECONDS;
}

/** A count of which only the lowest eight bits are told. */
export class RunningCount {
  #last = 0;
  total = 0;

  /** @param {number} count modulo 256 */
  take(count) {
    this.total += (count - this.#last + COUNTS) % COUNTS;
    this.#last = count;
  }
}
