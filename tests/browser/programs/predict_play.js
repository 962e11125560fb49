// SPDX-License-Identifier: MIT
/**
 * Play a match of one player, whose ship the browser predicts, against a server that makes
 * the same steps: without a network, snapshots and events come when the script says so.
 */

import { Told } from "./blocks.js";
import { GENERATION, Groups, OWNER, SHAPE } from "./groups.js";
import { Listeners } from "./listeners.js";
import { Predicting } from "./predicting.js";
import * as protocol from "./protocol.js";
import { Rounding } from "./rounding.js";
import { View } from "./view.js";
import { World } from "./world.js";

const TICK_RATE = 20;
const PLAYER = 3;
const ROW = 5;
const groups = new Groups(protocol.components);
const rounding = new Rounding(protocol.components);

/** How a snapshot and a world say that the ship is not ours to predict any more. */
const ends = {
  gone: (told, world) => {
    told.told[0] = Told.DESPAWNED;
    world.vacate(ROW);
  },
  owner: (told, world) => {
    told.words[OWNER] = PLAYER + 1;
    world.owner[ROW] = PLAYER + 1;
  },
  component: (told, world) => {
    const id = world.idOf("Pilot");
    told.words[SHAPE] &= ~(1 << id);
    world.stores[id].clear(ROW);
  },
};

/** What both sides do in a tick: fly as the input says, and shoot. */
function fly(rows, dt, world, shoot) {
  const { x, y, vx, heading, facing, shots, wanted, stun } = world.columns("Ship");
  for (const row of rows) {
    heading[row] += 1.7 * dt * wanted[row];
    vx[row] = vx[row] * 0.97 + Math.cos(heading[row]) * dt;
    x[row] += vx[row] * dt * 9;
    y[row] += Math.sin(heading[row]) * dt * 3;
    facing[4 * row] += 0.01 * wanted[row];
    facing[4 * row + 1] += 0.013 * dt;
    if (stun[row] > 0) stun[row]--;
    else if (wanted[row] < 0) shoot(row, shots[row]++);
  }
}

class Server {
  /** @param {number} last tick in which the ship flies */
  constructor(last) {
    this.last = last;
    this.columns = protocol.components.map((codec) => codec.columns(ROW + 1));
    this.tick = 0;
    /** @type {Uint32Array[]} */
    this.words = [];
    this.shots = [];
    this.columns[0].facing[4 * ROW + 3] = 1;
    this.keep();
  }

  step(wanted, { push, stun }) {
    this.tick++;
    const columns = { columns: () => this.columns[0] };
    this.columns[0].wanted[ROW] = wanted;
    fly(this.tick > this.last ? [] : [ROW], 1 / TICK_RATE, columns, (row, n) => {
      this.shots.push({ name: "Shot", value: { n }, tick: this.tick, origin: row });
    });
    this.columns[0].x[ROW] += push;
    this.columns[0].stun[ROW] += stun;
    this.keep();
  }

  keep() {
    this.words[this.tick] = new Uint32Array(rounding.lanes);
    rounding.round(this.columns, ROW, this.words[this.tick], 0);
  }

  /** A snapshot of a tick, as SnapshotReader has it. */
  told(tick) {
    const words = new Uint32Array(groups.lanes);
    words[GENERATION] = 1;
    words[OWNER] = PLAYER;
    words[SHAPE] = 2 ** protocol.components.length - 1;
    words.set(this.words[tick], groups.starts[0]);
    return { rows: [ROW], told: [Told.STATE], words, count: 1 };
  }
}

function begun(server, wanted, end) {
  const world = new World(protocol.components, 300);
  const view = world.view = new View(world, TICK_RATE, PLAYER);
  const listeners = new Listeners();
  const heard = [];
  listeners.on("event", (name, value, tick) => heard.push(["event", value.n, tick]));
  listeners.on("event_cancelled", (name, value, tick) => heard.push(["cancelled", value.n, tick]));
  const show = (tick) => {
    const told = server.told(tick);
    world.occupy(ROW, 1, PLAYER);
    world.stores.forEach((store, id) => store.show(ROW, told.words, groups.starts[id]));
    if (tick >= server.last) ends[end](told, world);
    world.reshaped();
    return told;
  };
  show(0);
  const predicting = new Predicting({
    components: ["Ship"],
    having: ["Pilot"],
    input: (rows, name, values, tick, seen) => {
      for (const row of rows) seen.columns("Ship").wanted[row] = values.turn;
    },
    step: (rows, dt, tick, seen) => fly(rows, dt, seen, (row, n) => seen.emit("Shot", { n }, row)),
  }, {
    codec: protocol, world, view, playerId: PLAYER, tickRate: TICK_RATE, listeners,
    inputs: { at: (tick) => [{ name: "Steer", values: { turn: wanted[tick] } }] },
  });
  return { world, view, predicting, show, heard };
}

/** Words of the predicted ship. */
function predicted(predicting) {
  const words = new Uint32Array(rounding.lanes);
  rounding.round(predicting.world.predicted, ROW, words, 0);
  return [...words];
}

/**
 * `wanted` has the input of each own tick, `ahead` how far the client is ahead of what it
 * hears, `lost` ticks of which no snapshot comes, `pushes` and `stuns` what the server does
 * besides, `back` at which ticks the own time goes back, and how far. After the tick `last`
 * there is an `end` of the ship.
 */
export function run({
  wanted, ahead, lost = [], pushes = {}, stuns = {}, frames = [], back = {}, last = Infinity, end = "gone",
}) {
  const server = new Server(last);
  const { world, view, predicting, show, heard } = begun(server, wanted, end);
  const ticks = [];
  const drawn = [];
  let told = 0;
  let behind = 0;
  for (let tick = 1; tick < wanted.length; tick++) {
    server.step(wanted[tick], { push: pushes[tick] ?? 0, stun: stuns[tick] ?? 0 });
    behind += back[tick] ?? 0;
    const own = tick - behind;
    if (tick in back) predicting.reset(own);
    predicting.advance(own);
    const known = tick - ahead;
    if (known >= 0 && !lost.includes(known)) {
      const snapshot = show(known);
      view.arrived(known, snapshot, known - 2);
      predicting.confirm(known, snapshot);
      for (; told < server.shots.length && server.shots[told].tick <= known; told++) {
        const shot = server.shots[told];
        if (predicting.heard(shot)) heard.push(["told", shot.value.n, shot.tick]);
      }
    }
    ticks.push([predicted(predicting), [...server.words[own]]]);
    for (const fraction of frames) {
      view.update(known - 2, (tick + fraction) / TICK_RATE);
      predicting.show(fraction, (tick + fraction) / TICK_RATE);
      const x = world.interpolated("Ship", ROW).x;
      drawn.push([x, predicting.world.columns("Ship").x[ROW]]);
    }
  }
  const { log } = predicting;
  return {
    ticks, drawn, heard, stats: predicting.stats(), ghost: predicting.ghost("Ship", ROW)?.x ?? null,
    shots: server.shots.map(({ value, tick }) => [value.n, tick]),
    log: log.map(({ tick, ticks: again, sizes, rows, mispredicted }) => ({ tick, again, sizes, rows, mispredicted })),
  };
}
