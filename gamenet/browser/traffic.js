// SPDX-License-Identifier: MIT
/**
 * The messages of a connection, on whichever link there is.
 *
 * Channels outlive links: what was not acknowledged on one goes out again on the next,
 * and what comes twice is taken once.
 */

import { Control, Form, writeClose } from "./frames.js";
import { readDetail, writeDetail } from "./handshake.js";
import { Inbox } from "./inbox.js";
import { Parcel } from "./lanes.js";
import { Outbox } from "./outbox.js";

export class Traffic {
  #inbox;
  #outbox;
  #packetSize;

  /**
   * @param {ReadonlyMap<number, import("./channels.js").Channel>} channels
   * @param {ReadonlyMap<number, import("./stats.js").LaneMeter>} meters by channel
   * @param {{packetSize: number, maxQueue: number}} config
   * @param {(event: object) => void} emit for what becomes of our messages
   */
  constructor(channels, meters, config, emit) {
    this.#packetSize = config.packetSize;
    this.#inbox = new Inbox(channels, meters);
    this.#outbox = new Outbox(channels, meters, config, emit);
  }

  /** What waits to go out. */
  get outbox() {
    return this.#outbox;
  }

  /**
   * Take what a packet brought.
   * @param {{frames: import("./frames.js").Frame[], acked: import("./acks.js").SentPacket[]}} packet
   * @param {number} now
   * @param {(channel: number, payload: Uint8Array) => void} deliver
   * @returns {{reason: number, detail: string} | null} how the peer ends the connection, if it does
   */
  receive({ frames, acked }, now, deliver) {
    for (const { record } of acked) this.#outbox.settle(record, true);
    for (const frame of frames) {
      if (frame.form !== Form.CONTROL) {
        for (const payload of this.#inbox.take(frame, now)) deliver(frame.channel, payload);
      } else if (frame.channel === Control.CLOSE) {
        return { reason: frame.reason, detail: readDetail(frame.payload) };
      }
    }
    return null;
  }

  /**
   * Fill packets with what waits, and with what the link owes its peer.
   * @param {import("./link.js").Link} link
   * @param {number} now
   * @param {number} room bytes that the carrier takes
   * @returns {Uint8Array[]}
   */
  packets(link, now, room) {
    const packets = [];
    if (room <= 0) link.wait(now);
    for (let left = room; left > 0 && (link.isDue(now) || this.#outbox.hasFrames(link.mayTransfer)); ) {
      const packet = this.#packet(link, now, (parcel) => this.#outbox.fill(parcel, now, link.mayTransfer));
      packets.push(packet);
      left -= packet.length;
    }
    return packets;
  }

  /**
   * Fill the last packets of a connection.
   * @param {import("./link.js").Link} link
   * @param {number} now
   * @param {{reason: number, detail: string, isWhole: boolean}} end whole: send what waits before it
   * @returns {Uint8Array[]}
   */
  goodbye(link, now, { reason, detail, isWhole }) {
    const packets = [];
    while (isWhole && this.#outbox.hasFrames(false)) {
      packets.push(this.#packet(link, now, (parcel) => this.#outbox.fill(parcel, now, false)));
    }
    const close = this.#packet(link, now, ({ out }) => writeClose(out, reason, writeDetail(detail)));
    return [...packets, close];
  }

  #packet(link, now, fill) {
    const parcel = new Parcel(this.#packetSize);
    link.begin(parcel, now);
    fill(parcel);
    return link.finish(parcel, now);
  }

  /** The link is lost: what it had not acknowledged waits for the next one. */
  leave(link) {
    for (const { record } of link.abandon()) this.#outbox.settle(record, false);
    this.#outbox.rewind();
  }
}
