// SPDX-License-Identifier: MIT
/**
 * What is drawn: every component at one moment, in columns that are written once a frame.
 *
 * Others are drawn a little in the past, between two lines of samples. Where no line is
 * there yet they go on as they did, for a limited time, and glide back when one comes. An
 * entity is there from the tick that told of it first until the view comes to the one that
 * it was gone in, also if its row has another one in the newest world by then. Own predicted
 * rows are put in by the predictor, and are there as they are now. How a component is shown the game declares
 * (`Shown`), and a page may choose for single entities. The same as
 * gamenet/prediction/view.py.
 */

import { Told } from "./blocks.js";
import { Samples } from "./samples.js";
import { ViewPart } from "./view_part.js";

const MAX_SPAN = 15; // ticks between the two lines that a frame can name
/** @type {number[]} */
const NONE = [];
const MODES = ["predicted", "interpolated", "snapped"];

/**
 * @typedef {import("./view_part.js").Show} Show
 * @typedef {{tick: number, older: number, newer: number}} Sight
 * @typedef {{born: number, gone: number, generation: number, owner: number, ids: Set<number>}} Leaving an
 *     entity, when it came and went, and its components
 */

export class View {
  #world;
  #samples;
  /** @type {ViewPart[]} */
  #parts;
  #playerId;
  #now = -Infinity;
  #tick = -Infinity;
  /** The tick of the newest line at the last update. */
  #newest = Infinity;
  /** The tick at which each row was first told, as the entity that it is. */
  #born;
  #bornAs;
  #bornTo;
  /** Those that are gone, and drawn still, by row. @type {Map<number, Leaving>} */
  #leaving = new Map();
  /** Rows that are predicted. @type {Set<number>} */
  #own = new Set();
  /** Rows whose entity has not been drawn yet. */
  #fresh = new Set();
  /** @type {Map<number, Show>} */
  #chosen = new Map();

  /**
   * @param {import("./world.js").World} world
   * @param {number} tickRate
   * @param {number} [playerId] ours
   */
  constructor(world, tickRate, playerId = 0) {
    this.#world = world;
    this.#playerId = playerId;
    this.#samples = new Samples(world);
    this.#born = new Float64Array(world.capacity);
    this.#bornAs = new Uint32Array(world.capacity);
    this.#bornTo = new Uint32Array(world.capacity);
    this.#parts = world.stores.map((store, id) => new ViewPart(id, store, world.capacity, tickRate));
  }

  /** @returns {number} the tick, with a fraction, that the columns show others at */
  get tick() {
    return this.#tick;
  }

  /**
   * Return what is drawn of a component, valid as long as the client is.
   * @param {string} name
   * @returns {Record<string, any>} typed arrays by field, to be indexed by row
   */
  columns(name) {
    return this.#parts[this.#world.idOf(name)].columns;
  }

  /** See `columns`. @param {number} id of the component */
  columnsOf(id) {
    return this.#parts[id].columns;
  }

  /** @param {string} name @param {number} row @returns {Record<string, any>} one object per component, reused */
  values(name, row) {
    return this.#parts[this.#world.idOf(name)].values(row);
  }

  /**
   * Return the rows to draw: those with all components whose moment has come.
   * @param {...string} names
   * @returns {number[]} ascending
   */
  rows(...names) {
    const there = this.#world.rows(...names).filter((row) => this.#born[row] <= this.#tick || this.#own.has(row));
    if (this.#leaving.size === 0) return there;
    const ids = names.map((name) => this.#world.idOf(name));
    const isDrawn = (row) => this.#isLeaving(row) && ids.every((id) => this.#leaving.get(row).ids.has(id));
    return [...there, ...[...this.#leaving.keys()].filter(isDrawn)].sort((a, b) => a - b);
  }

  /** Whether what is drawn in a row is an entity that is gone by now. */
  #isLeaving(row) {
    const leaving = this.#leaving.get(row);
    return leaving !== undefined && leaving.born <= this.#tick && this.#tick < leaving.gone;
  }

  /** @param {number} row that is drawn @returns {number} the player that owns what is drawn there; 0 for nobody */
  ownerOf(row) {
    return this.#isLeaving(row) ? this.#leaving.get(row).owner : this.#world.owner[row];
  }

  /** @param {number} row that is drawn @returns {number} which entity of that row it is */
  generationOf(row) {
    return this.#isLeaving(row) ? this.#leaving.get(row).generation : this.#world.generation[row];
  }

  /** Learn which rows are predicted. @param {readonly number[]} rows */
  follow(rows) {
    if (rows.length !== this.#own.size || !rows.every((row) => this.#own.has(row))) this.#own = new Set(rows);
  }

  /**
   * Choose how one entity is shown, as long as it lives.
   * @param {number} row
   * @param {Show | null} show "predicted" is as new as there is; null for what the game declares
   */
  show(row, show) {
    if (show !== null && !MODES.includes(show)) throw new Error(`show(${row}, ${show}): there are ${MODES.join(", ")}`);
    if (show === null) this.#chosen.delete(row);
    else this.#chosen.set(row, show);
  }

  /**
   * Take what a snapshot tells, which the world shows already.
   * @param {number} tick
   * @param {{rows: ArrayLike<number>, told: ArrayLike<number>, count: number}} told
   * @param {number} viewTick the moment that is drawn now
   */
  arrived(tick, told, viewTick) {
    this.#samples.begin(tick);
    for (let i = 0; i < told.count; i++) {
      const row = told.rows[i];
      if (told.told[i] === Told.STATE && this.#world.alive[row]) this.#put(row, tick, viewTick);
      else if (!this.#world.alive[row]) this.#forget(row, tick);
    }
  }

  #put(row, tick, viewTick) {
    const generation = this.#world.generation[row];
    if (this.#bornAs[row] !== generation) {
      this.#leave(row, tick);
      this.#bornAs[row] = generation;
      // What was there before we came is drawn from the first frame on.
      this.#born[row] = this.#samples.lines.length > 1 ? tick : -Infinity;
      this.#clear(row);
    }
    this.#bornTo[row] = this.#world.owner[row];
    // An own one may be drawn at once.
    if (this.#isOwn(this.#world.owner[row])) this.#leaving.delete(row);
    this.#samples.put(row, tick, viewTick, this.#leaving.has(row));
  }

  #isOwn(player) {
    return player !== 0 && player === this.#playerId;
  }

  #forget(row, tick) {
    this.#leave(row, tick);
    this.#bornAs[row] = 0;
    this.#samples.forget(row);
    this.#clear(row);
  }

  /** Keep what a row held until a tick, if the view is not there yet; own predicted ones go at once. */
  #leave(row, tick) {
    if (this.#bornAs[row] === 0 || this.#own.has(row) || !(this.#tick < tick) || this.#tick === -Infinity) return;
    this.#leaving.set(row, {
      born: this.#born[row], gone: tick, generation: this.#bornAs[row], owner: this.#bornTo[row],
      ids: this.#samples.componentsOf(row),
    });
  }

  #clear(row) {
    for (const part of this.#parts) part.clear(row);
    this.#fresh.add(row);
    this.#chosen.delete(row);
  }

  /** Keep what a page wrote. @param {number} row @param {number} id of the component */
  wrote(row, id) {
    this.#samples.write(row, id);
  }

  /**
   * Write all columns.
   * @param {number} viewTick the moment to be drawn, with a fraction
   * @param {number} now seconds
   */
  update(viewTick, now) {
    const { lines } = this.#samples;
    if (lines.length === 0) return;
    const place = Math.max(this.#after(viewTick), Math.min(1, lines.length - 1));
    const [older, newer] = [lines[Math.max(place - 1, 0)], lines[place]];
    const moment = {
      tick: viewTick, older, newer, rows: this.#samples.rows, moved: this.#moved(),
      elapsed: Math.max(now - this.#now, 0),
    };
    const own = this.#ownRows();
    for (const part of this.#parts) {
      part.draw(moment);
      if (part.own !== null) for (const row of own) part.drawRow(row, part.own);
      for (const [row, show] of this.#chosen) part.drawRow(row, show);
    }
    for (const [row, { gone }] of this.#leaving) if (gone <= viewTick) this.#leaving.delete(row);
    this.#fresh.clear();
    this.#samples.disturbed.clear();
    this.#tick = viewTick;
    this.#now = now;
    this.#newest = lines.at(-1).tick;
  }

  /** The place of the first line after a tick, or of the last one. */
  #after(tick) {
    const { lines } = this.#samples;
    let found = lines.length - 1;
    while (found > 0 && lines[found - 1].tick > tick) found--;
    return found;
  }

  /** Which rows have to glide to where they are: all of them after a lack of samples. */
  #moved() {
    const lacked = this.#tick > this.#newest && this.#samples.lines.at(-1).tick > this.#newest;
    const moved = lacked ? this.#world.rows() : [...this.#samples.disturbed];
    return moved.filter((row) => !this.#fresh.has(row));
  }

  #ownRows() {
    const isOwn = (row) => this.#isOwn(this.#world.owner[row]);
    return this.#parts.some(({ own }) => own !== null) ? this.#world.rows().filter(isOwn) : NONE;
  }

  /**
   * Draw a predicted row: between its last two ticks, unless it jumped.
   * @param {number} id of the component
   * @param {number} row
   * @param {Record<string, any>} previous columns, by row
   * @param {Record<string, any>} newest columns, by row
   * @param {number} fraction of a tick since the newest one began
   * @returns {boolean} false if it is not to be drawn as it is predicted
   */
  putOwn(id, row, previous, newest, fraction) {
    const part = this.#parts[id];
    if ((this.#chosen.get(row) ?? part.own ?? "predicted") !== "predicted") return false;
    part.drawOwn(row, previous, newest, fraction);
    return true;
  }

  /**
   * Say between which two snapshots the view is.
   * @param {number} viewTick
   * @returns {Sight} older and newer are 0 where it is between none
   */
  sight(viewTick) {
    const { lines } = this.#samples;
    const place = this.#after(viewTick);
    const [older, newer] = [lines[place - 1]?.tick ?? 0, lines[place]?.tick ?? 0];
    const isBetween = older > 0 && older <= viewTick && viewTick < newer && newer - older <= MAX_SPAN;
    return isBetween ? { tick: viewTick, older, newer } : { tick: viewTick, older: 0, newer: 0 };
  }
}
