// SPDX-License-Identifier: MIT
/**
 * Being let in: which ticket is presented on a link, and what follows from the answer.
 *
 * The first ticket begins the session, those that the server sends during it resume it.
 */

import { decodeAnswer, encodeRequest } from "./handshake.js";
import { ResumeTickets } from "./resume.js";
import { decodeToken } from "./tokens.js";

/** With another ticket, or at another time, the server may let us in. */
const SPENT = new Set(["TOKEN_USED", "TOKEN_EXPIRED"]);
const BUSY = new Set(["SERVER_FULL", "TOO_MANY_FROM_ADDRESS", "RATE_LIMITED"]);

export class Admission {
  #protocol;
  #reasons;
  #first;
  #ticket = null;
  #request = null;

  /**
   * @param {Uint8Array} token the connect token
   * @param {{version: number, protocolHash: Uint8Array}} protocol
   * @param {import("./config.js").CloseReasons} reasons
   */
  constructor(token, protocol, reasons) {
    this.#protocol = protocol;
    this.#reasons = reasons;
    this.#first = { token: decodeToken(token) };
    /** Those that resume the session. */
    this.tickets = new ResumeTickets(this.#first.token.serverKey);
  }

  /** @returns {boolean} whether a ticket is presented, and the server has not answered */
  get isAsking() {
    return this.#ticket !== null;
  }

  /** Present the next ticket on a link that is open. */
  ask() {
    this.#ticket = this.#first ?? this.tickets.next();
    this.#first = null;
    this.#request = encodeRequest(this.#ticket.token, this.#protocol);
  }

  /** The link is gone: nobody knows what has become of the ticket. */
  giveUp() {
    this.#ticket = this.#request = null;
  }

  /** @returns {Uint8Array[]} the request, once: a stream loses nothing */
  takeRequest() {
    const request = this.#request;
    this.#request = null;
    return request ? [request] : [];
  }

  /**
   * Take the server's answer.
   * @param {Uint8Array} bytes
   * @returns {{isAdmitted: boolean, isFinal: boolean, reason: string, detail: string}} final: it is
   *     of no use to ask again
   */
  receive(bytes) {
    const answer = decodeAnswer(bytes);
    const ticket = this.#ticket;
    this.giveUp();
    if (answer.isAccepted) {
      this.tickets.spend(ticket);
      return { isAdmitted: true, isFinal: false, reason: "", detail: "" };
    }
    const reason = this.#reasons.nameOf(answer.reason);
    if (SPENT.has(reason)) this.tickets.spend(ticket);
    const isFinal = this.tickets.isEmpty || !(SPENT.has(reason) || BUSY.has(reason));
    return { isAdmitted: false, isFinal, reason, detail: answer.detail };
  }
}
