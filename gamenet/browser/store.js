// SPDX-License-Identifier: MIT
/**
 * One component of every entity: its columns, and the last few samples of each row.
 *
 * Entities are drawn between two samples, a little in the past, so that movement is
 * smooth although the server speaks only `tickRate` times a second. Four samples are kept:
 * enough for two ticks of delay while a packet is late.
 */

import { distance32 } from "./sequence.js";

const SAMPLES = 4;
const SUSPENDED = 2; // in `present`: there, but perhaps not for long
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
  #fields;
  #result = {};

  /**
   * @param {object} codec the component in the generated module
   * @param {number} capacity rows; the columns have one more, for values of no entity
   */
  constructor(codec, capacity) {
    this.codec = codec;
    this.columns = codec.columns(capacity + 1);
    /** Of each row: 0 if its entity lacks the component. */
    this.present = new Uint8Array(capacity + 1);
    this.#ticks = new Uint32Array((capacity + 1) * SAMPLES);
    this.#newest = new Uint8Array(capacity + 1);
    this.#filled = new Uint8Array(capacity + 1);
    const samples = codec.columns((capacity + 1) * SAMPLES);
    this.#fields = codec.fields.map(({ name, kind }) => ({
      name,
      column: this.columns[name],
      samples: samples[name],
      blend: BLENDS[kind] ?? stepping,
      isRotation: kind === "quaternion",
    }));
    for (const { name, isRotation } of this.#fields) {
      this.#result[name] = isRotation ? new Float64Array(4) : 0;
    }
  }

  /**
   * Decode planes into rows.
   * @param {import("./bytes.js").Reader} planes
   * @param {Uint32Array} rows where each value goes
   * @param {number} count
   * @param {number} tick of the values
   */
  read(planes, rows, count, tick) {
    this.codec.readPlanes(planes, rows, count, this.columns);
    planes.end();
    for (let i = 0; i < count; i++) this.#beginSample(rows[i], tick);
    for (const { column, samples, isRotation } of this.#fields) {
      if (isRotation) this.#keepWide(column, samples, rows, count);
      else this.#keep(column, samples, rows, count);
    }
  }

  #beginSample(row, tick) {
    const newest = this.#newest[row];
    const filled = this.#filled[row];
    const isSameTick = filled > 0 && this.#ticks[row * SAMPLES + newest] === tick;
    if (isSameTick) return; // the same tick again: its sample is replaced
    const slot = (newest + 1) % SAMPLES;
    this.#newest[row] = slot;
    this.#ticks[row * SAMPLES + slot] = tick;
    if (filled < SAMPLES) this.#filled[row] = filled + 1;
  }

  #keep(column, samples, rows, count) {
    for (let i = 0; i < count; i++) {
      const row = rows[i];
      samples[row * SAMPLES + this.#newest[row]] = column[row];
    }
  }

  #keepWide(column, samples, rows, count) {
    for (let i = 0; i < count; i++) {
      const row = rows[i];
      const at = (row * SAMPLES + this.#newest[row]) * 4;
      for (let k = 0; k < 4; k++) samples[at + k] = column[row * 4 + k];
    }
  }

  /** Begin anew at a row: what was there is of another entity. @param {number} row */
  clear(row) {
    this.present[row] = 0;
    this.#filled[row] = 0;
  }

  /** Await whether a row's entity keeps the component: `grant` or `settle`. @param {number} row */
  suspend(row) {
    if (this.present[row]) this.present[row] = SUSPENDED;
  }

  /**
   * Give a row's entity the component.
   * @param {number} row
   * @returns {boolean} whether it needs values; false if it keeps those that it has
   */
  grant(row) {
    const isNew = this.present[row] !== SUSPENDED;
    this.present[row] = 1;
    return isNew;
  }

  /** Take the component from a row to which it was not granted again. @param {number} row */
  settle(row) {
    if (this.present[row] === SUSPENDED) this.clear(row);
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
