// SPDX-License-Identifier: MIT
/** Take samples of a client's stats, and write what the graph of its prediction shows. */

import { ForesightSamples, foresightFigures } from "./foresight_graph.js";

export function run({ seconds, stats, more }) {
  const samples = new ForesightSamples(seconds);
  const taken = stats.map((each) => samples.take(each));
  return {
    samples: taken.map(({ correction, again }) => [correction, again]),
    kept: samples.history.length, figures: foresightFigures(taken.at(-1), more),
  };
}
