// SPDX-License-Identifier: MIT
/**
 * One end of a connection, for Node: each line says what happens, and is answered by
 * what comes of it. The first line makes the connection.
 */

import { createInterface } from "node:readline";
import { Connection } from "./connection.js";
import { CLOSE_REASONS } from "./protocol.js";
import { generator } from "./random.js";
import { bytesOf, marked } from "./values.js";

const calls = {
  connect: (connection, now) => connection.connect(now),
  lost: (connection, now) => connection.linkLost(now),
  receive: (connection, now, packet) => connection.receivePacket(bytesOf(packet), now),
  send: (connection, now, channel, payload) => connection.send(channel, bytesOf(payload), now),
  cancel: (connection, _, id) => connection.cancel(id),
  close: (connection, now, reason, detail) => connection.close(reason, detail, now),
};

let connection;

function begin({ token, hash, channels, seed }) {
  connection = new Connection({
    token: bytesOf(token), protocolHash: bytesOf(hash), version: 1, closeReasons: CLOSE_REASONS,
    random: generator(seed), channels,
  });
  return {};
}

/** Do all that happens at a moment, in its order. */
function step({ now, calls: happened }) {
  connection.handleTimeout(now);
  const values = happened.map(([name, ...rest]) => calls[name](connection, now, ...rest) ?? null);
  const packets = connection.packetsToSend(now);
  const events = [];
  for (let event; (event = connection.nextEvent()); ) events.push(event);
  const { queuedBytes, resent } = connection.stats(now);
  return marked({
    values, packets, events, queuedBytes, resent, state: connection.state, wantsLink: connection.wantsLink(now),
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  console.log(JSON.stringify(connection ? step(question) : begin(question)));
}
