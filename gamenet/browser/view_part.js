// SPDX-License-Identifier: MIT
/** One component in the view: its columns, and how they are written for a moment. */

import { Kind, copyRow, distance, slide, slidesOf } from "./blend.js";
import { Offsets } from "./offsets.js";

const EXTRAPOLATE = 0.1; // seconds, unless the component says otherwise

/**
 * @typedef {"predicted" | "interpolated" | "snapped"} Show
 *
 * @typedef {object} Moment what is to be drawn
 * @property {number} tick with a fraction
 * @property {import("./samples.js").Line} older
 * @property {import("./samples.js").Line} newer
 * @property {number} rows how many have samples
 * @property {readonly number[]} moved rows that have to glide to where they are
 * @property {number} elapsed seconds since the last moment
 */

export class ViewPart {
  #id;
  #slides;
  #store;
  #others;
  #limit;
  #snap;
  #offsets;
  /** What was drawn of rows before they moved. @type {Record<string, any> | null} */
  #kept = null;
  #values;
  #capacity;
  #moment;

  /**
   * @param {number} id of the component
   * @param {import("./store.js").ComponentStore} store of the newest values
   * @param {number} capacity rows
   * @param {number} tickRate
   */
  constructor(id, store, capacity, tickRate) {
    const { codec } = store;
    const { own = null, others = null, extrapolate = EXTRAPOLATE, snap = Infinity } = codec.shown ?? {};
    this.#id = id;
    this.#store = store;
    this.#slides = slidesOf(codec);
    this.#capacity = capacity;
    this.#limit = extrapolate * tickRate;
    this.#snap = snap;
    this.#offsets = new Offsets(codec, capacity);
    const canSlide = this.#slides.some(({ kind }) => kind !== Kind.STEP);
    /** @type {Show} */
    this.#others = others ?? (canSlide ? "interpolated" : "snapped");
    this.#values = Object.fromEntries(
      this.#slides.map(({ name, width }) => [name, width === 1 ? 0 : new Float64Array(width)]));
    this.columns = codec.columns(capacity);
    /** How own rows are shown; null for predicted where they are, else as others. @type {Show | null} */
    this.own = own === "predicted" ? null : own;
  }

  /** @param {number} row @returns {Record<string, any>} what is drawn of it: one object, reused */
  values(row) {
    for (const { name, width } of this.#slides) {
      if (width === 1) this.#values[name] = this.columns[name][row];
      else for (let k = 0; k < width; k++) this.#values[name][k] = this.columns[name][width * row + k];
    }
    return this.#values;
  }

  /** Draw a row where it is. @param {number} row */
  clear(row) {
    this.#offsets.clear(row);
  }

  /** Write all rows. @param {Moment} moment */
  draw(moment) {
    this.#moment = moment;
    if (this.#others === "interpolated") this.#keep(moment.moved);
    this.#slide(moment);
    if (this.#others === "interpolated") this.#glide(moment);
  }

  /** Remember what is drawn of rows. */
  #keep(rows) {
    if (rows.length > 0) this.#kept ??= this.#store.codec.columns(this.#capacity);
    for (const row of rows) copyRow(this.#slides, this.columns, row, this.#kept, row);
  }

  /** How far the moment is between its lines; more than 1 beyond them, up to the limit. */
  get #share() {
    const { tick, older, newer } = this.#moment;
    if (newer.tick <= older.tick) return 1;
    return Math.max((Math.min(tick, newer.tick + this.#limit) - older.tick) / (newer.tick - older.tick), 0);
  }

  #slide({ older, newer, rows }) {
    const [from, to] = [older.columns[this.#id], newer.columns[this.#id]];
    const share = this.#share;
    const steady = share < 1 ? from : to;
    for (const { name, kind } of this.#slides) {
      if (kind === Kind.STEP || this.#others === "snapped") this.columns[name].set(steady[name]);
      else slide(kind, from[name], to[name], share, this.columns[name], 0, rows);
    }
    for (const row of newer.jumps[this.#id]) copyRow(this.#slides, steady, row, this.columns, row);
  }

  /** Let what has moved glide there, and what glides already come nearer. */
  #glide({ newer, moved, elapsed }) {
    const offsets = this.#offsets;
    offsets.decay(elapsed);
    for (const row of moved) {
      offsets.clear(row);
      if (!newer.jumps[this.#id].has(row)) offsets.add(row, this.#kept, row, this.columns, row);
    }
    if (!offsets.isIdle) offsets.apply(this.columns);
  }

  /** Write one row anew, otherwise than the others. @param {number} row @param {Show} show */
  drawRow(row, show) {
    const { older, newer } = this.#moment;
    const [from, to] = [older.columns[this.#id], newer.columns[this.#id]];
    const share = this.#share;
    if (show === "predicted") copyRow(this.#slides, this.#store.columns, row, this.columns, row);
    else if (show === "interpolated" && !newer.jumps[this.#id].has(row)) this.#slideRow(from, to, share, row);
    else copyRow(this.#slides, share < 1 ? from : to, row, this.columns, row);
  }

  /** Write a predicted row: between its last two ticks, unless it jumped. See `View.putOwn`. */
  drawOwn(row, previous, newest, fraction) {
    const jumps = distance(this.#slides, previous, row, newest, row) >= this.#snap;
    this.#slideRow(previous, newest, jumps ? 1 : Math.min(Math.max(fraction, 0), 1), row);
    for (const { name, kind } of this.#slides) {
      if (kind === Kind.STEP) this.columns[name][row] = newest[name][row];
    }
  }

  #slideRow(from, to, share, row) {
    for (const { name, kind } of this.#slides) {
      slide(kind, from[name], to[name], share, this.columns[name], row, row + 1);
    }
  }
}
