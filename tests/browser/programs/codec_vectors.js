// SPDX-License-Identifier: MIT
/** Decode, encode again, and encode from values, with a generated codec. */

import { WireError } from "./numbers.js";
import { decode, encode } from "./schemas.js";
import { bytesOf, marked, unmarked } from "./values.js";
import * as protocol from "./protocol.js";

const schemas = [...protocol.messages.values()];

/** Return what a function gives, or that it refused; anything else thrown is a bug. */
function attempt(action) {
  try {
    return action();
  } catch (error) {
    if (error instanceof WireError) return { refused: true };
    throw error;
  }
}

function decoded({ schema, bytes }) {
  return attempt(() => {
    const message = decode(schemas[schema], bytesOf(bytes));
    return { value: marked(message), again: marked(encode(schemas[schema], message)) };
  });
}

function encoded({ schema, value }) {
  return attempt(() => marked(encode(schemas[schema], unmarked(value))));
}

/** Check rows of lanes, then write them into columns. */
function shown({ component, lanes }) {
  const codec = protocol.components[component];
  const columns = codec.columns(lanes.length);
  const words = Uint32Array.from(lanes.flat());
  const width = codec.laneWidths.length;
  return attempt(() => {
    for (let row = 0; row < lanes.length; row++) codec.checkLanes(words, row * width);
    for (let row = 0; row < lanes.length; row++) codec.lanesToColumns(words, row * width, columns, row);
    const lists = Object.entries(columns).map(([name, column]) => [name, Array.from(column, marked)]);
    const again = new Uint32Array(words.length);
    for (let row = 0; row < lanes.length; row++) codec.columnsToLanes(columns, row, again, row * width);
    return { widths: codec.laneWidths, columns: Object.fromEntries(lists), again: [...again] };
  });
}

/** Write values, wild ones too, into columns and make their lanes. */
function rounded({ component, columns: given }) {
  const codec = protocol.components[component];
  const rows = given[0].length;
  const columns = codec.columns(rows);
  codec.fields.forEach(({ name }, n) => columns[name].set(unmarked(given[n]).flat()));
  const words = new Uint32Array(rows * codec.laneWidths.length);
  for (let row = 0; row < rows; row++) codec.columnsToLanes(columns, row, words, row * codec.laneWidths.length);
  return [...words];
}

export function run({ toDecode = [], toEncode = [], toShow = [], toRound = [] }) {
  return {
    rounded: toRound.map(rounded),
    shown: protocol.components.map(({ shown }) => marked(shown)),
    decoded: toDecode.map(decoded),
    encoded: toEncode.map(encoded),
    lanes: toShow.map(shown),
    created: schemas.map((schema) => marked(encode(schema, {}))),
    hash: protocol.PROTOCOL_HASH,
    version: protocol.VERSION,
    closeReasons: protocol.CLOSE_REASONS,
    enums: protocol.enums,
    events: protocol.events.map(({ name }) => name),
    names: [...protocol.messages].map(([id, { name }]) => [id, name]),
    fields: schemas.map(({ fields }) => fields),
  };
}
