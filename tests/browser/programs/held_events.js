// SPDX-License-Identifier: MIT
/** Hold events back, and say which are told after each step. */

import { HeldEvents } from "./events.js";
import * as protocol from "./protocol.js";
import { bytesOf } from "./values.js";

export function run({ steps }) {
  const held = new HeldEvents(protocol.events);
  return steps.map(({ bytes, tick }) => {
    if (bytes === undefined) held.reach(tick);
    else held.take(bytesOf(bytes));
    return held.release().map((event) => [event.tick, event.name, event.value, event.origin]);
  });
}
