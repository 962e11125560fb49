// SPDX-License-Identifier: MIT
/** Fly ships of the arena as its page does, and note their words after each tick. */

import { Flight } from "./flight.js";
import * as protocol from "./protocol.js";
import { Rounding } from "./rounding.js";
import { encode } from "./schemas.js";

const PREDICTED = ["Position", "Velocity", "Heading", "Gun"];
const ROW = 2;

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function flown({ first, start, keys, ticks }, tickRate, hue) {
  const codecs = PREDICTED.map((name) => protocol.components.find((codec) => codec.name === name));
  const columns = codecs.map((codec) => codec.columns(ROW + 1));
  const rounding = new Rounding(codecs);
  const beams = [];
  let tick = first - 1;
  const event = protocol.events.find(({ name }) => name === "Beam");
  const world = {
    columns: (name) => columns[PREDICTED.indexOf(name)] ?? { hue: { [ROW]: hue } },
    emit: (name, values, row) => beams.push([tick, hex(encode(event, values)), name, row]),
  };
  const words = new Uint32Array(rounding.lanes);
  rounding.put(Uint32Array.from(start), 0, columns, ROW);
  const flight = new Flight(protocol);
  const states = [];
  for (let n = 0; n < ticks; n++) {
    tick++;
    if (keys[n] !== undefined) flight.input(keys[n]);
    flight.step([ROW], 1 / tickRate, tick, world);
    rounding.round(columns, ROW, words, 0);
    states.push([...words]);
  }
  return { states, beams };
}

export const run = ({ flights, tickRate, hue }) => flights.map((each) => flown(each, tickRate, hue));
