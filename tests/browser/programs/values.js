// SPDX-License-Identifier: MIT
/** JSON for values that JSON lacks; the counterpart of `marked` in javascript.py. */

const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const bytesOf = (hex) =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** Return a value as JSON that Python's side compares. */
export function marked(value) {
  if (value instanceof Uint8Array) return { $bytes: hexOf(value) };
  if (typeof value === "boolean") return { $flag: value };
  if (typeof value === "bigint") return markedInteger(value);
  if (typeof value === "number" && !Number.isFinite(value)) {
    return { $float: Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf" };
  }
  if (Array.isArray(value)) return value.map(marked);
  if (ArrayBuffer.isView(value)) return Array.from(value, marked);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, marked(item)]));
  }
  return value;
}

function markedInteger(value) {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : { $integer: String(value) };
}

/** Return the value of marked JSON. */
export function unmarked(value) {
  if (Array.isArray(value)) return value.map(unmarked);
  if (value === null || typeof value !== "object") return value;
  if ("$bytes" in value) return bytesOf(value.$bytes);
  if ("$flag" in value) return value.$flag;
  if ("$integer" in value) return BigInt(value.$integer);
  if ("$float" in value) return { nan: NaN, inf: Infinity, "-inf": -Infinity }[value.$float];
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unmarked(item)]));
}
