// SPDX-License-Identifier: MIT
/**
 * How the fields of a component slide from one value to another: evenly, the short way
 * round, along an arc, or not at all.
 *
 * Each works on whole columns, and writes into one that is there already. The same as
 * gamenet/prediction/blend.py.
 */

const TAU = 2 * Math.PI;

/** How a field slides. */
export const Kind = Object.freeze({ STEP: 0, LINEAR: 1, ANGLE: 2, ROTATION: 3 });

const KINDS = new Map([
  ["fixed", Kind.LINEAR], ["float16", Kind.LINEAR], ["float32", Kind.LINEAR], ["float64", Kind.LINEAR],
  ["angle", Kind.ANGLE], ["quaternion", Kind.ROTATION],
]);

/**
 * @typedef {{name: string, kind: number, width: number}} Slide a field: width numbers of a column
 *     are one value
 */

/** @param {any} codec of a component @returns {Slide[]} its fields */
export function slidesOf(codec) {
  return codec.fields.map(({ name, kind }) => {
    const slide = KINDS.get(kind) ?? Kind.STEP;
    return { name, kind: slide, width: slide === Kind.ROTATION ? 4 : 1 };
  });
}

/** @param {number} angle @returns {number} the same direction, between -pi and pi */
export const wrapped = (angle) => angle - TAU * Math.round(angle / TAU);

/**
 * Write what lies between two columns.
 * @param {number} kind how the field slides
 * @param {any} from a column
 * @param {any} to
 * @param {number} share 0 gives the first, 1 the second, more goes on beyond it
 * @param {any} into a column
 * @param {number} start first row
 * @param {number} end row after the last
 */
export function slide(kind, from, to, share, into, start, end) {
  if (kind === Kind.LINEAR) linear(from, to, share, into, start, end);
  else if (kind === Kind.ANGLE) turning(from, to, share, into, start, end);
  else if (kind === Kind.ROTATION) rotating(from, to, share, into, start, end);
  else into.set((share < 1 ? from : to).subarray(start, end), start);
}

function linear(from, to, share, into, start, end) {
  for (let row = start; row < end; row++) {
    const value = from[row];
    into[row] = value + (to[row] - value) * share;
  }
}

function turning(from, to, share, into, start, end) {
  for (let row = start; row < end; row++) {
    const value = from[row];
    const turn = to[row] - value;
    into[row] = value + (turn - TAU * Math.round(turn / TAU)) * share;
  }
}

/** Along the shorter arc; what comes out has the length 1. */
function rotating(from, to, share, into, start, end) {
  for (let at = 4 * start; at < 4 * end; at += 4) {
    const dot = from[at] * to[at] + from[at + 1] * to[at + 1] + from[at + 2] * to[at + 2] + from[at + 3] * to[at + 3];
    const towards = dot < 0 ? -share : share;
    const rest = 1 - share;
    const x = from[at] * rest + to[at] * towards;
    const y = from[at + 1] * rest + to[at + 1] * towards;
    const z = from[at + 2] * rest + to[at + 2] * towards;
    const w = from[at + 3] * rest + to[at + 3] * towards;
    const scale = 1 / (Math.sqrt(x * x + y * y + z * z + w * w) || 1);
    into[at] = x * scale;
    into[at + 1] = y * scale;
    into[at + 2] = z * scale;
    into[at + 3] = w * scale;
  }
}

/**
 * Return how far apart two values of a component are, over the fields that can slide: the
 * length of the difference of all numbers with a fraction and all angles, in radians.
 * @param {readonly Slide[]} slides of the component
 * @param {Record<string, any>} one columns
 * @param {number} at a row there
 * @param {Record<string, any>} other
 * @param {number} row
 */
export function distance(slides, one, at, other, row) {
  let square = 0;
  for (const { name, kind } of slides) {
    const [a, b] = [one[name], other[name]];
    if (kind === Kind.LINEAR) square += (a[at] - b[row]) ** 2;
    else if (kind === Kind.ANGLE) square += wrapped(a[at] - b[row]) ** 2;
    else if (kind === Kind.ROTATION) square += arc(a, 4 * at, b, 4 * row) ** 2;
  }
  return Math.sqrt(square);
}

/** The angle between two rotations, by the chord: a small one is lost in the cosine. */
function arc(a, i, b, j) {
  let [near, far] = [0, 0];
  for (let k = 0; k < 4; k++) {
    near += (a[i + k] - b[j + k]) ** 2;
    far += (a[i + k] + b[j + k]) ** 2;
  }
  return 4 * Math.asin(Math.min(Math.sqrt(Math.min(near, far)) / 2, 1));
}

/** Whether all fields that cannot slide are the same. @param {readonly Slide[]} slides */
export function isSame(slides, one, at, other, row) {
  return slides.every(({ name, kind }) => kind !== Kind.STEP || one[name][at] === other[name][row]);
}

/** Copy a value of a component. @param {readonly Slide[]} slides */
export function copyRow(slides, from, at, into, row) {
  for (const { name, width } of slides) {
    const [source, target] = [from[name], into[name]];
    if (width === 1) target[row] = source[at];
    else for (let k = 0; k < width; k++) target[width * row + k] = source[width * at + k];
  }
}
