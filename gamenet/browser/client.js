// SPDX-License-Identifier: MIT
/**
 * A player's view of a running game: its world, its players, its messages.
 *
 * Made by `connect` of gamenet.js. It turns messages of the connection into changes of
 * the world and calls back for what a page wants to know of.
 */

import { arrival } from "./arrivals.js";
import { Reader } from "./bytes.js";
import { Follower } from "./follower.js";
import { Foresight } from "./foresight.js";
import { Listeners } from "./listeners.js";
import { WireError } from "./numbers.js";
import { FIRST_GAME_MESSAGE, INPUTS, Outgoing } from "./outgoing.js";
import { Players } from "./players.js";
import { Predicting } from "./predicting.js";
import { decode } from "./schemas.js";
import { View } from "./view.js";
import { checkWelcome } from "./welcome.js";

const SNAPSHOTS = 1;
const EVENTS = 3;

/**
 * @typedef {{reason: string, advice: string, detail: string}} Closed
 * @typedef {"spawned" | "despawned" | "left" | "reshaped" | "reowned" | "snapshot" | "event"
 *   | "write_refused" | "player_entered" | "player_exited" | "message" | "progress" | "dropped"
 *   | "resumed" | "closed" | "tick" | "event_cancelled"} EventName
 */

export class GameClient {
  #connection;
  #now;
  #pump;
  #control;
  /** @type {Foresight | null} */
  #foresight = null;
  #delay;
  #outgoing;
  #follower;
  #players;
  #listeners = new Listeners();

  /**
   * @param {object} options
   * @param {any} options.codec the generated module of the game
   * @param {object} options.game what the server answered to /connect
   * @param {import("./connection.js").Connection} options.connection
   * @param {() => number} options.now monotonic seconds
   * @param {() => void} options.pump sends what the connection has to send
   * @param {number} [options.interpolationDelay] seconds; as the link needs if left out
   */
  constructor({ codec, game, connection, now, pump, interpolationDelay }) {
    this.codec = codec;
    this.game = game;
    this.protocolHash = codec.PROTOCOL_HASH;
    /** Id of our player, 0 before the server's welcome. */
    this.playerId = 0;
    this.#players = new Players(codec.CLOSE_REASONS);
    this.players = this.#players.byId;
    /** Tick of the newest snapshot. */
    this.tick = 0;
    this.tickRate = 0;
    /** @type {import("./world.js").World | null} */
    this.world = null;
    /** What is drawn: the components at the view tick. @type {View | null} */
    this.view = null;
    this.#connection = connection;
    this.#now = now;
    this.#pump = pump;
    this.#delay = interpolationDelay;
    this.#outgoing = new Outgoing({ codec, connection, now, pump });
    this.#follower = new Follower(codec, this.#listeners, this.#outgoing);
    this.#control = {
      Welcome: (message) => this.#welcome(message),
      PlayerEntered: (message) => this.#listeners.emit("player_entered", this.#players.entered(message)),
      PlayerExited: (message) => this.#listeners.emit("player_exited", this.#players.exited(message)),
      WriteRefused: (message) => this.#follower.refused(message),
    };
  }

  /**
   * Call back for each event of a kind.
   * @param {EventName} event
   * @param {(...values: any[]) => void} callback
   * @returns {() => void} ends it
   */
  on(event, callback) {
    return this.#listeners.on(event, callback);
  }

  /**
   * Call back when a field changes in an entity that had the component before.
   * @param {string} component
   * @param {string} field
   * @param {(row: number, value: any, old: any) => void} callback
   * @returns {() => void} ends it
   */
  onChanged(component, field, callback) {
    return this.#follower.watch(component, field, callback);
  }

  /**
   * Wait for an entity with a component: resolves at once if there is one.
   * @param {string} component
   * @param {{timeout?: number, signal?: AbortSignal}} [options] seconds; gives it up
   * @returns {Promise<import("./world.js").Entity>}
   */
  spawned(component, options = {}) {
    return arrival(this, component, options);
  }

  /**
   * Send an input: within "tick" one of that own tick, else of the next one. Those that the
   * server may not have are repeated.
   * @param {string} name of the input's class
   * @param {object} [values] by field; those left out have their defaults
   */
  sendInput(name, values = {}) {
    this.#foresight?.input(name, values, this.#now());
  }

  /** Begin the own ticks that are due, and bring the view up to date: for a page's frames. @param {number} [now] */
  advance(now = this.#now()) {
    this.#foresight?.advance(now);
    this.#foresight?.look(now);
  }

  /** Begin the own ticks that are due, and no more: for what nobody looks at. */
  keepTime() {
    this.#foresight?.advance(this.#now());
  }

  /**
   * Run own entities ahead of the server, by a step that does what the server's does.
   * @param {import("./predicting.js").Prediction} prediction
   * @returns {Predicting} what is known of it, for a debugging view
   */
  predict(prediction) {
    const { codec, world, view, playerId, tickRate } = this;
    const { inputs } = this.#foresight;
    const options = { codec, world, view, playerId, tickRate, inputs, listeners: this.#listeners };
    return this.#follower.predicting = this.#foresight.predictor = new Predicting(prediction, options);
  }

  /**
   * Have something called when the server is at a tick; if it is past that, soon.
   * @param {number} tick
   * @param {() => void} callback
   * @returns {import("./schedule.js").Scheduled} `cancel()` gives it up
   */
  at(tick, callback) {
    return this.#foresight.at(tick, callback);
  }
  /** The same at a moment of the server's time. @param {number} seconds since tick 0 @param {() => void} callback */
  atTime = (seconds, callback) => this.at(Math.ceil(seconds * this.tickRate - 1e-6), callback);

  /**
   * Send one of the game's messages on its channel. What is reliable arrives even if the
   * connection is dropped meanwhile.
   * @param {string} name of the message's class
   * @param {object} [values] by field; those left out have their defaults
   * @returns {number | undefined} its id, for "progress" and `cancel`; undefined after the end
   */
  send(name, values = {}) {
    return this.#outgoing.message(name, values);
  }

  /** Give up a large message that has not left whole. @param {number} id @returns {boolean} whether it was */
  cancel(id) {
    return this.#outgoing.cancel(id);
  }

  /**
   * Write a component of an own entity: shown at once, and sent. If the server does not take
   * it, "write_refused" says why, and the component shows again what the server has.
   * @param {number} row
   * @param {string} component
   * @param {object} values by field; those left out stay
   */
  write(row, component, values) {
    this.#follower.write(this.playerId, row, component, values);
  }

  /** Leave the game; the server is told. */
  close() {
    this.#connection.close("NORMAL", "", this.#now());
    this.#pump();
  }

  /** @returns {number} the server's tick now, estimated, with a fraction */
  serverTick() {
    return this.#foresight?.serverTick(this.#now()) ?? 0;
  }

  /** @returns {number} the past tick that `world.interpolated` shows now, with a fraction */
  viewTick() {
    return this.#foresight?.viewTick(this.#now()) ?? 0;
  }

  /** @returns {number} the newest own tick, ahead of the server's */
  get ownTick() {
    return this.#foresight?.lead.tick ?? 0;
  }

  /** @returns {number} how far in the past the view is, in seconds */
  get interpolationDelay() {
    return this.#foresight?.playout.delay ?? 0;
  }

  /** Seconds, and amounts a second over the last two; loss is 0 to 1. See ClientStats in gamenet.d.ts. */
  stats() {
    const now = this.#now();
    return { ...this.#connection.stats(now), ...this.#follower.stats(now), ...this.#foresight?.stats(now) };
  }

  /**
   * Take an event of the connection.
   * @param {import("./connection.js").ConnectionEvent} event
   */
  receive(event) {
    const { type } = event;
    if (type === "message") this.#receiveMessage(event);
    else if (type === "closed" || type === "dropped") this.#listeners.emit(type, this.closed(event));
    else if (type === "resumed") this.#resumed();
    else if (type === "progress") this.#listeners.emit(type, event.id, event.acked, event.total);
  }

  #resumed() {
    this.#foresight?.resumed(this.#now());
    this.#listeners.emit("resumed");
  }

  #receiveMessage(event) {
    try {
      if (event.channel === SNAPSHOTS) this.#snapshot(event.payload);
      else if (event.channel === EVENTS) this.#follower.tickEvents(event.payload);
      else if (event.channel === INPUTS) this.#feedback(event.payload);
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
    const now = this.#now();
    this.#follower.snapshot(payload, now, (tick, told) => {
      this.tick = Math.max(this.tick, tick);
      this.#foresight.arrived(tick, told, now);
    });
    this.#foresight?.advance(now); // the timers of a tab that is not looked at hardly run
  }

  #feedback(payload) {
    if (this.#foresight === null) throw new WireError("feedback before the welcome");
    this.#foresight.hear(payload, this.#now());
  }

  #message({ channel, payload }) {
    const from = new Reader(payload);
    const id = from.varint();
    const schema = this.codec.messages.get(id);
    if (!schema) return; // of a newer server
    if (channel !== this.#outgoing.channelOf(id)) throw new WireError(`${schema.name} on channel ${channel}`);
    const message = decode(schema, from.take(from.remaining));
    if (id >= FIRST_GAME_MESSAGE) this.#listeners.emit("message", schema.name, message);
    else if (this.world || schema.name === "Welcome") this.#control[schema.name]?.(message);
    else throw new WireError(`${schema.name} before the welcome`);
  }

  #welcome(message) {
    if (this.world) throw new WireError("a second welcome");
    checkWelcome(message);
    const { player_id: playerId, tick, tick_rate: tickRate, capacity } = message;
    this.playerId = playerId;
    this.tick = tick;
    this.tickRate = tickRate;
    this.#foresight = new Foresight({
      schemas: this.codec.inputs, tickRate, delay: this.#delay, listeners: this.#listeners,
      send: (packet) => this.#outgoing.inputs(packet),
    });
    this.world = this.#follower.begin(capacity, () => this.#foresight.glance(this.#now()));
    this.view = this.world.view = this.#foresight.view = new View(this.world, tickRate, playerId);
    const now = this.#now();
    this.#foresight.begin(tick, this.#connection.stats(now).rtt, now);
  }
}
