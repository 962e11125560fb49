// SPDX-License-Identifier: MIT
/**
 * Write to components of own entities: shown at once, and sent. What the server does not
 * take is shown again as the server has it.
 */

import { decode, encode } from "./schemas.js";

/** Why the server does not take what we wrote, by its number. */
const REFUSALS = ["", "NOT_YOURS", "NOT_WRITABLE", "NO_SUCH", "OVERRULED", "MALFORMED", "TOO_MANY"];

export class Writes {
  #codec;
  #world;
  #replica;

  /**
   * @param {any} codec the generated module of the game
   * @param {import("./world.js").World} world
   * @param {import("./replica.js").Replica} replica
   */
  constructor(codec, world, replica) {
    this.#codec = codec;
    this.#world = world;
    this.#replica = replica;
  }

  /**
   * Show what a page writes.
   * @param {number} playerId ours
   * @param {number} row
   * @param {string} component
   * @param {object} values by field; those left out stay
   * @param {number} tick of the newest snapshot
   * @returns {object} the Written message that tells the server
   */
  write(playerId, row, component, values, tick) {
    const id = this.#world.idOf(component);
    if (!this.#world.has(component, row)) throw new Error(`row ${row} has no ${component}`);
    const owner = this.#world.owner[row];
    if (owner !== playerId) throw new Error(`row ${row} is of player ${owner}, and we are ${playerId}`);
    const codec = this.#codec.components[id];
    const body = encode(codec, { ...this.#world.values(component, row), ...values });
    this.#replica.write(row, id, decode(codec, body));
    return { row, generation: this.#world.generation[row], component: id, tick, body };
  }

  /**
   * Show again what the server has.
   * @param {{row: number, generation: number, component: number, reason: number}} refused
   * @returns {{row: number, generation: number, component: string, reason: string}} for the page
   */
  refused({ row, generation, component: id, reason }) {
    const component = this.#codec.components[id]?.name ?? "";
    const isThere = component !== "" && this.#world.holds(row, generation) && this.#world.has(component, row);
    if (isThere) this.#replica.restore(row, id);
    return { row, generation, component, reason: REFUSALS[reason] || "MALFORMED" };
  }
}
