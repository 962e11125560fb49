// SPDX-License-Identifier: MIT
/** Replay what was done with a Python connection on the browser's, step by step. */

import { WireError } from "./numbers.js";
import { Connection } from "./connection.js";
import { CLOSE_REASONS } from "./protocol.js";
import { bytesOf, marked } from "./values.js";

function eventOf(event) {
  if (event.type === "message") return ["message", event.channel, marked(event.payload)];
  if (event.type === "closed") return ["closed", event.reason, event.detail];
  return [event.type];
}

const steps = {
  connect: (connection, now) => connection.connect(now),
  send: (connection, now, { channel, payload }) => connection.send(channel, bytesOf(payload), now),
  receive: (connection, now, { packet }) => connection.receivePacket(bytesOf(packet), now),
  wake: (connection, now) => connection.handleTimeout(now),
  close: (connection, now, { reason, detail }) => connection.close(reason, detail, now),
};

function attempted(action) {
  try {
    action();
    return null;
  } catch (error) {
    return error instanceof WireError ? "WireError" : error.message;
  }
}

/** Do one step; tell what came of it. */
function played(connection, step) {
  const thrown = attempted(() => steps[step.do](connection, step.now, step));
  const packets = step.drain ? connection.packetsToSend(step.now).map(marked) : [];
  const events = [];
  for (let event; (event = connection.nextEvent()); ) events.push(eventOf(event));
  const next = connection.nextTimeout();
  return { thrown, packets, events, next: Number.isFinite(next) ? next : null, stats: connection.stats() };
}

export function run({ hash, salt, userData, config, replays }) {
  return replays.map((replay) => {
    const connection = new Connection({
      protocolHash: bytesOf(hash), version: 1, closeReasons: CLOSE_REASONS,
      salt: BigInt(salt), userData: bytesOf(userData), config,
    });
    return replay.map((step) => played(connection, step));
  });
}
