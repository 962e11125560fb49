// SPDX-License-Identifier: MIT
/** Inflate each of many; tell what came out, or that it was refused, and why. */

import { inflate } from "./inflate.js";
import { WireError } from "./numbers.js";
import { bytesOf, marked } from "./values.js";

export function run({ compressed, limit }) {
  return compressed.map((hex) => {
    try {
      return marked(inflate(bytesOf(hex), limit));
    } catch (error) {
      if (error instanceof WireError) return error.reason;
      throw error;
    }
  });
}
