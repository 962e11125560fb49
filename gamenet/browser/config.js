// SPDX-License-Identifier: MIT
/** The settings of a connection: the same defaults as ConnectionConfig in Python. */

/** @typedef {{number: number, name: string, advice: string}} CloseReason */

export const DEFAULTS = Object.freeze({
  /** Seconds of silence after which a link counts as lost. */
  timeout: 5,
  /** Seconds for which we try to resume; 0 ends the connection with its link. */
  resumeWindow: 30,
  /** Seconds without a packet after which an empty one is sent. */
  heartbeat: 0.1,
  /** Seconds that an acknowledgement may wait for a packet to go with. */
  ackDelay: 0.025,
  /** Seconds in which a server must answer a request. */
  handshakeTimeout: 5,
  /** Bytes of the largest packet that we send. */
  packetSize: 1200,
  /** Bytes of the largest packet that we take. */
  maxPacketSize: 65536,
  /** Bytes of the largest message on channels that say nothing else. */
  maxMessage: 65536,
  /** Bytes that may wait in all reliable channels; more closes the connection. */
  maxQueue: 1 << 20,
});

/** The generated table of close reasons, by name and by number. */
export class CloseReasons {
  #table;

  /** @param {readonly CloseReason[]} table */
  constructor(table) {
    this.#table = table;
  }

  /** @param {number} number @returns {string} the first one's for unknown ones, as Python has it */
  nameOf(number) {
    return (this.#table.find((reason) => reason.number === number) ?? this.#table[0]).name;
  }

  /** @param {string} name @returns {number} */
  numberOf(name) {
    return this.#table.find((reason) => reason.name === name).number;
  }
}
