// SPDX-License-Identifier: MIT
/**
 * The inputs of own ticks: a frame for each, sent until the server has it.
 *
 * A frame changes until it is closed or has left: what the server may have cannot be taken
 * back. It is sent a number of times at most: on a long way more would be of no use by the
 * time the first is acknowledged, and would fill the way. The inputs are kept as the wire says them, so that who predicts
 * with them does what the server will do. The same as gamenet/prediction/input_buffer.py.
 */

import { InputWriter, MAX_PART, inputPacket, partOf } from "./input_packets.js";
import { distance32 } from "./sequence.js";

const MAX_KEPT = 1024; // frames: 17 seconds at 60 ticks a second
const MAX_AHEAD = 4; // ticks that an input may wait because another of its class came before
const MAX_SENT = 16; // times: of 16 packets one arrives, or the link is down

/**
 * @typedef {import("./input_packets.js").Sight} Sight
 * @typedef {import("./input_packets.js").Input} Input
 */

/** What the player does in one own tick. */
class Frame {
  /** @type {Map<number, Uint8Array>} entries by id of their class */
  #entries = new Map();

  /** @param {number} tick */
  constructor(tick) {
    this.tick = tick;
    /** Its inputs, as packets carry them. */
    this.part = partOf([]);
    /** @type {Sight | null} */
    this.sight = null;
    this.isClosed = false;
    /** How often it was sent. */
    this.sent = 0;
  }

  /** @returns {boolean} whether the server may have it */
  get hasLeft() {
    return this.sent > 0;
  }

  /** @param {number} id of a class @returns {boolean} */
  has(id) {
    return this.#entries.has(id);
  }

  /** @param {number} id of a class @param {Uint8Array} entry @returns {boolean} */
  hasRoom(id, entry) {
    return !this.#entries.has(id) && this.part.length + entry.length <= MAX_PART;
  }

  /** @param {number} id of a class @param {Uint8Array} entry */
  put(id, entry) {
    this.part = partOf(new Map(this.#entries).set(id, entry).values());
    this.#entries.set(id, entry);
  }

  /** @returns {Uint8Array[]} */
  get entries() {
    return [...this.#entries.values()];
  }
}

export class InputBuffer {
  #writer;
  /** @type {Map<number, Frame>} by tick */
  #frames = new Map();
  #acked = -1;
  #closed = -1;
  #left = -1;

  /** @param {readonly any[]} schemas inputs of the generated module, by id */
  constructor(schemas) {
    this.#writer = new InputWriter(schemas);
    /** Whether there is a frame for every tick: one was closed. */
    this.isSteady = false;
    /** Inputs that gave way to a newer one of their class, or found no tick. */
    this.nReplaced = 0;
  }

  /** @returns {number} how many frames the server is not known to have, and may still get */
  get nUnacked() {
    return this.#unacked().length;
  }

  /**
   * Put an input into the frame of a tick, or of the next that can take it. A later one, at
   * most 4 ahead, is used if the frame has one of its class or has left; if all have, it takes
   * the place of that in the last.
   * @param {string} name of the input's class
   * @param {object} values by field; those left out have their defaults
   * @param {number} tick that it is meant for
   * @returns {number} the tick of the frame that has it
   */
  hold(name, values, tick) {
    const id = this.#writer.idOf(name);
    const entry = this.#writer.entry(id, values);
    partOf([entry]); // what fits no frame is refused
    const first = Math.max(tick, this.#closed + 1);
    const last = first + MAX_AHEAD;
    for (let at = Math.max(first, this.#left + 1); at <= last; at++) {
      const frame = this.#frames.get(at) ?? new Frame(at);
      if (!frame.hasRoom(id, entry)) continue;
      frame.put(id, entry);
      this.#keep(frame);
      return at;
    }
    this.nReplaced++;
    const frame = this.#frames.get(last);
    if (last > this.#left && frame?.has(id)) frame.put(id, entry);
    return last;
  }

  #keep(frame) {
    this.#frames.set(frame.tick, frame);
    if (this.#frames.size > MAX_KEPT) this.#frames.delete(Math.min(...this.#frames.keys()));
  }

  /**
   * End the frame of a tick; it is empty if nothing was held for it.
   * @param {number} tick own
   * @param {Sight | null} sight what the player saw of the others when deciding
   */
  close(tick, sight = null) {
    if (tick <= this.#closed) return;
    const frame = this.#frames.get(tick) ?? new Frame(tick);
    frame.isClosed = true;
    if (!frame.hasLeft) frame.sight = sight;
    this.#closed = tick;
    this.isSteady = true;
    this.#keep(frame);
  }

  /** Say what the player saw when deciding a tick that nobody will close. @param {number} tick @param {Sight} sight */
  see(tick, sight) {
    const frame = this.#frames.get(tick);
    if (frame && !frame.hasLeft) frame.sight = sight;
  }

  /**
   * Write the packet of the frames that the server does not have. The newest come first, as
   * many as fit; what has never left goes before what is repeated. Frames that wait to be
   * closed are left out once a frame was closed; before that all that is held leaves at once.
   * @param {number} clock microseconds modulo 2^32
   * @returns {Uint8Array}
   */
  packet(clock) {
    let waiting = this.#unacked().filter((frame) => frame.isClosed || frame.hasLeft || !this.isSteady);
    let fresh = waiting.filter(({ hasLeft }) => !hasLeft).length;
    let packed = inputPacket(waiting, clock, this.isSteady);
    for (; packed.count < fresh; fresh--) {
      // The newest wait for the next packet: the oldest would never leave.
      waiting = waiting.slice(1);
      packed = inputPacket(waiting, clock, this.isSteady);
    }
    for (const frame of waiting.slice(0, packed.count)) {
      frame.sent++;
      this.#left = Math.max(this.#left, frame.tick);
    }
    return packed.bytes;
  }

  /** Frames that are to be sent, newest first. */
  #unacked() {
    return [...this.#frames.values()]
      .filter(({ tick, sent }) => tick > this.#acked && sent < MAX_SENT)
      .sort((a, b) => b.tick - a.tick);
  }

  /** Stop repeating the frames up to one that the server has. @param {number} told modulo 2^32 */
  acked(told) {
    if (this.#left < 0) return;
    const tick = this.#left + distance32(told, this.#left);
    // What is newer than all that has left is of the time before a restart.
    if (tick <= this.#left) this.#acked = Math.max(this.#acked, tick);
  }

  /** @param {number} tick @returns {Input[]} what the player does in it, as the server reads it */
  at(tick) {
    return (this.#frames.get(tick)?.entries ?? []).map((entry) => this.#writer.read(entry));
  }

  /** Drop the frames before a tick that the server has: nothing is replayed from there. @param {number} tick */
  forget(tick) {
    for (const each of this.#frames.keys()) if (each < tick && each <= this.#acked) this.#frames.delete(each);
  }

  /** Begin anew, after the own time line has jumped. */
  restart() {
    this.#frames.clear();
    this.#acked = this.#closed = this.#left = -1;
  }
}
