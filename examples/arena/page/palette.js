// SPDX-License-Identifier: MIT
/**
 * The colours of the arena, worked out once.
 *
 * A colour is named by a number: 0..255 is a ship's hue as the server sends
 * it, the numbers above are fixed materials. Tables of ready strings and a
 * few small glow pictures replace gradients and shadows, which cost too much
 * to make for every entity in every frame.
 */

/** The colour number of stone. */
export const ROCK = 256;
/** The colour number of burning gas. */
export const FIRE = 257;
/** The colour number of a white-hot core. */
export const WHITE = 258;

const COLOURS = 259;
const GLOW_PIXELS = 96;
// Neighbouring hues share a glow: the eye cannot tell, memory can.
const GLOW_STEP = 8;

const FIXED = new Map([
  [ROCK, [224, 30, 74]],
  [FIRE, [33, 100, 63]],
  [WHITE, [200, 100, 96]],
]);

/** Return [degrees, saturation, lightness] of a colour number. */
function components(colour) {
  const fixed = FIXED.get(colour);
  if (fixed) return fixed;
  const degrees = (colour * 360) / 256;
  // Blue and violet look darker than green at one lightness: lift them.
  const towardsBlue = Math.max(0, Math.cos(((degrees - 250) * Math.PI) / 180));
  return [degrees, 92, 60 + 13 * towardsBlue];
}

function table(paint) {
  return Array.from({ length: COLOURS }, (_, colour) => paint(...components(colour)));
}

/** Outlines, projectiles and dots: the full colour. */
export const bright = table((h, s, l) => `hsl(${h} ${s}% ${l}%)`);
/** Lit surfaces. */
export const middle = table((h, s, l) => `hsl(${h} ${s * 0.62}% ${l * 0.52}%)`);
/** Hulls and shaded surfaces. */
export const dark = table((h, s, l) => `hsl(${h} ${s * 0.55}% ${l * 0.27}%)`);
/** Cores of flames and projectiles: nearly white. */
export const pale = table((h, s) => `hsl(${h} ${s}% 90%)`);

function paintGlow(colour) {
  const [h, s, l] = components(colour);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = GLOW_PIXELS;
  const context = canvas.getContext("2d");
  const half = GLOW_PIXELS / 2;
  const gradient = context.createRadialGradient(half, half, 0, half, half, half);
  gradient.addColorStop(0, `hsl(${h} ${s}% ${l}% / 0.9)`);
  gradient.addColorStop(0.25, `hsl(${h} ${s}% ${l}% / 0.42)`);
  gradient.addColorStop(0.6, `hsl(${h} ${s}% ${l}% / 0.1)`);
  gradient.addColorStop(1, `hsl(${h} ${s}% ${l}% / 0)`);
  context.fillStyle = gradient;
  context.fillRect(0, 0, GLOW_PIXELS, GLOW_PIXELS);
  return canvas;
}

const glows = new Map();

/**
 * Return a soft round light of a colour, to be drawn with drawImage.
 *
 * @param {number} colour a colour number
 * @returns {HTMLCanvasElement}
 */
export function glow(colour) {
  const key = colour < ROCK ? colour - (colour % GLOW_STEP) : colour;
  let picture = glows.get(key);
  if (!picture) {
    picture = paintGlow(key);
    glows.set(key, picture);
  }
  return picture;
}

/**
 * Return the colour of a health bar: green, amber, red.
 *
 * @param {number} points 0..100
 * @returns {string}
 */
export function healthColour(points) {
  if (points > 60) return "#5fe3a1";
  return points > 30 ? "#ffc857" : "#ff5d6c";
}
