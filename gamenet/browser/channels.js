// SPDX-License-Identifier: MIT
/**
 * Messages on channels: cut into frames on the way out, joined again on the way in.
 *
 * A stream keeps order and loses nothing, so a reliable frame is sent once and the next
 * one must be the next in sequence. What waits to be sent, and what waits for its last
 * fragment, is bounded.
 */

import { WireError } from "./numbers.js";
import { PAYLOAD_HEADER } from "./packets.js";
import { distance16 } from "./sequence.js";

export const RELIABLE_ORDERED = "reliable";
export const UNRELIABLE = "unreliable";

const MAX_UNRELIABLE_WAITING = 256; // messages; the oldest make room

/** The channels of every game: control, snapshots, inputs. */
export const GAME_CHANNELS = Object.freeze([RELIABLE_ORDERED, UNRELIABLE, UNRELIABLE]);

/** Frames that wait to be sent, oldest first; reliable ones go before the others. */
export class Outbox {
  #reliable = [];
  #unreliable = [];

  /**
   * @param {readonly string[]} modes of the channels, by id
   * @param {object} limits
   * @param {number} limits.packetSize bytes of one packet, header included
   * @param {number} limits.maxMessage bytes of one reliable message
   * @param {number} limits.maxQueue bytes of reliable messages that may wait
   */
  constructor(modes, { packetSize, maxMessage, maxQueue }) {
    this.modes = modes;
    this.room = packetSize - PAYLOAD_HEADER;
    this.maxMessage = maxMessage;
    this.maxQueue = maxQueue;
    this.sequences = modes.map(() => 0);
    /** Bytes of reliable messages that wait. */
    this.bytes = 0;
  }

  /** @returns {boolean} whether nothing waits */
  get isEmpty() {
    return this.#reliable.length === 0 && this.#unreliable.length === 0;
  }

  /**
   * Queue a message.
   * @param {number} channel
   * @param {Uint8Array} payload
   * @returns {boolean} false if there is no room: the network cannot keep up
   */
  push(channel, payload) {
    const isReliable = this.modes[channel] === RELIABLE_ORDERED;
    const limit = isReliable ? this.maxMessage : this.room - frameOverhead(false);
    if (payload.length > limit) {
      throw new WireError(`message of ${payload.length} bytes: channel ${channel} takes ${limit}`);
    }
    if (isReliable) return this.#pushReliable(channel, payload);
    if (this.#unreliable.length === MAX_UNRELIABLE_WAITING) this.#unreliable.shift();
    this.#unreliable.push({ channel, reliable: false, sequence: 0, more: false, payload });
    return true;
  }

  #pushReliable(channel, payload) {
    this.bytes += payload.length;
    const size = this.room - frameOverhead(true);
    for (let start = 0; start === 0 || start < payload.length; start += size) {
      const sequence = this.sequences[channel];
      this.sequences[channel] = (sequence + 1) & 0xffff;
      const piece = payload.subarray(start, start + size);
      const more = start + size < payload.length;
      this.#reliable.push({ channel, reliable: true, sequence, more, payload: piece });
    }
    return this.bytes <= this.maxQueue;
  }

  /** @returns {import("./packets.js").Frame[]} the frames that fit into one packet */
  take() {
    const frames = takeUpTo(this.#reliable, this.room);
    const used = frames.reduce((sum, frame) => sum + frameSize(frame), 0);
    for (const frame of frames) this.bytes -= frame.payload.length;
    return [...frames, ...takeUpTo(this.#unreliable, this.room - used)];
  }

  /** Throw away the unreliable messages that wait: they are stale by now. */
  dropUnreliable() {
    this.#unreliable = [];
  }
}

/** Remove from a queue, and return, the frames that fit into a number of bytes. */
function takeUpTo(queue, room) {
  let count = 0;
  while (count < queue.length) {
    room -= frameSize(queue[count]);
    if (room < 0) break;
    count++;
  }
  return queue.splice(0, count);
}

const frameOverhead = (isReliable) => (isReliable ? 5 : 3);
const frameSize = ({ reliable, payload }) => frameOverhead(reliable) + payload.length;

/** Joins the frames of the peer into messages. */
export class Inbox {
  /**
   * @param {readonly string[]} modes of the channels, by id
   * @param {number} maxMessage bytes of one message
   */
  constructor(modes, maxMessage) {
    this.modes = modes;
    this.maxMessage = maxMessage;
    this.expected = modes.map(() => 0);
    /** @type {Uint8Array[][]} */
    this.parts = modes.map(() => []);
  }

  /**
   * Take a frame.
   * @param {import("./packets.js").Frame} frame
   * @returns {Uint8Array | null} the message that it completes
   */
  receive(frame) {
    const mode = this.modes[frame.channel];
    if (mode === undefined) throw new WireError(`channel ${frame.channel} does not exist`);
    if (frame.reliable !== (mode === RELIABLE_ORDERED)) {
      throw new WireError(`channel ${frame.channel} is ${mode}, its frame is not`);
    }
    if (frame.reliable) return this.#receiveReliable(frame);
    if (frame.more) throw new WireError("fragment of an unreliable message");
    return frame.payload;
  }

  #receiveReliable({ channel, sequence, more, payload }) {
    const ahead = distance16(sequence, this.expected[channel]);
    if (ahead < 0) return null; // a repetition
    if (ahead > 0) throw new WireError(`${ahead} reliable frames are missing on a stream`);
    this.expected[channel] = (sequence + 1) & 0xffff;
    const parts = this.parts[channel];
    if (!more && parts.length === 0) return payload;
    parts.push(payload);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length > this.maxMessage) {
      throw new WireError(`message above ${this.maxMessage} bytes`, "MESSAGE_TOO_LARGE");
    }
    if (more) return null;
    this.parts[channel] = [];
    return joined(parts, length);
  }
}

function joined(parts, length) {
  const message = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}
