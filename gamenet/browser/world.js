// SPDX-License-Identifier: MIT
/**
 * The entities that the server lets us see, in columns: one typed array per field.
 *
 * A page reads it; replica.js writes it, by what the server tells.
 */

import { ComponentStore } from "./store.js";

/**
 * @typedef {{row: number, generation: number, owner: number, components: string[]}} Entity
 */

export class World {
  #queries = new Map();
  #shape = 0;
  #top = 0;
  #look;

  /**
   * @param {readonly any[]} components of the generated module, in order of their ids
   * @param {number} capacity rows
   * @param {() => void} [look] brings the view up to date, if time has passed
   */
  constructor(components, capacity, look = () => {}) {
    this.capacity = capacity;
    /** 1 for each row that holds an entity. */
    this.alive = new Uint8Array(capacity);
    /** Which entity of those that were in a row: an id is (row, generation). */
    this.generation = new Uint32Array(capacity);
    /** The player that owns the entity of a row, 0 for nobody. */
    this.owner = new Uint32Array(capacity);
    /** What there is of each component, by id. */
    this.stores = components.map((codec) => new ComponentStore(codec, capacity));
    /** What is drawn of it. @type {import("./view.js").View | null} */
    this.view = null;
    this.#look = look;
  }

  /** @param {string} name of a component @returns {number} its id */
  idOf(name) {
    const id = this.stores.findIndex(({ codec }) => codec.name === name);
    if (id < 0) throw new Error(`no component ${name}: this game has ${this.componentNames.join(", ")}`);
    return id;
  }

  #store(name) {
    return this.stores[this.idOf(name)];
  }

  /** @returns {string[]} the names of all components */
  get componentNames() {
    return this.stores.map(({ codec }) => codec.name);
  }

  /**
   * Return the columns of a component, valid as long as the client is.
   * @param {string} name
   * @returns {Record<string, any>} typed arrays by field, to be indexed by row
   */
  columns(name) {
    return this.#store(name).columns;
  }

  /** @param {string} name @param {number} row @returns {boolean} whether the entity has it */
  has(name, row) {
    return this.#store(name).present[row] === 1;
  }

  /** @param {string} name @param {number} row @returns {Record<string, any>} its values by field, a copy */
  values(name, row) {
    return this.#store(name).values(row);
  }

  /**
   * Return the rows that have all the components.
   * @param {...string} names
   * @returns {readonly number[]} ascending; reused, so read it before the next event
   */
  rows(...names) {
    const key = names.join(" ");
    let query = this.#queries.get(key);
    if (query === undefined) {
      query = { shape: -1, rows: [], stores: names.map((name) => this.#store(name)) };
      this.#queries.set(key, query);
    }
    if (query.shape !== this.#shape) this.#refresh(query);
    return query.rows;
  }

  #refresh(query) {
    query.shape = this.#shape;
    query.rows.length = 0;
    for (let row = 0; row < this.#top; row++) {
      if (this.alive[row] && query.stores.every(({ present }) => present[row])) query.rows.push(row);
    }
  }

  /**
   * Return what is drawn of a component now: of others what they were a little while ago, of
   * own predicted rows what is ahead of the server.
   * @param {string} name
   * @param {number} row
   * @returns {Record<string, any>} one object per component, reused by every call
   */
  interpolated(name, row) {
    this.#look();
    return this.view.values(name, row);
  }

  /** @param {number} row @returns {Entity} what is in a row, as events describe it */
  entity(row) {
    const components = [];
    for (const { codec, present } of this.stores) if (present[row]) components.push(codec.name);
    return { row, generation: this.generation[row], owner: this.owner[row], components };
  }

  /** @param {number} row @param {number} generation @returns {boolean} whether it holds this entity */
  holds(row, generation) {
    return this.alive[row] === 1 && this.generation[row] === generation;
  }

  /** Say that an entity is in a row, and whose it is; its components may come and go. */
  occupy(row, generation, owner) {
    this.alive[row] = 1;
    this.generation[row] = generation;
    this.owner[row] = owner;
    this.#top = Math.max(this.#top, row + 1);
  }

  /** Say that a row holds no entity any more. */
  vacate(row) {
    for (const store of this.stores) store.clear(row);
    this.alive[row] = 0;
    this.owner[row] = 0;
    this.#shape++;
  }

  /** Say that entities or components came or went: queries are made anew. */
  reshaped() {
    this.#shape++;
  }
}
