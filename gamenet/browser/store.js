// SPDX-License-Identifier: MIT
/**
 * One component of every entity, as the server said it last, in columns.
 *
 * Where something is drawn is another matter: see view.js.
 */

export class ComponentStore {
  #fields;

  /**
   * @param {any} codec the component in the generated module
   * @param {number} capacity rows
   */
  constructor(codec, capacity) {
    this.codec = codec;
    this.columns = codec.columns(capacity);
    /** Of each row: 0 if its entity lacks the component. */
    this.present = new Uint8Array(capacity);
    this.#fields = codec.fields.map(({ name, kind }) => ({
      name, column: this.columns[name], isRotation: kind === "quaternion", isFlag: kind === "flag",
    }));
  }

  /**
   * Show what lanes say of a row.
   * @param {number} row
   * @param {Uint32Array} words
   * @param {number} at where the lanes of the component begin
   */
  show(row, words, at) {
    this.present[row] = 1;
    this.codec.lanesToColumns(words, at, this.columns, row);
  }

  /**
   * Show values that did not come as lanes.
   * @param {number} row
   * @param {Record<string, any>} values of all fields
   */
  showValues(row, values) {
    for (const { name, column, isRotation } of this.#fields) {
      if (isRotation) column.set(values[name], 4 * row);
      else column[row] = values[name];
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

  /** Forget what a row has. @param {number} row */
  clear(row) {
    this.present[row] = 0;
  }
}
