// SPDX-License-Identifier: MIT
/**
 * What does not move: stars, grid, walls.
 *
 * The stars lie in three depths that slide at their own speed, which is what
 * makes flight feel like flight. They are plain small squares; a large
 * picture drawn under everything would cost more than all ships together.
 */

import { WHITE, glow } from "./palette.js";

const BACKGROUND = "#070b16";
const OUTSIDE = "rgb(2 4 9 / 0.78)";
const GRID_FINE = "rgb(104 146 228 / 0.075)";
const GRID_COARSE = "rgb(104 146 228 / 0.16)";
const WALL_FILL = "#16213d";
const WALL_GLOW = "rgb(96 146 255 / 0.1)";
const WALL_EDGE = "#6c9bff";
const WALL_SEAM = "rgb(124 164 255 / 0.2)";
// The line inside a wall runs this far from its edge.
const SEAM_METRES = 0.35;
const GRID_METRES = 4;
const COARSE_EVERY = 4;

// Stars repeat after this many CSS pixels.
const TILE = 900;
const LAYERS = [
  { count: 60, slide: 0.1, size: 1, colour: "rgb(160 180 230 / 0.42)" },
  { count: 34, slide: 0.22, size: 1.6, colour: "rgb(188 206 255 / 0.6)" },
  { count: 14, slide: 0.4, size: 2.2, colour: "rgb(225 236 255 / 0.85)" },
];
// Where the wide pale lights hang: share of the arena, radius in metres, hue.
const NEBULAE = [
  { x: 0.2, y: 0.26, radius: 30, hue: 178 },
  { x: 0.8, y: 0.7, radius: 34, hue: 200 },
  { x: 0.62, y: 0.12, radius: 22, hue: 140 },
];

/** Return numbers in [0, 1) that look random and are the same every time. */
function* scattered(seed) {
  let state = seed >>> 0;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 4294967296;
  }
}

function placeStars(count, seed) {
  const numbers = scattered(seed);
  return Float32Array.from({ length: count * 2 }, () => numbers.next().value * TILE);
}

/** Draws the arena's ground. */
export class Backdrop {
  constructor() {
    this.layers = LAYERS.map((layer, index) => ({
      ...layer, stars: placeStars(layer.count, 7 + index),
    }));
    this.walls = new Path2D();
    this.seams = new Path2D();
  }

  /**
   * Take over the walls of a world and return the arena's outer bounds.
   *
   * @param {object} world the client's world
   * @param {object} fallback bounds while no wall is known
   * @returns {{left: number, right: number, top: number, bottom: number}}
   */
  build(world, fallback) {
    this.walls = new Path2D();
    this.seams = new Path2D();
    const rows = world.rows("Wall", "Position");
    if (rows.length === 0) return fallback;
    const { x, y } = world.columns("Position");
    const { half_width: wide, half_height: tall } = world.columns("Wall");
    const bounds = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity };
    for (const row of rows) {
      this.#addWall(x[row], y[row], wide[row], tall[row]);
      bounds.left = Math.min(bounds.left, x[row] - wide[row]);
      bounds.right = Math.max(bounds.right, x[row] + wide[row]);
      bounds.top = Math.min(bounds.top, y[row] - tall[row]);
      bounds.bottom = Math.max(bounds.bottom, y[row] + tall[row]);
    }
    return bounds;
  }

  #addWall(x, y, wide, tall) {
    this.walls.rect(x - wide, y - tall, wide * 2, tall * 2);
    const inner = { wide: wide - SEAM_METRES, tall: tall - SEAM_METRES };
    if (Math.min(inner.wide, inner.tall) < SEAM_METRES) return;
    this.seams.rect(x - inner.wide, y - inner.tall, inner.wide * 2, inner.tall * 2);
  }

  /**
   * Paint the whole screen: everything else comes on top.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {import("./camera.js").Camera} camera
   * @param {boolean} rich false leaves out what slow machines cannot afford
   */
  draw(context, camera, rich) {
    camera.screenSpace(context);
    context.fillStyle = BACKGROUND;
    context.fillRect(0, 0, camera.width, camera.height);
    if (rich) this.#drawNebulae(context, camera);
    for (const layer of this.layers) this.#drawStars(context, camera, layer);
    this.#shadeOutside(context, camera);
    this.#drawGrid(context, camera);
    this.#drawWalls(context, camera);
  }

  #drawNebulae(context, camera) {
    const { left, right, top, bottom } = camera.bounds;
    context.globalAlpha = 0.17;
    for (const nebula of NEBULAE) {
      const size = nebula.radius * camera.scale;
      const x = camera.screenX(left + (right - left) * nebula.x) - size;
      const y = camera.screenY(top + (bottom - top) * nebula.y) - size;
      context.drawImage(glow(nebula.hue), x, y, size * 2, size * 2);
    }
    context.globalAlpha = 1;
  }

  #drawStars(context, camera, { stars, slide, size, colour }) {
    const shift = camera.scale * slide;
    const startX = -((((camera.x * shift) % TILE) + TILE) % TILE);
    const startY = -((((camera.y * shift) % TILE) + TILE) % TILE);
    context.fillStyle = colour;
    for (let left = startX; left < camera.width; left += TILE) {
      for (let top = startY; top < camera.height; top += TILE) {
        for (let i = 0; i < stars.length; i += 2) {
          context.fillRect(left + stars[i], top + stars[i + 1], size, size);
        }
      }
    }
  }

  #shadeOutside(context, camera) {
    const { width, height, bounds } = camera;
    const left = Math.max(camera.screenX(bounds.left), 0);
    const right = Math.min(camera.screenX(bounds.right), width);
    const top = Math.max(camera.screenY(bounds.top), 0);
    const bottom = Math.min(camera.screenY(bounds.bottom), height);
    context.fillStyle = OUTSIDE;
    context.fillRect(0, 0, width, top);
    context.fillRect(0, bottom, width, height - bottom);
    context.fillRect(0, top, left, bottom - top);
    context.fillRect(right, top, width - right, bottom - top);
  }

  #drawGrid(context, camera) {
    const { left, right, top, bottom } = camera.bounds;
    context.lineWidth = 1;
    context.strokeStyle = GRID_FINE;
    this.#traceGrid(context, camera, GRID_METRES);
    context.strokeStyle = GRID_COARSE;
    this.#traceGrid(context, camera, GRID_METRES * COARSE_EVERY);
    // A faint light marks the middle, the one place everybody can find.
    const size = 7 * camera.scale;
    context.globalAlpha = 0.06;
    context.drawImage(
      glow(WHITE), camera.screenX((left + right) / 2) - size,
      camera.screenY((top + bottom) / 2) - size, size * 2, size * 2);
    context.globalAlpha = 1;
  }

  #traceGrid(context, camera, step) {
    const { left, right, top, bottom } = camera.bounds;
    const upper = Math.max(0, camera.screenY(top));
    const lower = Math.min(camera.height, camera.screenY(bottom));
    const first = Math.max(0, camera.screenX(left));
    const last = Math.min(camera.width, camera.screenX(right));
    context.beginPath();
    for (let x = Math.ceil(left / step) * step; x <= right; x += step) {
      const column = Math.round(camera.screenX(x)) + 0.5;
      context.moveTo(column, upper);
      context.lineTo(column, lower);
    }
    for (let y = Math.ceil(top / step) * step; y <= bottom; y += step) {
      const line = Math.round(camera.screenY(y)) + 0.5;
      context.moveTo(first, line);
      context.lineTo(last, line);
    }
    context.stroke();
  }

  #drawWalls(context, camera) {
    camera.worldSpace(context);
    const pixel = 1 / camera.scale;
    context.lineJoin = "round";
    context.strokeStyle = WALL_GLOW;
    context.lineWidth = 10 * pixel;
    context.stroke(this.walls);
    // Filled last: where walls meet, no edge runs through them.
    context.strokeStyle = WALL_EDGE;
    context.lineWidth = 3.5 * pixel;
    context.stroke(this.walls);
    context.fillStyle = WALL_FILL;
    context.fill(this.walls);
    context.strokeStyle = WALL_SEAM;
    context.lineWidth = pixel;
    context.stroke(this.seams);
  }
}
