// SPDX-License-Identifier: MIT
/**
 * Do something once a tick of the server, no more and no less in the long run.
 *
 * The server takes one input of a kind a tick. A page that sends by a timer of its own is
 * always a little faster, and its inputs queue up; or slower, and ticks go without.
 */

const CHECKS_PER_TICK = 4;

/**
 * @param {{tickRate: number, serverTick: () => number}} client
 * @param {() => void} callback
 * @returns {() => void} ends it
 */
export function everyTick(client, callback) {
  let last = Math.floor(client.serverTick());
  const timer = setInterval(() => {
    const tick = Math.floor(client.serverTick());
    if (tick === last) return;
    last = tick; // ticks that a busy page has missed are not made up for
    callback();
  }, 1000 / client.tickRate / CHECKS_PER_TICK);
  return () => clearInterval(timer);
}
