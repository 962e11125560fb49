// SPDX-License-Identifier: MIT
/** Notice which fields of a component change, for those who asked to be told. */

const same = (a, b) => (Array.isArray(a) ? a.every((value, n) => Object.is(value, b[n])) : Object.is(a, b));

export class Watch {
  #store;
  #callbacks = new Map();
  #before = new Map();

  /** @param {import("./store.js").ComponentStore} store */
  constructor(store) {
    this.#store = store;
  }

  /**
   * Ask to be told when a field changes.
   * @param {string} field
   * @param {(row: number, value: any, old: any) => void} callback
   * @returns {() => void} ends it
   */
  add(field, callback) {
    const callbacks = this.#callbacks.get(field) ?? new Set();
    this.#callbacks.set(field, callbacks.add(callback));
    return () => {
      callbacks.delete(callback);
      if (callbacks.size === 0) this.#callbacks.delete(field);
    };
  }

  /** @returns {boolean} whether nobody asks */
  get isIdle() {
    return this.#callbacks.size === 0;
  }

  /** Remember what a row has, for it is about to be written. @param {number} row */
  begin(row) {
    for (const field of this.#callbacks.keys()) this.#before.set(field, this.#store.value(row, field));
  }

  /**
   * Note what has changed in a row since `begin`.
   * @param {number} row
   * @param {[(...values: any[]) => void, ...any[]][]} calls receives whom to call, and with what
   */
  end(row, calls) {
    for (const [field, callbacks] of this.#callbacks) {
      const [value, old] = [this.#store.value(row, field), this.#before.get(field)];
      if (same(value, old)) continue;
      for (const callback of callbacks) calls.push([callback, row, value, old]);
    }
  }
}
