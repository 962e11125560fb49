// SPDX-License-Identifier: MIT
/**
 * Read differences of rows: which cells have changed, how large each is, and the cells.
 *
 *   groups | sizes u8* | changed | large | full | payload
 *
 * A cell has one of three sizes. Two of them are told for each group that has changed
 * cells, the third is that of all its bits. Source: docs/STANDARD.md, "Cells".
 */

import { bitAt, claimBitmap, countOnes, listOnes } from "./bitmaps.js";
import { WireError } from "./numbers.js";

/** Bytes of the largest cell; so many must be there to be read behind the last one. */
export const CELL = 8;

export class CellReader {
  #groups;
  #changed;

  /** @param {import("./groups.js").Groups} groups */
  constructor(groups) {
    this.#groups = groups;
    this.#changed = new Uint32Array(groups.count);
  }

  /**
   * Add the differences of rows to lanes.
   * @param {import("./bytes.js").Reader} from
   * @param {number} rows how many
   * @param {Uint32Array} words
   * @param {number} at where the lanes of the first row begin
   */
  read(from, rows, words, at) {
    const count = this.#readGroups(from);
    const sizes = from.claim(count);
    this.#checkSizes(from.bytes, sizes, count);
    const bits = count * rows;
    const changed = claimBitmap(from, bits);
    const cells = countOnes(from.bytes, changed, bits);
    const large = claimBitmap(from, cells);
    const full = claimBitmap(from, countOnes(from.bytes, large, cells));
    this.#readPayload(from, { rows, count, sizes, changed, large, full }, words, at);
  }

  /** List the groups that have changed cells; return how many they are. */
  #readGroups(from) {
    const start = claimBitmap(from, this.#groups.count);
    return listOnes(from.bytes, start, this.#groups.count, this.#changed, 0, 0);
  }

  #checkSizes(bytes, sizes, count) {
    for (let p = 0; p < count; p++) {
      const [small, medium] = [(bytes[sizes + p] & 7) + 1, (bytes[sizes + p] >> 3) + 1];
      const full = this.#groups.fullSizes[this.#changed[p]];
      if (small > medium || medium > full) throw new WireError(`cells of ${small}, ${medium} and ${full} bytes`);
    }
  }

  #readPayload(from, { rows, count, sizes, changed, large, full }, words, at) {
    const { bytes } = from;
    const { first, fullSizes, lanes } = this.#groups;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    let [nCells, nLarge] = [0, 0];
    for (let p = 0; p < count; p++) {
      const group = this.#changed[p];
      const small = (bytes[sizes + p] & 7) + 1;
      const medium = (bytes[sizes + p] >> 3) + 1;
      for (let i = 0; i < rows; i++) {
        if (!bitAt(bytes, changed, p * rows + i)) continue;
        let size = small;
        if (bitAt(bytes, large, nCells++)) size = bitAt(bytes, full, nLarge++) ? fullSizes[group] : medium;
        this.#add(group, size, view, from.claim(size), words, at + i * lanes + first[group]);
      }
    }
  }

  /** Add the differences in the cell at `from` to the lanes at `to`. */
  #add(group, size, view, from, words, to) {
    const { lengths, first, masks, shares } = this.#groups;
    const share = this.#groups.shareAt(group, size);
    let low = view.getUint32(from, true);
    let high = view.getUint32(from + 4, true);
    for (let n = 0; n < lengths[group]; n++) {
      const width = shares[share + n];
      const zigzag = width === 32 ? low : low & ((1 << width) - 1);
      const difference = (zigzag >>> 1) ^ -(zigzag & 1);
      words[to + n] = (words[to + n] + difference) & masks[first[group] + n];
      low = width === 32 ? high : (low >>> width) | (high << (32 - width));
      high = width === 32 ? 0 : high >>> width;
    }
  }
}
