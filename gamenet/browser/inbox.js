// SPDX-License-Identifier: MIT
/** The way in of all channels: from frames to messages. */

import { unwrap } from "./channels.js";
import { newReceiver } from "./receivers.js";

export class Inbox {
  #channels;
  #meters;
  #receivers = new Map();

  /**
   * @param {ReadonlyMap<number, import("./channels.js").Channel>} channels
   * @param {ReadonlyMap<number, import("./stats.js").LaneMeter>} meters by channel
   */
  constructor(channels, meters) {
    this.#channels = channels;
    this.#meters = meters;
    for (const [id, channel] of channels) this.#receivers.set(id, newReceiver(channel, meters.get(id)));
  }

  /**
   * Take a frame that carries something of a channel.
   * @param {import("./frames.js").Frame} frame
   * @param {number} now
   * @returns {Uint8Array[]} the messages that are complete with it
   */
  take(frame, now) {
    const channel = this.#channels.get(frame.channel);
    const meter = this.#meters.get(frame.channel);
    return this.#receivers.get(frame.channel).take(frame).map((bytes) => {
      meter.came(bytes.length, now);
      return unwrap(channel, bytes);
    });
  }
}
