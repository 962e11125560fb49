// SPDX-License-Identifier: MIT
/**
 * The entities that the server lets us see, in columns: one typed array per field.
 *
 * Spawns and despawns come reliably, values come in snapshots that may be lost or late:
 * a row takes values only if its generation matches and none newer were taken. The world
 * says what happened by return values; it calls nobody and reads no clock.
 */

import { Reader } from "./bytes.js";
import { WireError } from "./numbers.js";
import { RowBlock } from "./rowblock.js";
import { distance32 } from "./sequence.js";
import { ComponentStore } from "./store.js";

/**
 * @typedef {{row: number, generation: number, owner: number, components: string[]}} Entity
 */

export class World {
  #stores;
  #block;
  #newestTick;
  #targets;
  #queries = new Map();
  #shape = 0;
  #renderTick;

  /**
   * @param {readonly object[]} components of the generated module, in order of their ids
   * @param {number} capacity rows
   * @param {() => number} [renderTick] the tick, with a fraction, that is to be drawn now
   */
  constructor(components, capacity, renderTick = () => Infinity) {
    this.capacity = capacity;
    /** 1 for each row that holds an entity. */
    this.alive = new Uint8Array(capacity);
    /** Which entity of those that were in a row: an id is (row, generation). */
    this.generation = new Uint32Array(capacity);
    /** The player that owns the entity of a row, 0 for nobody. */
    this.owner = new Uint32Array(capacity);
    this.#stores = components.map((codec) => new ComponentStore(codec, capacity));
    this.#block = new RowBlock(capacity);
    this.#newestTick = new Uint32Array(capacity);
    this.#targets = new Uint32Array(capacity);
    this.#renderTick = renderTick;
  }

  #store(name) {
    const store = this.#stores.find(({ codec }) => codec.name === name);
    if (!store) throw new Error(`no component ${name}: this game has ${this.componentNames}`);
    return store;
  }

  /** @returns {string[]} the names of all components */
  get componentNames() {
    return this.#stores.map(({ codec }) => codec.name);
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
    return this.#store(name).present[row] !== 0;
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
    for (let row = 0; row < this.capacity; row++) {
      if (this.alive[row] && query.stores.every(({ present }) => present[row])) query.rows.push(row);
    }
  }

  /**
   * Return a component between two samples, at the moment that is to be drawn.
   * @param {string} name
   * @param {number} row
   * @returns {Record<string, any>} one object per component, reused by every call
   */
  interpolated(name, row) {
    return this.#store(name).interpolated(row, this.#renderTick());
  }

  /**
   * Take the entities that a Spawned message brings, or whose component set it replaces.
   *
   * A snapshot may have overtaken the message. Then the values that it wrote are newer
   * and stay; only the components that it could not write are taken.
   * @param {{tick: number, block: Uint8Array}} message
   * @param {(entity: Entity) => void} gone called before an entity is cleared whose row is needed
   * @returns {(Entity & {replaced: boolean})[]}
   */
  applySpawned({ tick, block }, gone) {
    const from = new Reader(block);
    const rows = this.#block;
    rows.readRows(from, true);
    const known = [];
    for (let i = 0; i < rows.count; i++) known.push(this.#occupy(i, tick, gone));
    rows.readComponents(from, (id, planes, nMembers) => {
      const store = this.#stores[id];
      if (store === undefined) return; // of a newer server
      for (let j = 0; j < nMembers; j++) {
        const row = rows.rows[rows.members[j]];
        this.#targets[j] = store.grant(row) ? row : this.capacity;
      }
      store.read(planes, this.#targets, nMembers, tick);
    });
    for (const store of this.#stores) {
      for (let i = 0; i < rows.count; i++) store.settle(rows.rows[i]);
    }
    this.#shape++;
    return known.map((replaced, i) => ({ ...this.entity(rows.rows[i]), replaced }));
  }

  /** Make a row the one of the block's i-th entity; tell whether it was so already. */
  #occupy(i, tick, gone) {
    const { rows, generations, owners } = this.#block;
    const row = rows[i];
    const isKnown = this.#isCurrent(row, generations[i]);
    if (!isKnown && this.alive[row]) this.#clear(row, gone);
    const isOvertaken = isKnown && this.#isLate(row, tick);
    for (const store of this.#stores) {
      if (isOvertaken) store.suspend(row);
      else store.clear(row);
    }
    this.alive[row] = 1;
    this.generation[row] = generations[i];
    this.owner[row] = owners[i];
    if (!isOvertaken) this.#newestTick[row] = tick;
    return isKnown;
  }

  /** Whether something newer than a tick was written to a row. */
  #isLate(row, tick) {
    return distance32(tick, this.#newestTick[row]) < 0;
  }

  #isCurrent(row, generation) {
    return this.alive[row] === 1 && this.generation[row] === generation;
  }

  /**
   * Remove the entities that a Despawned message names.
   * @param {{entities: {row: number, generation: number}[]}} message
   * @param {(entity: Entity) => void} gone called before each is cleared
   */
  applyDespawned({ entities }, gone) {
    for (const { row, generation } of entities) {
      if (row < this.capacity && this.#isCurrent(row, generation)) this.#clear(row, gone);
    }
  }

  #clear(row, gone) {
    gone(this.entity(row));
    for (const store of this.#stores) store.clear(row);
    this.alive[row] = 0;
    this.owner[row] = 0;
    this.#shape++;
  }

  /**
   * Take the values of a snapshot, or of one part of it. Where nothing lives it has no rows.
   * @param {Uint8Array} bytes
   * @returns {{tick: number, parts: number}} in how many parts the tick was sent
   */
  applySnapshot(bytes) {
    const from = new Reader(bytes);
    const tick = from.uint32();
    const part = from.uint8();
    const parts = from.uint8();
    if (part >= parts) throw new WireError(`part ${part} of a snapshot of ${parts}`);
    if (from.remaining) this.#applyValues(from, tick);
    return { tick, parts };
  }

  #applyValues(from, tick) {
    const rows = this.#block;
    rows.readRows(from, false);
    for (let i = 0; i < rows.count; i++) this.#admit(i, tick);
    rows.readComponents(from, (id, planes, nMembers) => {
      const store = this.#stores[id];
      if (store === undefined) return; // of a newer server
      for (let j = 0; j < nMembers; j++) {
        const row = rows.rows[rows.members[j]];
        this.#targets[j] = store.present[row] ? row : this.capacity;
      }
      store.read(planes, this.#targets, nMembers, tick);
    });
  }

  /** Point the block's i-th row at the spare row unless it may take values of this tick. */
  #admit(i, tick) {
    const { rows, generations } = this.#block;
    const row = rows[i];
    const isMeant = this.alive[row] && (this.generation[row] & 0xffff) === generations[i];
    if (!isMeant || this.#isLate(row, tick)) rows[i] = this.capacity;
    else this.#newestTick[row] = tick;
  }

  /** @param {number} row @returns {Entity} what is in a row, as events describe it */
  entity(row) {
    const components = [];
    for (const { codec, present } of this.#stores) if (present[row]) components.push(codec.name);
    return { row, generation: this.generation[row], owner: this.owner[row], components };
  }
}
