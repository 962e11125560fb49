// SPDX-License-Identifier: MIT
/**
 * Events of a tick, held back until the world is there: a shot is heard when it is seen.
 *
 *   tick u32 | (kind varint | [origin varint] | length varint | body)*
 *
 * `kind` is twice the event's number, and one more where the row of the entity that
 * caused it follows. They may overtake the snapshot of their tick. The same as gamenet/replication/events.py.
 */

import { Reader } from "./bytes.js";
import { WireError, within } from "./numbers.js";
import { decode } from "./schemas.js";
import { distance32 } from "./sequence.js";

const MAX_BATCH = 16384; // bytes of a message
const MAX_HELD = 256;
const MAX_EVENTS = 1024; // of a message
const MAX_EVENT = 1024; // bytes
const MAX_ROWS = 1 << 24;

/**
 * An event of a tick; `origin` is the row of the entity that caused it, or null.
 * @typedef {{tick: number, name: string, value: Record<string, any>, origin: number | null}} TickEvent
 */

export class HeldEvents {
  #schemas;
  /**
   * Ticks are counted on beyond 32 bits here, so that they can be sorted.
   * @type {{when: number, event: TickEvent}[]}
   */
  #held = [];
  #newest = 0;
  #hasWorld = false;

  /** @param {readonly any[]} schemas of the generated module, in order of their ids */
  constructor(schemas) {
    this.#schemas = schemas;
  }

  /**
   * Take a message; of a malformed one nothing is taken.
   * @param {Uint8Array} payload
   */
  take(payload) {
    within(payload.length, MAX_BATCH);
    const from = new Reader(payload);
    const tick = from.uint32();
    const came = [];
    for (let count = 1; from.remaining; count++) {
      if (count > MAX_EVENTS) throw new WireError(`more than ${MAX_EVENTS} events in a message`);
      const kind = BigInt(from.varint());
      const origin = kind & 1n ? Number(within(from.varint(), MAX_ROWS - 1)) : null;
      const body = from.take(Number(within(from.varint(), MAX_EVENT)));
      const schema = this.#schemas[Number(kind >> 1n)];
      if (schema) came.push({ tick, name: schema.name, value: decode(schema, body), origin }); // else of a newer server
    }
    const when = this.#countedOn(tick);
    this.#held.push(...came.map((event) => ({ when, event })));
    this.#sort();
  }

  /** Learn that the world has come to a tick; an older one than before changes nothing. */
  reach(tick) {
    if (!this.#hasWorld) this.#begin(tick);
    this.#newest = Math.max(this.#newest, this.#countedOn(tick));
  }

  /** Count the ticks of what came before the world anew, from the world's. */
  #begin(tick) {
    this.#hasWorld = true;
    this.#newest = tick;
    for (const held of this.#held) held.when = this.#countedOn(held.event.tick);
    this.#sort();
  }

  #countedOn(tick) {
    return this.#newest + distance32(tick, this.#newest);
  }

  #sort() {
    this.#held.sort((a, b) => a.when - b.when); // what is equal stays in order of arrival
  }

  /**
   * Give out what is due, by tick and then by arrival.
   * @returns {TickEvent[]} the oldest, too, if more are held than may be
   */
  release() {
    const isEarly = ({ when }) => !this.#hasWorld || when > this.#newest;
    const early = this.#held.findIndex(isEarly);
    const count = Math.max(early < 0 ? this.#held.length : early, this.#held.length - MAX_HELD);
    return this.#held.splice(0, count).map(({ event }) => event);
  }
}
