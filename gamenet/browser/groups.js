// SPDX-License-Identifier: MIT
/**
 * How the state of a row stands in lanes, and how lanes share cells on the wire.
 *
 * First comes who the entity is: generation, owner, and a bit for each component that it
 * has. Then come the lanes of all components. Neighbouring lanes of a component form groups
 * of at most three lanes and 64 bits; a cell is one group of one row, of as few bytes as
 * its differences need. Every group has a table of what each size gives to each lane.
 */

export const GENERATION = 0;
export const OWNER = 1;
/** The first lane of the bits that say which components there are. */
export const SHAPE = 2;

const LANE = 32; // bits
const MAX_LANES = 3;
const MAX_BITS = 64;
const SIZES = MAX_BITS / 8 + 1; // a cell of no bytes has a place in the table, but none on the wire

/** Split the widths of neighbouring lanes into groups. */
function grouped(widths) {
  const groups = [];
  let open = null;
  for (const width of widths) {
    if (open === null || open.length === MAX_LANES || total(open) + width > MAX_BITS) groups.push((open = []));
    open.push(width);
  }
  return groups;
}

const total = (widths) => widths.reduce((sum, width) => sum + width, 0);

/** The bits that each lane of a group has in a cell of a size: alike, as far as a lane is wide. */
function sharesOf(widths, size) {
  if (8 * size >= total(widths)) return widths;
  const within = (most) => widths.map((width) => Math.min(width, most));
  let most = LANE;
  while (total(within(most)) > 8 * size) most--;
  return within(most);
}

/** The widths of the bits for so many components. */
const shapeWidths = (count) =>
  Array.from({ length: Math.ceil(count / LANE) }, (_, k) => Math.min(LANE, count - LANE * k));

export class Groups {
  /** @param {readonly {laneWidths: readonly number[]}[]} components in order of their ids */
  constructor(components) {
    const shape = shapeWidths(components.length);
    const parts = [[LANE, LANE], shape, ...components.map(({ laneWidths }) => laneWidths)];
    const groups = parts.flatMap(grouped);
    const widths = groups.flat();
    /** How many groups there are. */
    this.count = groups.length;
    /** How many lanes the state of a row has. */
    this.lanes = widths.length;
    /** Of each component, its first lane. */
    this.starts = components.map((_, i) => total(parts.slice(0, i + 2).map((part) => part.length)));
    /** Of each lane, the mask of its bits. */
    this.masks = Uint32Array.from(widths, (width) => 2 ** width - 1);
    /** Of each group: its first lane, how many it has, and the bytes of its largest cell. */
    this.first = Uint32Array.from(groups, (_, g) => total(groups.slice(0, g).map((group) => group.length)));
    this.lengths = Uint8Array.from(groups, (group) => group.length);
    this.fullSizes = Uint8Array.from(groups, (group) => Math.ceil(total(group) / 8));
    /** What each size gives to each lane: from `shareAt` on, one number for each lane. */
    this.shares = new Uint8Array(groups.length * SIZES * MAX_LANES);
    groups.forEach((group, g) => {
      for (let size = 1; size <= this.fullSizes[g]; size++) this.shares.set(sharesOf(group, size), this.shareAt(g, size));
    });
  }

  /** @param {number} group @param {number} size bytes of a cell @returns {number} a place in `shares` */
  shareAt(group, size) {
    return (group * SIZES + size) * MAX_LANES;
  }
}

/**
 * Tell whether an entity has a component.
 * @param {Uint32Array} words
 * @param {number} at where the state of its row begins
 * @param {number} component
 */
export function isPresent(words, at, component) {
  return (words[at + SHAPE + (component >>> 5)] >>> (component & 31) & 1) === 1;
}
