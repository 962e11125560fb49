// SPDX-License-Identifier: MIT
/**
 * The world that a predicted step works on: own rows are ahead of the server there.
 *
 * Predicted components have columns of their own, in which own rows are predicted and all
 * others are as the server said last. Everything else is the confirmed world, to be read
 * only: entities and their components come and go by the server's word alone.
 */

import { copyRow, slidesOf } from "./blend.js";

export class PredictedWorld {
  #world;
  #slides;
  #emit;
  /** @type {Map<string, Record<string, any>>} */
  #byName;

  /**
   * @param {import("./world.js").World} world the confirmed one
   * @param {readonly number[]} ids of the predicted components
   * @param {(name: string, values: object, row: number) => void} emit
   */
  constructor(world, ids, emit) {
    this.#world = world;
    this.#emit = emit;
    /** Of each predicted component its id. */
    this.ids = ids;
    const codecs = ids.map((id) => world.stores[id].codec);
    this.#slides = codecs.map(slidesOf);
    /** Of each predicted component its columns. @type {Record<string, any>[]} */
    this.predicted = codecs.map((codec) => codec.columns(world.capacity));
    this.#byName = new Map(codecs.map(({ name }, i) => [name, this.predicted[i]]));
    /** The tick that is being computed. */
    this.tick = 0;
    ids.forEach((id, i) => {
      for (const { name } of this.#slides[i]) this.predicted[i][name].set(world.stores[id].columns[name]);
    });
  }

  get capacity() {
    return this.#world.capacity;
  }

  get alive() {
    return this.#world.alive;
  }

  get generation() {
    return this.#world.generation;
  }

  get owner() {
    return this.#world.owner;
  }

  /** @param {string} name of a component @returns {Record<string, any>} typed arrays by field, by row */
  columns(name) {
    return this.#byName.get(name) ?? this.#world.columns(name);
  }

  /** @param {string} name @param {number} row @returns {boolean} whether the entity has it */
  has(name, row) {
    return this.#world.has(name, row);
  }

  /** @param {...string} names @returns {readonly number[]} rows that have them all; reused */
  rows(...names) {
    return this.#world.rows(...names);
  }

  /**
   * Tell that something happened: played at once, and once, however often the tick is computed.
   * @param {string} name of the event's class
   * @param {object} values by field; those left out have their defaults
   * @param {number} row of the own entity that caused it
   */
  emit(name, values, row) {
    this.#emit(name, values, row);
  }

  /** Take what the server said last of a row. @param {number} row */
  take(row) {
    this.ids.forEach((id, i) => {
      copyRow(this.#slides[i], this.#world.stores[id].columns, row, this.predicted[i], row);
    });
  }
}
