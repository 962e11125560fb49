// SPDX-License-Identifier: MIT
/** Play a network and a clock for a carrier, and note what it does with its sockets. */

import { Carrier } from "./carrier.js";
import { Connection } from "./connection.js";
import { CLOSE_REASONS } from "./protocol.js";
import { bytesOf, marked } from "./values.js";

/** A clock whose timers ring when it is moved. */
class Clock {
  #timers = new Map();
  #next = 1;
  now = 0;

  install() {
    globalThis.setTimeout = (action, delay) => {
      this.#timers.set(this.#next, { action, at: this.now + delay / 1000 });
      return this.#next++;
    };
    globalThis.clearTimeout = (id) => this.#timers.delete(id);
  }

  /** Let time pass; each timer rings at its time. */
  advance(seconds) {
    const end = this.now + seconds;
    for (let rung = 0; rung < 10000; rung++) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      if (due.length === 0) break;
      const [id, { action, at }] = due.reduce((a, b) => (b[1].at < a[1].at ? b : a));
      this.#timers.delete(id);
      this.now = Math.max(this.now, at);
      this.rung = rung + 1;
      action();
    }
    this.now = end;
  }
}

class Socket {
  constructor(openedAt) {
    this.openedAt = openedAt;
    this.sent = [];
    this.bufferedAmount = 0;
    this.readyState = 1;
    this.isClosed = false;
  }

  send(packet) {
    this.sent.push(marked(packet));
  }

  close() {
    this.isClosed = true;
  }
}

const steps = {
  open: ({ socket }) => socket.onopen?.(),
  receive: ({ socket }, { packet }) => socket.onmessage?.({ data: bytesOf(packet).buffer }),
  closing: ({ socket }) => { socket.readyState = 2; },
  text: ({ socket }) => socket.onmessage?.({ data: "words" }),
  lose: ({ socket }) => socket.onclose?.(),
  wait: ({ clock }, { seconds }) => clock.advance(seconds),
  buffer: ({ socket }, { bytes }) => { socket.bufferedAmount = bytes; },
  send: ({ connection, carrier, clock }, { channel, payload }) => {
    connection.send(channel, bytesOf(payload), clock.now);
    carrier.pump();
  },
  close: ({ connection, carrier, clock }) => {
    connection.close("NORMAL", "", clock.now);
    carrier.pump();
  },
};

export function run({ token, hash, script, unopened }) {
  const clock = new Clock();
  clock.install();
  const sockets = [];
  const events = [];
  const openSocket = () => {
    sockets.push(new Socket(clock.now));
    return sockets.at(-1);
  };
  const connection = new Connection({
    token: bytesOf(token), protocolHash: bytesOf(hash), version: 1, closeReasons: CLOSE_REASONS, random: () => 0.5,
  });
  const carrier = new Carrier(openSocket, connection, () => clock.now, (event) => events.push(event), unopened);
  const wakes = script.map((step) => {
    clock.rung = 0;
    // A step may speak of a socket that was left: what it still says is said to nobody.
    const socket = sockets.at(step.socket ?? -1);
    steps[step.do]({ clock, connection, carrier, socket }, step);
    return clock.rung;
  });
  return { sockets, events: events.map(marked), state: connection.state, wakes };
}
