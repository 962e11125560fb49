// SPDX-License-Identifier: MIT
/**
 * Keep predicted state to what the wire can say, so that both sides go on from the same
 * numbers. The same as gamenet/prediction/rounding.py.
 */

import { Kind, slidesOf } from "./blend.js";

const PATIENCE = 3; // roundings after which a rotation that does not come to rest is helped

export class Rounding {
  #codecs;
  #starts;
  #rotations;
  #again;

  /** @param {readonly any[]} codecs of the components, in an order of their own */
  constructor(codecs) {
    this.#codecs = codecs;
    const widths = codecs.map(({ laneWidths }) => laneWidths.length);
    this.#starts = widths.map((_, i) => widths.slice(0, i).reduce((sum, width) => sum + width, 0));
    this.#rotations = codecs.map((codec) => slidesOf(codec).some(({ kind }) => kind === Kind.ROTATION));
    /** How many lanes a row has. */
    this.lanes = widths.reduce((sum, width) => sum + width, 0);
    this.#again = new Uint32Array(Math.max(...widths, 0));
  }

  /** @param {number} i of the codecs @returns {number} its first lane of a row */
  start(i) {
    return this.#starts[i];
  }

  /**
   * Round a row, and write its words.
   * @param {readonly Record<string, any>[]} columns of each component
   * @param {number} row
   * @param {Uint32Array} words
   * @param {number} at where its lanes begin
   */
  round(columns, row, words, at) {
    this.#codecs.forEach((codec, i) => {
      const start = at + this.#starts[i];
      codec.columnsToLanes(columns[i], row, words, start);
      codec.lanesToColumns(words, start, columns[i], row);
      if (this.#rotations[i]) this.#settle(codec, columns[i], row, words, start);
    });
  }

  /** Write words into the columns of a row. */
  put(words, at, columns, row) {
    this.#codecs.forEach((codec, i) => codec.lanesToColumns(words, at + this.#starts[i], columns[i], row));
  }

  /**
   * Round until that changes nothing more. Where two components of a quaternion are nearly
   * the same, rounding one can make the other the largest, and so on for ever.
   */
  #settle(codec, columns, row, words, start) {
    const again = this.#again;
    for (let n = 1; ; n++) {
      codec.columnsToLanes(columns, row, again, 0);
      if (codec.laneWidths.every((_, k) => again[k] === words[start + k])) return;
      if (n > PATIENCE) {
        for (const field of codec.fields) if (field.kind === "quaternion") partLargest(columns[field.name], row, field);
        codec.columnsToLanes(columns, row, again, 0);
      }
      words.set(again.subarray(0, codec.laneWidths.length), start);
      codec.lanesToColumns(words, start, columns, row);
    }
  }
}

/** Lower the second largest part of a rotation by two steps: the largest is so without doubt. */
function partLargest(column, row, { bits }) {
  const at = 4 * row;
  const places = [0, 1, 2, 3].sort((i, j) => Math.abs(column[at + i]) - Math.abs(column[at + j]));
  const second = at + places[2];
  const size = Math.max(Math.abs(column[second]) - Math.SQRT2 / (2 ** bits - 2), 0);
  column[second] = Math.sign(column[second]) * size;
}
