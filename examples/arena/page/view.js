// SPDX-License-Identifier: MIT
/**
 * One frame of the arena: reads the client's world, draws it, changes nothing.
 *
 * Every place comes from `client.view`: others a little in the past, between
 * two snapshots, the own ship ahead of the server, where its keys have brought it.
 */

import { Backdrop } from "./backdrop.js";
import { Beams } from "./beams.js";
import { Camera } from "./camera.js";
import { Effects, SHIP_SIZE } from "./effects.js";
import { Labels } from "./labels.js";
import {
  ASTEROID_RADIUS, Stones, drawAim, drawFlame, drawGhost, drawProjectile, drawShield, drawShip,
} from "./shapes.js";

const DENSITY_MAX = 2;
// Beyond this many device pixels a phone cannot fill the screen in a frame.
const PIXELS_MAX = 5.5e6;
// Frames longer than this, on average, make the view simpler.
const SLOW_FRAME_SECONDS = 1 / 36;
const FRAMES_PER_JUDGEMENT = 150;
const STRUCK_SECONDS = 0.09;
const EXHAUST_PER_SECOND = 42;

/** Draws one client's world on one canvas. */
export class View {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} client
   * @param {object} options
   * @param {boolean} options.calm no shaking, no blinking
   * @param {() => boolean} options.isThrusting whether the own engine burns
   */
  constructor(canvas, client, { calm, isThrusting }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.client = client;
    this.calm = calm;
    this.isThrusting = isThrusting;
    this.camera = new Camera();
    this.camera.calm = calm;
    this.backdrop = new Backdrop();
    this.stones = new Stones();
    this.effects = new Effects();
    this.beams = new Beams();
    this.labels = new Labels(client);
    this.lastPoints = new Uint8Array(client.world.capacity);
    this.struckUntil = new Float64Array(client.world.capacity);
    this.look = { own: false, struck: false };
    this.wallsAreNew = true;
    this.rich = true;
    this.densityMax = DENSITY_MAX;
    this.frames = 0;
    this.framesSeconds = 0;
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(canvas);
    this.resize();
  }

  /** Stop following the canvas' size. */
  dispose() {
    this.observer.disconnect();
  }

  /** Fit the drawing to the canvas' size on the page. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0) return;
    const fits = Math.sqrt(PIXELS_MAX / (width * height));
    const density = Math.min(window.devicePixelRatio || 1, this.densityMax, fits);
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    this.camera.resize(width, height, density);
  }

  /** Take note of an entity that came. */
  entered({ row, components }) {
    this.lastPoints[row] = 0;
    this.struckUntil[row] = 0;
    if (components.includes("Wall")) this.wallsAreNew = true;
  }

  /** Take note of an entity that goes. */
  left({ components }) {
    if (components.includes("Wall")) this.wallsAreNew = true;
  }

  /** Show a Beam event, and what it meets. */
  shine(beam, tick) {
    this.beams.shine(beam, tick);
    const { x, y, angle, length, hue } = beam;
    this.effects.hit(x + Math.cos(angle) * length, y + Math.sin(angle) * length, hue);
  }

  /** Show an Explosion event. */
  explode({ x, y, size, hue }) {
    this.effects.explode(x, y, size, hue);
    const near = 1 - Math.hypot(x - this.camera.x, y - this.camera.y) / 26;
    if (near > 0) this.camera.shake(near * (size === SHIP_SIZE ? 0.6 : 0.14 * size));
  }

  /**
   * Draw a frame.
   *
   * @param {number} now seconds
   * @param {number} dt seconds since the frame before
   * @param {number} own row of the player's ship, -1 when there is none
   * @param {{x: number, y: number, angle: number} | null} ghost where the server last said it was
   */
  draw(now, dt, own, ghost) {
    this.#judgeSpeed(dt);
    if (this.wallsAreNew) {
      this.camera.bounds = this.backdrop.build(this.client.world, this.camera.bounds);
      this.wallsAreNew = false;
    }
    this.#moveCamera(now, dt, own);
    this.backdrop.draw(this.context, this.camera, this.rich);
    this.#drawAsteroids(now);
    this.#drawProjectiles();
    this.beams.draw(this.context, this.camera, dt);
    this.#drawShips(now, dt, own);
    if (ghost) drawGhost(this.context, this.camera, ghost.x, ghost.y, ghost.angle);
    this.effects.draw(this.context, this.camera, dt);
    this.#drawLabels(own);
  }

  #judgeSpeed(dt) {
    this.frames += 1;
    this.framesSeconds += dt;
    if (this.frames < FRAMES_PER_JUDGEMENT) return;
    const slow = this.framesSeconds / this.frames > SLOW_FRAME_SECONDS;
    this.frames = this.framesSeconds = 0;
    if (!slow) return;
    if (!this.rich && this.densityMax > 1) {
      this.densityMax = 1;
      this.resize();
    }
    this.rich = false;
  }

  #moveCamera(now, dt, own) {
    if (own >= 0) {
      const { x, y } = this.client.view.columns("Position");
      const { x: vx, y: vy } = this.client.view.columns("Velocity");
      this.camera.follow(x[own], y[own], vx[own], vy[own], dt);
    }
    this.camera.settle(now, dt);
  }

  #drawAsteroids(now) {
    const { view } = this.client;
    const { size } = view.columns("Asteroid");
    const { x, y } = view.columns("Position");
    for (const row of view.rows("Asteroid", "Position")) {
      if (!this.camera.sees(x[row], y[row], ASTEROID_RADIUS[size[row]])) continue;
      const stone = this.stones.shapeOf(row, view.generationOf(row), size[row]);
      this.stones.draw(this.context, this.camera, stone, x[row], y[row], now);
    }
  }

  #drawProjectiles() {
    const { view } = this.client;
    const { hue } = view.columns("Projectile");
    const { x, y } = view.columns("Position");
    const { x: vx, y: vy } = view.columns("Velocity");
    this.context.globalCompositeOperation = "lighter";
    for (const row of view.rows("Projectile", "Position")) {
      if (!this.camera.sees(x[row], y[row], 2)) continue;
      drawProjectile(this.context, this.camera, x[row], y[row], vx[row], vy[row], hue[row]);
    }
    this.context.globalCompositeOperation = "source-over";
  }

  #drawShips(now, dt, own) {
    const { view } = this.client;
    const { x, y } = view.columns("Position");
    for (const row of view.rows("Ship", "Position")) {
      this.#noteHealth(now, row, own);
      if (!this.camera.sees(x[row], y[row], 2.5)) continue;
      this.#drawOneShip(now, dt, row, x[row], y[row], row === own);
    }
  }

  #drawOneShip(now, dt, row, x, y, own) {
    const { view, world } = this.client;
    const { hue, thrusting } = view.columns("Ship");
    const shielded = (own ? world : view).columns("Ship").shielded[row];
    const angle = view.columns("Heading").angle[row];
    if (own) drawAim(this.context, this.camera, x, y, angle);
    if (own ? this.isThrusting() : thrusting[row]) {
      drawFlame(this.context, this.camera, x, y, angle, now + row);
      if (Math.random() < dt * EXHAUST_PER_SECOND) {
        const { x: vx, y: vy } = view.columns("Velocity");
        this.effects.exhaust(x, y, angle, vx[row], vy[row]);
      }
    }
    this.look.own = own;
    this.look.struck = this.struckUntil[row] > now;
    drawShip(this.context, this.camera, x, y, angle, hue[row], this.look);
    if (shielded) {
      const strength = this.calm ? 0.8 : 0.55 + 0.45 * Math.sin(now * 13);
      drawShield(this.context, this.camera, x, y, hue[row], strength);
    }
  }

  #noteHealth(now, row, own) {
    const { view, world } = this.client;
    const points = (row === own ? world : view).columns("Health").points[row];
    const lost = this.lastPoints[row] - points;
    this.lastPoints[row] = points;
    if (lost <= 0) return;
    this.struckUntil[row] = now + STRUCK_SECONDS;
    if (row === own) this.camera.shake(0.2 + lost / 100);
  }

  #drawLabels(own) {
    const { view } = this.client;
    const { hue } = view.columns("Ship");
    const { points } = view.columns("Health");
    const { x, y } = view.columns("Position");
    this.camera.screenSpace(this.context);
    for (const row of view.rows("Ship", "Position")) {
      if (row === own || !this.camera.sees(x[row], y[row], 3)) continue;
      this.labels.draw(
        this.context, this.camera, x[row], y[row], view.ownerOf(row), hue[row], points[row]);
    }
  }
}
