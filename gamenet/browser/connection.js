// SPDX-License-Identifier: MIT
/**
 * The client's end of a connection over streams, without I/O: bytes in, bytes out.
 *
 * The same verbs as gamenet.connection in Python: say `connect` when a link is open, give
 * it packets with `receivePacket`, drain `packetsToSend` and `nextEvent`, wake it at
 * `nextTimeout` with `handleTimeout`. `now` is always monotonic seconds. Whatever the
 * server sends, nothing is thrown: bytes that break the protocol close the connection
 * with the reason MALFORMED.
 *
 * A link that is lost drops the connection; when `wantsLink` says so a new one is to be
 * opened, and the session goes on there: no reliable message is lost or doubled.
 *
 *   idle -> requesting -> connected <-> dropped -> closed
 */

import { Admission } from "./admission.js";
import { GAME_CHANNELS, OWN_CHANNEL, openChannels } from "./channels.js";
import { CloseReasons, DEFAULTS } from "./config.js";
import { Link } from "./link.js";
import { WireError } from "./numbers.js";
import { Recovery } from "./recovery.js";
import { ConnectionStats } from "./stats.js";
import { Traffic } from "./traffic.js";

/**
 * @typedef {{type: "connected"} | {type: "resumed"}
 *   | {type: "message", channel: number, payload: Uint8Array}
 *   | {type: "acked", id: number} | {type: "lost", id: number}
 *   | {type: "progress", id: number, acked: number, total: number}
 *   | {type: "dropped", reason: string}
 *   | {type: "closed", reason: string, detail: string}} ConnectionEvent
 */

export class Connection {
  #config;
  #reasons;
  #channels;
  #stats;
  #traffic;
  #admission;
  #recovery;
  #answerDue = Infinity;
  /** @type {Link | null} the present one, or the last */
  #link = null;
  #droppedBy = "";
  #farewell = [];
  #events = [];

  /**
   * @param {object} options
   * @param {Uint8Array} options.token the connect token
   * @param {Uint8Array} options.protocolHash eight bytes
   * @param {number} options.version of the wire protocol
   * @param {readonly import("./config.js").CloseReason[]} options.closeReasons the generated table
   * @param {() => number} options.random 0 to 1, to spread attempts
   * @param {readonly object[]} [options.channels] as the generated codec declares them
   * @param {Partial<typeof DEFAULTS>} [options.config]
   */
  constructor({ token, protocolHash, version, closeReasons, random, channels = GAME_CHANNELS, config = {} }) {
    this.#config = { ...DEFAULTS, ...config };
    this.#reasons = new CloseReasons(closeReasons);
    this.#admission = new Admission(token, { version, protocolHash }, this.#reasons);
    this.#recovery = new Recovery(this.#config, random);
    this.#channels = openChannels(channels, this.#config.maxMessage);
    this.#stats = new ConnectionStats(this.#channels);
    const emit = (event) => this.#events.push(event);
    this.#traffic = new Traffic(this.#channels, this.#stats.lanes, this.#config, emit);
    /** @type {"idle" | "requesting" | "connected" | "dropped" | "closed"} */
    this.state = "idle";
  }

  // ---- links ----

  /** A link is open: ask the server to let us in, or in again. @param {number} now */
  connect(now) {
    if (this.state === "idle") {
      this.state = "requesting";
      this.#answerDue = now + this.#config.handshakeTimeout;
      this.#stats.begin(now);
    } else if (this.state !== "dropped") {
      throw new Error(`cannot connect: state is ${this.state}`);
    }
    this.#admission.ask();
  }

  /**
   * The link is lost, or could not be opened.
   * @param {number} now
   * @param {string} [reason] name of a close reason
   */
  linkLost(now, reason = "LINK_LOST") {
    if (this.state === "connected") this.#drop(reason, now);
    else if (this.state === "dropped") this.#tryAgain(now);
    else if (this.state !== "closed") this.#end(reason, "");
  }

  #drop(reason, now) {
    if (this.#admission.tickets.isEmpty || this.#config.resumeWindow <= 0) {
      this.#end(reason, "");
      return;
    }
    this.#traffic.leave(this.#link);
    this.#recovery.begin(now);
    this.state = "dropped";
    this.#droppedBy = reason;
    this.#events.push({ type: "dropped", reason });
  }

  #tryAgain(now) {
    this.#admission.giveUp();
    this.#recovery.failed(now);
  }

  /** @param {number} now @returns {boolean} whether to open a link now; an attempt begins by it */
  wantsLink(now) {
    return this.state === "dropped" && this.#recovery.begins(now);
  }

  /** The network may be there again: try now what would be tried later. @param {number} now */
  hurry(now) {
    if (this.state === "dropped") this.#recovery.hurry(now);
  }

  /** @returns {boolean} whether the link that there is, or is being opened, is still of use */
  get usesLink() {
    return this.state === "dropped" ? this.#recovery.isTrying : this.state !== "closed";
  }

  // ---- what the page does ----

  /**
   * Queue a message, which must not be changed any more. Too many close the connection:
   * the network cannot keep up. While the connection is dropped only what is reliable waits.
   * @param {number} channel
   * @param {Uint8Array} payload
   * @param {number} now
   * @returns {number} its id, for receipts and `cancel`
   */
  send(channel, payload, now) {
    const isAway = this.state === "dropped";
    if (this.state !== "connected" && !isAway) throw new Error(`cannot send: state is ${this.state}`);
    const { outbox } = this.#traffic;
    const id = outbox.push(channel, payload, now);
    if (isAway) outbox.drop("away");
    if (outbox.isOverfull) this.close("SEND_QUEUE_OVERFLOW", `${outbox.queuedBytes} bytes wait`, now);
    return id;
  }

  /** Give up a reliable message that has not left whole. @param {number} id @returns {boolean} whether it was */
  cancel(id) {
    return this.#traffic.outbox.cancel(id);
  }

  /** Throw away unreliable messages that the carrier could not take in time. */
  dropUnreliable() {
    this.#traffic.outbox.drop("backlog");
  }

  /**
   * End the connection; the server is told why.
   * @param {string} reason name of a close reason
   * @param {string} detail
   * @param {number} now
   */
  close(reason, detail, now) {
    if (this.state === "closed") return;
    if (this.state === "connected") {
      const isWhole = reason !== "SEND_QUEUE_OVERFLOW";
      const end = { reason: this.#reasons.numberOf(reason), detail, isWhole };
      this.#farewell = this.#traffic.goodbye(this.#link, now, end);
    }
    this.#end(reason, detail);
  }

  #end(reason, detail) {
    this.state = "closed";
    this.#admission.giveUp();
    this.#stats.end();
    this.#events.push({ type: "closed", reason, detail });
  }

  // ---- packets ----

  /**
   * Take a packet from the carrier.
   * @param {Uint8Array} bytes kept by the messages that come out of it
   * @param {number} now
   */
  receivePacket(bytes, now) {
    if (this.state !== "connected" && !this.#admission.isAsking) return;
    this.#stats.whole.received(bytes.length, now);
    try {
      if (bytes.length > this.#config.maxPacketSize) throw new WireError(`a packet of ${bytes.length} bytes`);
      if (this.state === "connected") this.#receive(this.#link.receive(bytes, now), now);
      else this.#receiveAnswer(this.#admission.receive(bytes), now);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.close(error.reason, error.message, now);
    }
  }

  #receive(packet, now) {
    if (packet === null) {
      this.#stats.whole.dropped.add("replayed");
      return;
    }
    const end = this.#traffic.receive(packet, now, (channel, payload) => this.#deliver(channel, payload));
    if (end) this.#end(this.#reasons.nameOf(end.reason), end.detail);
  }

  #deliver(channel, payload) {
    if (channel === OWN_CHANNEL) this.#admission.tickets.receive(payload);
    else this.#events.push({ type: "message", channel, payload });
  }

  #receiveAnswer({ isAdmitted, isFinal, reason, detail }, now) {
    if (isAdmitted) this.#admitted(now);
    else if (isFinal || this.state === "requesting") this.#end(reason, detail);
    else this.#tryAgain(now);
  }

  #admitted(now) {
    this.#events.push({ type: this.state === "dropped" ? "resumed" : "connected" });
    this.#link = new Link(this.#config, this.#channels, this.#stats.whole, now);
    this.#recovery.succeeded(now);
    this.state = "connected";
  }

  /**
   * Drain what has to go out now.
   * @param {number} now
   * @param {number} [room] bytes that the carrier takes
   * @returns {Uint8Array[]} packets, each to be one message of the carrier
   */
  packetsToSend(now, room = Infinity) {
    const packets = this.state === "connected" ? this.#traffic.packets(this.#link, now, room)
      : [...this.#farewell, ...this.#admission.takeRequest()];
    this.#farewell = [];
    for (const { length } of packets) this.#stats.whole.sent(length, now);
    return packets;
  }

  // ---- time, events, figures ----

  /** @returns {number} when `handleTimeout` wants to be called; Infinity for never */
  nextTimeout() {
    return Math.min(this.#stats.due, { requesting: this.#answerDue, connected: this.#link?.due,
                                       dropped: this.#recovery.due }[this.state] ?? Infinity);
  }

  /** Give up what has been silent for too long; heartbeats go out by `packetsToSend`. @param {number} now */
  handleTimeout(now) {
    this.#stats.take(now, () => this.#figures(now));
    if (this.state === "requesting" && now >= this.#answerDue) this.close("HANDSHAKE_TIMED_OUT", "", now);
    if (this.state === "connected" && this.#link.isSilent(now)) this.#drop("TIMED_OUT", now);
    if (this.state !== "dropped") return;
    if (this.#recovery.isOver(now)) this.#end(this.#droppedBy, "");
    else if (this.#recovery.isStuck(now)) this.#tryAgain(now);
  }

  /** @returns {ConnectionEvent | undefined} the next thing that happened; "closed" is the last */
  nextEvent() {
    return this.#events.shift();
  }

  /** Seconds, bytes, and amounts a second; loss is 0 to 1: see ClientStats in gamenet.d.ts. @param {number} now */
  stats(now) {
    return { ...this.#figures(now), ...this.#stats.details(now, this.#traffic.outbox) };
  }

  #figures(now) {
    const link = this.#link?.stats() ?? Link.NONE;
    return { state: this.state, ...link, ...this.#stats.figures(now, this.#traffic.outbox) };
  }
}
