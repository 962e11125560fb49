// SPDX-License-Identifier: MIT
/**
 * One link of a connection, from the server's yes to its loss: packets, acks, times.
 *
 * What goes on when the session is resumed on another link is not here: the channels
 * belong to the connection.
 */

import { ReceivedPackets, SentPackets, secondsOf } from "./acks.js";
import { Reader } from "./bytes.js";
import { Control, Form, readFrames, writeAckDelay, writePathResponse } from "./frames.js";
import { PACKET } from "./handshake.js";
import { readHeader, writeHeader } from "./headers.js";
import { WireError } from "./numbers.js";
import { RoundTrip } from "./rtt.js";
import { TransferWindow } from "./window.js";

const ASKS_NOTHING = new Set([Control.PADDING, Control.ACK_DELAY, Control.PATH_RESPONSE, Control.CLOSE]);

export class Link {
  /** What is measured before there is a link. */
  static NONE = Object.freeze({ rtt: 0, rttMin: 0, rttMax: 0, jitter: 0, inFlight: 0, transferWindow: 0 });

  #config;
  #channels;
  #received;
  #sent;
  #window = new TransferWindow();
  #deadline;
  #heartbeatDue;
  #ackDue = Infinity;
  #challenge = null;

  /**
   * @param {{timeout: number, heartbeat: number, ackDelay: number}} config in seconds
   * @param {ReadonlyMap<number, import("./channels.js").Channel>} channels
   * @param {import("./stats.js").Meter} meter
   * @param {number} now
   */
  constructor(config, channels, meter, now) {
    this.#config = config;
    this.#channels = channels;
    this.#received = new ReceivedPackets(meter.lossDown);
    this.#sent = new SentPackets(meter.lossUp);
    this.#deadline = now + config.timeout;
    this.#heartbeatDue = now;
    this.roundTrip = new RoundTrip();
  }

  /**
   * Read a packet.
   * @param {Uint8Array} bytes
   * @param {number} now
   * @returns {{frames: import("./frames.js").Frame[], acked: import("./acks.js").SentPacket[]} | null}
   *     null for one that came before
   */
  receive(bytes, now) {
    const from = new Reader(bytes);
    const kind = from.uint8();
    if (kind !== PACKET) throw new WireError(`a packet of kind ${kind}`);
    const { sequence, ack, bits } = readHeader(from);
    const frames = readFrames(from, this.#channels);
    const inFlight = this.#sent.inFlight;
    const acked = this.#sent.acknowledge(ack, bits);
    if (!this.#received.receive(sequence, now)) return null;
    this.#deadline = now + this.#config.timeout;
    this.#measure(acked, frames, inFlight, now);
    this.#oblige(frames, now);
    return { frames, acked };
  }

  #measure(acked, frames, inFlight, now) {
    if (acked.length === 0) return;
    const said = frames.find(({ form, channel }) => form === Form.CONTROL && channel === Control.ACK_DELAY);
    const waited = said ? secondsOf(said.delay) : 0;
    this.roundTrip.take(Math.max(now - acked.at(-1).at - waited, 0), now);
    const bytes = acked.reduce((sum, { size }) => sum + size, 0);
    const delay = this.roundTrip.latest - this.roundTrip.least;
    this.#window.acked(bytes, delay, inFlight >= this.#window.size);
  }

  /** Do what the peer asks for: acknowledge in time, and answer. */
  #oblige(frames, now) {
    for (const { form, channel, payload } of frames) {
      const isControl = form === Form.CONTROL;
      if (isControl && channel === Control.PATH_CHALLENGE) this.#challenge = payload.slice();
      if (isControl && ASKS_NOTHING.has(channel)) continue;
      const patience = isControl ? 0 : this.#config.ackDelay;
      this.#ackDue = Math.min(this.#ackDue, now + patience);
    }
  }

  /** @param {number} now @returns {boolean} whether a packet is due although nothing waits */
  isDue(now) {
    return now >= Math.min(this.#heartbeatDue, this.#ackDue);
  }

  /** Nothing can go out now, so that nothing is due before the next heartbeat. @param {number} now */
  wait(now) {
    this.#heartbeatDue = Math.max(this.#heartbeatDue, now + this.#config.heartbeat);
    this.#ackDue = Infinity;
  }

  /** @returns {boolean} whether more of large messages may go out */
  get mayTransfer() {
    return this.#sent.inFlight < this.#window.size;
  }

  /** Begin a packet. @param {import("./lanes.js").Parcel} parcel @param {number} now */
  begin({ out }, now) {
    out.uint8(PACKET);
    writeHeader(out, this.#sent.next, this.#received.newest, this.#received.bits);
    const delay = this.#received.takeDelay(now);
    if (delay > 0) writeAckDelay(out, delay);
    if (this.#challenge) writePathResponse(out, this.#challenge);
    this.#challenge = null;
  }

  /** A packet goes out. @param {import("./lanes.js").Parcel} parcel @param {number} now @returns {Uint8Array} */
  finish({ out, record }, now) {
    this.#sent.send(out.length, record, now);
    this.#heartbeatDue = now + this.#config.heartbeat;
    this.#ackDue = Infinity;
    return out.finish();
  }

  /** The link is lost: return the packets whose fate nobody knows. @returns {import("./acks.js").SentPacket[]} */
  abandon() {
    return this.#sent.abandon();
  }

  /** @param {number} now @returns {boolean} whether the peer has been silent for too long */
  isSilent(now) {
    return now >= this.#deadline;
  }

  /** @returns {number} when it wants to be looked at */
  get due() {
    return Math.min(this.#deadline, this.#heartbeatDue, this.#ackDue);
  }

  stats() {
    const { smoothed, least, most, jitter } = this.roundTrip;
    return { rtt: smoothed, rttMin: least, rttMax: most, jitter, inFlight: this.#sent.inFlight,
             transferWindow: this.#window.size };
  }
}
