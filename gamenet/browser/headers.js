// SPDX-License-Identifier: MIT
/**
 * Write and read the header of a packet, as reliable 1.0 has it.
 *
 *   prefix u8 | sequence u16 | ack u8 (how far behind the sequence) or u16 | bits 0-4 B
 *
 * `ack` is the newest packet that came from the peer; bit n of `bits` says that packet
 * `ack - n` came, so that no bit at all says that nothing came yet. Bytes of the bits that
 * are 0xFF are left out and flagged in the prefix. There is one legal encoding of each
 * header, and any other is refused.
 */

import { WireError } from "./numbers.js";

const ALL_BITS = 0xffffffff; // none of the last 32 packets is missing
const NEAR = 0x20; // `ack` is one byte, its distance behind the sequence
const ILLEGAL = 0xc1; // a fragment of a packet, or bits that mean nothing yet
const BYTES = [0, 1, 2, 3];

const byteOf = (bits, n) => (bits >>> (8 * n)) & 0xff;

/**
 * @param {import("./bytes.js").Writer} out
 * @param {number} sequence of this packet, 16 bits
 * @param {number} ack newest sequence received, 16 bits
 * @param {number} bits 32 bits
 */
export function writeHeader(out, sequence, ack, bits) {
  const behind = (sequence - ack) & 0xffff;
  const spelled = BYTES.filter((n) => byteOf(bits, n) !== 0xff);
  const flags = spelled.reduce((sum, n) => sum | (2 << n), 0);
  out.uint8(flags | (behind < 256 ? NEAR : 0));
  out.uint16(sequence);
  if (behind < 256) out.uint8(behind);
  else out.uint16(ack);
  for (const n of spelled) out.uint8(byteOf(bits, n));
}

/**
 * @param {import("./bytes.js").Reader} from
 * @returns {{sequence: number, ack: number, bits: number}}
 */
export function readHeader(from) {
  const prefix = from.uint8();
  if (prefix & ILLEGAL) throw new WireError(`no header of a packet begins with ${prefix}`);
  const sequence = from.uint16();
  const ack = prefix & NEAR ? (sequence - from.uint8()) & 0xffff : readFar(from, sequence);
  let bits = ALL_BITS;
  for (const n of BYTES) {
    if (prefix & (2 << n)) bits ^= readClear(from) << (8 * n);
  }
  return { sequence, ack, bits: bits >>> 0 };
}

function readFar(from, sequence) {
  const ack = from.uint16();
  if (((sequence - ack) & 0xffff) < 256) throw new WireError(`ack ${ack} is spelled in two bytes, not in one`);
  return ack;
}

/** Read a byte of the bits; return those that are clear in it. */
function readClear(from) {
  const clear = from.uint8() ^ 0xff;
  if (clear === 0) throw new WireError("a header spells ack bits that are all set");
  return clear;
}
