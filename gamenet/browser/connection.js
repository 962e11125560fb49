// SPDX-License-Identifier: MIT
/**
 * The client's end of a connection over a stream, without I/O: bytes in, bytes out.
 *
 * The same verbs as gamenet.connection in Python: give it packets with `receivePacket`,
 * drain `packetsToSend` and `nextEvent`, wake it at `nextTimeout` with `handleTimeout`.
 * `now` is always monotonic seconds. Whatever the server sends, nothing is thrown: bytes
 * that break the protocol close the connection with the reason MALFORMED.
 */

import { ReceivedAcks, SentPackets } from "./acks.js";
import { Writer } from "./bytes.js";
import { GAME_CHANNELS, Inbox, Outbox } from "./channels.js";
import { WireError } from "./numbers.js";
import {
  PacketType, beginPayload, decodePacket, encodeDisconnect, encodeRequest, readFrame, writeFrame,
} from "./packets.js";

/** Seconds and bytes; the same defaults as ConnectionConfig in Python. */
const DEFAULTS = Object.freeze({
  timeout: 10,
  heartbeat: 0.1,
  ackDelay: 0.025,
  handshakeTimeout: 5,
  packetSize: 1200,
  maxMessage: 65536,
  maxQueue: 1 << 20,
});

/**
 * @typedef {{number: number, name: string, advice: string}} CloseReason
 * @typedef {{type: "connected"}
 *   | {type: "message", channel: number, payload: Uint8Array}
 *   | {type: "closed", reason: string, detail: string}} ConnectionEvent
 */

export class Connection {
  #config;
  #reasons;
  #request;
  #isAsked = false;
  #inbox;
  #outbox;
  #received = new ReceivedAcks();
  #sent = new SentPackets();
  #events = [];
  #farewell = null;
  #tag = 0n;
  #deadline = Infinity;
  #heartbeatDue = Infinity;
  #ackDue = Infinity;
  #counts = { packetsSent: 0, packetsReceived: 0, bytesSent: 0, bytesReceived: 0 };

  /**
   * @param {object} options
   * @param {Uint8Array} options.protocolHash eight bytes
   * @param {number} options.version of the wire protocol
   * @param {readonly CloseReason[]} options.closeReasons the generated table
   * @param {bigint} options.salt 64 random bits
   * @param {Uint8Array} [options.userData] at most 256 bytes, for the server
   * @param {readonly string[]} [options.channels] modes, by channel id
   * @param {Partial<typeof DEFAULTS>} [options.config]
   */
  constructor({ protocolHash, version, closeReasons, salt, userData = new Uint8Array(0),
                channels = GAME_CHANNELS, config = {} }) {
    this.#config = { ...DEFAULTS, ...config };
    this.#reasons = closeReasons;
    this.#request = { version, protocolHash, salt, userData };
    this.#inbox = new Inbox(channels, this.#config.maxMessage);
    this.#outbox = new Outbox(channels, this.#config);
    /** @type {"idle" | "requesting" | "connected" | "closed"} */
    this.state = "idle";
  }

  /** Ask the server to let us in. @param {number} now */
  connect(now) {
    if (this.state !== "idle") throw new Error(`cannot connect: state is ${this.state}`);
    this.state = "requesting";
    this.#deadline = now + this.#config.handshakeTimeout;
  }

  /**
   * Queue a message. A full queue closes the connection: the network cannot keep up.
   * @param {number} channel
   * @param {Uint8Array} payload
   * @param {number} now
   */
  send(channel, payload, now) {
    if (this.state !== "connected") throw new Error(`cannot send: state is ${this.state}`);
    if (!this.#outbox.push(channel, payload)) {
      this.close("SEND_QUEUE_OVERFLOW", `${this.#outbox.bytes} bytes wait`, now);
    }
  }

  /**
   * End the connection; the server is told why.
   * @param {string} reason name of a close reason
   * @param {string} detail
   * @param {number} now
   */
  close(reason, detail, now) {
    if (this.state === "closed") return;
    if (this.state === "connected") this.#farewell = this.#goodbye(reason, detail, now);
    this.#end(reason, detail);
  }

  #goodbye(reason, detail, now) {
    const { number } = this.#reasons.find(({ name }) => name === reason);
    const last = reason === "SEND_QUEUE_OVERFLOW" ? [] : this.#payloads(now);
    return [...last, encodeDisconnect(this.#tag, number, detail.slice(0, 300))];
  }

  #end(reason, detail) {
    this.state = "closed";
    this.#deadline = this.#heartbeatDue = this.#ackDue = Infinity;
    this.#events.push({ type: "closed", reason, detail });
  }

  /**
   * Take a packet from the carrier.
   * @param {Uint8Array} bytes kept by the messages that come out of it
   * @param {number} now
   */
  receivePacket(bytes, now) {
    if (this.state === "closed" || this.state === "idle") return;
    this.#counts.bytesReceived += bytes.length;
    try {
      this.#receive(decodePacket(bytes), now);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.close(error.reason, error.message, now);
    }
  }

  #receive(packet, now) {
    this.#counts.packetsReceived++;
    if (this.state === "requesting") this.#receiveAnswer(packet, now);
    else this.#receiveConnected(packet, now);
  }

  #receiveAnswer(packet, now) {
    if (packet.salt !== this.#request.salt) throw new WireError("answer to another request");
    if (packet.type === PacketType.DENIED) {
      this.#end(this.#reasonName(packet.reason), packet.detail);
      return;
    }
    this.#tag = packet.tag;
    this.state = "connected";
    this.#deadline = now + this.#config.timeout;
    this.#heartbeatDue = now;
    this.#events.push({ type: "connected" });
  }

  #receiveConnected(packet, now) {
    if (packet.tag !== this.#tag) throw new WireError("packet of another connection");
    if (packet.type === PacketType.DISCONNECT) {
      this.#end(this.#reasonName(packet.reason), packet.detail);
      return;
    }
    if (!this.#sent.acknowledge(packet.ack, now)) {
      throw new WireError(`ack ${packet.ack} of a packet never sent`);
    }
    this.#deadline = now + this.#config.timeout;
    if (!this.#received.receive(packet.sequence)) return;
    if (packet.reader.remaining) this.#ackDue = Math.min(this.#ackDue, now + this.#config.ackDelay);
    while (packet.reader.remaining) this.#receiveFrame(readFrame(packet.reader));
  }

  #receiveFrame(frame) {
    const payload = this.#inbox.receive(frame);
    if (payload) this.#events.push({ type: "message", channel: frame.channel, payload });
  }

  /**
   * Drain what has to go out now.
   * @param {number} now
   * @returns {Uint8Array[]} packets, each to be one message of the carrier
   */
  packetsToSend(now) {
    const packets = this.#drain(now);
    this.#counts.packetsSent += packets.length;
    for (const packet of packets) this.#counts.bytesSent += packet.length;
    return packets;
  }

  #drain(now) {
    if (this.state === "connected") return this.#payloads(now);
    if (this.state === "requesting") return this.#drainRequest();
    const farewell = this.#farewell ?? [];
    this.#farewell = null;
    return farewell;
  }

  #drainRequest() {
    if (this.#isAsked) return []; // a stream loses nothing
    this.#isAsked = true;
    return [encodeRequest(this.#request)];
  }

  #payloads(now) {
    const packets = [];
    while (!this.#outbox.isEmpty || now >= Math.min(this.#heartbeatDue, this.#ackDue)) {
      packets.push(this.#payload(this.#outbox.take(), now));
      this.#heartbeatDue = now + this.#config.heartbeat;
      this.#ackDue = Infinity;
    }
    return packets;
  }

  #payload(frames, now) {
    const out = new Writer(this.#config.packetSize);
    beginPayload(out, this.#tag, this.#sent.send(now), this.#received);
    for (const frame of frames) writeFrame(out, frame);
    return out.finish();
  }

  /** Throw away unreliable messages that the carrier could not take in time. */
  dropUnreliable() {
    this.#outbox.dropUnreliable();
  }

  /** @returns {number} when `handleTimeout` wants to be called; Infinity for never */
  nextTimeout() {
    return Math.min(this.#deadline, this.#heartbeatDue, this.#ackDue);
  }

  /** Close what has been silent for too long; heartbeats go out by `packetsToSend`. @param {number} now */
  handleTimeout(now) {
    if (now < this.#deadline) return;
    const reason = this.state === "requesting" ? "HANDSHAKE_TIMED_OUT" : "TIMED_OUT";
    this.close(reason, "", now);
  }

  /** @returns {ConnectionEvent | undefined} the next thing that happened; "closed" is the last */
  nextEvent() {
    return this.#events.shift();
  }

  /** Seconds, bytes and packets since the beginning; loss is 0 to 1. */
  stats() {
    return {
      state: this.state,
      rtt: this.#sent.rtt,
      jitter: this.#sent.jitter,
      loss: this.#received.loss,
      queuedBytes: this.#outbox.bytes,
      ...this.#counts,
    };
  }

  #reasonName(number) {
    const known = this.#reasons.find((reason) => reason.number === number);
    return (known ?? this.#reasons[0]).name; // as CloseReason.from_wire does
  }
}
