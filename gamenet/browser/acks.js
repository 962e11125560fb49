// SPDX-License-Identifier: MIT
/**
 * Which packets arrived on a stream, in both directions.
 *
 * A stream loses nothing and lets nothing overtake: an acknowledgement of a packet is one
 * of every packet before it. What is not acknowledged when the stream breaks may have
 * arrived or not.
 */

import { WireError } from "./numbers.js";
import { distance16 } from "./sequence.js";

const NOTHING_YET = 0xffff;
const MAX_IN_FLIGHT = 4096; // packets that are remembered one by one
const LOSS_WEIGHT = 1 / 64; // of one packet: about the last two seconds at 30 a second
const DELAY_UNIT = 1 / 16000; // seconds
const LEAST_DELAY = 0.001;

/** A share of packets, 0 to 1, recent ones weighing most. */
export class Share {
  value = 0;

  add(isLost) {
    this.value += ((isLost ? 1 : 0) - this.value) * LOSS_WEIGHT;
  }
}

/** What came from the peer: the ack fields of our packets. */
export class ReceivedPackets {
  #newestAt = 0;
  #isNews = false;
  #missed;

  /** @param {Share} missed packets that never came */
  constructor(missed = new Share()) {
    this.newest = NOTHING_YET;
    this.bits = 0;
    this.#missed = missed;
  }

  /**
   * Note a packet.
   * @param {number} sequence
   * @param {number} now
   * @returns {boolean} whether it is new
   */
  receive(sequence, now) {
    const ahead = distance16(sequence, this.newest);
    if (ahead <= 0) return false;
    for (let missing = Math.min(ahead, 256); missing > 1; missing--) this.#missed.add(true);
    this.#missed.add(false);
    this.bits = ahead > 31 ? 1 : ((this.bits << ahead) | 1) >>> 0;
    this.newest = sequence;
    this.#newestAt = now;
    this.#isNews = true;
    return true;
  }

  /** Return how long the newest packet has waited for its ack, in units; 0 if that need not be said. */
  takeDelay(now) {
    const waited = this.#isNews ? now - this.#newestAt : 0;
    this.#isNews = false;
    return waited < LEAST_DELAY ? 0 : Math.min(Math.round(waited / DELAY_UNIT), 0xffff);
  }
}

/**
 * A packet of ours until it is acknowledged.
 * @typedef {{sequence: number, at: number, size: number, record: object[]}} SentPacket
 */

/** What we sent, and what of it may still be acknowledged. */
export class SentPackets {
  /** @type {SentPacket[]} */
  #packets = [];
  #next = 0;
  #acked = -1;
  #lost;

  /** @param {Share} lost packets that were not acknowledged */
  constructor(lost = new Share()) {
    /** Bytes that are not acknowledged. */
    this.inFlight = 0;
    this.#lost = lost;
  }

  /** @returns {number} sequence of the packet that goes out next */
  get next() {
    return this.#next & 0xffff;
  }

  /** Note that the next packet goes out. @param {number} size @param {object[]} record @param {number} now */
  send(size, record, now) {
    this.#packets.push({ sequence: this.#next++, at: now, size, record });
    this.inFlight += size;
    if (this.#packets.length <= MAX_IN_FLIGHT) return;
    const oldest = this.#packets.shift(); // the ack of the next one stands for it
    this.#packets[0].record.unshift(...oldest.record);
    this.#packets[0].size += oldest.size;
  }

  /**
   * Take what the peer says it has received.
   * @param {number} ack
   * @param {number} bits
   * @returns {SentPacket[]} those newly acknowledged, oldest first
   */
  acknowledge(ack, bits) {
    if ((bits & 1) === 0) return []; // nothing came yet
    const newest = this.#acked + distance16(ack, this.#acked & 0xffff);
    if (newest < 0 || newest >= this.#next) throw new WireError(`ack ${ack} of a packet never sent`);
    if (newest <= this.#acked) return [];
    this.#acked = newest;
    const count = this.#packets.findIndex(({ sequence }) => sequence > this.#acked);
    const acked = this.#packets.splice(0, count < 0 ? this.#packets.length : count);
    for (const { size } of acked) {
      this.inFlight -= size;
      this.#lost.add(false);
    }
    return acked;
  }

  /** The stream broke: return what was never acknowledged. @returns {SentPacket[]} */
  abandon() {
    const packets = this.#packets;
    this.#packets = [];
    this.inFlight = 0;
    for (let n = 0; n < packets.length; n++) this.#lost.add(true);
    return packets;
  }
}

/** @param {number} units @returns {number} seconds that the peer says an ack has waited */
export const secondsOf = (units) => units * DELAY_UNIT;
