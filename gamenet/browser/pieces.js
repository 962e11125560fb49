// SPDX-License-Identifier: MIT
/**
 * Join the pieces of large messages.
 *
 * Pieces are copied: each is a view of a packet that would otherwise be kept whole. What
 * a message may become is checked with its first piece, and again with every one.
 */

import { WireError } from "./numbers.js";

/** A compressed message has one byte more than its limit: the one that says so. */
const limitOf = ({ maxMessage, compression }) => maxMessage + (compression ? 1 : 0);

function joined(parts, length) {
  const message = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}

function outOfPlace({ id }) {
  return new WireError(`a piece of channel ${id} does not fit the message it belongs to`);
}

/** A large message whose pieces come in any order. */
export class Assembly {
  #channel;
  #count;
  #parts = new Map();
  #pieceSize = 0;
  #lastSize = 0;

  /** @param {import("./channels.js").Channel} channel @param {number} count of pieces */
  constructor(channel, count) {
    this.#channel = channel;
    this.#count = count;
    this.bytes = 0;
  }

  get size() {
    return this.#parts.size;
  }

  get isWhole() {
    return this.#parts.size === this.#count;
  }

  /** @param {{index: number, count: number, payload: Uint8Array}} piece */
  add({ index, count, payload }) {
    const isLast = index === this.#count - 1;
    if (isLast) this.#lastSize = payload.length;
    else this.#pieceSize ||= payload.length;
    const isUneven = this.#pieceSize > 0 && (isLast ? payload.length > this.#pieceSize
      : payload.length !== this.#pieceSize || this.#lastSize > this.#pieceSize);
    if (count !== this.#count || this.#parts.has(index) || isUneven) throw outOfPlace(this.#channel);
    this.#parts.set(index, payload.slice());
    this.bytes += payload.length;
    const least = Math.max(this.bytes, (this.#count - 1) * this.#pieceSize + this.#lastSize);
    if (least > limitOf(this.#channel)) throw tooLarge(this.#channel, least);
  }

  /** @returns {Uint8Array} */
  message() {
    const parts = Array.from({ length: this.#count }, (_, n) => this.#parts.get(n));
    return joined(parts, this.bytes);
  }
}

function tooLarge({ id, maxMessage }, least) {
  const what = `a message of ${least} bytes or more on channel ${id}: it takes ${maxMessage}`;
  return new WireError(what, "MESSAGE_TOO_LARGE");
}

/** Messages and pieces that come in order: joins the pieces. */
export class Parts {
  #channel;
  /** @type {Assembly | null} */
  #assembly = null;

  /** @param {import("./channels.js").Channel} channel */
  constructor(channel) {
    this.#channel = channel;
  }

  /**
   * @param {{payload: Uint8Array, index?: number, count?: number, isEnd?: boolean}} item a message, a
   *     piece, or word that no more pieces come
   * @returns {Uint8Array | null} the message that is complete
   */
  take({ payload, index, count, isEnd = false }) {
    if (isEnd) return this.end();
    if (count !== undefined) return this.#takePiece({ index, count, payload });
    if (this.#assembly) throw outOfPlace(this.#channel);
    return payload;
  }

  #takePiece(piece) {
    if (piece.index !== (this.#assembly?.size ?? 0)) throw outOfPlace(this.#channel);
    this.#assembly ??= new Assembly(this.#channel, piece.count);
    this.#assembly.add(piece);
    if (!this.#assembly.isWhole) return null;
    const message = this.#assembly.message();
    this.#assembly = null;
    return message;
  }

  /** Forget the message whose pieces have come so far. */
  end() {
    this.#assembly = null;
    return null;
  }
}
