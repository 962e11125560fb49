// SPDX-License-Identifier: MIT
/** Do with a connection what a script says, and note what comes of each step. */

import { WireError } from "./numbers.js";
import { Connection } from "./connection.js";
import { CLOSE_REASONS } from "./protocol.js";
import { bytesOf, marked } from "./values.js";

const steps = {
  connect: (connection, now) => connection.connect(now),
  hurry: (connection, now) => connection.hurry(now),
  lost: (connection, now, { reason }) => connection.linkLost(now, reason),
  send: (connection, now, { channel, payload }) => connection.send(channel, bytesOf(payload), now),
  fill: (connection, now, { channel, size, count }) => {
    for (let n = 0; n < count; n++) connection.send(channel, new Uint8Array(size).fill(n), now);
  },
  cancel: (connection, _, { id }) => connection.cancel(id),
  receive: (connection, now, { packet }) => connection.receivePacket(bytesOf(packet), now),
  wake: (connection, now) => connection.handleTimeout(now),
  stale: (connection) => connection.dropUnreliable(),
  close: (connection, now, { reason, detail }) => connection.close(reason, detail, now),
};

function attempted(action) {
  try {
    return { value: action() ?? null, thrown: null };
  } catch (error) {
    return { value: null, thrown: error instanceof WireError ? "WireError" : error.message };
  }
}

const finite = (number) => (Number.isFinite(number) ? number : null);

/** Do one step; tell what came of it. */
function played(connection, step) {
  const told = attempted(() => steps[step.do](connection, step.now, step));
  const room = step.room ?? Infinity;
  const packets = step.drain ? connection.packetsToSend(step.now, room).map(marked) : [];
  const events = [];
  for (let event; (event = connection.nextEvent()); ) events.push(marked(event));
  return {
    ...told, packets, events,
    wantsLink: connection.wantsLink(step.now), usesLink: connection.usesLink,
    next: finite(connection.nextTimeout()), state: connection.state,
    stats: step.stats ? connection.stats(step.now) : null,
  };
}

export function run({ token, hash, channels, config, plays }) {
  return plays.map((script) => {
    const draws = [...(config.draws ?? [])];
    const connection = new Connection({
      token: bytesOf(token), protocolHash: bytesOf(hash), version: 1, closeReasons: CLOSE_REASONS,
      random: () => draws.shift() ?? 0.5, config, ...(channels ? { channels } : {}),
    });
    return script.map((step) => played(connection, step));
  });
}
