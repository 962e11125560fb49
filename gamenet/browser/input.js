// SPDX-License-Identifier: MIT
/**
 * Number the inputs, and repeat the last ones in each packet.
 *
 *   sequence u32 | snapshot_tick u32 | count u8 | count x (input id u8 | length u16 | body)
 *
 * Newest first. The server takes each sequence once, so an input arrives although two
 * packets in a row are lost.
 */

import { Writer } from "./bytes.js";
import { encode } from "./schemas.js";

const REPEATED = 3;

export class InputSender {
  #schemas;
  #sequence = 0;
  #recent = [];

  /** @param {readonly object[]} schemas inputs of the generated module, by id */
  constructor(schemas) {
    this.#schemas = schemas;
  }

  /**
   * Number an input and return the payload that carries it.
   * @param {string} name of the input's class
   * @param {object} values by field; those left out have their defaults
   * @param {number} snapshotTick newest snapshot seen
   * @returns {Uint8Array}
   */
  encode(name, values, snapshotTick) {
    const id = this.#schemas.findIndex((schema) => schema.name === name);
    if (id < 0) {
      const names = this.#schemas.map((schema) => schema.name).join(", ");
      throw new Error(`no input ${name}: this game has ${names || "none"}`);
    }
    this.#recent.unshift({ id, body: encode(this.#schemas[id], values) });
    this.#recent.length = Math.min(this.#recent.length, REPEATED);
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#payload(snapshotTick);
  }

  #payload(snapshotTick) {
    const out = new Writer();
    out.uint32(this.#sequence);
    out.uint32(snapshotTick);
    out.uint8(this.#recent.length);
    for (const { id, body } of this.#recent) {
      out.uint8(id);
      out.blob(body, "uint16", 0xffff);
    }
    return out.finish();
  }
}
