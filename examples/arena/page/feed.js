// SPDX-License-Identifier: MIT
/** Who shot whom, who came, who went: short lines that fade. */

import { bright } from "./palette.js";
import { playerName, tidyName } from "./names.js";

const LINES = 5;
const LINE_MILLISECONDS = 6000;
// Everybody who is there already is announced at the start: not news.
const QUIET_MILLISECONDS = 1500;

/** The list of recent events on the page. */
export class Feed {
  /**
   * @param {HTMLElement} list an ul
   * @param {object} client
   * @param {Map<number, number>} hues colour number by player id
   */
  constructor(list, client, hues) {
    this.list = list;
    this.client = client;
    this.hues = hues;
    this.quietUntil = performance.now() + QUIET_MILLISECONDS;
    this.timers = new Set();
    list.replaceChildren();
  }

  /** Forget all lines. */
  dispose() {
    for (const timer of this.timers) clearTimeout(timer);
    this.list.replaceChildren();
  }

  /** Tell who destroyed whom; killer 0 is an asteroid. */
  killed({ killer, victim }) {
    const parts = killer === 0 || killer === victim
      ? [this.#player(victim), this.#word(killer === 0 ? "hit an asteroid" : "crashed")]
      : [this.#player(killer), this.#word("destroyed"), this.#player(victim)];
    const { playerId } = this.client;
    this.#add(parts, killer === playerId || victim === playerId);
  }

  /** Tell that a player came. */
  entered({ id }) {
    if (performance.now() < this.quietUntil || id === this.client.playerId) return;
    this.#add([this.#player(id), this.#word("joined")], false);
  }

  /** Tell that a player went. */
  exited({ id, name }) {
    this.#add([this.#player(id, name), this.#word("left")], false);
  }

  #player(id, known) {
    const element = document.createElement("b");
    const hue = this.hues.get(id);
    element.dir = "auto";
    element.textContent = known === undefined || this.client.players.has(id)
      ? playerName(this.client, id) : tidyName(known, 16);
    if (hue !== undefined) element.style.color = bright[hue];
    return element;
  }

  #word(text) {
    return document.createTextNode(` ${text} `);
  }

  #add(parts, own) {
    const line = document.createElement("li");
    line.classList.toggle("own", own);
    line.append(...parts);
    this.list.append(line);
    while (this.list.children.length > LINES) this.list.firstElementChild.remove();
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      line.remove();
    }, LINE_MILLISECONDS);
    this.timers.add(timer);
  }
}
