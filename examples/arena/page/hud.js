// SPDX-License-Identifier: MIT
/**
 * The page around the canvas: health, points, the way back from death, hints.
 *
 * Everything here is plain HTML, so that it can be read aloud, zoomed and
 * tested; strangers' names reach it as textContent only.
 */

import { BEAM_TICKS } from "./flight.js";
import { healthColour } from "./palette.js";
import { playerName } from "./names.js";

// The rules' pause between death and the new ship, ticks.
const RESPAWN_TICKS = 90;
const HINT_MILLISECONDS = 11000;
const HINTS = {
  mouse: "Mouse to aim · hold to shoot · W or right button to thrust"
    + " · E or middle button for the beam · A D turn · Space shoots",
  touch: "Left thumb: steer, push further to thrust · right thumb: fire and beam",
};

function byId(id) {
  return document.getElementById(id);
}

/** The instruments of one player. */
export class Hud {
  /** @param {object} client */
  constructor(client) {
    this.client = client;
    this.health = byId("health");
    this.healthBar = byId("health-bar");
    this.healthPoints = byId("health-points");
    this.beam = byId("beam");
    this.beamBar = byId("beam-bar");
    this.scorePoints = byId("score-points");
    this.scoreChange = byId("score-change");
    this.fallen = byId("fallen");
    this.fallenBy = byId("fallen-by");
    this.fallenTime = byId("fallen-time");
    this.fallenWait = byId("fallen-wait").firstElementChild;
    this.hurt = byId("hurt");
    this.points = -1;
    this.charge = -1;
    this.score = undefined;
    this.diedAt = 0;
    this.fallen.hidden = true;
    // Shown anew, an animation of the match before would run once more.
    for (const element of [this.hurt, this.scoreChange]) element.classList.remove("flash");
    byId("hud").hidden = false;
  }

  /** Take the instruments off the page. */
  dispose() {
    clearTimeout(this.hintTimer);
    byId("hud").hidden = true;
    byId("hint").classList.remove("shown");
  }

  /** Show how to steer, for a while. */
  hint(touch) {
    const element = byId("hint");
    element.textContent = touch ? HINTS.touch : HINTS.mouse;
    element.classList.add("shown");
    clearTimeout(this.hintTimer);
    this.hintTimer = setTimeout(() => element.classList.remove("shown"), HINT_MILLISECONDS);
  }

  /** Show the health of the ship. */
  setHealth(points) {
    if (points === this.points) return;
    if (points < this.points) this.#flash(this.hurt);
    this.points = points;
    this.health.setAttribute("aria-valuenow", String(points));
    this.healthPoints.textContent = String(points);
    this.healthBar.style.transform = `scaleX(${Math.min(points, 100) / 100})`;
    this.healthBar.style.backgroundColor = healthColour(points);
  }

  /**
   * Show how far the beam has cooled down.
   *
   * @param {number} wait ticks until it can be fired
   */
  setBeam(wait) {
    const charge = Math.round(100 * (1 - Math.min(Math.max(wait / BEAM_TICKS, 0), 1)));
    if (charge === this.charge) return;
    this.charge = charge;
    this.beam.setAttribute("aria-valuenow", String(charge));
    this.beam.classList.toggle("ready", charge === 100);
    this.beamBar.style.transform = `scaleX(${charge / 100})`;
  }

  /** Show the player's points, and what was just won or lost. */
  setScore(score) {
    if (score === this.score) return;
    const change = score - (this.score ?? score);
    this.score = score;
    this.scorePoints.textContent = String(score);
    if (change === 0) return;
    this.scoreChange.textContent = change > 0 ? `+${change}` : `−${-change}`;
    this.scoreChange.classList.toggle("loss", change < 0);
    this.#flash(this.scoreChange);
  }

  /** Start a CSS animation over again. */
  #flash(element) {
    for (const animation of element.getAnimations()) animation.cancel();
    element.classList.remove("flash");
    void element.offsetWidth;
    element.classList.add("flash");
  }

  /**
   * Tell that the ship is gone.
   *
   * @param {number|undefined} killer player id, 0 an asteroid, undefined unknown
   */
  showFallen(killer) {
    this.diedAt = this.client.serverTick();
    this.setHealth(0);
    this.nameKiller(killer);
    this.fallen.hidden = false;
    this.updateFallen();
  }

  /** Name the killer: the event may come after the ship is gone. */
  nameKiller(killer) {
    this.fallenBy.textContent = killer === undefined ? "Your ship was destroyed"
      : killer === 0 ? "An asteroid destroyed your ship"
        : `${playerName(this.client, killer)} destroyed your ship`;
  }

  /** Count down to the new ship. */
  updateFallen() {
    const waited = this.client.serverTick() - this.diedAt;
    const rest = Math.max(0, RESPAWN_TICKS - waited);
    const text = `Back in ${(rest / this.client.tickRate).toFixed(1)} s`;
    if (this.fallenTime.textContent !== text) this.fallenTime.textContent = text;
    this.fallenWait.style.transform = `scaleX(${1 - rest / RESPAWN_TICKS})`;
  }

  /** Clear the way for the new ship. */
  hideFallen() {
    this.fallen.hidden = true;
  }
}
