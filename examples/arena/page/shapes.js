// SPDX-License-Identifier: MIT
/**
 * How ships, asteroids and projectiles look.
 *
 * Outlines are Path2D objects in units of the thing's radius, made once and
 * drawn through a transform. An asteroid's outline follows from its row and
 * generation, so it is the same stone on every screen without one byte sent.
 */

import { FIRE, ROCK, WHITE, bright, dark, glow, middle, pale } from "./palette.js";

/** Radius by Asteroid.size, metres. */
export const ASTEROID_RADIUS = [0, 0.8, 1.6, 3];
/** Radius of a ship, metres. */
export const SHIP_RADIUS = 1;
const PROJECTILE_RADIUS = 0.25;
// A projectile's tail shows this many seconds of its flight.
const TAIL_SECONDS = 0.07;
const FULL_TURN = Math.PI * 2;
const STONE_SHADE = "hsl(226 22% 15%)";
const STONE_LIT = "hsl(224 19% 23%)";
const STONE_CRATER = "hsl(226 24% 14% / 0.75)";
const AIM_DASHES = [0.18, 0.42];
const GHOST_DASHES = [0.16, 0.14];
const GHOST = "#ffb454";
const NO_DASHES = [];

const HULL = new Path2D("M1.12 0 L-.78 .84 L-.42 .26 L-.42 -.26 L-.78 -.84 Z");
const DECK = new Path2D("M.92 0 L-.5 .2 L-.42 .26 L-.78 .84 Z");
const COCKPIT = new Path2D("M.56 0 L.08 .17 L-.12 0 L.08 -.17 Z");
const FLAME = new Path2D("M-.44 .25 L-1.5 0 L-.44 -.25 Z");
const FLAME_CORE = new Path2D("M-.44 .13 L-1.05 0 L-.44 -.13 Z");
const SHIELD = new Path2D();
SHIELD.arc(0, 0, 1.42, 0, FULL_TURN);

/** Return a well mixed number in [0, 1) for two whole numbers. */
function mixed(a, b) {
  let bits = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39);
  return ((bits ^ (bits >>> 15)) >>> 0) / 4294967296;
}

function outline(seed, corners) {
  const path = new Path2D();
  for (let i = 0; i < corners; i += 1) {
    const angle = ((i + (mixed(seed, i) - 0.5) * 0.55) / corners) * FULL_TURN;
    const reach = 0.8 + 0.26 * mixed(seed, i + 40);
    path.lineTo(Math.cos(angle) * reach, Math.sin(angle) * reach);
  }
  path.closePath();
  return path;
}

function craters(seed, count) {
  const path = new Path2D();
  for (let i = 0; i < count; i += 1) {
    const angle = mixed(seed, i + 80) * FULL_TURN;
    const away = 0.14 + 0.42 * mixed(seed, i + 120);
    const radius = 0.09 + 0.13 * mixed(seed, i + 160);
    const x = Math.cos(angle) * away;
    const y = Math.sin(angle) * away;
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, FULL_TURN);
  }
  return path;
}

function makeStone(row, generation, size) {
  const seed = Math.imul(row + 1, 7919) + generation;
  return {
    generation,
    size,
    body: outline(seed, 7 + size * 2),
    craters: craters(seed, 1 + size),
    spin: (mixed(seed, 1) - 0.5) * (2.4 / size),
    phase: mixed(seed, 2) * FULL_TURN,
  };
}

/** Draws asteroids and remembers the shape of each. */
export class Stones {
  constructor() {
    this.known = new Map();
  }

  /** Return the stable shape of the asteroid in a row. */
  shapeOf(row, generation, size) {
    let stone = this.known.get(row);
    if (!stone || stone.generation !== generation || stone.size !== size) {
      stone = makeStone(row, generation, size);
      this.known.set(row, stone);
    }
    return stone;
  }

  /** Draw one asteroid; `now` in seconds turns it. */
  draw(context, camera, stone, x, y, now) {
    const radius = ASTEROID_RADIUS[stone.size];
    const angle = stone.phase + stone.spin * now;
    camera.placed(context, x, y, angle, radius);
    context.lineJoin = "round";
    context.fillStyle = STONE_SHADE;
    context.fill(stone.body);
    // The same outline, smaller and towards the light, is the lit side.
    camera.placed(context, x - 0.07 * radius, y - 0.09 * radius, angle, radius * 0.82);
    context.fillStyle = STONE_LIT;
    context.fill(stone.body);
    context.fillStyle = STONE_CRATER;
    context.fill(stone.craters);
    camera.placed(context, x, y, angle, radius);
    context.strokeStyle = bright[ROCK];
    context.lineWidth = 1.7 / (camera.scale * radius);
    context.stroke(stone.body);
  }
}

/** Draw a faint line ahead of the player's ship: where a shot would go. */
export function drawAim(context, camera, x, y, angle) {
  camera.placed(context, x, y, angle, SHIP_RADIUS);
  context.strokeStyle = "rgb(255 255 255 / 0.16)";
  context.lineWidth = 1.5 / camera.scale;
  context.setLineDash(AIM_DASHES);
  context.beginPath();
  context.moveTo(1.9, 0);
  context.lineTo(9, 0);
  context.stroke();
  context.setLineDash(NO_DASHES);
}

/**
 * Draw the flame behind a thrusting ship.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {import("./camera.js").Camera} camera
 * @param {number} flicker changes from frame to frame, any number
 */
export function drawFlame(context, camera, x, y, angle, flicker) {
  camera.placed(context, x, y, angle, SHIP_RADIUS);
  const length = 1 + 0.22 * Math.sin(flicker * 61) + 0.12 * Math.sin(flicker * 97);
  context.globalAlpha = 0.75;
  context.drawImage(glow(FIRE), -0.75 - length, -0.75, 1.5 * length, 1.5);
  context.globalAlpha = 1;
  context.scale(length, 1);
  context.translate(0.44 - 0.44 / length, 0);
  context.fillStyle = bright[FIRE];
  context.fill(FLAME);
  context.fillStyle = pale[FIRE];
  context.fill(FLAME_CORE);
}

/**
 * Draw a hull.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {import("./camera.js").Camera} camera
 * @param {number} hue a colour number
 * @param {{own: boolean, struck: boolean}} look own: the player's; struck: flashes
 */
export function drawShip(context, camera, x, y, angle, hue, look) {
  camera.placed(context, x, y, angle, SHIP_RADIUS);
  context.globalAlpha = look.own ? 0.62 : 0.4;
  context.drawImage(glow(hue), -2.1, -2.1, 4.2, 4.2);
  context.globalAlpha = 1;
  context.lineJoin = "round";
  context.fillStyle = look.struck ? pale[WHITE] : dark[hue];
  context.fill(HULL);
  if (!look.struck) {
    context.fillStyle = middle[hue];
    context.fill(DECK);
  }
  context.strokeStyle = look.own ? "#ffffff" : bright[hue];
  context.lineWidth = (look.own ? 2.2 : 1.9) / camera.scale;
  context.stroke(HULL);
  context.fillStyle = look.own ? bright[hue] : pale[hue];
  context.fill(COCKPIT);
}

/** Draw the outline of a ship where the server last said that it was. */
export function drawGhost(context, camera, x, y, angle) {
  camera.placed(context, x, y, angle, SHIP_RADIUS);
  context.setLineDash(GHOST_DASHES);
  context.strokeStyle = GHOST;
  context.lineWidth = 1.6 / camera.scale;
  context.stroke(HULL);
  context.setLineDash(NO_DASHES);
}

/**
 * Draw the shield of a ship that cannot be hit yet.
 *
 * @param {number} strength 0..1, how bright
 */
export function drawShield(context, camera, x, y, hue, strength) {
  camera.placed(context, x, y, 0, SHIP_RADIUS);
  context.globalAlpha = 0.14 * strength;
  context.fillStyle = bright[hue];
  context.fill(SHIELD);
  context.globalAlpha = 0.9 * strength;
  context.strokeStyle = pale[hue];
  context.lineWidth = 2 / camera.scale;
  context.stroke(SHIELD);
  context.globalAlpha = 1;
}

/** Draw a projectile with its tail. */
export function drawProjectile(context, camera, x, y, vx, vy, hue) {
  camera.worldSpace(context);
  const size = PROJECTILE_RADIUS * 5;
  context.drawImage(glow(hue), x - size, y - size, size * 2, size * 2);
  const tailX = vx * TAIL_SECONDS;
  const tailY = vy * TAIL_SECONDS;
  context.lineCap = "round";
  context.strokeStyle = bright[hue];
  context.globalAlpha = 0.35;
  strokeLine(context, x, y, x - tailX, y - tailY, PROJECTILE_RADIUS * 0.5);
  context.globalAlpha = 1;
  strokeLine(context, x, y, x - tailX * 0.45, y - tailY * 0.45, PROJECTILE_RADIUS * 1.05);
  context.strokeStyle = pale[hue];
  strokeLine(context, x, y, x - tailX * 0.3, y - tailY * 0.3, PROJECTILE_RADIUS * 0.55);
}

function strokeLine(context, fromX, fromY, toX, toY, width) {
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.lineWidth = width;
  context.stroke();
}
