// SPDX-License-Identifier: MIT
/**
 * What the channels of a connection promise, and how their messages are wrapped.
 *
 * Both sides declare the same channels; the generated codec of a game exports them. Each
 * channel is a lane of its own: lanes with a higher priority are emptied first, those of
 * the same priority share by weight.
 */

import { inflate } from "./inflate.js";
import { WireError } from "./numbers.js";

/** The six delivery modes; duplicates never surface in any of them. */
export const Mode = Object.freeze({
  /** Delivered once or not at all, in any order; one packet at most. */
  UNRELIABLE: "unreliable",
  /** As unreliable, but what is older than something delivered is dropped. */
  UNRELIABLE_SEQUENCED: "unreliable-sequenced",
  /** As unreliable, and the sender is told of each: acked or lost. */
  UNRELIABLE_RECEIPTS: "unreliable-receipts",
  /** Delivered exactly once, as soon as it arrives. */
  RELIABLE_UNORDERED: "reliable-unordered",
  /** Delivered exactly once, in the order of sending. */
  RELIABLE_ORDERED: "reliable-ordered",
  /** The latest value arrives for certain; older ones may be skipped. */
  RELIABLE_SEQUENCED: "reliable-sequenced",
});

/** gamenet's own reliable-ordered channel, beside the up to 31 of the game. */
export const OWN_CHANNEL = 31;
const OWN = { id: OWN_CHANNEL, mode: Mode.RELIABLE_ORDERED, name: "gamenet", priority: 1 << 16, maxMessage: 4096 };

const MODES = new Set(Object.values(Mode));
const STREAMED = new Set([Mode.RELIABLE_ORDERED, Mode.RELIABLE_UNORDERED]);
const AS_IT_IS = 0;
const DEFLATED = 1;

/**
 * @typedef {object} Channel
 * @property {number} id 0 to 30, the same on both sides
 * @property {string} mode one of the six
 * @property {string} name for people
 * @property {number} priority lanes with a higher one are emptied first
 * @property {number} weight share of the bytes among lanes of the same priority
 * @property {number} maxMessage bytes of the largest message
 * @property {boolean} compression whether each message says how it is packed
 * @property {boolean} receipts whether "acked" is told of reliable messages, too
 */

/** The channels of every game: control, snapshots, inputs, events. */
export const GAME_CHANNELS = Object.freeze([
  { id: 0, mode: Mode.RELIABLE_ORDERED, name: "control", priority: 2 },
  { id: 1, mode: Mode.UNRELIABLE_RECEIPTS, name: "snapshots", priority: 1 },
  { id: 2, mode: Mode.UNRELIABLE, name: "inputs", priority: 3 },
  { id: 3, mode: Mode.RELIABLE_UNORDERED, name: "events", priority: 1 },
]);

/**
 * Fill in what a declaration leaves out, and add gamenet's own channel.
 * @param {readonly (Partial<Channel> & {id: number, mode: string})[]} declared
 * @param {number} maxMessage limit of channels that declare none
 * @returns {Map<number, Channel>} by id
 */
export function openChannels(declared, maxMessage) {
  const channels = new Map();
  for (const channel of [...declared, OWN]) {
    if (!MODES.has(channel.mode) || channels.has(channel.id)) {
      throw new Error(`channel ${channel.id} is declared twice or has no mode (${channel.mode})`);
    }
    channels.set(channel.id, {
      name: "", priority: 0, weight: 1, compression: false, receipts: false, ...channel,
      maxMessage: channel.maxMessage || maxMessage,
    });
  }
  return channels;
}

/** @param {string} mode @returns {boolean} whether every message arrives, large ones in pieces */
export const isStreamed = (mode) => STREAMED.has(mode);

/**
 * Make of a message what travels. We send everything as it is: what a page sends is small.
 * @param {Channel} channel
 * @param {Uint8Array} payload
 * @returns {Uint8Array}
 */
export function wrap({ compression }, payload) {
  if (!compression) return payload;
  const wrapped = new Uint8Array(1 + payload.length);
  wrapped[0] = AS_IT_IS;
  wrapped.set(payload, 1);
  return wrapped;
}

/**
 * Return the message of what travelled.
 * @param {Channel} channel
 * @param {Uint8Array} bytes
 * @returns {Uint8Array}
 */
export function unwrap({ id, compression, maxMessage }, bytes) {
  const payload = compression ? bytes.subarray(1) : bytes;
  if (compression && bytes[0] === DEFLATED) return inflate(payload, maxMessage);
  if (compression && bytes[0] !== AS_IT_IS) throw new WireError(`packing ${bytes[0]} on channel ${id}`);
  if (payload.length <= maxMessage) return payload;
  throw new WireError(`${payload.length} bytes on channel ${id}: it takes ${maxMessage}`, "MESSAGE_TOO_LARGE");
}
