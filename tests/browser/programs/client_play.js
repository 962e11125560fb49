// SPDX-License-Identifier: MIT
/** Feed a client what a server sent, have it send, and note what it tells and sends. */

import { GameClient } from "./client.js";
import * as protocol from "./protocol.js";
import { bytesOf, marked, unmarked } from "./values.js";

const EVENTS = ["spawned", "despawned", "snapshot", "player_entered", "player_exited", "message", "closed"];

/** Stands in for a connection: keeps what it is given. */
class Connection {
  constructor() {
    this.state = "connected";
    this.sent = [];
    this.closed = [];
    this.bytesReceived = 0;
  }

  send(channel, payload) {
    this.sent.push([channel, marked(payload)]);
  }

  close(reason, detail) {
    this.state = "closed";
    this.closed.push([reason, detail]);
  }

  stats() {
    return { state: this.state, rtt: 0.05, jitter: 0.01, loss: 0.25, bytesReceived: this.bytesReceived,
             bytesSent: 0, packetsReceived: 0, packetsSent: 0 };
  }
}

const steps = {
  receive: (client, connection, { channel, bytes }) => {
    connection.bytesReceived += bytes.length / 2;
    client.receive({ type: "message", channel, payload: bytesOf(bytes) });
  },
  closed: (client, _, { reason, detail }) => client.receive({ type: "closed", reason, detail }),
  input: (client, _, { name, values }) => client.sendInput(name, unmarked(values)),
  send: (client, _, { name, values }) => client.send(name, values),
  close: (client) => client.close(),
  wait: () => undefined,
};

export function run({ script }) {
  let now = 0;
  let pumped = 0;
  const connection = new Connection();
  const client = new GameClient({
    codec: protocol, game: { title: "Test" }, connection, now: () => now, pump: () => { pumped++; },
  });
  const told = [];
  for (const event of EVENTS) client.on(event, (...values) => told.push([event, ...values.map(marked)]));
  const thrown = script.map((step) => {
    now = step.now;
    try {
      steps[step.do](client, connection, step);
      return null;
    } catch (error) {
      return error.message;
    }
  });
  return {
    told, thrown, pumped, sent: connection.sent, closed: connection.closed, playerId: client.playerId,
    players: [...client.players.values()], tick: client.tick, serverTick: client.serverTick(),
    delay: client.interpolationDelay, stats: client.stats(), capacity: client.world?.capacity ?? 0,
  };
}
