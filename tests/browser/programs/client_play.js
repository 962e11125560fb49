// SPDX-License-Identifier: MIT
/** Feed a client what a server sent, have it send, and note what it tells and sends. */

import { GameClient } from "./client.js";
import * as protocol from "./protocol.js";
import { Meter } from "./stats.js";
import { bytesOf, marked, unmarked } from "./values.js";

const EVENTS = ["spawned", "despawned", "left", "reshaped", "reowned", "snapshot", "event", "event_cancelled", "write_refused",
                "player_entered", "player_exited", "message", "progress", "dropped", "resumed", "closed"];

/** Stands in for a connection: keeps what it is given. */
class Connection {
  constructor() {
    this.state = "connected";
    this.sent = [];
    this.closed = [];
    this.cancelled = [];
    this.meter = new Meter();
  }

  send(channel, payload) {
    return this.sent.push([channel, marked(payload)]) - 1;
  }

  cancel(id) {
    return this.cancelled.push(id) === 1;
  }

  close(reason, detail) {
    this.state = "closed";
    this.closed.push([reason, detail]);
  }

  stats(now) {
    return { state: this.state, rtt: 0.05, jitter: 0.01, ...this.meter.figures(now) };
  }
}

/** What a step adds for later ones, and for the answer. */
const later = { told: [], promises: [], watches: [], calls: [], controller: new AbortController() };

function waited(client, { component, timeout, signal, abort }) {
  if (abort) later.controller.abort(new Error("not wanted"));
  const options = { timeout, signal: signal || abort ? later.controller.signal : undefined };
  const promise = client.spawned(component, options);
  later.promises.push(promise.catch((error) => ({ failed: error.message })));
}

const steps = {
  watch: (client, _, { watch }) => {
    for (const [component, field] of watch) {
      const tell = (...values) => later.told.push(["changed", component, field, ...values.map(marked)]);
      later.watches.push(client.onChanged(component, field, tell));
    }
  },
  unwatch: () => later.watches.forEach((end) => end()),
  await: (client, _, step) => waited(client, step),
  abort: () => later.controller.abort(new Error("not wanted")),
  write: (client, _, { row, component, values }) => client.write(row, component, unmarked(values)),
  show: (client, _, { component, row }) => marked(client.world.values(component, row)),
  receive: (client, connection, { channel, bytes, now }) => {
    connection.meter.received(bytes.length / 2, now);
    client.receive({ type: "message", channel, payload: bytesOf(bytes) });
  },
  tell: (client, connection, { event }) => {
    connection.state = event.type === "dropped" ? "dropped" : "connected";
    client.receive(event);
  },
  cancel: (client, _, { id }) => client.cancel(id),
  closed: (client, _, { reason, detail }) => client.receive({ type: "closed", reason, detail }),
  input: (client, _, { name, values }) => client.sendInput(name, unmarked(values)),
  send: (client, _, { name, values }) => client.send(name, values),
  /** Sample an input in each own tick, and say so. */
  steer: (client, _, { name, values }) => {
    later.watches.push(client.on("tick", (tick) => {
      later.told.push(["tick", tick]);
      for (const each of values) client.sendInput(name, unmarked(each));
    }));
  },
  /** Predict that an input moves its own entities, and that Jump is heard. */
  predict: (client, _, { components, having }) => {
    later.predicting = client.predict({
      components,
      having,
      input: (rows, name, values, tick, world) => {
        for (const row of rows) {
          if (name === "Jump") world.emit("Shot", { x: 5 }, row);
          else world.columns(components[0]).x[row] += values.x;
        }
      },
      step: () => undefined,
    });
  },
  drawn: (client, _, { component, row }) => [
    client.world.interpolated(component, row).x, later.predicting.world.columns(component).x[row],
    later.predicting.ghost(component, row)?.x ?? null, client.world.values(component, row).x,
  ],
  advance: (client) => client.advance(),
  keep: (client) => client.keepTime(),
  schedule: (client, _, { ticks, seconds = [] }) => {
    for (const tick of ticks) later.calls.push(client.at(tick, () => later.told.push(["at", tick, client.serverTick()])));
    for (const moment of seconds) client.atTime(moment, () => later.told.push(["at", -moment, client.serverTick()]));
  },
  unschedule: (_client, _connection, { n }) => later.calls[n].cancel(),
  times: (client) => [client.serverTick(), client.ownTick, client.viewTick(), client.interpolationDelay],
  close: (client) => client.close(),
  wait: () => undefined,
};

export async function run({ script, interpolationDelay }) {
  let now = 0;
  let pumped = 0;
  const connection = new Connection();
  const client = new GameClient({
    codec: protocol, game: { title: "Test" }, connection, now: () => now, pump: () => { pumped++; },
    interpolationDelay,
  });
  const { told } = later;
  const values = [];
  for (const event of EVENTS) client.on(event, (...values) => told.push([event, ...values.map(marked)]));
  const thrown = script.map((step) => {
    now = step.now;
    try {
      values.push(steps[step.do](client, connection, step) ?? null);
      return null;
    } catch (error) {
      return error.message;
    }
  });
  const awaited = marked(await Promise.all(later.promises));
  return {
    told, thrown, values, awaited, pumped, sent: connection.sent, closed: connection.closed, playerId: client.playerId,
    players: [...client.players.values()], tick: client.tick, serverTick: client.serverTick(),
    delay: client.interpolationDelay, stats: client.stats(), capacity: client.world?.capacity ?? 0,
  };
}
