// SPDX-License-Identifier: MIT
/** Try the parts of ChaCha20-Poly1305, and open boxes. */

import { chacha20, openSealed, poly1305 } from "./chacha.js";
import { bytesOf, marked } from "./values.js";

export function run({ boxes = [], streams = [], tags = [] }) {
  return {
    opened: boxes.map(({ key, nonce, box, associated }) =>
      marked(openSealed(bytesOf(key), bytesOf(nonce), bytesOf(box), bytesOf(associated)))),
    streams: streams.map(({ key, counter, nonce, bytes }) =>
      marked(chacha20(bytesOf(key), counter, bytesOf(nonce), bytesOf(bytes)))),
    tags: tags.map(({ key, bytes }) => marked(poly1305(bytesOf(key), bytesOf(bytes)))),
  };
}
