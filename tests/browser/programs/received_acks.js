// SPDX-License-Identifier: MIT
/** Take packet sequences and say, after each, what would be acknowledged. */

import { ReceivedAcks } from "./acks.js";

export function run({ sequences }) {
  const acks = new ReceivedAcks();
  return sequences.map((sequence) => [acks.receive(sequence), acks.newest, acks.bits]);
}
