// SPDX-License-Identifier: MIT
/**
 * The frames of a packet's body, byte for byte as docs/STANDARD.md lays them out.
 *
 * The first byte of a frame is its channel (5 bits) and its form; for a control frame the
 * 5 bits are its kind. A packet is read as a whole before anything of it takes effect.
 */

import { Mode } from "./channels.js";
import { WireError } from "./numbers.js";

export const Form = Object.freeze({
  MESSAGE: 0, SEQUENCED: 1, RUN: 2, PIECE: 3, CANCELLED: 4, CONTROL: 7,
});
export const Control = Object.freeze({
  PADDING: 0, CLOSE: 1, PATH_CHALLENGE: 2, PATH_RESPONSE: 3, ACK_DELAY: 4, PING: 5,
});

/** Bytes of a frame beside sizes and payloads. */
export const MESSAGE_HEAD = 1;
export const SEQUENCED_HEAD = 3;
export const RUN_HEAD = 4;
export const PIECE_HEAD = 7;
export const CANCELLED_SIZE = 5;
/** Messages of a run. */
export const MAX_RUN = 255;

const CHANNEL_BITS = 5;
const CHANNEL_MASK = 0x1f;
const LARGEST_SIZE = 0x7fff;
const PATH_SIZE = 8;
const RELIABLE_FORMS = [Form.RUN, Form.PIECE, Form.CANCELLED];
const FORMS = {
  [Mode.UNRELIABLE]: [Form.MESSAGE],
  [Mode.UNRELIABLE_RECEIPTS]: [Form.MESSAGE],
  [Mode.UNRELIABLE_SEQUENCED]: [Form.SEQUENCED],
  [Mode.RELIABLE_SEQUENCED]: [Form.SEQUENCED],
  [Mode.RELIABLE_ORDERED]: RELIABLE_FORMS,
  [Mode.RELIABLE_UNORDERED]: RELIABLE_FORMS,
};

/**
 * @typedef {{form: number, channel: number, sequence: number, payload: Uint8Array,
 *   payloads: Uint8Array[], index: number, count: number}} Frame of which a form has its own part;
 *   of a control frame the channel is its kind
 */

const head = (form, channel) => (form << CHANNEL_BITS) | channel;

/** @param {ArrayLike<unknown>} payload @returns {number} bytes of a payload and its size */
export const sizeOf = ({ length }) => length + (length < 128 ? 1 : 2);

function writeSized(out, payload) {
  const { length } = payload;
  if (length > LARGEST_SIZE) throw new WireError(`a frame of ${length} bytes`);
  if (length < 128) out.uint8(length);
  else out.uint16((length & 0x7f) | 0x80 | ((length >> 7) << 8));
  out.raw(payload);
}

export function writeMessage(out, channel, payload) {
  out.uint8(head(Form.MESSAGE, channel));
  writeSized(out, payload);
}

export function writeSequenced(out, channel, sequence, payload) {
  out.uint8(head(Form.SEQUENCED, channel));
  out.uint16(sequence);
  writeSized(out, payload);
}

/**
 * Begin a run with its first message.
 * @param {import("./bytes.js").Writer} out
 * @param {number} channel
 * @param {number} sequence of the first message
 * @param {Uint8Array} payload
 * @returns {number} where the run's count is, for `lengthenRun`
 */
export function beginRun(out, channel, sequence, payload) {
  out.uint8(head(Form.RUN, channel));
  out.uint16(sequence);
  out.uint8(1);
  writeSized(out, payload);
  return out.length - sizeOf(payload) - 1;
}

/** Add the next message to a run that nothing was written after. */
export function lengthenRun(out, countAt, payload) {
  out.bytes[countAt]++;
  writeSized(out, payload);
}

export function writePiece(out, channel, sequence, { index, count, payload }) {
  out.uint8(head(Form.PIECE, channel));
  out.uint16(sequence);
  out.uint16(index);
  out.uint16(count);
  writeSized(out, payload);
}

export function writeCancelled(out, channel, sequence, index) {
  out.uint8(head(Form.CANCELLED, channel));
  out.uint16(sequence);
  out.uint16(index);
}

/** @param {number} reason number of a close reason @param {Uint8Array} detail UTF-8 */
export function writeClose(out, reason, detail) {
  out.uint8(head(Form.CONTROL, Control.CLOSE));
  out.uint8(reason);
  writeSized(out, detail);
}

/** @param {number} delay in units of 1/16 millisecond */
export function writeAckDelay(out, delay) {
  out.uint8(head(Form.CONTROL, Control.ACK_DELAY));
  out.uint16(delay);
}

/** @param {Uint8Array} challenge the eight bytes that came */
export function writePathResponse(out, challenge) {
  out.uint8(head(Form.CONTROL, Control.PATH_RESPONSE));
  out.raw(challenge);
}

/**
 * Read frames to the end of a packet.
 * @param {import("./bytes.js").Reader} from
 * @param {ReadonlyMap<number, import("./channels.js").Channel>} channels
 * @returns {Frame[]}
 */
export function readFrames(from, channels) {
  const frames = [];
  while (from.remaining) frames.push(readFrame(from, channels));
  return frames;
}

function readFrame(from, channels) {
  const first = from.uint8();
  const form = first >> CHANNEL_BITS;
  const channel = first & CHANNEL_MASK;
  if (form === Form.CONTROL) return { form, channel, ...readControl(from, channel) };
  const mode = channels.get(channel)?.mode;
  if (mode === undefined) throw new WireError(`channel ${channel} does not exist`);
  if (!FORMS[mode].includes(form)) throw new WireError(`a frame of form ${form} on channel ${channel}, ${mode}`);
  return { form, channel, ...READERS[form](from) };
}

const READERS = {
  [Form.MESSAGE]: (from) => ({ payload: readSized(from) }),
  [Form.SEQUENCED]: (from) => ({ sequence: from.uint16(), payload: readSized(from) }),
  [Form.RUN]: (from) => ({ sequence: from.uint16(), payloads: readRun(from) }),
  [Form.PIECE]: readPiece,
  [Form.CANCELLED]: (from) => ({ sequence: from.uint16(), index: from.uint16() }),
};

function readSized(from) {
  let size = from.uint8();
  if (size > 127) {
    const high = from.uint8();
    if (high === 0) throw new WireError("a size below 128 in two bytes");
    size = (size & 0x7f) | (high << 7);
  }
  return from.take(size);
}

function readRun(from) {
  const count = from.uint8();
  if (count === 0) throw new WireError("a run of no messages");
  return Array.from({ length: count }, () => readSized(from));
}

function readPiece(from) {
  const [sequence, index, count] = [from.uint16(), from.uint16(), from.uint16()];
  const payload = readSized(from);
  if (count < 2 || index >= count) throw new WireError(`piece ${index} of ${count}`);
  if (payload.length === 0) throw new WireError("a piece of no bytes");
  return { sequence, index, count, payload };
}

function readControl(from, kind) {
  switch (kind) {
    case Control.PADDING:
      if (from.take(from.remaining).some((byte) => byte !== 0)) throw new WireError("padding that is not zero");
      return {};
    case Control.CLOSE:
      return { reason: from.uint8(), payload: readSized(from) };
    case Control.PATH_CHALLENGE:
    case Control.PATH_RESPONSE:
      return { payload: from.take(PATH_SIZE) };
    case Control.ACK_DELAY:
      return { delay: from.uint16() };
    case Control.PING:
      return {};
    default:
      throw new WireError(`a control frame of kind ${kind}`);
  }
}
