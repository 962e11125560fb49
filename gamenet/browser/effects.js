// SPDX-License-Identifier: MIT
/**
 * Play what happens once, however often the tick in which it happens is computed.
 *
 * An event of an own tick is known by its tick, its class, the row that made it, and which
 * of its like it is in the tick. It is played when it is made first; replay and the server
 * may tell it again. What replay does not make again is cancelled. The same as
 * gamenet/prediction/effects.py.
 */

const LIMIT = 4096; // events that are remembered

/** @typedef {{name: string, values: Record<string, any>, tick: number}} Effect */

/** What is known of the events of one tick. */
class Tick {
  constructor() {
    /** @type {Map<string, {row: number, effect: Effect}>} */
    this.events = new Map();
    this.made = new Set();
    this.heard = new Set();
    this.nMade = new Map();
    this.nHeard = new Map();
  }
}

/** Which of its like an event is in its tick. */
function keyOf(counts, name, row) {
  const maker = `${row} ${name}`;
  const n = counts.get(maker) ?? 0;
  counts.set(maker, n + 1);
  return `${maker} ${n}`;
}

export class EffectLedger {
  /** @type {Map<number, Tick>} */
  #ticks = new Map();
  #count = 0;
  #replayedFrom = Infinity;

  /** @returns {number} events that are remembered */
  get size() {
    return this.#count;
  }

  /**
   * Take an event that a predicted step made; return whether to play it now.
   * @param {number} tick
   * @param {string} name
   * @param {Record<string, any>} values
   * @param {number} row that made it
   * @returns {boolean}
   */
  make(tick, name, values, row) {
    const known = this.#known(tick);
    const key = keyOf(known.nMade, name, row);
    known.made.add(key);
    return this.#isNew(known, key, { row, effect: { name, values, tick } });
  }

  /** Take the server's word for an event; return whether to play it now. See `make`. */
  heard(tick, name, values, row) {
    const known = this.#known(tick);
    const key = keyOf(known.nHeard, name, row);
    known.heard.add(key);
    return this.#isNew(known, key, { row, effect: { name, values, tick } });
  }

  /** Prepare for all ticks after this one to be computed again. @param {number} tick */
  beginReplay(tick) {
    this.#replayedFrom = tick;
    for (const [number, known] of this.#ticks) {
      if (number <= tick) continue;
      known.nMade.clear();
      known.made.clear();
    }
  }

  /**
   * Forget what replay did not make again, save what the server told; it may tell it yet.
   * @returns {Effect[]} by tick
   */
  endReplay() {
    const cancelled = [];
    for (const [tick, known] of this.#ticks) {
      if (tick <= this.#replayedFrom) continue;
      for (const [key, { effect }] of known.events) {
        if (known.made.has(key) || known.heard.has(key)) continue;
        known.events.delete(key);
        cancelled.push(effect);
      }
    }
    this.#replayedFrom = Infinity;
    return this.#forgotten(cancelled);
  }

  /**
   * Forget what rows made after a tick, which nothing will make again: their entities have ended
   * then, or are not predicted any more. What the server told is none of it.
   * @param {readonly number[]} rows
   * @param {number} after the last tick in which they could
   * @returns {Effect[]} by tick
   */
  drop(rows, after) {
    const dropped = [];
    for (const [tick, known] of this.#ticks) {
      if (tick <= after) continue;
      for (const [key, { row, effect }] of known.events) {
        if (!rows.includes(row) || known.heard.has(key)) continue;
        known.events.delete(key);
        known.made.delete(key);
        dropped.push(effect);
      }
    }
    return this.#forgotten(dropped);
  }

  #forgotten(effects) {
    this.#count -= effects.length;
    return effects.sort((a, b) => a.tick - b.tick);
  }

  /** Forget all ticks before one: what the server says of them later is new. @param {number} before */
  forget(before) {
    for (const tick of this.#ticks.keys()) if (tick < before) this.#drop(tick);
  }

  #drop(tick) {
    this.#count -= this.#ticks.get(tick).events.size;
    this.#ticks.delete(tick);
  }

  #known(tick) {
    const known = this.#ticks.get(tick) ?? new Tick();
    this.#ticks.set(tick, known);
    return known;
  }

  #isNew(known, key, event) {
    if (known.events.has(key)) return false;
    known.events.set(key, event);
    this.#count++;
    while (this.#count > LIMIT) this.#drop(Math.min(...this.#ticks.keys()));
    return true;
  }
}
