// SPDX-License-Identifier: MIT
/**
 * Which part of the arena the screen shows, and how metres become pixels.
 *
 * The camera shows about the same area on every screen, wide or tall, so
 * that nobody sees further than others by turning the phone. It glides after
 * a point a little ahead of the ship and stops where the arena ends.
 */

// Square root of the visible area, metres.
const VIEW_METRES = 33;
const SCALE_MIN = 13;
const SCALE_MAX = 64;
// Seconds of flight the camera looks ahead.
const LOOK_AHEAD = 0.28;
// Share of the remaining way covered in a second is 1 - exp(-STIFFNESS).
const STIFFNESS = 7;
// Metres beyond the outer walls that may come into view.
const MARGIN = 2.5;
const SHAKE_PIXELS = 14;
// The shake fades from full to nothing in this many seconds.
const SHAKE_SECONDS = 0.7;

/** Keep a view of `size` within [low, high]; centre it when it is larger. */
function confine(centre, size, low, high) {
  if (high - low <= size) return (low + high) / 2;
  return Math.min(Math.max(centre, low + size / 2), high - size / 2);
}

/** The window through which one player looks at the arena. */
export class Camera {
  constructor() {
    this.x = 0;
    this.y = 0;
    /** Size of the screen, CSS pixels. */
    this.width = 1;
    this.height = 1;
    /** CSS pixels per metre. */
    this.scale = 1;
    /** Device pixels per CSS pixel. */
    this.density = 1;
    /** CSS pixels at the lower edge that thumbs cover. */
    this.coveredBelow = 0;
    this.bounds = { left: -48, right: 48, top: -32, bottom: 32 };
    this.calm = false;
    this.snapNext = true;
    this.trauma = 0;
    this.shakeX = 0;
    this.shakeY = 0;
  }

  /**
   * Fit the camera to a screen.
   *
   * @param {number} width CSS pixels
   * @param {number} height CSS pixels
   * @param {number} density device pixels per CSS pixel
   */
  resize(width, height, density) {
    this.width = width;
    this.height = height;
    this.density = density;
    const scale = Math.sqrt(width * height) / VIEW_METRES;
    this.scale = Math.min(Math.max(scale, SCALE_MIN), SCALE_MAX);
  }

  /**
   * Glide towards a ship.
   *
   * @param {number} x metres
   * @param {number} y metres
   * @param {number} vx metres a second
   * @param {number} vy metres a second
   * @param {number} dt seconds since the frame before
   */
  follow(x, y, vx, vy, dt) {
    const share = this.snapNext ? 1 : 1 - Math.exp(-STIFFNESS * dt);
    this.snapNext = false;
    const covered = this.coveredBelow / this.scale;
    const tall = this.height / this.scale;
    const wide = this.width / this.scale;
    const { left, right, top, bottom } = this.bounds;
    // Covered pixels move the visible middle up, hence the camera down.
    const toX = confine(x + vx * LOOK_AHEAD, wide, left - MARGIN, right + MARGIN);
    const toY = confine(
      y + vy * LOOK_AHEAD + covered / 2, tall, top - MARGIN, bottom + MARGIN + covered);
    this.x += (toX - this.x) * share;
    this.y += (toY - this.y) * share;
  }

  /** Jump to the next followed point instead of gliding there. */
  snap() {
    this.snapNext = true;
  }

  /**
   * Shake lightly; nothing happens for players who asked for reduced motion.
   *
   * @param {number} amount 0..1, added to what is left of earlier shakes
   */
  shake(amount) {
    if (!this.calm) this.trauma = Math.min(1, this.trauma + amount);
  }

  /**
   * Let the shake fade.
   *
   * @param {number} now seconds
   * @param {number} dt seconds since the frame before
   */
  settle(now, dt) {
    this.trauma = Math.max(0, this.trauma - dt / SHAKE_SECONDS);
    // Squared: small hits stay small. Two unrelated rates look like chance.
    const reach = this.trauma * this.trauma * SHAKE_PIXELS;
    this.shakeX = reach * Math.sin(now * 71);
    this.shakeY = reach * Math.sin(now * 89 + 2);
  }

  /** Return the CSS pixel column of a place in the arena. */
  screenX(x) {
    return (x - this.x) * this.scale + this.width / 2 + this.shakeX;
  }

  /** Return the CSS pixel row of a place in the arena. */
  screenY(y) {
    return (y - this.y) * this.scale + this.height / 2 + this.shakeY;
  }

  /** Tell whether a disc of `radius` metres is on the screen. */
  sees(x, y, radius) {
    return Math.abs(x - this.x) - radius < this.width / 2 / this.scale + 0.5
      && Math.abs(y - this.y) - radius < this.height / 2 / this.scale + 0.5;
  }

  /** Let the context draw in CSS pixels. */
  screenSpace(context) {
    context.setTransform(this.density, 0, 0, this.density, 0, 0);
  }

  /** Let the context draw in metres. */
  worldSpace(context) {
    this.placed(context, 0, 0, 0, 1);
  }

  /** Let the context draw in units of `size` metres around a turned place. */
  placed(context, x, y, angle, size) {
    const pixels = this.scale * this.density * size;
    const cos = Math.cos(angle) * pixels;
    const sin = Math.sin(angle) * pixels;
    context.setTransform(
      cos, sin, -sin, cos, this.screenX(x) * this.density, this.screenY(y) * this.density);
  }
}
