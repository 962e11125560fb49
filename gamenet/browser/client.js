// SPDX-License-Identifier: MIT
/**
 * A player's view of a running game: its world, its players, its messages.
 *
 * Made by `connect` of gamenet.js. It turns messages of the connection into changes of
 * the world and calls back for what a page wants to know of.
 */

import { Reader, Writer } from "./bytes.js";
import { Rate, ServerClock } from "./clock.js";
import { InputSender } from "./input.js";
import { WireError } from "./numbers.js";
import { PartCounter } from "./parts.js";
import { decode, encode } from "./schemas.js";
import { distance32 } from "./sequence.js";
import { World } from "./world.js";

const CONTROL = 0;
const SNAPSHOTS = 1;
const INPUTS = 2;
const MAX_CAPACITY = 1 << 20; // rows of a world
const FIRST_GAME_MESSAGE = 16; // ids below are the framework's

/**
 * @typedef {{reason: string, advice: string, detail: string}} Closed
 * @typedef {"spawned" | "despawned" | "snapshot" | "player_entered" | "player_exited"
 *   | "message" | "progress" | "dropped" | "resumed" | "closed"} EventName
 */

export class GameClient {
  #connection;
  #now;
  #pump;
  #clock;
  #inputs;
  #control;
  #callbacks = new Map();
  #parts = new PartCounter();
  #snapshots = new Rate();

  /**
   * @param {object} options
   * @param {any} options.codec the generated module of the game
   * @param {object} options.game what the server answered to /connect
   * @param {import("./connection.js").Connection} options.connection
   * @param {() => number} options.now monotonic seconds
   * @param {() => void} options.pump sends what the connection has to send
   */
  constructor({ codec, game, connection, now, pump }) {
    this.codec = codec;
    this.game = game;
    this.protocolHash = codec.PROTOCOL_HASH;
    /** Id of our player, 0 before the server's welcome. */
    this.playerId = 0;
    /** @type {Map<number, {id: number, name: string}>} */
    this.players = new Map();
    /** Tick of the newest snapshot. */
    this.tick = 0;
    this.tickRate = 0;
    /** How far in the past `world.interpolated` is, in seconds. */
    this.interpolationDelay = 0;
    /** @type {World | null} */
    this.world = null;
    this.#connection = connection;
    this.#now = now;
    this.#pump = pump;
    this.#inputs = new InputSender(codec.inputs);
    this.#control = {
      Welcome: (message) => this.#welcome(message),
      PlayerEntered: (message) => this.#playerEntered(message),
      PlayerExited: (message) => this.#playerExited(message),
      Spawned: (message) => this.#spawned(message),
      Despawned: (message) => this.world.applyDespawned(message, (e) => this.#emit("despawned", e)),
    };
  }

  /**
   * Call back for each event of a kind.
   * @param {EventName} event
   * @param {(...values: any[]) => void} callback
   * @returns {() => void} ends it
   */
  on(event, callback) {
    const callbacks = this.#callbacks.get(event) ?? new Set();
    this.#callbacks.set(event, callbacks.add(callback));
    return () => callbacks.delete(callback);
  }

  /** An error in a page's callback is the page's: it is reported, and changes nothing here. */
  #emit(event, ...values) {
    for (const callback of this.#callbacks.get(event) ?? []) {
      try {
        callback(...values);
      } catch (error) {
        queueMicrotask(() => { throw error; });
      }
    }
  }

  /**
   * Send an input, with the last ones repeated.
   * @param {string} name of the input's class
   * @param {object} [values] by field; those left out have their defaults
   */
  sendInput(name, values = {}) {
    const payload = this.#inputs.encode(name, values, this.tick);
    this.#send(INPUTS, payload);
  }

  /**
   * Send one of the game's messages on its channel. What is reliable arrives even if the
   * connection is dropped meanwhile.
   * @param {string} name of the message's class
   * @param {object} [values] by field; those left out have their defaults
   * @returns {number | undefined} its id, for "progress" and `cancel`; undefined after the end
   */
  send(name, values = {}) {
    const out = new Writer();
    const [id, schema] = this.#entry(name);
    out.varint(id);
    out.raw(encode(schema, values));
    return this.#send(this.#channelOf(id), out.finish());
  }

  /** Give up a large message that has not left whole. @param {number} id @returns {boolean} whether it was */
  cancel(id) {
    const wasGivenUp = this.#connection.cancel(id);
    this.#pump();
    return wasGivenUp;
  }

  #entry(name) {
    for (const entry of this.codec.messages) {
      if (entry[0] >= FIRST_GAME_MESSAGE && entry[1].name === name) return entry;
    }
    throw new Error(`no message ${name} in this game`);
  }

  #channelOf(id) {
    return this.codec.messageChannels?.get(id) ?? CONTROL;
  }

  /** What is sent after the end is lost: the page hears of the end by "closed". */
  #send(channel, payload) {
    if (!["connected", "dropped"].includes(this.#connection.state)) return undefined;
    const id = this.#connection.send(channel, payload, this.#now());
    this.#pump();
    return id;
  }

  /** Leave the game; the server is told. */
  close() {
    this.#connection.close("NORMAL", "", this.#now());
    this.#pump();
  }

  /** @returns {number} the server's tick now, estimated, with a fraction */
  serverTick() {
    return this.#clock?.tickAt(this.#now()) ?? 0;
  }

  /** Seconds, and amounts a second over the last two; loss is 0 to 1. See ClientStats in gamenet.d.ts. */
  stats() {
    const now = this.#now();
    return { ...this.#connection.stats(now), snapshotsPerSecond: this.#snapshots.perSecond(now) };
  }

  /**
   * Take an event of the connection.
   * @param {import("./connection.js").ConnectionEvent} event
   */
  receive(event) {
    if (event.type === "message") this.#receiveMessage(event);
    else if (event.type === "closed" || event.type === "dropped") this.#emit(event.type, this.closed(event));
    else if (event.type === "resumed") this.#emit("resumed");
    else if (event.type === "progress") this.#emit("progress", event.id, event.acked, event.total);
  }

  #receiveMessage(event) {
    try {
      if (event.channel === SNAPSHOTS) this.#snapshot(event.payload);
      else this.#message(event);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#connection.close(error.reason, error.message, this.#now());
    }
  }

  /**
   * Say why the connection or its link ended, for the user.
   * @param {{reason: string, detail?: string}} event
   * @returns {Closed}
   */
  closed({ reason, detail = "" }) {
    const { advice } = this.codec.CLOSE_REASONS.find(({ name }) => name === reason);
    return { reason, advice, detail };
  }

  #snapshot(payload) {
    if (!this.world) throw new WireError("snapshot before the welcome");
    const now = this.#now();
    const { tick, parts } = this.world.applySnapshot(payload);
    if (distance32(tick, this.tick) > 0) {
      this.tick = tick;
      this.#clock.observe(tick, now);
    }
    for (const over of this.#parts.take(tick, parts)) {
      this.#snapshots.add(1, now);
      this.#emit("snapshot", over);
    }
  }

  #message({ channel, payload }) {
    const from = new Reader(payload);
    const id = from.varint();
    const schema = this.codec.messages.get(id);
    if (!schema) return; // of a newer server
    if (channel !== this.#channelOf(id)) throw new WireError(`${schema.name} on channel ${channel}`);
    const message = decode(schema, from.take(from.remaining));
    if (id >= FIRST_GAME_MESSAGE) this.#emit("message", schema.name, message);
    else if (this.world || schema.name === "Welcome") this.#control[schema.name]?.(message);
    else throw new WireError(`${schema.name} before the welcome`);
  }

  #welcome({ player_id: playerId, tick, tick_rate: tickRate, capacity }) {
    if (this.world) throw new WireError("a second welcome");
    if (!(capacity >= 1 && capacity <= MAX_CAPACITY && tickRate > 0 && tickRate < Infinity)) {
      throw new WireError(`a world of ${capacity} rows and ${tickRate} ticks a second`);
    }
    this.playerId = playerId;
    this.tick = tick;
    this.tickRate = tickRate;
    this.interpolationDelay = 2 / tickRate;
    this.#clock = new ServerClock(tickRate);
    this.#clock.observe(tick, this.#now());
    const renderTick = () => this.serverTick() - this.interpolationDelay * tickRate;
    this.world = new World(this.codec.components, capacity, renderTick);
  }

  #playerEntered({ player_id: id, name }) {
    const player = { id, name };
    this.players.set(id, player);
    this.#emit("player_entered", player);
  }

  #playerExited({ player_id: id, reason: number }) {
    const name = this.players.get(id)?.name ?? "";
    const reason = this.codec.CLOSE_REASONS.find((known) => known.number === number)?.name;
    this.players.delete(id);
    this.#emit("player_exited", { id, name, reason: reason ?? "NORMAL" });
  }

  #spawned(message) {
    const despawned = (entity) => this.#emit("despawned", entity);
    for (const entity of this.world.applySpawned(message, despawned)) this.#emit("spawned", entity);
  }
}
