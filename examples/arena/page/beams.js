// SPDX-License-Identifier: MIT
/**
 * Beams: there at once, and gone in a moment.
 *
 * A beam of another player comes with its length from the server. An own one is predicted,
 * and all that is known of it is which wall stops it; whom it meets is what the player sees
 * it meet, for so the server decides, too.
 */

import { ASTEROID_RADIUS, SHIP_RADIUS } from "./shapes.js";
import { WHITE, bright, glow, pale } from "./palette.js";

const SECONDS = 0.42;
const MUZZLE_METRES = 1.1;
// Wide and faint to narrow and white: metres, share of the light, colour table.
const LAYERS = [
  { width: 1.5, light: 0.16, colours: bright },
  { width: 0.6, light: 0.42, colours: bright },
  { width: 0.2, light: 1, colours: pale },
];

/** How far it is along a ray to a circle, Infinity if it does not meet it. */
function distanceTo(beam, x, y, radius) {
  const [wayX, wayY] = [Math.cos(beam.angle), Math.sin(beam.angle)];
  const [toX, toY] = [x - beam.x, y - beam.y];
  const along = toX * wayX + toY * wayY;
  const room = radius * radius - (toX * wayY - toY * wayX) ** 2;
  if (room < 0 || along + Math.sqrt(room) < 0) return Infinity;
  return Math.max(along - Math.sqrt(room), 0);
}

/**
 * Return how far a beam gets before something that is drawn stops it.
 *
 * @param {object} view the client's
 * @param {{x: number, y: number, angle: number, length: number}} beam up to a wall
 * @param {number} own row of the ship it comes from
 * @returns {number} metres
 */
export function seenLength(view, beam, own) {
  const { x, y } = view.columns("Position");
  const { size } = view.columns("Asteroid");
  const ships = view.rows("Ship", "Position").filter((row) => row !== own);
  const rocks = view.rows("Asteroid", "Position");
  return Math.min(
    beam.length,
    ...ships.map((row) => distanceTo(beam, x[row], y[row], SHIP_RADIUS)),
    ...rocks.map((row) => distanceTo(beam, x[row], y[row], ASTEROID_RADIUS[size[row]])));
}

/** Draws the beams of the last moment. */
export class Beams {
  constructor() {
    this.shining = [];
    /** How many there have been, less those that were taken back. */
    this.shown = 0;
  }

  /**
   * Show a beam.
   *
   * @param {{x: number, y: number, angle: number, length: number, hue: number}} beam
   * @param {number} tick of its event
   */
  shine({ x, y, angle, length, hue }, tick) {
    const [wayX, wayY] = [Math.cos(angle), Math.sin(angle)];
    const from = Math.min(MUZZLE_METRES, length);
    this.shining.push({
      tick, hue, left: SECONDS, x: x + wayX * from, y: y + wayY * from,
      endX: x + wayX * length, endY: y + wayY * length,
    });
    this.shown += 1;
  }

  /** Take a beam back that was predicted, and never was. */
  cancel(tick, hue) {
    const kept = this.shining.filter((beam) => beam.tick !== tick || beam.hue !== hue);
    this.shown -= this.shining.length - kept.length;
    this.shining = kept;
  }

  /** Draw all, and let them fade by `dt` seconds. */
  draw(context, camera, dt) {
    if (this.shining.length === 0) return;
    camera.worldSpace(context);
    context.globalCompositeOperation = "lighter";
    context.lineCap = "round";
    for (const beam of this.shining) this.#drawOne(context, beam);
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
    for (const beam of this.shining) beam.left -= dt;
    this.shining = this.shining.filter(({ left }) => left > 0);
  }

  #drawOne(context, { x, y, endX, endY, hue, left }) {
    const rest = left / SECONDS;
    for (const { width, light, colours } of LAYERS) {
      context.globalAlpha = light * rest * rest;
      context.strokeStyle = colours[hue];
      context.lineWidth = width * (0.35 + 0.65 * rest);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(endX, endY);
      context.stroke();
    }
    context.globalAlpha = rest * rest;
    for (const [atX, atY, size] of [[x, y, 1.2], [endX, endY, 2.2]]) {
      context.drawImage(glow(WHITE), atX - size, atY - size, size * 2, size * 2);
    }
  }
}
