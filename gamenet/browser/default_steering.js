// SPDX-License-Identifier: MIT
/** Turn arrow keys, mouse or stick into a game's first input, if that has an x and a y. */

const MOUSE_REACH = 140; // CSS pixels from the own entity for full deflection

/** The range of a field that can be steered: whole numbers, and fixed-point ones. */
function rangeOf(field) {
  if (field === undefined) return null;
  if (field.minimum !== undefined) return { low: field.minimum, high: field.maximum, isWhole: true };
  if (field.kind === "fixed") return { low: field.lo, high: field.hi, isWhole: false };
  if (field.kind.startsWith("float")) return { low: -1, high: 1, isWhole: false };
  return null;
}

/** Scale -1..1 to a range: its middle is rest, for signed numbers 0. */
function scaled(share, { low, high, isWhole }) {
  const reach = low < 0 ? Math.min(-low, high) : (high - low) / 2;
  const value = (low < 0 ? 0 : (low + high) / 2) + share * reach;
  return isWhole ? Math.round(value) : value;
}

class Steering {
  #client;
  #input;
  #ranges;

  constructor(client, input, ranges) {
    this.#client = client;
    this.#input = input;
    this.#ranges = ranges;
  }

  /**
   * Send what is held now; meant to be called every tick.
   * @param {import("./controls.js").ControlState} state
   * @param {{ownPlace: () => ({x: number, y: number} | null)}} view
   */
  send(state, view) {
    const { x, y } = state.pointer.down ? towardsPointer(state.pointer, view.ownPlace()) : state;
    this.#client.sendInput(this.#input, {
      x: scaled(x, this.#ranges.x), y: scaled(y, this.#ranges.y),
    });
  }
}

/** The way from the own entity to the pointer, both in CSS pixels. */
function towardsPointer(pointer, own) {
  if (!own) return { x: 0, y: 0 };
  const right = (pointer.x - own.x) / MOUSE_REACH;
  const up = (own.y - pointer.y) / MOUSE_REACH;
  const share = 1 / Math.max(1, Math.hypot(right, up));
  return { x: right * share, y: up * share };
}

/**
 * @param {import("./client.js").GameClient} client
 * @returns {Steering | null} null if the game's first input cannot be steered by x and y
 */
export function steeringOf(client) {
  const input = client.codec.inputs[0];
  const range = (name) => rangeOf(input?.fields.find((field) => field.name === name));
  const ranges = { x: range("x"), y: range("y") };
  return ranges.x && ranges.y ? new Steering(client, input.name, ranges) : null;
}
