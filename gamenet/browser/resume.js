// SPDX-License-Identifier: MIT
/**
 * The tickets with which a session is resumed when its link is lost.
 *
 * The server sends them on gamenet's own channel, sealed with a key that came with the
 * first ticket, so that nobody who listens can take our place. Each is good once; the
 * server replaces those that were used.
 *
 *   1 | generation u32 | box        box: the ticket, without the zeros at its end
 */

import { Reader } from "./bytes.js";
import { openSealed } from "./chacha.js";
import { WireError } from "./numbers.js";
import { decodeToken } from "./tokens.js";

const RESUME = 1;
const NONCE = [0x47, 0x4e, 0x52, 0x53, 0, 0, 0, 0, 0, 0, 0, 0]; // "GNRS", then the generation
const GENERATION_AT = 4;
const MAX_TICKETS = 8;
const ASSOCIATED = new TextEncoder().encode("gamenet 1 resume");

/** @typedef {{generation: number, token: import("./tokens.js").Token}} Ticket */

export class ResumeTickets {
  #key;
  /** @type {Ticket[]} in the order in which they are to be used */
  #tickets = [];

  /** @param {Uint8Array} key the server's, of the token that began the session */
  constructor(key) {
    this.#key = key;
  }

  get isEmpty() {
    return this.#tickets.length === 0;
  }

  /**
   * Take a message of gamenet's own channel; kinds of a newer server are skipped.
   * @param {Uint8Array} message
   */
  receive(message) {
    const from = new Reader(message);
    if (from.uint8() !== RESUME) return;
    const generation = from.uint32();
    const token = decodeToken(this.#open(generation, from.take(from.remaining)));
    this.#tickets.unshift({ generation, token });
    this.#tickets.splice(MAX_TICKETS);
  }

  #open(generation, box) {
    const nonce = Uint8Array.from(NONCE);
    new DataView(nonce.buffer).setUint32(GENERATION_AT, generation, true);
    const plain = openSealed(this.#key, nonce, box, ASSOCIATED);
    if (plain === null) throw new WireError(`the resume token ${generation} was not sealed for us`);
    return plain;
  }

  /**
   * Return the ticket to present next. It is kept, behind the others, until the server
   * has answered: if the link breaks before, nobody knows whether it was used.
   * @returns {Ticket | null}
   */
  next() {
    const ticket = this.#tickets.shift() ?? null;
    if (ticket) this.#tickets.push(ticket);
    return ticket;
  }

  /** Forget a ticket that the server has taken or refused. @param {Ticket} ticket */
  spend(ticket) {
    this.#tickets = this.#tickets.filter((other) => other !== ticket);
  }
}
