// SPDX-License-Identifier: MIT
/**
 * How much of large messages may be on its way, so that they fill no queue in the network.
 *
 * A stream takes whatever it is given, and all of it then waits in front of the next input.
 * The window grows while the round trip is near its shortest and shrinks as it grows longer.
 *
 * Source: LEDBAT (RFC 6817), section 2.4.2, with a slow start.
 */

const TARGET = 0.05; // seconds of queueing that a transfer may cause
const PACKET = 1200;
const FIRST = 16 * PACKET;
const SMALLEST = 4 * PACKET;
const LARGEST = 1 << 20;

export class TransferWindow {
  #isStarting = true;

  constructor() {
    /** Bytes that may be in flight. */
    this.size = FIRST;
  }

  /**
   * Take an acknowledgement.
   * @param {number} bytes newly acknowledged
   * @param {number} delay seconds by which the round trip exceeds its shortest
   * @param {boolean} wasFull whether the window was what held us back
   */
  acked(bytes, delay, wasFull) {
    const room = Math.max((TARGET - delay) / TARGET, -1);
    if (room < 0.5) this.#isStarting = false;
    if (room > 0 && !wasFull) return; // what was not used says nothing
    const change = this.#isStarting ? bytes : (room * bytes * PACKET) / this.size;
    this.size = Math.min(Math.max(this.size + change, SMALLEST), LARGEST);
  }
}
