// SPDX-License-Identifier: MIT
/** What a client says: inputs, the game's messages, and the framework's own. */

import { Writer } from "./bytes.js";
import { encode } from "./schemas.js";

const CONTROL = 0;
/** Input frames go up, feedback on them comes down. */
export const INPUTS = 2;
/** Ids of messages below are the framework's. */
export const FIRST_GAME_MESSAGE = 16;

export class Outgoing {
  #codec;
  #connection;
  #now;
  #pump;

  /**
   * @param {object} options
   * @param {any} options.codec the generated module of the game
   * @param {import("./connection.js").Connection} options.connection
   * @param {() => number} options.now monotonic seconds
   * @param {() => void} options.pump sends what the connection has to send
   */
  constructor({ codec, connection, now, pump }) {
    this.#codec = codec;
    this.#connection = connection;
    this.#now = now;
    this.#pump = pump;
  }

  /** @param {Uint8Array} packet of input frames */
  inputs(packet) {
    this.#send(INPUTS, packet);
  }

  /** @param {string} name of a message of the game @param {object} values @returns {number | undefined} its id */
  message(name, values) {
    return this.#message(name, values, (id) => id >= FIRST_GAME_MESSAGE);
  }

  /** @param {string} name of a message of the framework @param {object} values @returns {number | undefined} its id */
  control(name, values) {
    return this.#message(name, values, (id) => id < FIRST_GAME_MESSAGE);
  }

  #message(name, values, isMeant) {
    for (const [id, schema] of this.#codec.messages) {
      if (schema.name !== name || !isMeant(id)) continue;
      const out = new Writer();
      out.varint(id);
      out.raw(encode(schema, values));
      return this.#send(this.channelOf(id), out.finish());
    }
    throw new Error(`no message ${name} in this game`);
  }

  /** @param {number} id of a message @returns {number} its channel */
  channelOf(id) {
    return this.#codec.messageChannels?.get(id) ?? CONTROL;
  }

  /** What is sent after the end is lost: the page hears of the end by "closed". */
  #send(channel, payload) {
    if (!["connected", "dropped"].includes(this.#connection.state)) return undefined;
    const id = this.#connection.send(channel, payload, this.#now());
    this.#pump();
    return id;
  }

  /** @param {number} id of a large message @returns {boolean} whether it had not left whole */
  cancel(id) {
    const wasGivenUp = this.#connection.cancel(id);
    this.#pump();
    return wasGivenUp;
  }
}
