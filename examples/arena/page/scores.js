// SPDX-License-Identifier: MIT
/**
 * The score board: the best eight, and the player wherever he stands.
 *
 * Its lines are made once; an update only changes texts that differ, so the
 * page does not lay out anew while nothing happens.
 */

import { bright } from "./palette.js";
import { playerName } from "./names.js";

const SHOWN = 8;
const UPDATE_SECONDS = 0.25;

function span(className) {
  const element = document.createElement("span");
  element.className = className;
  return element;
}

function makeLine() {
  const item = document.createElement("li");
  const parts = {
    item, rank: span("rank"), dot: span("dot"), name: span("name"), points: span("points"),
  };
  parts.name.dir = "auto";
  item.append(parts.rank, parts.dot, parts.name, parts.points);
  item.hidden = true;
  return parts;
}

/** Change a text only when it differs. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Order by points, then by who came first. */
function byPoints(a, b) {
  return b.points - a.points || a.id - b.id;
}

/** The list of scores on the page. */
export class Scores {
  /**
   * @param {HTMLElement} list an ol
   * @param {object} client
   * @param {Map<number, number>} hues colour number by player id
   */
  constructor(list, client, hues) {
    this.client = client;
    this.hues = hues;
    this.lines = Array.from({ length: SHOWN + 1 }, makeLine);
    list.replaceChildren(...this.lines.map((line) => line.item));
    this.nextUpdate = 0;
    /** Points of the player himself. */
    this.own = 0;
  }

  /**
   * Update the list when it is time to.
   *
   * @param {number} now seconds
   */
  update(now) {
    if (now < this.nextUpdate) return;
    this.nextUpdate = now + UPDATE_SECONDS;
    const ranking = this.#ranking();
    const place = ranking.findIndex(({ id }) => id === this.client.playerId);
    this.own = place < 0 ? 0 : ranking[place].points;
    for (let i = 0; i < SHOWN; i += 1) this.#write(this.lines[i], ranking[i], i);
    this.#write(this.lines[SHOWN], place >= SHOWN ? ranking[place] : undefined, place);
  }

  #ranking() {
    const { world } = this.client;
    const { points } = world.columns("Score");
    return Array.from(world.rows("Score"), (row) => (
      { id: world.owner[row], points: points[row] })).sort(byPoints);
  }

  #write(line, entry, place) {
    line.item.hidden = !entry;
    if (!entry) return;
    line.item.classList.toggle("own", entry.id === this.client.playerId);
    setText(line.rank, String(place + 1));
    setText(line.name, playerName(this.client, entry.id, 14));
    setText(line.points, String(entry.points));
    const hue = this.hues.get(entry.id);
    const colour = hue === undefined ? "" : bright[hue];
    if (line.colour !== colour) line.dot.style.backgroundColor = line.colour = colour;
  }
}
