// SPDX-License-Identifier: MIT
/**
 * The whole arena in a corner: walls, stones, ships, and what the screen shows.
 *
 * It is drawn a few times a second: dots a pixel behind are still right.
 */

import { bright } from "./palette.js";

const REDRAW_SECONDS = 1 / 15;
const GROUND = "rgb(9 14 28 / 0.72)";
const WALL = "#5d86dd";
const STONE = "#8a93a8";
const WINDOW = "rgb(255 255 255 / 0.34)";

/** Draws the map of one client's world. */
export class Minimap {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} client
   */
  constructor(canvas, client) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.client = client;
    this.nextRedraw = 0;
    this.scale = 1;
    this.left = 0;
    this.top = 0;
  }

  /**
   * Redraw when it is time to.
   *
   * @param {number} now seconds
   * @param {import("./camera.js").Camera} camera
   * @param {number} own row of the player's ship, -1 when there is none
   */
  update(now, camera, own) {
    if (now < this.nextRedraw) return;
    this.nextRedraw = now + REDRAW_SECONDS;
    this.#fit(camera.bounds);
    this.#drawWalls();
    this.#drawAsteroids();
    this.#drawWindow(camera);
    this.#drawShips(own);
  }

  #fit({ left, right, top, bottom }) {
    const density = Math.min(window.devicePixelRatio || 1, 2);
    const width = Math.round(this.canvas.clientWidth * density);
    const height = Math.round(this.canvas.clientHeight * density);
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.density = density;
    this.scale = Math.min(width / (right - left), height / (bottom - top));
    this.left = (width - (right - left) * this.scale) / 2 - left * this.scale;
    this.top = (height - (bottom - top) * this.scale) / 2 - top * this.scale;
    this.context.clearRect(0, 0, width, height);
    this.context.fillStyle = GROUND;
    this.context.fillRect(0, 0, width, height);
  }

  #dot(x, y, size) {
    const { context } = this;
    context.beginPath();
    context.arc(
      this.left + x * this.scale, this.top + y * this.scale,
      (size * this.density) / 2, 0, Math.PI * 2);
    context.fill();
  }

  #drawWalls() {
    const { world } = this.client;
    const { x, y } = world.columns("Position");
    const { half_width: wide, half_height: tall } = world.columns("Wall");
    this.context.fillStyle = WALL;
    for (const row of world.rows("Wall", "Position")) {
      this.context.fillRect(
        this.left + (x[row] - wide[row]) * this.scale,
        this.top + (y[row] - tall[row]) * this.scale,
        Math.max(wide[row] * 2 * this.scale, 1), Math.max(tall[row] * 2 * this.scale, 1));
    }
  }

  #drawAsteroids() {
    const { view } = this.client;
    const { size } = view.columns("Asteroid");
    const { x, y } = view.columns("Position");
    this.context.fillStyle = STONE;
    for (const row of view.rows("Asteroid", "Position")) this.#dot(x[row], y[row], 1 + size[row]);
  }

  #drawWindow(camera) {
    const width = (camera.width / camera.scale) * this.scale;
    const height = (camera.height / camera.scale) * this.scale;
    this.context.strokeStyle = WINDOW;
    this.context.lineWidth = this.density;
    this.context.strokeRect(
      this.left + camera.x * this.scale - width / 2,
      this.top + camera.y * this.scale - height / 2, width, height);
  }

  #drawShips(own) {
    const { view } = this.client;
    const { hue } = view.columns("Ship");
    const { x, y } = view.columns("Position");
    for (const row of view.rows("Ship", "Position")) {
      if (row === own) continue;
      this.context.fillStyle = bright[hue[row]];
      this.#dot(x[row], y[row], 5);
    }
    if (own >= 0) this.#drawOwn(own, hue[own]);
  }

  #drawOwn(own, hue) {
    const { view } = this.client;
    const { x, y } = view.columns("Position");
    const { angle } = view.columns("Heading");
    const size = 5 * this.density;
    const { context } = this;
    context.save();
    context.translate(this.left + x[own] * this.scale, this.top + y[own] * this.scale);
    context.rotate(angle[own]);
    context.beginPath();
    context.moveTo(size * 1.2, 0);
    context.lineTo(-size * 0.8, size * 0.8);
    context.lineTo(-size * 0.8, -size * 0.8);
    context.closePath();
    context.fillStyle = "#ffffff";
    context.fill();
    context.lineWidth = 1.5 * this.density;
    context.strokeStyle = bright[hue];
    context.stroke();
    context.restore();
  }
}
