// SPDX-License-Identifier: MIT
/**
 * Connect tokens: the tickets with which a server lets us in.
 *
 * Whoever knows the server's key issues them: the server itself at POST /connect, or a
 * backend of the game's. What is sealed in one only the server can read; we read where
 * that part is, and the key with which the server seals what is for us alone.
 *
 * Source: netcode 1.02, "Connect Token" and "Connection Request Packet".
 */

import { Reader } from "./bytes.js";
import { WireError } from "./numbers.js";

/** Bytes of the packet that presents one. */
export const REQUEST_SIZE = 1078;

const TOKEN_SIZE = 2048; // zeros at its end may be left out
const VERSION = "NETCODE 1.02\0";
const ID_SIZE = 8;
const TIME_SIZE = 8;
const SEALED_SIZE = 24 + 1024; // nonce and private part
const KEY_SIZE = 32;
const MAX_ADDRESSES = 32;
/** Bytes of an address and its port, by type: IPv4, IPv6. */
const ADDRESS_SIZES = new Map([[1, 6], [2, 18]]);

/**
 * @typedef {object} Token
 * @property {Uint8Array} request the packet that presents it
 * @property {Uint8Array} clientKey proves that the token is ours
 * @property {Uint8Array} serverKey seals what the server sends to us alone
 */

/**
 * Read the public part of a token.
 * @param {Uint8Array} bytes up to 2048; zeros at the end may be missing
 * @returns {Token}
 */
export function decodeToken(bytes) {
  if (bytes.length > TOKEN_SIZE) throw invalid(`${bytes.length} bytes, not ${TOKEN_SIZE}`);
  const whole = new Uint8Array(TOKEN_SIZE);
  whole.set(bytes);
  const from = new Reader(whole);
  const head = from.take(VERSION.length + ID_SIZE);
  if (String.fromCharCode(...head.subarray(0, VERSION.length)) !== VERSION) throw invalid("another version");
  from.take(TIME_SIZE); // when it was made
  const sealed = from.take(TIME_SIZE + SEALED_SIZE); // until when it is good comes first
  const request = new Uint8Array(REQUEST_SIZE); // its first byte is 0: a request
  request.set(head, 1);
  request.set(sealed, 1 + head.length);
  return { request, ...readKeys(from) };
}

function readKeys(from) {
  from.uint32(); // seconds of silence that the server allows
  const nAddresses = from.uint32();
  if (nAddresses < 1 || nAddresses > MAX_ADDRESSES) throw invalid(`${nAddresses} addresses`);
  for (let left = nAddresses; left > 0; left--) {
    const size = ADDRESS_SIZES.get(from.uint8());
    if (size === undefined) throw invalid("an address of an unknown type");
    from.take(size);
  }
  return { clientKey: from.take(KEY_SIZE), serverKey: from.take(KEY_SIZE) };
}

function invalid(what) {
  return new WireError(`this is no connect token: ${what}`);
}

/**
 * @param {string} text base64
 * @returns {Uint8Array} the token's bytes
 */
export function tokenBytes(text) {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw invalid("not base64");
  }
}
