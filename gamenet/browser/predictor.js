// SPDX-License-Identifier: MIT
/**
 * Run ahead of the server with own rows, and come back to what it confirms.
 *
 * The words of every predicted tick are kept. What the server says of a tick is compared
 * with them; if it is something else, the rows go back to that tick, take what was confirmed,
 * and all ticks since then are computed again with the inputs of their time. A difference
 * within the tolerance of a component stays as it is. The same as
 * gamenet/prediction/predictor.py.
 */

import { distance, isSame, slidesOf } from "./blend.js";
import { Rounding } from "./rounding.js";
import { SavedWords } from "./saved_words.js";

const DEPTH = 1024; // ticks that can be computed again
const LOG = 256; // corrections that are remembered
const NEVER = -1;

/**
 * @typedef {object} Correction
 * @property {number} tick the confirmed one
 * @property {number} ticks that were computed again
 * @property {number[]} rows of which the server had told something before
 * @property {number[]} mispredicted rows of which something else had been predicted
 * @property {Record<string, number>} sizes how far each component was off at that tick, at most
 * @property {Record<string, any>[]} before of each component the columns that were predicted for the
 *     newest tick until now, in the order of `rows`
 * @property {Record<string, any>[]} after what is predicted for it instead
 */

export class Predictor {
  #codecs;
  #slides;
  #columns;
  #generation;
  #step;
  #effects;
  #rounding;
  #saved;
  /** @type {number[]} generations of the rows */
  #generations = [];
  /** @type {number[]} of each row, the tick that the server told of last */
  #toldTick = [];
  /** What it said then. */
  #told = new Uint32Array(0);

  /**
   * @param {object} options
   * @param {readonly any[]} options.codecs of the components that are predicted
   * @param {readonly Record<string, any>[]} options.columns of each, by row: the predicted ones
   * @param {ArrayLike<number>} options.generation which entity is in each row
   * @param {(tick: number) => void} options.step makes the state of the tick before into that of the tick
   * @param {import("./effects.js").EffectLedger} options.effects is told what is computed again
   */
  constructor({ codecs, columns, generation, step, effects }) {
    this.#codecs = codecs;
    this.#slides = codecs.map(slidesOf);
    this.#columns = columns;
    this.#generation = generation;
    this.#step = step;
    this.#effects = effects;
    this.#rounding = new Rounding(codecs);
    this.#saved = new SavedWords(this.#rounding.lanes, DEPTH);
    /** Rows that are predicted, ascending. @type {number[]} */
    this.rows = [];
    /** Newest tick that was computed; null before any. @type {number | null} */
    this.tick = null;
    /** Newest tick of which the server told a row. @type {number | null} */
    this.confirmed = null;
    this.isReplaying = false;
    this.nConfirmed = 0;
    this.nCorrections = 0;
    this.nResimulated = 0;
    /** @type {Correction[]} the newest ones, oldest first */
    this.log = [];
    /** @type {import("./effects.js").Effect[]} what replay did not make again; empty it */
    this.cancelled = [];
  }

  /**
   * Predict these rows from now on; a new one starts from what its columns hold.
   * @param {readonly number[]} rows ascending
   */
  follow(rows) {
    const generations = rows.map((row) => this.#generation[row]);
    const places = rows.map((row, n) => {
      const place = this.rows.indexOf(row);
      return place >= 0 && this.#generations[place] === generations[n] ? place : NEVER;
    });
    if (rows.length === this.rows.length && places.every((place, n) => place === n)) return;
    const { lanes } = this.#rounding;
    const told = new Uint32Array(rows.length * lanes);
    places.forEach((old, place) => {
      if (old >= 0) told.set(this.#told.subarray(old * lanes, (old + 1) * lanes), place * lanes);
    });
    this.#told = told;
    this.#toldTick = places.map((old) => (old < 0 ? NEVER : this.#toldTick[old]));
    this.#generations = generations;
    this.rows = [...rows];
    this.#saved.rearrange(places);
    if (this.tick !== null) this.#round(this.#saved.at(this.tick), (place) => places[place] < 0);
  }

  /** @param {number} row that is predicted @returns {number} which entity of it */
  generationOf(row) {
    return this.#generations[this.rows.indexOf(row)];
  }

  /** Round rows, and write their words into a block. */
  #round(block, which = (_place) => true) {
    const { lanes } = this.#rounding;
    this.rows.forEach((row, place) => {
      if (which(place)) this.#rounding.round(this.#columns, row, block, place * lanes);
    });
  }

  /** Take what the columns hold for the state of a tick, and forget all before. @param {number} tick */
  reset(tick) {
    this.tick = tick;
    this.#saved.begin(tick);
    this.#round(this.#saved.at(tick));
  }

  /** Compute the next tick; after a gap, what there is is taken for the tick before. @param {number} tick */
  advance(tick) {
    if (this.tick === null || tick > this.tick + 1) this.reset(tick - 1);
    else if (tick <= this.tick) return;
    this.#step(tick);
    this.tick = tick;
    this.#saved.append();
    this.#round(this.#saved.at(tick));
  }

  /**
   * Take what the server says that rows were at a tick. Left out are rows that are not
   * predicted, and those that this tick or a later one was confirmed of before.
   * @param {number} tick
   * @param {readonly number[]} rows each once
   * @param {Uint32Array} words of all components, those of each row after the other
   * @returns {Correction | null} what has changed in rows that the server had told before
   */
  confirm(tick, rows, words) {
    const places = rows.map((row) => this.rows.indexOf(row));
    const which = places.flatMap((place, n) => (place >= 0 && this.#toldTick[place] < tick ? [n] : []));
    if (which.length === 0) return null;
    const wasTold = this.#toldTick.map((told) => told !== NEVER);
    const told = this.#note(tick, which.map((n) => places[n]), which, words);
    if (this.tick === null || tick > this.tick) {
      for (const place of told) this.#put(this.#told, place);
      this.reset(tick);
      return null;
    }
    const isReached = this.#saved.reaches(tick);
    const { since } = this.#saved;
    const wrong = told.filter((place) => !isReached || since[place] > tick || this.#differs(tick, place));
    if (wrong.length === 0) return null;
    const mispredicted = isReached ? wrong.filter((place) => since[place] < tick) : [];
    return this.#correct(tick, told, mispredicted, wasTold);
  }

  #note(tick, places, which, words) {
    const { lanes } = this.#rounding;
    places.forEach((place, n) => {
      this.#told.set(words.subarray(which[n] * lanes, (which[n] + 1) * lanes), place * lanes);
      this.#toldTick[place] = tick;
    });
    this.confirmed = Math.max(tick, this.confirmed ?? 0);
    this.nConfirmed++;
    return places;
  }

  #put(block, place) {
    this.#rounding.put(block, place * this.#rounding.lanes, this.#columns, this.rows[place]);
  }

  /** Whether something else was predicted than what was told, beyond what is tolerated. */
  #differs(tick, place) {
    const saved = this.#saved.at(tick);
    const { lanes } = this.#rounding;
    let n = place * lanes;
    while (n < (place + 1) * lanes && saved[n] === this.#told[n]) n++;
    if (n === (place + 1) * lanes) return false;
    const [ours, theirs] = [this.#valuesOf(saved, [place]), this.#valuesOf(this.#told, [place])];
    return this.#slides.some((slides, i) =>
      !isSame(slides, ours[i], 0, theirs[i], 0) ||
      !(distance(slides, ours[i], 0, theirs[i], 0) <= (this.#codecs[i].shown?.tolerance ?? 0)));
  }

  /** Columns of what a block says of some places. */
  #valuesOf(block, places) {
    const columns = this.#codecs.map((codec) => codec.columns(places.length));
    places.forEach((place, n) => this.#rounding.put(block, place * this.#rounding.lanes, columns, n));
    return columns;
  }

  #correct(tick, told, mispredicted, wasTold) {
    const before = this.#saved.at(this.tick).slice();
    const sizes = this.#sizes(tick, mispredicted);
    if (mispredicted.length > 0) this.nCorrections++;
    const ticks = this.#replay(tick, told);
    const shown = this.rows.flatMap((_, place) => (wasTold[place] ? [place] : []));
    if (shown.length === 0) return null;
    const correction = {
      tick, ticks, sizes,
      rows: shown.map((place) => this.rows[place]),
      mispredicted: mispredicted.map((place) => this.rows[place]),
      before: this.#valuesOf(before, shown),
      after: this.#valuesOf(this.#saved.at(this.tick), shown),
    };
    this.log.push(correction);
    if (this.log.length > LOG) this.log.shift();
    return correction;
  }

  /** How far each component was off, in the row where that was most. */
  #sizes(tick, places) {
    const [ours, theirs] = [this.#valuesOf(this.#saved.at(tick), places), this.#valuesOf(this.#told, places)];
    const size = (i) => Math.max(...places.map((_, n) => distance(this.#slides[i], ours[i], n, theirs[i], n)));
    if (places.length === 0) return {};
    return Object.fromEntries(this.#codecs.map(({ name }, i) => [name, size(i)]));
  }

  /** Go back to a tick and compute all since then again; return how many those are. */
  #replay(tick, told) {
    const saved = this.#saved;
    const start = saved.reaches(tick) ? tick : this.tick; // so long ago: as if it was the newest
    const { lanes } = this.#rounding;
    for (const place of told) {
      saved.since[place] = Math.min(saved.since[place], start);
      saved.at(start).set(this.#told.subarray(place * lanes, (place + 1) * lanes), place * lanes);
    }
    const later = this.#later(start);
    this.rows.forEach((_, place) => {
      if (saved.since[place] <= start) this.#put(saved.at(start), place);
    });
    this.#effects.beginReplay(start);
    this.isReplaying = true;
    try {
      for (let number = start + 1; number <= this.tick; number++) this.#again(number, later.get(number) ?? []);
    } finally {
      this.isReplaying = false;
      this.cancelled.push(...this.#effects.endReplay());
    }
    this.nResimulated += this.tick - start;
    return this.tick - start;
  }

  #again(tick, known) {
    const block = this.#saved.at(tick);
    this.#step(tick);
    this.#round(block);
    for (const [place, words] of known) {
      block.set(words, place * this.#rounding.lanes);
      this.#put(block, place);
    }
  }

  /** What is known of rows at later ticks: where a row begins, and what the server told of others. */
  #later(tick) {
    const later = new Map();
    const add = (when, place, block) => {
      const words = block.slice(place * this.#rounding.lanes, (place + 1) * this.#rounding.lanes);
      later.set(when, [...(later.get(when) ?? []), [place, words]]);
    };
    this.rows.forEach((_, place) => {
      const since = this.#saved.since[place];
      if (since > tick) add(since, place, this.#saved.at(since));
      if (this.#toldTick[place] > tick) add(this.#toldTick[place], place, this.#told);
    });
    return later;
  }

  /**
   * Write what a tick is known as into columns, by row.
   * @param {number} tick
   * @param {readonly Record<string, any>[]} columns of each component
   */
  state(tick, columns) {
    const { lanes } = this.#rounding;
    this.rows.forEach((row, place) => {
      const known = this.#saved.reaches(tick) ? Math.max(tick, this.#saved.since[place]) : this.tick;
      this.#rounding.put(this.#saved.at(known), place * lanes, columns, row);
    });
  }

  /** Write what the server said last of a row, the ghost of a debugging view. @returns {boolean} whether it did */
  told(row, columns) {
    const place = this.rows.indexOf(row);
    if (place < 0 || this.#toldTick[place] === NEVER) return false;
    this.#rounding.put(this.#told, place * this.#rounding.lanes, columns, 0);
    return true;
  }
}
