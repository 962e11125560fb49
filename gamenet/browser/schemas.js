// SPDX-License-Identifier: MIT
/**
 * Encode and decode with the schemas of a generated module.
 *
 * A schema there has `create`, `write` and `read`, straight-line code for its own fields.
 * Appended fields, which an older peer may not know, form a tail: index, length, bytes.
 */

import { Reader, Writer } from "./bytes.js";
import { WireError } from "./numbers.js";

/**
 * Read the appended fields of a message; those that we do not know are skipped.
 * @param {Reader} from
 * @param {Record<number, (part: Reader) => void>} readers by index of the field
 */
export function readTail(from, readers) {
  /** @type {number | bigint} */
  let last = -1;
  while (from.remaining) {
    const index = from.varint(); // perhaps a BigInt, which compares but cannot index
    const part = new Reader(from.take(from.length("varint", from.bytes.length)));
    if (index <= last) throw new WireError(`appended field ${index} is out of order`);
    last = index;
    const read = Object.hasOwn(readers, String(index)) ? readers[Number(index)] : undefined;
    if (read === undefined) continue;
    read(part);
    part.end();
  }
}

/**
 * Write one appended field.
 * @param {Writer} out
 * @param {number} index of the field in its message
 * @param {(part: Writer) => void} write
 */
export function writeTail(out, index, write) {
  const part = new Writer();
  write(part);
  out.varint(index);
  out.varint(part.length);
  out.raw(part.finish());
}

/**
 * Return the bytes of a message whose missing fields have their defaults.
 * @param {object} schema of the generated module
 * @param {object} values by field
 * @returns {Uint8Array}
 */
export function encode(schema, values) {
  const whole = schema.create();
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(whole, name)) throw new WireError(`${schema.name} has no field ${name}`);
    whole[name] = values[name];
  }
  const out = new Writer();
  schema.write(out, whole);
  return out.finish();
}

/**
 * Return the message of exactly these bytes.
 * @param {object} schema of the generated module
 * @param {Uint8Array} bytes
 * @returns {Record<string, any>}
 */
export function decode(schema, bytes) {
  const from = new Reader(bytes);
  const message = schema.read(from);
  from.end();
  return message;
}
