// SPDX-License-Identifier: MIT
/**
 * What a player does, frame after frame, as a packet carries it.
 *
 *   newest u32 | clock u32 | flags u8 | count u8 | count x frame, newest first
 *   frame: head u8 | lag u16 | span u8 | [n u8 | n x (input id u8 | length varint | body)]
 *
 * A frame is all that the player does in one own tick. Head has the distance in ticks to
 * the frame before it in the packet, and whether its inputs are the same, which are left out
 * then. Lag and span say what the player saw when deciding. The same as
 * gamenet/prediction/input_packets.py.
 */

import { Reader, Writer } from "./bytes.js";
import { WireError, roundHalfEven } from "./numbers.js";
import { decode, encode } from "./schemas.js";

const HEAD = 10; // bytes before the frames
const FRAME = 4; // bytes of a frame before its inputs
const MAX_PACKET = 512; // bytes: with its head it fits the smallest packet
/** Bytes that the inputs of one frame may take. */
export const MAX_PART = MAX_PACKET - HEAD - FRAME;
const MAX_FRAMES = 64; // of a packet
const MAX_DISTANCE = 63; // ticks
const STEADY = 1;
const SAME = 0x40;
const PER_TICK = 128; // units of a lag
const NO_SIGHT = 0xffff;
const MAX_SPAN = 15; // ticks

/**
 * @typedef {object} Sight where in the past a player saw the others
 * @property {number} tick of the view, with a fraction
 * @property {number} older the snapshot before it, of the two between which the view was interpolated
 * @property {number} newer the snapshot after it; both 0 if the view was not between two
 *
 * @typedef {{tick: number, part: Uint8Array, sight: Sight | null}} Frame part: its inputs, written
 * @typedef {{name: string, values: Record<string, any>}} Input as the server reads it
 */

/** Whether no number in a value is infinite, or none at all. */
function isFinite(value) {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isFinite);
}

/** Writes the inputs of a game, and reads them again as the server does. */
export class InputWriter {
  #schemas;

  /** @param {readonly any[]} schemas inputs of the generated module, by id */
  constructor(schemas) {
    this.#schemas = schemas;
  }

  /** @param {string} name of an input's class @returns {number} its id */
  idOf(name) {
    const id = this.#schemas.findIndex((schema) => schema.name === name);
    if (id >= 0) return id;
    const names = this.#schemas.map((schema) => schema.name).join(", ");
    throw new Error(`no input ${name}: this game has ${names || "none"}`);
  }

  /** @param {number} id of a class @param {object} values by field @returns {Uint8Array} its entry in a frame */
  entry(id, values) {
    const body = encode(this.#schemas[id], values);
    if (!isFinite(decode(this.#schemas[id], body))) {
      throw new WireError(`${this.#schemas[id].name} has a float that is not finite: send numbers only`);
    }
    const out = new Writer(body.length + 8);
    out.uint8(id);
    out.varint(body.length);
    out.raw(body);
    return out.finish();
  }

  /** @param {Uint8Array} entry @returns {Input} what it says */
  read(entry) {
    const from = new Reader(entry);
    const schema = this.#schemas[from.uint8()];
    const length = Number(from.varint());
    return { name: schema.name, values: decode(schema, from.take(length)) };
  }
}

/**
 * Write what a frame says of its inputs.
 * @param {Iterable<Uint8Array>} entries
 * @returns {Uint8Array}
 */
export function partOf(entries) {
  const all = [...entries];
  const out = new Writer();
  out.uint8(all.length);
  for (const entry of all) out.raw(entry);
  if (out.length <= MAX_PART) return out.finish();
  throw new WireError(
    `the inputs of a tick take ${out.length} bytes, the limit is ${MAX_PART}: send what is large as a message`);
}

/**
 * Write a packet of as many of the newest frames as fit.
 * @param {Iterable<Frame>} frames newest first
 * @param {number} clock microseconds modulo 2^32
 * @param {boolean} isSteady whether a frame comes for every tick
 * @returns {{bytes: Uint8Array, count: number}} the packet, and how many frames it has
 */
export function inputPacket(frames, clock, isSteady) {
  const body = new Writer(MAX_PACKET);
  let [newest, count] = [0, 0];
  /** @type {Frame | null} */
  let before = null;
  for (const frame of frames) {
    if (count === MAX_FRAMES || !addFrame(body, frame, before)) break;
    newest = count > 0 ? newest : frame.tick;
    before = frame;
    count++;
  }
  const out = new Writer(MAX_PACKET);
  out.uint32(newest);
  out.uint32(clock);
  out.uint8(isSteady ? STEADY : 0);
  out.uint8(count);
  out.raw(body.finish());
  return { bytes: out.finish(), count };
}

/** Write a frame, if there is room for it and it is not too far from the one before. */
function addFrame(out, frame, before) {
  const distance = before === null ? 0 : before.tick - frame.tick;
  const isRepeated = before !== null && isSame(frame.part, before.part);
  const size = FRAME + (isRepeated ? 0 : frame.part.length);
  if (distance > MAX_DISTANCE || HEAD + out.length + size > MAX_PACKET) return false;
  const [lag, span] = sightWords(frame);
  out.uint8(distance | (isRepeated ? SAME : 0));
  out.uint16(lag);
  out.uint8(span);
  if (!isRepeated) out.raw(frame.part);
  return true;
}

function isSame(one, other) {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** Lag and span of what the player saw. */
function sightWords({ tick, sight }) {
  if (sight === null) return [NO_SIGHT, 0];
  const lag = Math.min(Math.max(roundHalfEven((tick - sight.tick) * PER_TICK), 0), NO_SIGHT);
  const span = sight.newer - sight.older;
  const into = tick + Math.floor(-lag / PER_TICK) - sight.older; // from the lag: the server knows no more
  const isBetween = span > 0 && span <= MAX_SPAN && into >= 0 && into <= span;
  return lag === NO_SIGHT || !isBetween ? [lag, 0] : [lag, (into << 4) | span];
}
