// SPDX-License-Identifier: MIT
/** Who is in the game. */

export class Players {
  #reasons;

  /** @param {readonly {number: number, name: string}[]} reasons for which players leave */
  constructor(reasons) {
    this.#reasons = reasons;
    /** @type {Map<number, {id: number, name: string}>} */
    this.byId = new Map();
  }

  /** @param {any} message PlayerEntered @returns {{id: number, name: string}} the player */
  entered({ player_id: id, name }) {
    const player = { id, name };
    this.byId.set(id, player);
    return player;
  }

  /** @param {any} message PlayerExited @returns {{id: number, name: string, reason: string}} the player */
  exited({ player_id: id, reason: number }) {
    const name = this.byId.get(id)?.name ?? "";
    const reason = this.#reasons.find((known) => known.number === number)?.name ?? "NORMAL";
    this.byId.delete(id);
    return { id, name, reason };
  }
}
