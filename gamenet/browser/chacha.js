// SPDX-License-Identifier: MIT
/**
 * Open what was sealed with ChaCha20-Poly1305 (RFC 8439).
 *
 * Web Crypto does not have it, and answers later. It opens a few kilobytes in an hour,
 * the tickets with which a session is resumed, so it is written to be read: BigInt does
 * the arithmetic of the tag.
 */

const TAG = 16;
const BLOCK = 64;
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]; // "expand 32-byte k"
const ROUNDS = [
  [0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15],
  [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14],
];
const PRIME = (1n << 130n) - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;
const LOW_128 = (1n << 128n) - 1n;

const rotated = (word, by) => (word << by) | (word >>> (32 - by));

function quarterRound(s, [a, b, c, d]) {
  s[a] += s[b]; s[d] = rotated(s[d] ^ s[a], 16);
  s[c] += s[d]; s[b] = rotated(s[b] ^ s[c], 12);
  s[a] += s[b]; s[d] = rotated(s[d] ^ s[a], 8);
  s[c] += s[d]; s[b] = rotated(s[b] ^ s[c], 7);
}

/** Read little-endian words of 32 bits. */
function wordsOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, n) => view.getUint32(4 * n, true));
}

/** The 64 bytes of key stream of a block (section 2.3). */
function keyBlock(key, counter, nonce) {
  const initial = Uint32Array.from([...CONSTANTS, ...wordsOf(key), counter, ...wordsOf(nonce)]);
  const state = initial.slice();
  for (let round = 0; round < 10; round++) {
    for (const quarter of ROUNDS) quarterRound(state, quarter);
  }
  const block = new Uint8Array(BLOCK);
  const view = new DataView(block.buffer);
  state.forEach((word, n) => view.setUint32(4 * n, word + initial[n], true));
  return block;
}

/**
 * Encrypt or decrypt, which is the same (section 2.4).
 * @param {Uint8Array} key 32 bytes
 * @param {number} counter of the first block
 * @param {Uint8Array} nonce 12 bytes
 * @param {Uint8Array} bytes
 * @returns {Uint8Array}
 */
export function chacha20(key, counter, nonce, bytes) {
  const result = bytes.slice();
  for (let at = 0; at < result.length; at += BLOCK) {
    const stream = keyBlock(key, counter + at / BLOCK, nonce);
    for (let n = 0; n < BLOCK && at + n < result.length; n++) result[at + n] ^= stream[n];
  }
  return result;
}

/** The number that little-endian bytes make. */
function numberOf(bytes) {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/**
 * @param {Uint8Array} key 32 bytes, used once
 * @param {Uint8Array} bytes
 * @returns {Uint8Array} the tag of 16 bytes (section 2.5)
 */
export function poly1305(key, bytes) {
  const r = numberOf(key.subarray(0, 16)) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16);
    sum = ((sum + numberOf(part) + (1n << BigInt(8 * part.length))) * r) % PRIME;
  }
  const tag = (sum + numberOf(key.subarray(16, 32))) & LOW_128;
  return Uint8Array.from({ length: TAG }, (_, n) => Number((tag >> BigInt(8 * n)) & 0xffn));
}

/** What the tag is of: associated data and cipher text, each filled up, and their lengths. */
function authenticated(associated, cipher) {
  const start = Math.ceil(associated.length / 16) * 16;
  const end = start + Math.ceil(cipher.length / 16) * 16;
  const whole = new Uint8Array(end + 16);
  whole.set(associated);
  whole.set(cipher, start);
  new DataView(whole.buffer).setUint32(end, associated.length, true);
  new DataView(whole.buffer).setUint32(end + 8, cipher.length, true);
  return whole;
}

/**
 * The tag of an empty box: it proves that whoever made it has the key.
 * @param {Uint8Array} key 32 bytes
 * @param {Uint8Array} nonce 12 bytes
 * @param {Uint8Array} associated what is proved
 * @returns {Uint8Array} 16 bytes
 */
export function proofOf(key, nonce, associated) {
  return poly1305(keyBlock(key, 0, nonce), authenticated(associated, new Uint8Array(0)));
}

/**
 * Open a box (section 2.8).
 * @param {Uint8Array} key 32 bytes
 * @param {Uint8Array} nonce 12 bytes
 * @param {Uint8Array} box cipher text and tag
 * @param {Uint8Array} associated what is not in the box and yet sealed with it
 * @returns {Uint8Array | null} null if it was not sealed so
 */
export function openSealed(key, nonce, box, associated) {
  if (box.length < TAG) return null;
  const cipher = box.subarray(0, box.length - TAG);
  const tag = poly1305(keyBlock(key, 0, nonce), authenticated(associated, cipher));
  const difference = tag.reduce((sum, byte, n) => sum | (byte ^ box[cipher.length + n]), 0);
  return difference === 0 ? chacha20(key, 1, nonce, cipher) : null;
}
