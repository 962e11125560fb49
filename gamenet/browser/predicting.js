// SPDX-License-Identifier: MIT
/**
 * Run a page's own step for the own entities, ahead of the server, and draw them.
 *
 * Made by `client.predict`. The client's time lines (foresight.js) say when an own tick
 * begins and what snapshots tell; what is played and cancelled goes to the page.
 */

import { isPresent, GENERATION, Groups, OWNER } from "./groups.js";
import { Told } from "./blocks.js";
import { EffectLedger } from "./effects.js";
import { Offsets } from "./offsets.js";
import { PredictedWorld } from "./predicted_world.js";
import { Predictor } from "./predictor.js";
import { decode, encode } from "./schemas.js";

const KEPT_EFFECTS = 512; // ticks for which it is remembered what was played

/**
 * @typedef {object} Prediction what a page predicts
 * @property {readonly string[]} components that the step changes
 * @property {readonly string[]} [having] components that an entity must have besides
 * @property {(rows: readonly number[], name: string, values: Record<string, any>, tick: number,
 *     world: PredictedWorld) => void} [input] takes an input of the tick, before the step
 * @property {(rows: readonly number[], dt: number, tick: number, world: PredictedWorld) => void} step
 *     makes the state of the tick before into that of the tick
 */

export class Predicting {
  #codec;
  #confirmed;
  #view;
  #playerId;
  #inputs;
  #listeners;
  #dt;
  #names;
  #prediction;
  #world;
  #groups;
  #predictor;
  #effects = new EffectLedger();
  /** @type {Offsets[]} */
  #offsets;
  /** Columns of the tick before the newest, and the tick that they are of. */
  #previous;
  #previousTick = NaN;
  /** What the server said last of one row. */
  #ghost;
  #now = -Infinity;

  /**
   * @param {Prediction} prediction
   * @param {object} options
   * @param {any} options.codec the generated module of the game
   * @param {import("./world.js").World} options.world the confirmed one
   * @param {import("./view.js").View} options.view that draws it
   * @param {number} options.playerId ours
   * @param {number} options.tickRate
   * @param {{at: (tick: number) => {name: string, values: Record<string, any>}[]}} options.inputs
   * @param {import("./listeners.js").Listeners} options.listeners of the page
   */
  constructor(prediction, { codec, world, view, playerId, tickRate, inputs, listeners }) {
    this.#prediction = prediction;
    this.#codec = codec;
    this.#confirmed = world;
    this.#view = view;
    this.#playerId = playerId;
    this.#inputs = inputs;
    this.#listeners = listeners;
    this.#dt = 1 / tickRate;
    this.#names = [...prediction.components, ...(prediction.having ?? [])];
    this.#groups = new Groups(codec.components);
    const ids = prediction.components.map((name) => world.idOf(name));
    const codecs = ids.map((id) => codec.components[id]);
    this.#world = new PredictedWorld(world, ids, (name, values, row) => this.#emit(name, values, row));
    this.#offsets = codecs.map((each) => new Offsets(each, world.capacity));
    this.#previous = codecs.map((each) => each.columns(world.capacity));
    this.#ghost = codecs.map((each) => each.columns(1));
    this.#predictor = new Predictor({
      codecs, columns: this.#world.predicted, generation: world.generation,
      step: (tick) => this.#step(tick), effects: this.#effects,
    });
    this.#follow(0);
  }

  /** @returns {readonly number[]} own rows that are predicted, ascending */
  get rows() {
    return this.#predictor.rows;
  }

  /** @returns {PredictedWorld} own rows as they are predicted for the newest own tick */
  get world() {
    return this.#world;
  }

  /** @returns {readonly import("./predictor.js").Correction[]} the newest ones, oldest first */
  get log() {
    return this.#predictor.log;
  }

  /**
   * Tell that something happened in the tick that is computed. See `PredictedWorld.emit`.
   * @param {string} name @param {object} values @param {number} row
   */
  emit(name, values, row) {
    this.#emit(name, values, row);
  }

  /**
   * Return what the server said last of a predicted component, for a debugging view.
   * @param {string} name @param {number} row
   * @returns {Record<string, any> | null} values by field, one object per call; null if it said nothing
   */
  ghost(name, row) {
    const i = this.#prediction.components.indexOf(name);
    if (i < 0 || !this.#predictor.told(row, this.#ghost)) return null;
    const values = (column) => (column.length > 1 ? [...column] : column[0]);
    return Object.fromEntries(Object.entries(this.#ghost[i]).map(([field, column]) => [field, values(column)]));
  }

  #emit(name, values, row) {
    const schema = this.#codec.events.find((each) => each.name === name);
    if (schema === undefined) {
      throw new Error(`no event ${name}: this game has ${this.#codec.events.map((each) => each.name).join(", ")}`);
    }
    if (!this.rows.includes(row)) throw new Error(`row ${row} is not predicted: only own entities make events`);
    const { tick } = this.#world;
    const heard = decode(schema, encode(schema, values)); // as the server says it
    if (this.#effects.make(tick, name, heard, row)) this.#listeners.emit("event", name, heard, tick);
  }

  /**
   * Take an event of the server's; return whether it is to be played.
   * @param {{name: string, value: Record<string, any>, tick: number, origin?: number | null}} event
   */
  heard({ name, value, tick, origin = null }) {
    // Also of what has ended: it was predicted until we heard so.
    return origin === null || this.#effects.heard(tick, name, value, origin);
  }

  /** An own tick begins: run the step. @param {number} tick */
  advance(tick) {
    this.#predictor.advance(tick);
  }

  /** The own time line has jumped. @param {number} tick the next that begins */
  reset(tick) {
    for (const row of this.rows) this.#world.take(row);
    this.#predictor.reset(tick - 1);
    for (const offsets of this.#offsets) for (const row of this.rows) offsets.clear(row);
    // What was made of later ticks is not known any more where our time went back.
    this.#effects.beginReplay(tick - 1);
    this.#cancel(this.#effects.endReplay());
  }

  /** Tell of events that were played, and have not happened after all. */
  #cancel(effects) {
    for (const { name, values, tick } of effects) this.#listeners.emit("event_cancelled", name, values, tick);
  }

  /** Find out which rows are predicted now, as a snapshot of a tick has it. */
  #follow(tick) {
    const { owner } = this.#confirmed;
    const rows = this.#confirmed.rows(...this.#names).filter((row) => owner[row] === this.#playerId);
    const gone = this.rows.filter((row) => !rows.includes(row) || !this.#isKnown(row));
    for (const row of rows) if (!this.#isKnown(row)) this.#begin(row);
    this.#predictor.follow(rows);
    if (gone.length > 0) this.#cancel(this.#effects.drop(gone, tick));
  }

  #isKnown(row) {
    return this.rows.includes(row) && this.#predictor.generationOf(row) === this.#confirmed.generation[row];
  }

  #begin(row) {
    this.#world.take(row);
    for (const offsets of this.#offsets) offsets.clear(row);
  }

  /**
   * Take what a snapshot tells, which the world shows already.
   * @param {number} tick
   * @param {import("./blocks.js").SnapshotReader} told
   */
  confirm(tick, told) {
    this.#follow(tick);
    /** @type {number[]} */
    const places = [];
    for (let i = 0; i < told.count; i++) {
      if (told.told[i] !== Told.STATE) continue;
      if (!this.rows.includes(told.rows[i])) this.#world.take(told.rows[i]);
      else if (this.#isOurs(told, i)) places.push(i);
    }
    if (places.length > 0) this.#compare(tick, told, places);
    this.#effects.forget(tick - KEPT_EFFECTS);
  }

  /** Whether the snapshot says of a row what it is like as the entity that is predicted. */
  #isOurs({ rows, words }, i) {
    const at = i * this.#groups.lanes;
    return words[at + GENERATION] === this.#confirmed.generation[rows[i]] &&
      words[at + OWNER] === this.#playerId && this.#world.ids.every((id) => isPresent(words, at, id));
  }

  #compare(tick, told, places) {
    const { starts, lanes } = this.#groups;
    const words = places.flatMap((i) => this.#world.ids.flatMap((id) => {
      const start = i * lanes + starts[id];
      return [...told.words.subarray(start, start + this.#codec.components[id].laneWidths.length)];
    }));
    const rows = places.map((i) => told.rows[i]);
    const correction = this.#predictor.confirm(tick, rows, Uint32Array.from(words));
    this.#previousTick = NaN;
    if (correction !== null) this.#soften(correction);
    this.#cancel(this.#predictor.cancelled.splice(0));
  }

  /** Draw what was corrected where it was, and let it glide. */
  #soften({ rows, before, after }) {
    this.#offsets.forEach((offsets, i) => rows.forEach((row, n) => offsets.add(row, before[i], n, after[i], n)));
  }

  #step(tick) {
    this.#world.tick = tick;
    const { rows } = this.#predictor;
    if (rows.length === 0) return;
    for (const { name, values } of this.#inputs.at(tick)) {
      this.#listeners.call(() => this.#prediction.input?.(rows, name, values, tick, this.#world));
    }
    this.#listeners.call(() => this.#prediction.step(rows, this.#dt, tick, this.#world));
  }

  /**
   * Put the own rows into the view.
   * @param {number} fraction of a tick since the newest own one began
   * @param {number} now seconds
   */
  show(fraction, now) {
    const { tick, rows } = this.#predictor;
    this.#view.follow(rows);
    if (tick !== null && this.#previousTick !== tick - 1) {
      this.#predictor.state(tick - 1, this.#previous);
      this.#previousTick = tick - 1;
    }
    const elapsed = Math.max(now - this.#now, 0);
    this.#now = now;
    this.#world.ids.forEach((id, i) => {
      const offsets = this.#offsets[i];
      offsets.decay(elapsed);
      for (const row of rows) {
        const isDrawn = this.#view.putOwn(id, row, this.#previous[i], this.#world.predicted[i], fraction);
        if (!isDrawn) offsets.clear(row);
      }
      offsets.apply(this.#view.columnsOf(id));
    });
  }

  /** See ClientStats in gamenet.d.ts. */
  stats() {
    const { nConfirmed, nCorrections, nResimulated, log } = this.#predictor;
    const sizes = Object.values(log.at(-1)?.sizes ?? {});
    return {
      confirmed: nConfirmed, corrections: nCorrections, resimulated: nResimulated,
      correctionSize: Math.max(0, ...sizes), predictedRows: this.rows.length,
    };
  }
}
