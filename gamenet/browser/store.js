// SPDX-License-Identifier: MIT
/**
 * One component of every entity: its columns, and the last few samples of each row.
 *
 * Entities are drawn between two samples, a little in the past, so that movement is
 * smooth although the server speaks only `tickRate` times a second. Four samples are kept:
 * enough for two ticks of delay while a packet is late. What does not change is not told;
 * so a row that moves after a rest is given one more sample, of where it rested.
 */

import { distance32 } from "./sequence.js";

const SAMPLES = 4;
const REST = 2; // ticks without a sample that are a rest
const TAU = 2 * Math.PI;

const linear = (a, b, share) => a + (b - a) * share;
const turning = (a, b, share) => {
  const difference = b - a;
  return a + (difference - TAU * Math.round(difference / TAU)) * share;
};
const stepping = (a, b, share) => (share < 1 ? a : b);

/** How each kind of field moves between two samples; all others step. */
const BLENDS = {
  fixed: linear, float16: linear, float32: linear, float64: linear, angle: turning,
};

export class ComponentStore {
  #ticks;
  #newest;
  #filled;
  #samples;
  #fields;
  #result = {};

  /**
   * @param {any} codec the component in the generated module
   * @param {number} capacity rows
   */
  constructor(codec, capacity) {
    this.codec = codec;
    this.columns = codec.columns(capacity);
    /** Of each row: 0 if its entity lacks the component. */
    this.present = new Uint8Array(capacity);
    this.#ticks = new Uint32Array(capacity * SAMPLES);
    this.#newest = new Uint8Array(capacity);
    this.#filled = new Uint8Array(capacity);
    this.#samples = codec.columns(capacity * SAMPLES);
    this.#fields = codec.fields.map(({ name, kind }) => ({
      name,
      column: this.columns[name],
      samples: this.#samples[name],
      blend: BLENDS[kind] ?? stepping,
      isRotation: kind === "quaternion",
      isFlag: kind === "flag",
    }));
    for (const { name, isRotation } of this.#fields) {
      this.#result[name] = isRotation ? new Float64Array(4) : 0;
    }
  }

  /**
   * Show what lanes say of a row, and keep it as a sample.
   * @param {number} row
   * @param {number} tick
   * @param {Uint32Array} words
   * @param {number} at where the lanes of the component begin
   */
  show(row, tick, words, at) {
    this.present[row] = 1;
    this.codec.lanesToColumns(words, at, this.columns, row);
    this.codec.lanesToColumns(words, at, this.#samples, this.#sampleOf(row, tick));
  }

  /**
   * Show values that did not come as lanes, and keep them as a sample.
   * @param {number} row
   * @param {number} tick
   * @param {Record<string, any>} values of all fields
   */
  showValues(row, tick, values) {
    const sample = this.#sampleOf(row, tick);
    for (const { name, column, samples, isRotation } of this.#fields) {
      if (isRotation) {
        column.set(values[name], 4 * row);
        samples.set(values[name], 4 * sample);
      } else {
        column[row] = values[name];
        samples[sample] = values[name];
      }
    }
  }

  /** @param {number} row @returns {Record<string, any>} its values by field, as messages have them */
  values(row) {
    return Object.fromEntries(this.#fields.map(({ name }) => [name, this.value(row, name)]));
  }

  /** @param {number} row @param {string} name of a field @returns {any} its value, a copy */
  value(row, name) {
    const { column, isRotation, isFlag } = this.#fields.find((field) => field.name === name);
    if (isRotation) return [...column.subarray(4 * row, 4 * row + 4)];
    return isFlag ? column[row] === 1 : column[row];
  }

  /** Return where the sample of a tick is, which begins anew unless it is there already. */
  #sampleOf(row, tick) {
    const last = row * SAMPLES + this.#newest[row];
    const elapsed = distance32(tick, this.#ticks[last]);
    if (this.#filled[row] === 0) return this.#addSample(row, tick);
    if (elapsed <= 0) return last;
    if (elapsed > REST) this.#rest(last, this.#addSample(row, tick - REST));
    return this.#addSample(row, tick);
  }

  #addSample(row, tick) {
    const slot = (this.#newest[row] + 1) % SAMPLES;
    this.#newest[row] = slot;
    this.#ticks[row * SAMPLES + slot] = tick;
    if (this.#filled[row] < SAMPLES) this.#filled[row]++;
    return row * SAMPLES + slot;
  }

  /** Make a sample the same as another one. */
  #rest(from, to) {
    for (const { samples, isRotation } of this.#fields) {
      if (isRotation) samples.copyWithin(4 * to, 4 * from, 4 * from + 4);
      else samples[to] = samples[from];
    }
  }

  /** Begin anew at a row: what was there is of another entity. @param {number} row */
  clear(row) {
    this.present[row] = 0;
    this.#filled[row] = 0;
  }

  /**
   * Return the component between two samples.
   * @param {number} row
   * @param {number} tick the moment wanted, with a fraction
   * @returns {Record<string, any>} one object, reused by every call on this component
   */
  interpolated(row, tick) {
    const newer = this.#firstAfter(row, tick);
    const older = this.#olderThan(row, newer);
    const span = distance32(this.#ticks[newer], this.#ticks[older]);
    const elapsed = tick - this.#ticks[older];
    const share = span > 0 ? Math.min(Math.max(elapsed / span, 0), 1) : 0;
    for (const field of this.#fields) {
      this.#result[field.name] = field.isRotation
        ? rotated(field.samples, older, newer, share, this.#result[field.name])
        : field.blend(field.samples[older], field.samples[newer], share);
    }
    return this.#result;
  }

  /** The oldest sample after a tick, or the newest of all: an index into the samples. */
  #firstAfter(row, tick) {
    const newest = this.#newest[row];
    let found = row * SAMPLES + newest;
    for (let back = 1; back < this.#filled[row]; back++) {
      const slot = row * SAMPLES + ((newest + SAMPLES - back) % SAMPLES);
      if (this.#ticks[slot] <= tick) break;
      found = slot;
    }
    return found;
  }

  /** The sample before another one, or itself when it is the oldest or already past. */
  #olderThan(row, index) {
    const slot = index - row * SAMPLES;
    const age = (this.#newest[row] + SAMPLES - slot) % SAMPLES;
    if (age + 1 >= this.#filled[row]) return index;
    return row * SAMPLES + ((slot + SAMPLES - 1) % SAMPLES);
  }
}

/** Blend two unit quaternions along the shorter arc, normalised. */
function rotated(samples, older, newer, share, into) {
  const a = older * 4;
  const b = newer * 4;
  let dot = 0;
  for (let k = 0; k < 4; k++) dot += samples[a + k] * samples[b + k];
  const towards = dot < 0 ? -share : share;
  let square = 0;
  for (let k = 0; k < 4; k++) {
    into[k] = samples[a + k] * (1 - share) + samples[b + k] * towards;
    square += into[k] * into[k];
  }
  const norm = Math.sqrt(square) || 1;
  for (let k = 0; k < 4; k++) into[k] /= norm;
  return into;
}
