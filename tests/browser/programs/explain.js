// SPDX-License-Identifier: MIT
/** Explain close reasons, and trim names. */

import { explainClosed } from "./banner.js";
import { trimName } from "./join.js";

export function run({ closed, names }) {
  return { explained: closed.map(explainClosed), names: names.map(trimName) };
}
