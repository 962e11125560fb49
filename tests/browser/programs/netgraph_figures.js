// SPDX-License-Identifier: MIT
/** Write the figures that the net graph shows without a graph. */

import { figuresOf } from "./netgraph.js";

export const run = (stats) => stats.map(figuresOf);
