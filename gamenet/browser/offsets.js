// SPDX-License-Identifier: MIT
/**
 * What corrections leave in the view: how far it is beside the state, which decays.
 *
 * The state itself is right at once; only what is drawn glides there, halving what is left
 * in every half-life. A correction as large as `snap` leaves nothing: it jumps. The same
 * as gamenet/prediction/offsets.py.
 */

import { Kind, distance, slidesOf, wrapped } from "./blend.js";

const SPENT = 1e-5; // share of an offset that nobody sees any more
const HALF_LIFE = 0.04; // seconds, unless the component says otherwise

export class Offsets {
  #slides;
  #halfLife;
  #snap;
  #capacity;
  /** @type {Record<string, Float64Array>} */
  #columns = {};
  /** Of each row, which share of its newest offset is left; 0 for none. */
  #left = new Float64Array(0);
  #rows = new Set();

  /**
   * @param {any} codec of the component
   * @param {number} capacity rows
   */
  constructor(codec, capacity) {
    const { halfLife = HALF_LIFE, snap = Infinity } = codec.shown ?? {};
    this.#halfLife = halfLife;
    this.#snap = snap;
    this.#slides = slidesOf(codec).filter(({ kind }) => kind !== Kind.STEP);
    this.#capacity = capacity;
  }

  /** @returns {boolean} whether all that is drawn is where the state is */
  get isIdle() {
    return this.#rows.size === 0;
  }

  /**
   * Keep what is drawn where it is, although the state has moved.
   * @param {number} row
   * @param {Record<string, any>} before columns
   * @param {number} was row there
   * @param {Record<string, any>} after columns
   * @param {number} is row there
   */
  add(row, before, was, after, is) {
    const size = distance(this.#slides, before, was, after, is);
    if (size >= this.#snap) return this.clear(row);
    if (size === 0) return;
    this.#begin(row);
    for (const { name, kind } of this.#slides) {
      const [a, b, offset] = [before[name], after[name], this.#columns[name]];
      if (kind === Kind.ROTATION) turnBy(offset, 4 * row, a, 4 * was, b, 4 * is);
      else if (kind === Kind.ANGLE) offset[row] = wrapped(offset[row] + a[was] - b[is]);
      else offset[row] += a[was] - b[is];
    }
  }

  #begin(row) {
    if (this.#left.length === 0) this.#allocate();
    if (!this.#rows.has(row)) {
      for (const { name, width } of this.#slides) {
        this.#columns[name].fill(0, width * row, width * (row + 1));
        if (width === 4) this.#columns[name][4 * row + 3] = 1;
      }
    }
    this.#rows.add(row);
    this.#left[row] = 1;
  }

  #allocate() {
    this.#left = new Float64Array(this.#capacity);
    for (const { name, width } of this.#slides) this.#columns[name] = new Float64Array(width * this.#capacity);
  }

  /** Draw a row where its state is. @param {number} row */
  clear(row) {
    this.#rows.delete(row);
  }

  /** Let time pass. @param {number} seconds */
  decay(seconds) {
    const factor = this.#halfLife > 0 ? 0.5 ** (seconds / this.#halfLife) : 0;
    for (const row of this.#rows) {
      this.#left[row] *= factor;
      if (this.#left[row] < SPENT) this.#rows.delete(row);
      else for (const each of this.#slides) this.#shrink(each, row, factor);
    }
  }

  #shrink({ name, kind }, row, factor) {
    const offset = this.#columns[name];
    if (kind !== Kind.ROTATION) {
      offset[row] *= factor;
      return;
    }
    const at = 4 * row;
    for (let k = 0; k < 3; k++) offset[at + k] *= factor;
    offset[at + 3] = offset[at + 3] * factor + (1 - factor);
    normalise(offset, at);
  }

  /** Move what is drawn beside the state. @param {Record<string, any>} columns of the view */
  apply(columns) {
    for (const row of this.#rows) {
      for (const { name, kind } of this.#slides) {
        const [shown, offset] = [columns[name], this.#columns[name]];
        if (kind === Kind.ROTATION) multiply(offset, 4 * row, shown, 4 * row, shown, 4 * row);
        else if (kind === Kind.ANGLE) shown[row] = wrapped(shown[row] + offset[row]);
        else shown[row] += offset[row];
      }
    }
  }
}

const difference = new Float64Array(4);

/** Turn a rotation further by what leads from `after` to `before`. */
function turnBy(offset, at, before, was, after, is) {
  difference[0] = -after[is];
  difference[1] = -after[is + 1];
  difference[2] = -after[is + 2];
  difference[3] = after[is + 3];
  multiply(before, was, difference, 0, difference, 0);
  multiply(offset, at, difference, 0, offset, at);
  if (offset[at + 3] < 0) for (let k = 0; k < 4; k++) offset[at + k] = -offset[at + k];
  normalise(offset, at);
}

/** Write the product of two quaternions. */
function multiply(a, i, b, j, into, to) {
  const [x, y, z, w] = [a[i], a[i + 1], a[i + 2], a[i + 3]];
  const [p, q, r, s] = [b[j], b[j + 1], b[j + 2], b[j + 3]];
  into[to] = w * p + x * s + y * r - z * q;
  into[to + 1] = w * q - x * r + y * s + z * p;
  into[to + 2] = w * r + x * q - y * p + z * s;
  into[to + 3] = w * s - x * p - y * q - z * r;
}

function normalise(columns, at) {
  let square = 0;
  for (let k = 0; k < 4; k++) square += columns[at + k] ** 2;
  const norm = Math.sqrt(square) || 1;
  for (let k = 0; k < 4; k++) columns[at + k] /= norm;
}
