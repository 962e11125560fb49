// SPDX-License-Identifier: MIT
/** What a client takes of the server that welcomes it. */

import { WireError } from "./numbers.js";

const MAX_CAPACITY = 1 << 20; // rows of a world: memory is taken for all of them
const MAX_TICK_RATE = 1000; // a second: more than any server makes, and work for each

/**
 * Refuse a world that no server has.
 * @param {{capacity: number, tick_rate: number}} welcome
 */
export function checkWelcome({ capacity, tick_rate: tickRate }) {
  const isRate = tickRate > 0 && tickRate <= MAX_TICK_RATE;
  if (capacity >= 1 && capacity <= MAX_CAPACITY && isRate) return;
  throw new WireError(`a world of ${capacity} rows at ${tickRate} ticks a second: ` +
    `allowed are 1 to ${MAX_CAPACITY} rows, and up to ${MAX_TICK_RATE} ticks`);
}
