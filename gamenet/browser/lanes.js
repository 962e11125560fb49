// SPDX-License-Identifier: MIT
/**
 * The way out of one channel, for the modes whose messages fit a packet.
 *
 * A lane keeps what waits and puts frames into parcels. What it wants to know the fate of
 * it notes in the parcel's record: an entry is settled when its packet was acknowledged,
 * or when the link broke before. reliable.js has the lane that resends, outbox.js chooses
 * between lanes.
 */

import { Writer } from "./bytes.js";
import { Mode } from "./channels.js";
import { MESSAGE_HEAD, SEQUENCED_HEAD, sizeOf, writeMessage, writeSequenced } from "./frames.js";

const MAX_WAITING = 256; // unreliable messages; the oldest make room

/** A packet while it is filled. */
export class Parcel {
  /** @param {number} size bytes of the packet */
  constructor(size) {
    this.out = new Writer(size);
    this.size = size;
    /** @type {{lane: Lane}[]} */
    this.record = [];
  }

  /** @returns {number} bytes that are left */
  get room() {
    return this.size - this.out.length;
  }
}

/**
 * @typedef {object} Lane
 * @property {import("./channels.js").Channel} channel
 * @property {import("./stats.js").LaneMeter} meter
 * @property {number} virtual bytes served by weight: the clock of the fair queue
 * @property {number} queuedBytes that wait to be sent or acknowledged
 * @property {number} queuedCount of these messages, and of pieces
 * @property {number} oldest when the message that waits longest was pushed; Infinity for none
 * @property {(payload: Uint8Array, id: number, now: number) => void} push
 * @property {(mayTransfer: boolean) => boolean} hasFrames whether something may go out now
 * @property {(parcel: Parcel, now: number, mayTransfer: boolean) => void} fill
 * @property {(entry: object, isAcked: boolean) => void} settle tells the fate of an entry
 * @property {(reason: string) => void} drop forget what is stale by now
 * @property {() => void} rewind begin on a new link
 * @property {(id: number) => boolean} cancel give a message up
 */

/** Messages that are sent once: unreliable, sequenced, with receipts. @implements {Lane} */
export class UnreliableLane {
  #waiting = [];
  #next = 0;
  #isSequenced;
  #hasReceipts;
  #emit;

  /** @param {(event: object) => void} emit */
  constructor(channel, meter, emit) {
    this.channel = channel;
    this.meter = meter;
    this.virtual = 0;
    this.#emit = emit;
    this.#isSequenced = channel.mode === Mode.UNRELIABLE_SEQUENCED;
    this.#hasReceipts = channel.mode === Mode.UNRELIABLE_RECEIPTS;
  }

  get queuedBytes() {
    return 0; // what is unreliable is dropped before it piles up
  }

  get queuedCount() {
    return 0;
  }

  get oldest() {
    return this.#waiting[0]?.since ?? Infinity;
  }

  push(payload, id, now) {
    if (this.#waiting.length === MAX_WAITING) this.#discard("crowded");
    this.#waiting.push({ lane: this, payload, id, since: now });
  }

  hasFrames() {
    return this.#waiting.length > 0;
  }

  fill(parcel, now) {
    const head = this.#isSequenced ? SEQUENCED_HEAD : MESSAGE_HEAD;
    while (this.#waiting.length > 0 && head + sizeOf(this.#waiting[0].payload) <= parcel.room) {
      const entry = this.#waiting.shift();
      this.#write(parcel.out, entry.payload);
      this.meter.left(now - entry.since);
      if (this.#hasReceipts) parcel.record.push(entry);
    }
  }

  #write(out, payload) {
    if (!this.#isSequenced) return writeMessage(out, this.channel.id, payload);
    writeSequenced(out, this.channel.id, this.#next, payload);
    this.#next = (this.#next + 1) & 0xffff;
  }

  settle({ id }, isAcked) {
    this.#emit({ type: isAcked ? "acked" : "lost", id });
  }

  drop(reason) {
    while (this.#waiting.length > 0) this.#discard(reason);
  }

  #discard(reason) {
    const { id } = this.#waiting.shift();
    this.meter.dropped.add(reason);
    if (this.#hasReceipts) this.#emit({ type: "lost", id });
  }

  rewind() {
    this.drop("away");
  }

  cancel() {
    return false;
  }
}

/** The latest value, again until it is acknowledged (reliable-sequenced). @implements {Lane} */
export class LatestLane {
  #value = null;
  #sequence = 0xffff;
  #emit;

  /** @param {(event: object) => void} emit */
  constructor(channel, meter, emit) {
    this.channel = channel;
    this.meter = meter;
    this.virtual = 0;
    this.#emit = emit;
  }

  get queuedBytes() {
    return this.#value?.payload.length ?? 0;
  }

  get queuedCount() {
    return this.#value ? 1 : 0;
  }

  get oldest() {
    return this.#value?.isDue ? this.#value.since : Infinity;
  }

  /** Replace the value; nobody needs the one before any more. */
  push(payload, id, now) {
    if (this.#value) this.meter.dropped.add("replaced");
    // A value that never left takes no sequence: none runs too far ahead while we are away.
    if (this.#value?.copies !== 0) this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#value = { lane: this, payload, id, since: now, isDue: true, copies: 0 };
  }

  hasFrames() {
    return this.#value?.isDue ?? false;
  }

  fill(parcel, now) {
    const value = this.#value;
    if (!value?.isDue || SEQUENCED_HEAD + sizeOf(value.payload) > parcel.room) return;
    writeSequenced(parcel.out, this.channel.id, this.#sequence, value.payload);
    if (value.copies > 0) this.meter.resent++;
    else this.meter.left(now - value.since);
    value.copies++;
    value.isDue = false;
    parcel.record.push(value);
  }

  settle(value, isAcked) {
    if (!isAcked || value !== this.#value) return;
    this.#value = null;
    if (this.channel.receipts) this.#emit({ type: "acked", id: value.id });
  }

  drop() {} // the latest value is never stale

  rewind() {
    if (this.#value) this.#value.isDue = true;
  }

  cancel() {
    return false;
  }
}
