// SPDX-License-Identifier: MIT
/** Whom to call for which event. */

export class Listeners {
  #callbacks = new Map();

  /**
   * Call back for each event of a kind.
   * @param {string} event
   * @param {(...values: any[]) => void} callback
   * @returns {() => void} ends it
   */
  on(event, callback) {
    const callbacks = this.#callbacks.get(event) ?? new Set();
    this.#callbacks.set(event, callbacks.add(callback));
    return () => callbacks.delete(callback);
  }

  /** @param {string} event @returns {boolean} whether anyone is called for it */
  has(event) {
    return (this.#callbacks.get(event)?.size ?? 0) > 0;
  }

  /** @param {string} event @param {...any} values */
  emit(event, ...values) {
    for (const callback of this.#callbacks.get(event) ?? []) this.call(callback, ...values);
  }

  /**
   * Call a page back. An error there is the page's: it is reported, and changes nothing here.
   * @param {(...values: any[]) => void} callback
   * @param {...any} values
   */
  call(callback, ...values) {
    try {
      callback(...values);
    } catch (error) {
      queueMicrotask(() => { throw error; });
    }
  }
}
