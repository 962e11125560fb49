// SPDX-License-Identifier: MIT
/**
 * Let a connection and a server talk over links that break at any moment.
 *
 * A link is a stream: it delivers in order, after a while, and when it breaks what is on
 * its way is gone. Each message is its number and bytes that follow from it.
 */

import { Connection } from "./connection.js";
import { Reader, Writer } from "./bytes.js";
import { CLOSE_REASONS } from "./protocol.js";
import { generator } from "./random.js";
import { Server } from "./server.js";
import { bytesOf } from "./values.js";

const STEP = 0.005;
const LATENCY = 0.03;
const SIZES = [0, 3, 40, 40, 300, 1136, 1137, 9000];

function bodyOf(number, size) {
  return Uint8Array.from({ length: size }, (_, n) => (number * 31 + n * 7) & 0xff);
}

function messageOf(number, size) {
  const out = new Writer();
  out.uint32(number);
  out.raw(bodyOf(number, size));
  return out.finish();
}

/** Return the number of a message; -1 if it is not whole. */
function numberOf(payload) {
  const from = new Reader(payload);
  const number = from.uint32();
  const rest = from.take(from.remaining);
  return bodyOf(number, rest.length).every((byte, n) => byte === rest[n]) ? number : -1;
}

/** One side's messages: what was sent, and what the other one got, by channel. */
class Ledger {
  constructor(channels) {
    this.sent = Object.fromEntries(channels.map(({ id }) => [id, []]));
    this.came = Object.fromEntries(channels.map(({ id }) => [id, []]));
    this.next = 0;
  }

  send(channel, size, sender) {
    const number = this.next++;
    this.sent[channel].push(number);
    sender(channel, messageOf(number, size));
  }

  take(channel, payload) {
    this.came[channel].push(numberOf(payload));
  }
}

class Wire {
  #waiting = [];

  put(packets, now) {
    for (const packet of packets) this.#waiting.push({ packet, at: now + LATENCY });
  }

  take(now) {
    const count = this.#waiting.findIndex(({ at }) => at > now);
    return this.#waiting.splice(0, count < 0 ? Infinity : count).map(({ packet }) => packet);
  }

  cut() {
    this.#waiting = [];
  }
}

class Session {
  #random;
  #channels;
  #up = new Wire();
  #down = new Wire();
  #opensAt = Infinity;

  constructor({ seed, channels, token, requests, tickets, hash }) {
    this.#random = generator(seed);
    this.#channels = channels;
    this.now = 0;
    this.events = {};
    this.client = new Connection({
      token: bytesOf(token), protocolHash: bytesOf(hash), version: 1, closeReasons: CLOSE_REASONS,
      random: this.#random, channels,
    });
    this.server = new Server(channels, requests.map(bytesOf), tickets.map(bytesOf));
    this.upward = new Ledger(channels);
    this.downward = new Ledger(channels);
    this.client.connect(0);
  }

  /** Let the world go on for a moment. */
  step(chance, breakChance) {
    this.now += STEP;
    if (this.#random() < chance) this.#say();
    if (this.#random() < breakChance) this.#break();
    this.client.handleTimeout(this.now);
    this.#link();
    for (const packet of this.#up.take(this.now)) this.server.receive(packet, this.now);
    for (const packet of this.#down.take(this.now)) this.client.receivePacket(packet, this.now);
    this.#drain();
  }

  #say() {
    const { id, mode } = this.#channels[Math.floor(this.#random() * this.#channels.length)];
    const isLarge = mode === "reliable-ordered" || mode === "reliable-unordered";
    const size = SIZES[Math.floor(this.#random() * (isLarge ? SIZES.length : 5))];
    if (this.#random() < 0.5) {
      if (!["connected", "dropped"].includes(this.client.state)) return;
      this.upward.send(id, size, (channel, payload) => this.client.send(channel, payload, this.now));
    } else if (this.server.isLinked) {
      this.downward.send(id, size, (channel, payload) => this.server.send(channel, payload, this.now));
    }
  }

  /** What a stream has delivered when it breaks is a part of what was sent, from the start. */
  #break() {
    if (this.now < 0.5) return; // the client has its tickets by then
    if (!this.client.usesLink || this.#opensAt < Infinity) return;
    // Two tickets in a row whose answers are lost would be the end of the session.
    if (this.client.state === "dropped" && this.#random() < 0.8) return;
    this.#up.cut();
    this.#down.cut();
    this.server.lose();
    this.client.linkLost(this.now);
  }

  #link() {
    if (this.client.wantsLink(this.now)) this.#opensAt = this.now + LATENCY;
    if (this.now < this.#opensAt) return;
    this.#opensAt = Infinity;
    this.server.lose();
    this.client.connect(this.now);
  }

  #drain() {
    this.#up.put(this.client.packetsToSend(this.now), this.now);
    this.#down.put(this.server.packets(this.now), this.now);
    for (const [channel, payload] of this.server.received.splice(0)) this.upward.take(channel, payload);
    for (let event; (event = this.client.nextEvent()); ) {
      this.events[event.type] = (this.events[event.type] ?? 0) + 1;
      if (event.type === "closed") this.ended = event.reason;
      if (event.type === "message") this.downward.take(event.channel, event.payload);
    }
  }
}

export function run({ steps, chance, breaks, ...options }) {
  const session = new Session(options);
  for (let n = 0; n < steps; n++) session.step(chance, breaks);
  for (let n = 0; n < 6000; n++) session.step(0, 0); // and then it is quiet, so that all arrives
  const { client, server, upward, downward, events, now } = session;
  const { queuedBytes, resent, duplicates, history } = client.stats(now);
  return {
    upward, downward, events, state: client.state, ended: session.ended ?? null, queuedBytes, resent, duplicates,
    samples: history.length, server: server.stats(now),
  };
}
