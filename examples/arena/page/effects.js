// SPDX-License-Identifier: MIT
/**
 * Sparks, flashes and shock waves.
 *
 * All sparks live in one set of typed arrays of fixed size; a new spark takes
 * the place of the oldest. However much explodes at once, a frame's cost is
 * bounded and nothing is allocated.
 */

import { FIRE, ROCK, WHITE, bright, glow } from "./palette.js";

const SPARKS = 900;
const RINGS = 24;
// Share of its speed a spark loses in a second.
const DRAG = 1.6;
// A spark's streak shows this many seconds of its flight.
const STREAK_SECONDS = 0.055;
// All of the ship's own speed would turn the plume sideways in a drift.
const EXHAUST_SLIDE = 0.3;
const FULL_TURN = Math.PI * 2;
/** Explosion.size of a ship. */
export const SHIP_SIZE = 4;
// By Explosion.size: number of sparks, speed (m/s), radius of the wave (m).
const BURSTS = [
  null,
  { sparks: 12, speed: 6, reach: 2 },
  { sparks: 20, speed: 8, reach: 3.4 },
  { sparks: 34, speed: 10, reach: 5.5 },
  { sparks: 70, speed: 15, reach: 6.5 },
];

/** Everything that glows for a moment. */
export class Effects {
  constructor() {
    this.next = 0;
    this.x = new Float32Array(SPARKS);
    this.y = new Float32Array(SPARKS);
    this.vx = new Float32Array(SPARKS);
    this.vy = new Float32Array(SPARKS);
    this.left = new Float32Array(SPARKS);
    this.life = new Float32Array(SPARKS);
    this.size = new Float32Array(SPARKS);
    this.colour = new Uint16Array(SPARKS);
    this.rings = Array.from({ length: RINGS }, () => (
      { x: 0, y: 0, left: 0, life: 1, reach: 0, colour: 0 }));
    this.nextRing = 0;
  }

  #spark(x, y, vx, vy, life, size, colour) {
    const i = this.next;
    this.next = (i + 1) % SPARKS;
    this.x[i] = x;
    this.y[i] = y;
    this.vx[i] = vx;
    this.vy[i] = vy;
    this.left[i] = this.life[i] = life;
    this.size[i] = size;
    this.colour[i] = colour;
  }

  #scatter(x, y, count, speed, life, size, colour) {
    for (let i = 0; i < count; i += 1) {
      const angle = Math.random() * FULL_TURN;
      // The square root spreads sparks evenly over the disc.
      const pace = speed * Math.sqrt(Math.random());
      this.#spark(
        x, y, Math.cos(angle) * pace, Math.sin(angle) * pace,
        life * (0.5 + Math.random() * 0.5), size * (0.6 + Math.random() * 0.8), colour);
    }
  }

  #ring(x, y, reach, life, colour) {
    const ring = this.rings[this.nextRing];
    this.nextRing = (this.nextRing + 1) % RINGS;
    Object.assign(ring, { x, y, reach, life, colour, left: life });
  }

  /**
   * Let something blow up.
   *
   * @param {number} size 1..3 an asteroid, 4 a ship
   * @param {number} hue the ship's
   */
  explode(x, y, size, hue) {
    const burst = BURSTS[size] ?? BURSTS[1];
    const colour = size === SHIP_SIZE ? hue : ROCK;
    this.#ring(x, y, burst.reach, 0.5, colour);
    this.#scatter(x, y, burst.sparks, burst.speed, 1.1, 0.085, colour);
    this.#scatter(x, y, burst.sparks >> 1, burst.speed * 0.75, 0.8, 0.1, FIRE);
    if (size === SHIP_SIZE) {
      this.#scatter(x, y, 26, burst.speed * 0.5, 1.5, 0.09, WHITE);
      this.#ring(x, y, burst.reach * 0.55, 0.3, WHITE);
    }
  }

  /** Show where a projectile ended. */
  hit(x, y, hue) {
    this.#scatter(x, y, 8, 9, 0.35, 0.07, hue);
  }

  /** Leave one glowing bit behind a thrusting ship. */
  exhaust(x, y, angle, vx, vy) {
    const spread = angle + Math.PI + (Math.random() - 0.5) * 0.7;
    const pace = 5 + Math.random() * 4;
    this.#spark(
      x - Math.cos(angle), y - Math.sin(angle),
      vx * EXHAUST_SLIDE + Math.cos(spread) * pace,
      vy * EXHAUST_SLIDE + Math.sin(spread) * pace,
      0.25 + Math.random() * 0.3, 0.09, FIRE);
  }

  /**
   * Move everything on by `dt` seconds and draw it.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {import("./camera.js").Camera} camera
   * @param {number} dt seconds
   */
  draw(context, camera, dt) {
    camera.worldSpace(context);
    context.globalCompositeOperation = "lighter";
    context.lineCap = "butt";
    this.#drawSparks(context, camera, dt);
    this.#drawRings(context, camera, dt);
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
  }

  #drawSparks(context, camera, dt) {
    const keep = Math.exp(-DRAG * dt);
    for (let i = 0; i < SPARKS; i += 1) {
      if (this.left[i] <= 0) continue;
      this.left[i] -= dt;
      this.x[i] += this.vx[i] * dt;
      this.y[i] += this.vy[i] * dt;
      this.vx[i] *= keep;
      this.vy[i] *= keep;
      if (this.left[i] > 0 && camera.sees(this.x[i], this.y[i], 1)) this.#drawSpark(context, i);
    }
  }

  #drawSpark(context, i) {
    const x = this.x[i];
    const y = this.y[i];
    const size = this.size[i];
    const speed = Math.hypot(this.vx[i], this.vy[i]) + 0.001;
    // Never shorter than wide: a resting ember is a dot, not nothing.
    const length = Math.max(speed * STREAK_SECONDS, size) / speed;
    context.globalAlpha = Math.min(1, (this.left[i] / this.life[i]) * 1.4);
    context.strokeStyle = bright[this.colour[i]];
    context.lineWidth = size;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x - this.vx[i] * length, y - this.vy[i] * length);
    context.stroke();
  }

  #drawRings(context, camera, dt) {
    for (const ring of this.rings) {
      if (ring.left <= 0) continue;
      ring.left -= dt;
      if (ring.left <= 0 || !camera.sees(ring.x, ring.y, ring.reach)) continue;
      const rest = ring.left / ring.life;
      const radius = ring.reach * (1 - rest * rest);
      this.#drawFlash(context, ring, rest);
      context.globalAlpha = rest * rest * 0.85;
      context.strokeStyle = bright[ring.colour];
      context.lineWidth = 0.04 + 0.2 * rest;
      context.beginPath();
      context.arc(ring.x, ring.y, Math.max(radius, 0.01), 0, FULL_TURN);
      context.stroke();
    }
  }

  #drawFlash(context, ring, rest) {
    const size = ring.reach * (0.6 + 0.4 * rest);
    context.globalAlpha = rest * rest;
    context.drawImage(glow(FIRE), ring.x - size, ring.y - size, size * 2, size * 2);
  }
}
