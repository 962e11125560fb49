// SPDX-License-Identifier: MIT
/** Decode, encode again, and encode from values, with a generated codec. */

import { WireError } from "./numbers.js";
import { decode, encode } from "./schemas.js";
import { Reader } from "./bytes.js";
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

function planes({ component, bytes, rows, capacity }) {
  return attempt(() => {
    const codec = protocol.components[component];
    const columns = codec.columns(capacity);
    const from = new Reader(bytesOf(bytes));
    codec.readPlanes(from, Uint32Array.from(rows), rows.length, columns);
    from.end();
    const lists = Object.entries(columns).map(([name, column]) => [name, Array.from(column, marked)]);
    return { size: codec.rowSize, columns: Object.fromEntries(lists) };
  });
}

export function run({ toDecode = [], toEncode = [], toRead = [] }) {
  return {
    decoded: toDecode.map(decoded),
    encoded: toEncode.map(encoded),
    planes: toRead.map(planes),
    created: schemas.map((schema) => marked(encode(schema, {}))),
    hash: protocol.PROTOCOL_HASH,
    version: protocol.VERSION,
    closeReasons: protocol.CLOSE_REASONS,
    enums: protocol.enums,
    names: [...protocol.messages].map(([id, { name }]) => [id, name]),
    fields: schemas.map(({ fields }) => fields),
  };
}
