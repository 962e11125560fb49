// SPDX-License-Identifier: MIT
/**
 * The way out of a reliable channel: every message, again on the next link if need be.
 *
 * Small messages leave in runs, a large one in pieces; each message and each piece has a
 * sequence, taken as it leaves. On a stream nothing is sent twice until the link breaks;
 * then everything that was not acknowledged goes out again, in the same order.
 *
 * The pieces of a message have consecutive sequences, so nothing of the channel can come
 * between them. On an unordered channel large messages wait behind the small ones.
 */

import { Mode } from "./channels.js";
import {
  CANCELLED_SIZE, MAX_RUN, PIECE_HEAD, RUN_HEAD, beginRun, lengthenRun, sizeOf, writeCancelled, writePiece,
} from "./frames.js";

/** Sequences that may be on their way at once; receivers remember as many. */
export const WINDOW = 16384;
/** Sequences between the oldest unacknowledged one and a new piece. */
export const PIECE_WINDOW = 400;

const WINDOW_BYTES = 1 << 19;
const PROGRESS_STEPS = 100;

/** @implements {import("./lanes.js").Lane} */
export class ReliableLane {
  #emit;
  #largest;
  #queue = [];
  #bulk;
  #transfer = null;
  #next = 0;
  /** What has a sequence and is not acknowledged, oldest first. */
  #flight = [];
  #flightBytes = 0;
  /** How many of it have been sent on this link. */
  #sent = 0;
  /** The run written last, which the next message may lengthen. */
  #run = null;

  /**
   * @param {import("./channels.js").Channel} channel
   * @param {import("./stats.js").LaneMeter} meter
   * @param {(event: object) => void} emit
   * @param {number} largest bytes of the largest message that leaves whole, and of a piece
   */
  constructor(channel, meter, emit, largest) {
    this.channel = channel;
    this.meter = meter;
    this.virtual = 0;
    this.queuedBytes = 0;
    this.#emit = emit;
    this.#largest = largest;
    this.#bulk = channel.mode === Mode.RELIABLE_UNORDERED ? [] : this.#queue;
  }

  get queuedCount() {
    const waiting = this.#bulk === this.#queue ? 0 : this.#bulk.length;
    return waiting + this.#queue.length + this.#flight.length;
  }

  get oldest() {
    return Math.min(this.#queue[0]?.since ?? Infinity, this.#bulk[0]?.since ?? Infinity);
  }

  push(payload, id, now) {
    this.queuedBytes += payload.length;
    const queue = payload.length > this.#largest ? this.#bulk : this.#queue;
    queue.push({ payload, id, since: now });
  }

  // ---- what may go out ----

  hasFrames(mayTransfer) {
    const entry = this.#unsent();
    if (entry) return mayTransfer || !entry.piece;
    return this.#transfer || this.#isLarge(this.#head()) ? mayTransfer && this.#isOpen(PIECE_WINDOW)
      : this.#head() !== undefined && this.#isOpen(WINDOW);
  }

  /** Step over what was acknowledged meanwhile; return what is to be sent first. */
  #unsent() {
    while (this.#flight[this.#sent]?.isAcked) this.#sent++;
    return this.#flight[this.#sent];
  }

  #head() {
    return this.#queue[0] ?? this.#bulk[0];
  }

  #isLarge(message) {
    return message !== undefined && message.payload.length > this.#largest;
  }

  #isOpen(window) {
    const oldest = this.#flight[0];
    return !oldest || (this.#flightBytes < WINDOW_BYTES && this.#next - oldest.sequence < window);
  }

  fill(parcel, now, mayTransfer) {
    while (this.hasFrames(mayTransfer)) {
      const entry = this.#unsent() ?? this.#advance(parcel, now);
      if (!entry || !this.#put(parcel, entry)) return;
      if (entry.copies > 0) this.meter.resent++;
      entry.copies++;
      this.#sent++;
      parcel.record.push(entry);
    }
  }

  /** Give the next message in line its sequence, or the next piece if it fits. */
  #advance(parcel, now) {
    if (!this.#transfer && !this.#isLarge(this.#head())) return this.#begin(this.#takeMessage(now));
    this.#transfer ??= this.#newTransfer(this.#takeMessage(now));
    const transfer = this.#transfer;
    const start = transfer.next * this.#largest;
    const payload = transfer.payload.subarray(start, start + this.#largest);
    if (PIECE_HEAD + sizeOf(payload) > parcel.room) return null;
    const piece = { index: transfer.next, count: transfer.count, payload };
    transfer.next++;
    if (transfer.next === transfer.count) this.#transfer = null;
    return this.#begin({ id: transfer.id, payload, piece, transfer });
  }

  #takeMessage(now) {
    const message = (this.#queue.length > 0 ? this.#queue : this.#bulk).shift();
    this.meter.left(now - message.since);
    return message;
  }

  #newTransfer({ payload, id }) {
    return { payload, id, count: Math.ceil(payload.length / this.#largest), next: 0, acked: 0, told: 0 };
  }

  #begin({ id, payload, piece = null, transfer = null }) {
    const sequence = this.#next++;
    const state = { isAcked: false, copies: 0, cancelledAt: 0 };
    const entry = { lane: this, sequence, id, payload, piece, transfer, ...state };
    this.#flight.push(entry);
    this.#flightBytes += payload.length;
    return entry;
  }

  // ---- into packets ----

  /** Write an entry if it fits; return whether it did. */
  #put(parcel, entry) {
    const sequence = entry.sequence & 0xffff;
    if (entry.piece) {
      if (PIECE_HEAD + sizeOf(entry.payload) > parcel.room) return false;
      writePiece(parcel.out, this.channel.id, sequence, entry.piece);
    } else if (entry.cancelledAt) {
      if (CANCELLED_SIZE > parcel.room) return false;
      writeCancelled(parcel.out, this.channel.id, sequence, entry.cancelledAt);
    } else {
      return this.#putMessage(parcel, entry);
    }
    return true;
  }

  /** Write a message, into the run before it if that is its place. */
  #putMessage(parcel, { sequence, payload }) {
    const run = this.#run;
    const isNext = run?.parcel === parcel && run.end === parcel.out.length
      && run.sequence + run.count === sequence && run.count < MAX_RUN;
    if (sizeOf(payload) + (isNext ? 0 : RUN_HEAD) > parcel.room) return false;
    if (isNext) {
      lengthenRun(parcel.out, run.countAt, payload);
      run.count++;
    } else {
      const countAt = beginRun(parcel.out, this.channel.id, sequence & 0xffff, payload);
      this.#run = { parcel, countAt, sequence, count: 1, end: 0 };
    }
    this.#run.end = parcel.out.length;
    return true;
  }

  // ---- what became of it ----

  settle(entry, isAcked) {
    if (!isAcked || entry.isAcked) return; // what is lost goes out again by `rewind`
    entry.isAcked = true;
    this.queuedBytes -= entry.payload.length;
    this.#flightBytes -= entry.payload.length;
    while (this.#flight[0]?.isAcked) {
      this.#flight.shift();
      this.#sent = Math.max(this.#sent - 1, 0);
    }
    if (entry.transfer) this.#tellProgress(entry.transfer, entry.payload.length);
    else if (!entry.cancelledAt) this.#tellAcked(entry.id);
  }

  #tellProgress(transfer, bytes) {
    const total = transfer.payload.length;
    transfer.acked += bytes;
    const step = Math.floor((transfer.acked * PROGRESS_STEPS) / total);
    if (step > transfer.told) this.#emit({ type: "progress", id: transfer.id, acked: transfer.acked, total });
    transfer.told = step;
    if (transfer.acked === total) this.#tellAcked(transfer.id);
  }

  #tellAcked(id) {
    if (this.channel.receipts) this.#emit({ type: "acked", id });
  }

  drop() {} // what is reliable is never stale

  rewind() {
    this.#sent = 0;
  }

  /** Give up a message that has not left whole; return whether there was one. */
  cancel(id) {
    if (this.#transfer?.id === id) {
      this.#cancelTransfer(this.#transfer);
      return true;
    }
    for (const queue of [this.#queue, this.#bulk]) {
      const at = queue.findIndex((message) => message.id === id);
      if (at < 0) continue;
      this.queuedBytes -= queue.splice(at, 1)[0].payload.length;
      return true;
    }
    return false;
  }

  /** The pieces that have a sequence still go out, but no further ones. */
  #cancelTransfer(transfer) {
    this.#transfer = null;
    this.queuedBytes -= transfer.payload.length - transfer.next * this.#largest;
    const payload = new Uint8Array(0);
    if (transfer.next > 0) this.#begin({ id: transfer.id, payload }).cancelledAt = transfer.next;
  }
}
