// SPDX-License-Identifier: MIT
/**
 * One frame of the arena: reads the client's world, draws it, changes nothing.
 *
 * Every place comes from `world.interpolated`, which slides between the two
 * newest snapshots: thirty snapshots a second look like sixty frames.
 */

import { Backdrop } from "./backdrop.js";
import { Camera } from "./camera.js";
import { Effects, SHIP_SIZE } from "./effects.js";
import { Labels } from "./labels.js";
import {
  ASTEROID_RADIUS, Stones, drawAim, drawFlame, drawProjectile, drawShield, drawShip,
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
   * @param {{calm: boolean}} options calm: no shaking, no blinking
   */
  constructor(canvas, client, { calm }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.client = client;
    this.calm = calm;
    this.camera = new Camera();
    this.camera.calm = calm;
    this.backdrop = new Backdrop();
    this.stones = new Stones();
    this.effects = new Effects();
    this.labels = new Labels(client);
    this.lastPoints = new Uint8Array(client.world.capacity);
    this.struckUntil = new Float64Array(client.world.capacity);
    this.shownFrom = new Float64Array(client.world.capacity);
    this.now = 0;
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
    this.shownFrom[row] = this.now + this.client.interpolationDelay;
    if (components.includes("Wall")) this.wallsAreNew = true;
  }

  /** Take note of an entity that goes; its columns can still be read. */
  left({ row, components }) {
    if (components.includes("Wall")) this.wallsAreNew = true;
    if (!components.includes("Projectile")) return;
    // The newest place, not the drawn one a moment behind: nearer to what it hit.
    const { x, y } = this.client.world.columns("Position");
    this.effects.hit(x[row], y[row], this.client.world.columns("Projectile").hue[row]);
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
   */
  draw(now, dt, own) {
    this.now = now;
    this.#judgeSpeed(dt);
    if (this.wallsAreNew) {
      this.camera.bounds = this.backdrop.build(this.client.world, this.camera.bounds);
      this.wallsAreNew = false;
    }
    this.#moveCamera(now, dt, own);
    this.backdrop.draw(this.context, this.camera, this.rich);
    this.#drawAsteroids(now);
    this.#drawProjectiles();
    this.#drawShips(now, dt, own);
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
      const { world } = this.client;
      const { x, y } = world.interpolated("Position", own);
      const { x: vx, y: vy } = world.interpolated("Velocity", own);
      this.camera.follow(x, y, vx, vy, dt);
    }
    this.camera.settle(now, dt);
  }

  #drawAsteroids(now) {
    const { world } = this.client;
    const { size } = world.columns("Asteroid");
    for (const row of world.rows("Asteroid", "Position")) {
      const { x, y } = world.interpolated("Position", row);
      if (!this.camera.sees(x, y, ASTEROID_RADIUS[size[row]])) continue;
      const stone = this.stones.shapeOf(row, world.generation[row], size[row]);
      this.stones.draw(this.context, this.camera, stone, x, y, now);
    }
  }

  #drawProjectiles() {
    const { world } = this.client;
    const { hue } = world.columns("Projectile");
    const { x: vx, y: vy } = world.columns("Velocity");
    this.context.globalCompositeOperation = "lighter";
    for (const row of world.rows("Projectile", "Position")) {
      // Drawn a moment in the past, a shot would hang at the muzzle before it is fired.
      if (this.shownFrom[row] > this.now) continue;
      const { x, y } = world.interpolated("Position", row);
      if (!this.camera.sees(x, y, 2)) continue;
      drawProjectile(this.context, this.camera, x, y, vx[row], vy[row], hue[row]);
    }
    this.context.globalCompositeOperation = "source-over";
  }

  #drawShips(now, dt, own) {
    const { world } = this.client;
    for (const row of world.rows("Ship", "Position")) {
      const { x, y } = world.interpolated("Position", row);
      this.#noteHealth(now, row, own);
      if (this.camera.sees(x, y, 2.5)) this.#drawOneShip(now, dt, row, x, y, row === own);
    }
  }

  #drawOneShip(now, dt, row, x, y, own) {
    const { world } = this.client;
    const { hue, thrusting, shielded } = world.columns("Ship");
    const { angle } = world.interpolated("Heading", row);
    if (own) drawAim(this.context, this.camera, x, y, angle);
    if (thrusting[row]) {
      drawFlame(this.context, this.camera, x, y, angle, now + row);
      if (Math.random() < dt * EXHAUST_PER_SECOND) {
        const { x: vx, y: vy } = world.columns("Velocity");
        this.effects.exhaust(x, y, angle, vx[row], vy[row]);
      }
    }
    this.look.own = own;
    this.look.struck = this.struckUntil[row] > now;
    drawShip(this.context, this.camera, x, y, angle, hue[row], this.look);
    if (shielded[row]) {
      const strength = this.calm ? 0.8 : 0.55 + 0.45 * Math.sin(now * 13);
      drawShield(this.context, this.camera, x, y, hue[row], strength);
    }
  }

  #noteHealth(now, row, own) {
    const points = this.client.world.columns("Health").points[row];
    const lost = this.lastPoints[row] - points;
    this.lastPoints[row] = points;
    if (lost <= 0) return;
    this.struckUntil[row] = now + STRUCK_SECONDS;
    if (row === own) this.camera.shake(0.2 + lost / 100);
  }

  #drawLabels(own) {
    const { world } = this.client;
    const { hue } = world.columns("Ship");
    const { points } = world.columns("Health");
    this.camera.screenSpace(this.context);
    for (const row of world.rows("Ship", "Position")) {
      if (row === own) continue;
      const { x, y } = world.interpolated("Position", row);
      if (!this.camera.sees(x, y, 3)) continue;
      this.labels.draw(
        this.context, this.camera, x, y, world.owner[row], hue[row], points[row]);
    }
  }
}
