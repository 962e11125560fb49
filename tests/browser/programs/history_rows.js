// SPDX-License-Identifier: MIT
/** Make room in a history for some rows, then for others; answer how many there is room for. */

import { History } from "./history.js";
import { WireError } from "./numbers.js";

export function run({ lanes, capacity, reserve }) {
  const history = new History(lanes, capacity);
  return reserve.map((rows) => {
    try {
      history.reserve(rows);
      return history.rows;
    } catch (error) {
      if (error instanceof WireError) return error.message;
      throw error;
    }
  });
}
