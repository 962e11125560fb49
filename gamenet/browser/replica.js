// SPDX-License-Identifier: MIT
/**
 * Keep a world as the server tells it.
 *
 * Snapshots say what some rows are like at a tick. Each such state is kept in the history,
 * as a baseline of what comes later; what is newer than all that we had of a row is shown,
 * and only what differs is written. A replica says what happened by return values; it
 * reads no clock.
 */

import { SnapshotReader, Told } from "./blocks.js";
import { Doubts } from "./doubts.js";
import { GENERATION, Groups, OWNER, isPresent } from "./groups.js";
import { HISTORY, History } from "./history.js";
import { Watch } from "./watches.js";

/** @type {string[]} */
const NONE = [];

/**
 * @typedef {import("./world.js").Entity} Entity
 * @typedef {["spawned" | "reshaped" | "reowned", Entity]} Happening
 * @typedef {[(...values: any[]) => void, ...any[]]} Call
 */

export class Replica {
  #world;
  #groups;
  #history;
  #doubts;
  #snapshot;
  #watches;
  /** @type {Call[]} */
  #calls = [];

  /**
   * @param {readonly any[]} components of the generated module, in order of their ids
   * @param {import("./world.js").World} world of the same components
   */
  constructor(components, world) {
    /** Tick of the newest snapshot, -1 before the first. */
    this.tick = -1;
    /** Whether something was dropped that the server thinks we have: it should begin anew. */
    this.needsEverything = false;
    this.#world = world;
    this.#groups = new Groups(components);
    this.#history = new History(this.#groups.lanes, world.capacity);
    this.#doubts = new Doubts(world.capacity);
    this.#snapshot = new SnapshotReader(components, this.#groups, this.#history, this.#doubts, world.capacity);
    this.#watches = world.stores.map((store) => new Watch(store));
  }

  /**
   * Take a snapshot, or one part of it; of a malformed one nothing is taken.
   * @param {Uint8Array} bytes
   * @param {(event: "despawned" | "left", entity: Entity) => void} gone called before anything changes
   * @returns {{tick: number, parts: number, happened: Happening[], told: SnapshotReader} | null} in
   *     how many parts the tick was sent, what happened then, and what it says, until the next
   *     one is read; null if it is too late for anything
   */
  apply(bytes, gone) {
    if (!this.#read(bytes)) return null;
    const { tick, parts, count } = this.#snapshot;
    this.tick = Math.max(tick, this.tick);
    for (let i = 0; i < count; i++) this.#announce(i, gone);
    const happened = [];
    for (let i = 0; i < count; i++) this.#take(i, happened);
    return { tick, parts, happened, told: this.#snapshot };
  }

  /** Read and check a snapshot; return false if it is too late. */
  #read(bytes) {
    const snapshot = this.#snapshot;
    try {
      snapshot.begin(bytes);
      snapshot.readBlocks(Math.max(snapshot.tick, this.tick));
      const isLate = snapshot.tick <= this.tick - HISTORY;
      if (isLate) this.#doubt();
      else snapshot.check();
      return !isLate;
    } catch (error) {
      this.#doubt();
      this.needsEverything = true; // also where not even the rows could be read
      throw error;
    }
  }

  /** Trust no difference of the snapshot's rows any more: the server learns that it has arrived. */
  #doubt() {
    const { rows, count, tick } = this.#snapshot;
    if (count === 0) return;
    this.#doubts.add(rows, count, tick);
    this.needsEverything = true;
  }

  /** Whether the i-th row of the snapshot says nothing older than what is shown. */
  #isNews(i) {
    const { rows, tick } = this.#snapshot;
    return tick >= this.#history.newest(rows[i]);
  }

  /** Whether the entity of a row is no longer the one that the i-th row of the snapshot tells of. */
  #isGone(i, row) {
    const { told, words } = this.#snapshot;
    if (this.#world.alive[row] === 0) return false;
    return told[i] !== Told.STATE || words[i * this.#groups.lanes + GENERATION] !== this.#world.generation[row];
  }

  #announce(i, gone) {
    const row = this.#snapshot.rows[i];
    if (!this.#isNews(i) || !this.#isGone(i, row)) return;
    gone(this.#snapshot.told[i] === Told.LEFT ? "left" : "despawned", this.#world.entity(row));
  }

  #take(i, happened) {
    const { rows, told, tick, words } = this.#snapshot;
    const at = i * this.#groups.lanes;
    if (this.#isNews(i)) {
      if (this.#isGone(i, rows[i])) this.#world.vacate(rows[i]);
      if (told[i] === Told.STATE) this.#show(rows[i], at, happened);
    }
    this.#history.put(rows[i], tick, words, at);
    this.#doubts.end(rows[i], tick);
  }

  /** Show the state of a row that begins at `at` in the snapshot. */
  #show(row, at, happened) {
    const world = this.#world;
    const { words } = this.#snapshot;
    const isNew = world.alive[row] === 0;
    const previous = world.owner[row];
    world.occupy(row, words[at + GENERATION], words[at + OWNER]);
    const [added, removed] = this.#showComponents(row, at);
    const isReshaped = added.length + removed.length > 0;
    if (isNew || isReshaped) world.reshaped();
    if (isNew) {
      happened.push(["spawned", world.entity(row)]);
      return;
    }
    if (isReshaped) happened.push(["reshaped", { ...world.entity(row), added, removed }]);
    if (previous !== world.owner[row]) happened.push(["reowned", { ...world.entity(row), previous }]);
  }

  /** Write the components that are new or differ from what is shown; return who came and went. */
  #showComponents(row, at) {
    const { words } = this.#snapshot;
    let [added, removed] = [NONE, NONE];
    for (let id = 0; id < this.#watches.length; id++) {
      const store = this.#world.stores[id];
      const start = at + this.#groups.starts[id];
      if (!isPresent(words, at, id)) {
        if (store.present[row]) removed = [...removed, store.codec.name];
        store.clear(row);
      } else if (!store.present[row]) {
        added = [...added, store.codec.name];
        store.show(row, words, start);
      } else if (this.#differs(row, start, id)) {
        this.#rewrite(row, id, words, start);
      }
    }
    return [added, removed];
  }

  #differs(row, at, id) {
    const { words } = this.#snapshot;
    const { words: old } = this.#history;
    const shown = this.#history.shown(row) + this.#groups.starts[id];
    const end = this.#world.stores[id].codec.laneWidths.length;
    for (let n = 0; n < end; n++) if (words[at + n] !== old[shown + n]) return true;
    return false;
  }

  /** Write lanes over what a component shows, and note what that changes. */
  #rewrite(row, id, words, at) {
    const watch = this.#watches[id];
    if (!watch.isIdle) watch.begin(row);
    this.#world.stores[id].show(row, words, at);
    if (!watch.isIdle) watch.end(row, this.#calls);
  }

  /**
   * Ask to be told when a field changes in an entity that had the component before.
   * @param {string} component
   * @param {string} field
   * @param {(row: number, value: any, old: any) => void} callback
   * @returns {() => void} ends it
   */
  watch(component, field, callback) {
    const id = this.#world.idOf(component);
    const { fields } = this.#world.stores[id].codec;
    if (!fields.some(({ name }) => name === field)) throw new Error(`${component} has no field ${field}`);
    return this.#watches[id].add(field, callback);
  }

  /** @returns {Call[]} whom to call for what has changed, and with what; each once */
  takeCalls() {
    const calls = this.#calls;
    this.#calls = [];
    return calls;
  }

  /**
   * Show values of ours, until the server says what became of them.
   * @param {number} row
   * @param {number} id of the component
   * @param {Record<string, any>} values of all fields
   */
  write(row, id, values) {
    this.#watches[id].begin(row);
    this.#world.stores[id].showValues(row, values);
    this.#world.view?.wrote(row, id);
    this.#watches[id].end(row, this.#calls);
  }

  /**
   * Show again what the server said last.
   * @param {number} row
   * @param {number} id of the component
   */
  restore(row, id) {
    const at = this.#history.shown(row) + this.#groups.starts[id];
    this.#rewrite(row, id, this.#history.words, at);
    this.#world.view?.wrote(row, id);
  }
}
