// SPDX-License-Identifier: MIT
/**
 * Know which packets arrived, in both directions, and measure the link by it.
 *
 * Every packet carries the newest sequence received and a bit for each of the 32
 * before it, so that an acknowledgement survives the loss of 32 packets in a row.
 */

import { distance16 } from "./sequence.js";

const NOTHING_YET = 0xffff;
const SENT_WINDOW = 256; // packets in flight that are timed; 8 seconds at 30 a second
const LOSS_WEIGHT = 1 / 64; // of one packet: about the last two seconds at 30 a second

/** What came from the peer: the ack fields of our packets, and the gaps. */
export class ReceivedAcks {
  constructor() {
    this.newest = NOTHING_YET;
    this.bits = 0;
    this.any = false;
    /** Share of the peer's packets that never came, 0 to 1, recent ones weighing most. */
    this.loss = 0;
  }

  /**
   * Note a packet.
   * @param {number} sequence
   * @returns {boolean} whether it is new: not a duplicate, not too old to tell
   */
  receive(sequence) {
    const ahead = this.any ? distance16(sequence, this.newest) : 1;
    if (ahead <= 0) return this.#receiveLate(-ahead);
    const known = this.any ? (this.bits << 1) | 1 : 0;
    this.bits = ahead > 32 ? 0 : shifted(known, ahead - 1);
    this.newest = sequence;
    this.any = true;
    this.#weigh(ahead - 1);
    return true;
  }

  #receiveLate(behind) {
    if (behind === 0 || behind > 32) return false;
    const bit = 1 << (behind - 1);
    if (this.bits & bit) return false;
    this.bits = (this.bits | bit) >>> 0;
    this.loss = Math.max(0, this.loss - LOSS_WEIGHT);
    return true;
  }

  #weigh(missing) {
    for (let i = Math.min(missing, 256); i > 0; i--) this.loss += (1 - this.loss) * LOSS_WEIGHT;
    this.loss -= this.loss * LOSS_WEIGHT;
  }
}

/** Shift left within 32 bits; JavaScript's own shift wraps at 32. */
function shifted(bits, by) {
  return by > 31 ? 0 : (bits << by) >>> 0;
}

/** What we sent: times the round trip from the peer's acks. */
export class SentPackets {
  constructor() {
    this.next = 0;
    /** Smoothed round trip in seconds, 0 until measured. */
    this.rtt = 0;
    /** Its mean deviation in seconds (RFC 6298, RTTVAR). */
    this.jitter = 0;
    this.times = new Float64Array(SENT_WINDOW).fill(-1);
  }

  /** @param {number} now @returns {number} the sequence of the packet that goes out */
  send(now) {
    const sequence = this.next;
    this.next = (sequence + 1) & 0xffff;
    this.times[sequence % SENT_WINDOW] = now;
    return sequence;
  }

  /**
   * Take the newest sequence that the peer has received.
   * @param {number} ack
   * @param {number} now
   * @returns {boolean} false if we never sent such a packet
   */
  acknowledge(ack, now) {
    const behind = distance16(this.next, ack);
    if (ack === NOTHING_YET && behind <= 0) return true;
    if (behind <= 0) return false;
    if (behind <= SENT_WINDOW) this.#time(ack % SENT_WINDOW, now);
    return true;
  }

  #time(slot, now) {
    const sent = this.times[slot];
    if (sent < 0) return; // timed before
    this.times[slot] = -1;
    const sample = now - sent;
    if (this.rtt === 0) {
      this.rtt = sample;
      this.jitter = sample / 2;
      return;
    }
    this.jitter += (Math.abs(sample - this.rtt) - this.jitter) / 4; // RFC 6298 s2.3
    this.rtt += (sample - this.rtt) / 8;
  }
}
