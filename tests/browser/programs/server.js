// SPDX-License-Identifier: MIT
/**
 * The server's end of one session, as far as a client can tell: who presents a ticket that
 * is known and unused gets a link, and the channels go on there.
 */

import { openChannels } from "./channels.js";
import { DEFAULTS } from "./config.js";
import { Link } from "./link.js";
import { ConnectionStats } from "./stats.js";
import { Traffic } from "./traffic.js";

const OWN_CHANNEL = 31;
const OUTSTANDING = 2;
const TOKEN_USED = 24;
const ACCEPTED = Uint8Array.from([8, 0, 0, 0, 0, 64, 0, 0, 0]);

const same = (a, b) => a.length === b.length && a.every((byte, n) => byte === b[n]);

export class Server {
  #channels;
  #stats;
  #traffic;
  #requests;
  #tickets;
  #used = new Set();
  #issued = 0;
  #link = null;
  #out = [];

  /**
   * @param {object[]} channels
   * @param {Uint8Array[]} requests that present the connect token and the tickets, in order
   * @param {Uint8Array[]} tickets messages that give the client its tickets
   */
  constructor(channels, requests, tickets) {
    this.#channels = openChannels(channels, DEFAULTS.maxMessage);
    this.#stats = new ConnectionStats(this.#channels);
    this.events = [];
    this.#traffic = new Traffic(this.#channels, this.#stats.lanes, DEFAULTS, (event) => this.events.push(event));
    this.#requests = requests;
    this.#tickets = tickets;
    this.received = [];
    this.end = null;
  }

  get isLinked() {
    return this.#link !== null;
  }

  send(channel, payload, now) {
    this.#traffic.outbox.push(channel, payload, now);
  }

  /** Take the first packet of a link, or a further one. */
  receive(bytes, now) {
    if (!this.#link) return this.#admit(bytes, now);
    const packet = this.#link.receive(bytes, now);
    const deliver = (channel, payload) => this.received.push([channel, payload]);
    this.end ??= this.#traffic.receive(packet, now, deliver);
  }

  #admit(bytes, now) {
    const number = this.#requests.findIndex((request) => same(request, bytes));
    if (number < 0) throw new Error("a token that nobody issued");
    if (this.#used.has(number)) {
      this.#out.push(Uint8Array.from([9, TOKEN_USED]));
      return;
    }
    this.#used.add(number);
    this.#out.push(ACCEPTED);
    this.#link = new Link(DEFAULTS, this.#channels, this.#stats.whole, now);
    while (this.#issued < this.#tickets.length && this.#issued - (this.#used.size - 1) < OUTSTANDING) {
      this.send(OWN_CHANNEL, this.#tickets[this.#issued++], now);
    }
  }

  lose() {
    if (this.#link) this.#traffic.leave(this.#link);
    this.#link = null;
    this.#out = [];
  }

  packets(now) {
    const answers = this.#out;
    this.#out = [];
    return this.#link ? [...answers, ...this.#traffic.packets(this.#link, now, Infinity)] : answers;
  }

  stats(now) {
    return this.#stats.details(now, this.#traffic.outbox);
  }
}
