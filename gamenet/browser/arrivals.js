// SPDX-License-Identifier: MIT
/** Promises of what a page waits for once. */

/**
 * Wait for an entity that has a component: one that is there, or the next one that spawns with
 * it, comes into view, or is given it.
 * @param {import("./client.js").GameClient} client
 * @param {string} component
 * @param {object} [options]
 * @param {number} [options.timeout] seconds after which it is given up
 * @param {AbortSignal} [options.signal] gives it up
 * @returns {Promise<import("./world.js").Entity>}
 */
export function arrival(client, component, { timeout, signal } = {}) {
  const [row] = client.world.rows(component);
  if (row !== undefined) return Promise.resolve(client.world.entity(row));
  return new Promise((resolve, reject) => {
    const ends = [];
    const settle = (finish, value) => {
      for (const end of ends) end();
      finish(value);
    };
    const given = (entity, names) => { if (names.includes(component)) settle(resolve, entity); };
    const abort = () => settle(reject, signal.reason);
    ends.push(client.on("spawned", (entity) => given(entity, entity.components)));
    ends.push(client.on("reshaped", (entity) => given(entity, entity.added)));
    ends.push(client.on("closed", ({ advice }) => settle(reject, new Error(`no ${component} came: ${advice}`))));
    if (timeout !== undefined) {
      const late = () => settle(reject, new Error(`no ${component} came within ${timeout} s`));
      const timer = setTimeout(late, timeout * 1000);
      ends.push(() => clearTimeout(timer));
    }
    signal?.addEventListener("abort", abort);
    ends.push(() => signal?.removeEventListener("abort", abort));
    if (signal?.aborted) abort();
  });
}
