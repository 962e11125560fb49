// SPDX-License-Identifier: MIT
/** Hold calls back until the view comes to their ticks, and note which were made when. */

import { Moments } from "./moments.js";

export function run({ ticks, views }) {
  const moments = new Moments();
  const made = [];
  ticks.forEach((tick, n) => moments.at(tick ?? -Infinity, () => made.push(n)));
  return views.map((view) => {
    moments.reach(view);
    return made.splice(0);
  });
}
