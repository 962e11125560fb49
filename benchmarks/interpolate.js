// SPDX-License-Identifier: MIT
/** What a frame costs in the browser's view: the same as interpolate.py measures. */

import { Told } from "./blocks.js";
import * as protocol from "./protocol.js";
import { View } from "./view.js";
import { World } from "./world.js";

const TICK_RATE = 30;
const TICKS = 200;
const BEHIND = 3;

/** A number between -1 and 1, the same ones in every run. */
let state = 1;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 31 - 1;
}

/** Move every entity a little. */
function move(world, rows) {
  for (const store of world.stores) {
    for (const column of Object.values(store.columns)) {
      const isRotation = column.length === 4 * world.capacity;
      for (let i = 0; i < column.length; i++) column[i] += 0.1 * random();
      if (!isRotation) continue;
      for (let row = 0; row < rows; row++) {
        const turn = column.subarray(4 * row, 4 * row + 4);
        const length = Math.hypot(...turn);
        for (let i = 0; i < 4; i++) turn[i] /= length;
      }
    }
  }
}

function made(rows) {
  const world = new World(protocol.components, rows);
  for (let row = 0; row < rows; row++) {
    world.occupy(row, 1, 0);
    for (const { present, columns } of world.stores) {
      present[row] = 1;
      if (columns.turn) columns.turn[4 * row + 3] = 1;
    }
  }
  world.reshaped();
  return world;
}

/** Microseconds of the middle frame pair, and the mean of the pair. */
function measured(rows) {
  const world = made(rows);
  const view = new View(world, TICK_RATE);
  const told = {
    rows: Array.from({ length: rows }, (_, row) => row), told: new Array(rows).fill(Told.STATE), count: rows,
  };
  const times = [];
  for (let tick = 1; tick <= TICKS; tick++) {
    move(world, rows);
    view.arrived(tick, told, tick - BEHIND);
    const start = performance.now();
    view.update(tick - BEHIND + 0.25, tick / TICK_RATE);
    view.update(tick - BEHIND + 0.75, (tick + 0.5) / TICK_RATE);
    times.push((performance.now() - start) / 2);
  }
  times.sort((one, other) => one - other);
  return times[times.length >> 1] * 1000;
}

const counts = JSON.parse(process.argv[2]);
const figures = Object.fromEntries(Object.entries(counts).map(([name, rows]) => [name, measured(rows)]));
console.log(JSON.stringify(figures));
