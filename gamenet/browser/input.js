// SPDX-License-Identifier: MIT
/**
 * Number the inputs, and repeat the last ones in each packet while they are small.
 *
 *   sequence u32 | snapshot_tick u32 | count u8 | count x (input id u8 | length u16 | body)
 *
 * Newest first. The server takes each sequence once, so an input arrives although two
 * packets in a row are lost: a page may send one of each kind a tick.
 */

import { Writer } from "./bytes.js";
import { encode } from "./schemas.js";

const REPEATS_PER_CLASS = 3;
const MAX_PER_PACKET = 16;
const MAX_REPEATED = 512; // bytes: what is repeated must fit the smallest packet
const MAX_BODY = 0xffff;

export class InputSender {
  #schemas;
  #maxRecent;
  #sequence = 0;
  /** @type {Uint8Array[]} */
  #recent = [];

  /** @param {readonly object[]} schemas inputs of the generated module, by id */
  constructor(schemas) {
    this.#schemas = schemas;
    this.#maxRecent = Math.min(REPEATS_PER_CLASS * schemas.length, MAX_PER_PACKET);
  }

  /**
   * Number an input and return the payload that carries it.
   * @param {string} name of the input's class
   * @param {object} values by field; those left out have their defaults
   * @param {number} snapshotTick newest snapshot seen
   * @returns {Uint8Array}
   */
  encode(name, values, snapshotTick) {
    this.#remember(this.#entry(name, values));
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#payload(snapshotTick);
  }

  #entry(name, values) {
    const id = this.#schemas.findIndex((schema) => schema.name === name);
    if (id < 0) {
      const names = this.#schemas.map((schema) => schema.name).join(", ");
      throw new Error(`no input ${name}: this game has ${names || "none"}`);
    }
    const out = new Writer();
    out.uint8(id);
    out.blob(encode(this.#schemas[id], values), "uint16", MAX_BODY);
    return out.finish();
  }

  /** Keep an input for repetition, and as many before it as may go with it. */
  #remember(entry) {
    this.#recent.unshift(entry);
    while (this.#recent.length > 1 && this.#isTooMuch()) this.#recent.pop();
  }

  #isTooMuch() {
    const size = this.#recent.reduce((sum, { length }) => sum + length, 0);
    return this.#recent.length > this.#maxRecent || size > MAX_REPEATED;
  }

  #payload(snapshotTick) {
    const out = new Writer();
    out.uint32(this.#sequence);
    out.uint32(snapshotTick);
    out.uint8(this.#recent.length);
    for (const entry of this.#recent) out.raw(entry);
    return out.finish();
  }
}
