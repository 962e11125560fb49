// SPDX-License-Identifier: MIT
/** Round rows of rotations until rounding changes nothing more. */

import * as protocol from "./protocol.js";
import { Rounding } from "./rounding.js";

export function run({ rotations }) {
  const rounding = new Rounding(protocol.components);
  const columns = protocol.components.map((codec) => codec.columns(rotations.length / 4));
  for (const each of columns) each.facing.set(rotations);
  const words = new Uint32Array(rounding.lanes);
  return Array.from({ length: rotations.length / 4 }, (_, row) => {
    rounding.round(columns, row, words, 0);
    return [...words];
  });
}
