// SPDX-License-Identifier: MIT
/**
 * The beginning of a link: what is presented to the server, and what it answers.
 *
 *   we:          request 1078 B | version u16 | protocol hash 8 B | proof 16 B
 *   the server:  8 | slot u32 | max clients u32      we are let in
 *                9 | reason u8 | detail UTF-8        we are not
 */

import { Reader, Writer } from "./bytes.js";
import { proofOf } from "./chacha.js";
import { WireError } from "./numbers.js";
import { REQUEST_SIZE } from "./tokens.js";

/** First byte of every packet after the handshake. */
export const PACKET = 10;

const ACCEPTED = 8;
const REFUSED = 9;
const MAX_DETAIL = 1000; // bytes
const HASH_SIZE = 8;
const PROOF_SIZE = 16;
const PROOF_NONCE = new Uint8Array(12); // begins with GNST
PROOF_NONCE.set([0x47, 0x4e, 0x53, 0x54]);

const decoder = new TextDecoder(); // a cut character does no harm in words for people

/**
 * @param {import("./tokens.js").Token} token
 * @param {{version: number, protocolHash: Uint8Array}} protocol
 * @returns {Uint8Array} the first packet of a link
 */
export function encodeRequest(token, { version, protocolHash }) {
  if (protocolHash.length !== HASH_SIZE) throw new Error(`a protocol hash of ${protocolHash.length} bytes`);
  const out = new Writer(REQUEST_SIZE + 2 + HASH_SIZE);
  out.raw(token.request);
  out.uint16(version);
  out.raw(protocolHash);
  const claim = out.finish();
  const frame = new Writer(claim.length + PROOF_SIZE);
  frame.raw(claim);
  frame.raw(proofOf(token.clientKey, PROOF_NONCE, claim));
  return frame.finish();
}

/**
 * @typedef {{isAccepted: true, slot: number, maxClients: number}
 *   | {isAccepted: false, reason: number, detail: string}} Answer
 */

/**
 * Read the server's answer to a request.
 * @param {Uint8Array} bytes
 * @returns {Answer}
 */
export function decodeAnswer(bytes) {
  const from = new Reader(bytes);
  const kind = from.uint8();
  if (kind === ACCEPTED) {
    const answer = { isAccepted: true, slot: from.uint32(), maxClients: from.uint32() };
    from.end();
    return answer;
  }
  if (kind !== REFUSED) throw new WireError(`an answer of kind ${kind} to the request`);
  return { isAccepted: false, reason: from.uint8(), detail: readDetail(from.take(from.remaining)) };
}

/** @param {Uint8Array} bytes @returns {string} words about the end of a connection, for people */
export function readDetail(bytes) {
  return decoder.decode(bytes.subarray(0, MAX_DETAIL));
}

/** @param {string} text @returns {Uint8Array} so much of it as may be sent */
export function writeDetail(text) {
  return new TextEncoder().encode(text).subarray(0, MAX_DETAIL);
}
