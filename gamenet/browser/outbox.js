// SPDX-License-Identifier: MIT
/**
 * The way out of all channels: which lane fills the next packet.
 *
 * Of the lanes that have something, those with the highest priority go first; among them
 * the one that was served least for its weight. What a lane leaves of a packet the next
 * one may use.
 */

import { Mode, OWN_CHANNEL, isStreamed, wrap } from "./channels.js";
import { LatestLane, UnreliableLane } from "./lanes.js";
import { WireError } from "./numbers.js";
import { ReliableLane } from "./reliable.js";

/** Bytes of a packet that are kept for everything but the payload of a message. */
const OVERHEAD = 64;
/** Bytes of the queue that a message counts for at least, however small. */
const LEAST_COST = 64;

export class Outbox {
  /** @type {Map<number, import("./lanes.js").Lane>} */
  #lanes = new Map();
  #largest;
  #maxQueue;
  #nextId = 0;

  /**
   * @param {ReadonlyMap<number, import("./channels.js").Channel>} channels
   * @param {ReadonlyMap<number, import("./stats.js").LaneMeter>} meters by channel
   * @param {{packetSize: number, maxQueue: number}} config
   * @param {(event: object) => void} emit
   */
  constructor(channels, meters, { packetSize, maxQueue }, emit) {
    this.#largest = packetSize - OVERHEAD;
    for (const channel of channels.values()) {
      this.#lanes.set(channel.id, newLane(channel, meters.get(channel.id), emit, this.#largest));
    }
    const limits = [...channels.values()].map(({ id, maxMessage }) => (id === OWN_CHANNEL ? 0 : maxMessage));
    this.#maxQueue = Math.max(maxQueue, ...limits); // whatever is allowed at all can be queued
  }

  /** @returns {Iterable<import("./lanes.js").Lane>} */
  get lanes() {
    return this.#lanes.values();
  }

  /** @returns {number} bytes that wait to be sent or acknowledged */
  get queuedBytes() {
    return sum(this.lanes, (lane) => lane.queuedBytes);
  }

  /** @returns {boolean} whether more waits than may: the network cannot keep up */
  get isOverfull() {
    const least = LEAST_COST * sum(this.lanes, (lane) => lane.queuedCount);
    return Math.max(this.queuedBytes, least) > this.#maxQueue;
  }

  #limit({ mode, maxMessage, compression }) {
    const flag = compression ? 1 : 0;
    return isStreamed(mode) ? maxMessage : Math.min(maxMessage, this.#largest - flag);
  }

  /**
   * Queue a message.
   * @param {number} channel
   * @param {Uint8Array} payload
   * @param {number} now
   * @returns {number} its id, for receipts and `cancel`
   */
  push(channel, payload, now) {
    const lane = this.#lanes.get(channel);
    if (!lane) throw new WireError(`there is no channel ${channel}`);
    const limit = this.#limit(lane.channel);
    if (payload.length > limit) {
      throw new WireError(`message of ${payload.length} bytes: channel ${channel} takes ${limit}`);
    }
    const id = this.#nextId++;
    if (!lane.hasFrames(true)) lane.virtual = Math.max(lane.virtual, this.#clock());
    lane.push(wrap(lane.channel, payload), id, now);
    return id;
  }

  /** Where the fair queue stands: a lane that was idle has saved up nothing. */
  #clock() {
    const busy = [...this.lanes].filter((lane) => lane.hasFrames(true));
    return busy.length > 0 ? Math.min(...busy.map(({ virtual }) => virtual)) : 0;
  }

  /** @param {boolean} mayTransfer whether pieces of large messages may go @returns {boolean} */
  hasFrames(mayTransfer) {
    for (const lane of this.lanes) {
      if (lane.hasFrames(mayTransfer)) return true;
    }
    return false;
  }

  /**
   * Fill a packet.
   * @param {import("./lanes.js").Parcel} parcel
   * @param {number} now
   * @param {boolean} mayTransfer
   */
  fill(parcel, now, mayTransfer) {
    const busy = [...this.lanes].filter((lane) => lane.hasFrames(mayTransfer));
    busy.sort((a, b) => b.channel.priority - a.channel.priority || a.virtual - b.virtual);
    for (const lane of busy) {
      const before = parcel.room;
      lane.fill(parcel, now, mayTransfer);
      lane.virtual += (before - parcel.room) / lane.channel.weight;
      lane.meter.sentBytes(before - parcel.room, now);
    }
  }

  /** Tell the lanes the fate of what was in a packet. */
  settle(record, isAcked) {
    for (const entry of record) entry.lane.settle(entry, isAcked);
  }

  /** Forget what is stale by now. @param {string} reason */
  drop(reason) {
    for (const lane of this.lanes) lane.drop(reason);
  }

  /** Begin on a new link: what is not acknowledged goes out again, in order. */
  rewind() {
    for (const lane of this.lanes) lane.rewind();
  }

  /** Give up a message that has not left whole. @param {number} id @returns {boolean} whether there was one */
  cancel(id) {
    return [...this.lanes].some((lane) => lane.cancel(id));
  }
}

function newLane(channel, meter, emit, largest) {
  if (isStreamed(channel.mode)) return new ReliableLane(channel, meter, emit, largest);
  const Lane = channel.mode === Mode.RELIABLE_SEQUENCED ? LatestLane : UnreliableLane;
  return new Lane(channel, meter, emit);
}

const sum = (items, of) => [...items].reduce((total, item) => total + of(item), 0);
