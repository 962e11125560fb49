// SPDX-License-Identifier: MIT
/**
 * What the world was like at the last ticks that we were told of, a line for each.
 *
 * A line holds every row: what a snapshot tells of, and what the line before had. A row that
 * was left out for a while is not where its last line says: so when it is told again, the
 * lines that the view has not come to yet are filled in between, and it glides. A jump is
 * not filled in, and nothing slides into its line. The same as gamenet/prediction/samples.py.
 */

import { copyRow, distance, slide, slidesOf } from "./blend.js";

const SLOTS = 64; // a second at 60 ticks
const FIRST_ROWS = 64;
/** The component that says, by its count or by having come, that an entity has jumped. */
const TELEPORTED = "Teleported";

/**
 * @typedef {object} Line
 * @property {number} tick
 * @property {Record<string, any>[]} columns of each component, by id
 * @property {Set<number>[]} jumps of each component, the rows that jump to this line
 */

export class Samples {
  #world;
  #codecs;
  #slides;
  #snaps;
  /** @type {Line[]} oldest first */
  #lines = [];
  /** @type {Line[]} that are not in use */
  #spare = [];
  #rows = 0;
  /** Of each row, the tick that last told of it, and which entity that was. */
  #told;
  #generation;
  /** Of each component, the rows that have samples. */
  #has;
  #teleported;
  /** Rows that are elsewhere now at the moment that is drawn, although they did not move. */
  disturbed = new Set();

  /** @param {import("./world.js").World} world that shows what a snapshot told, when that is put */
  constructor(world) {
    this.#world = world;
    this.#codecs = world.stores.map(({ codec }) => codec);
    this.#slides = this.#codecs.map(slidesOf);
    this.#snaps = this.#codecs.map(({ shown }) => shown?.snap ?? Infinity);
    this.#told = new Float64Array(world.capacity);
    this.#generation = new Uint32Array(world.capacity);
    this.#has = this.#codecs.map(() => new Uint8Array(world.capacity));
    this.#teleported = this.#codecs.findIndex(({ name }) => name === TELEPORTED);
  }

  /** @returns {readonly Line[]} oldest first */
  get lines() {
    return this.#lines;
  }

  /** @returns {number} how many rows may have samples */
  get rows() {
    return this.#rows;
  }

  /** Begin the line of a tick; what comes too late for one of its own has none. @param {number} tick */
  begin(tick) {
    const last = this.#lines.at(-1);
    if (last !== undefined && tick <= last.tick) return;
    const line = this.#lines.length === SLOTS ? this.#lines.shift() : (this.#spare.pop() ?? this.#made());
    line.tick = tick;
    for (const jumps of line.jumps) jumps.clear();
    if (last !== undefined) this.#copy(last, line);
    this.#lines.push(line);
  }

  /** @returns {Line} */
  #made() {
    return {
      tick: 0, columns: this.#codecs.map((codec) => codec.columns(this.#rows)),
      jumps: this.#codecs.map(() => new Set()),
    };
  }

  #copy(from, into) {
    for (let id = 0; id < this.#slides.length; id++) {
      for (const { name } of this.#slides[id]) into.columns[id][name].set(from.columns[id][name]);
    }
  }

  /** Make room for a row. */
  #reserve(row) {
    if (row < this.#rows) return;
    this.#rows = Math.min(Math.max(row + 1, 2 * this.#rows, FIRST_ROWS), this.#world.capacity);
    this.#spare = [];
    for (const line of this.#lines) {
      const { columns } = this.#made();
      this.#copy(line, { columns });
      line.columns = columns;
    }
  }

  /**
   * Keep what the world shows of a row as what it was at a tick whose line has begun.
   * @param {number} row
   * @param {number} tick
   * @param {number} viewTick the moment that is drawn now
   * @param {boolean} [isTaken] whether another entity is drawn in this row until that tick
   */
  put(row, tick, viewTick, isTaken = false) {
    this.#reserve(row);
    const isNew = this.#generation[row] !== this.#world.generation[row];
    if (!isNew && tick < this.#told[row]) return;
    const hasJumped = !isNew && this.#hasTeleported(row);
    const start = Math.max(this.#told[row], this.#ceiling(viewTick));
    for (let id = 0; id < this.#codecs.length; id++) {
      if (isNew && isTaken) this.#replace(id, row, tick);
      else this.#putComponent(id, row, tick, start, isNew, hasJumped);
    }
    this.#generation[row] = this.#world.generation[row];
    this.#told[row] = tick;
    if (!isNew && tick <= this.#ceiling(viewTick)) this.disturbed.add(row);
  }

  /** Whether the entity says that it has jumped since the newest line. */
  #hasTeleported(row) {
    const id = this.#teleported;
    if (id < 0 || !this.#world.stores[id].present[row]) return false;
    const { columns } = this.#world.stores[id];
    return !this.#has[id][row] || columns.count[row] !== this.#lines.at(-1).columns[id].count[row];
  }

  /** The tick of the first line that is not before the view. */
  #ceiling(viewTick) {
    return this.#lines.find(({ tick }) => tick >= viewTick)?.tick ?? Infinity;
  }

  /** Let a row be another entity's from a tick on: nothing slides from one to the other. */
  #replace(id, row, tick) {
    const { present, columns } = this.#world.stores[id];
    this.#has[id][row] = present[row];
    if (!present[row]) return;
    const first = this.#first(tick);
    if (first < this.#lines.length) this.#lines[first].jumps[id].add(row);
    for (let n = first; n < this.#lines.length; n++) {
      copyRow(this.#slides[id], columns, row, this.#lines[n].columns[id], row);
    }
  }

  #putComponent(id, row, tick, start, isNew, hasJumped) {
    const { present, columns } = this.#world.stores[id];
    const hasSamples = !isNew && this.#has[id][row] === 1;
    this.#has[id][row] = present[row];
    if (!present[row]) return;
    const slides = this.#slides[id];
    if (!hasSamples) {
      for (const line of this.#lines) copyRow(slides, columns, row, line.columns[id], row);
      return;
    }
    const first = this.#first(tick);
    const before = this.#lines[Math.max(first - 1, 0)].columns[id];
    const jumps = hasJumped || distance(slides, before, row, columns, row) >= this.#snaps[id];
    if (jumps && first < this.#lines.length) this.#lines[first].jumps[id].add(row);
    if (!jumps && start < tick) this.#fill(id, row, start, tick);
    for (let n = first; n < this.#lines.length; n++) copyRow(slides, columns, row, this.#lines[n].columns[id], row);
  }

  /** The place of the first line that is not before a tick. */
  #first(tick) {
    let first = this.#lines.length;
    while (first > 0 && this.#lines[first - 1].tick >= tick) first--;
    return first;
  }

  /** Let a row glide through the lines between two ticks. */
  #fill(id, row, start, end) {
    const { columns } = this.#world.stores[id];
    const from = this.#lines[Math.max(this.#first(start + 1) - 1, 0)].columns[id];
    for (const line of this.#lines) {
      if (line.tick <= start || line.tick >= end) continue;
      const share = (line.tick - start) / (end - start);
      for (const { name, kind } of this.#slides[id]) {
        slide(kind, from[name], columns[name], share, line.columns[id][name], row, row + 1);
      }
    }
  }

  /** @param {number} row @returns {Set<number>} ids of the components that it was told to have */
  componentsOf(row) {
    return new Set([...this.#has.keys()].filter((id) => this.#has[id][row] === 1));
  }

  /** Let a row be that of another entity. @param {number} row */
  forget(row) {
    this.#generation[row] = 0;
  }

  /** Keep what the world shows of a component, which we have written ourselves. */
  write(row, id) {
    const line = this.#lines.at(-1);
    if (line === undefined || row >= this.#rows) return;
    copyRow(this.#slides[id], this.#world.stores[id].columns, row, line.columns[id], row);
  }
}
