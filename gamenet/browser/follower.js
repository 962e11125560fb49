// SPDX-License-Identifier: MIT
/** Follow the server's world, and tell the page what happens there. */

import { HeldEvents } from "./events.js";
import { WireError } from "./numbers.js";
import { Replica } from "./replica.js";
import { SnapshotFeed } from "./snapshots.js";
import { World } from "./world.js";
import { Writes } from "./writes.js";

export class Follower {
  #codec;
  #listeners;
  #outgoing;
  #events;
  #feed;
  /** @type {Replica | null} */
  #replica = null;
  /** @type {Writes | null} */
  #writes = null;

  /**
   * @param {any} codec the generated module of the game
   * @param {import("./listeners.js").Listeners} listeners of the page
   * @param {import("./outgoing.js").Outgoing} outgoing
   */
  constructor(codec, listeners, outgoing) {
    /** What runs ahead, if anything does. @type {import("./predicting.js").Predicting | null} */
    this.predicting = null;
    this.#codec = codec;
    this.#listeners = listeners;
    this.#outgoing = outgoing;
    this.#events = new HeldEvents(codec.events);
    this.#feed = new SnapshotFeed(() => outgoing.control("Resync", { tick: this.#writtenTick }));
  }

  /** Tick of the newest snapshot; a server that has sent none needs no better one than 0. */
  get #writtenTick() {
    return Math.max(this.#replica?.tick ?? 0, 0);
  }

  /**
   * Make the world.
   * @param {number} capacity rows
   * @param {() => void} look brings what is drawn up to date, if time has passed
   * @returns {World}
   */
  begin(capacity, look) {
    const world = new World(this.#codec.components, capacity, look);
    this.#replica = new Replica(this.#codec.components, world);
    this.#writes = new Writes(this.#codec, world, this.#replica);
    return world;
  }

  /**
   * Take a snapshot.
   * @param {Uint8Array} payload
   * @param {number} now
   * @param {(tick: number, told: import("./blocks.js").SnapshotReader) => void} take called with its tick and
   *     what it says, before the page is told of anything but what is gone
   */
  snapshot(payload, now, take) {
    const gone = (event, entity) => this.#listeners.emit(event, entity);
    const applied = this.#feed.take(this.#replica, payload, now, gone);
    if (applied === null) return;
    take(applied.tick, applied.told);
    for (const [event, entity] of applied.happened) this.#listeners.emit(event, entity);
    this.#tellChanges();
    for (const over of applied.over) {
      this.#listeners.emit("snapshot", over);
      this.#events.reach(over);
      this.#tellEvents();
    }
  }

  /** Take events of a tick: nothing overtakes the welcome on a stream. @param {Uint8Array} payload */
  tickEvents(payload) {
    if (this.#replica === null) throw new WireError("events before the welcome");
    this.#events.take(payload);
    this.#tellEvents();
  }

  #tellEvents() {
    for (const event of this.#events.release()) {
      if (this.predicting?.heard(event) === false) continue; // it was played when it was predicted
      this.#listeners.emit("event", event.name, event.value, event.tick);
    }
  }

  #tellChanges() {
    for (const call of this.#replica.takeCalls()) this.#listeners.call(...call);
  }

  /** See `GameClient.onChanged`. */
  watch(component, field, callback) {
    return this.#replica.watch(component, field, callback);
  }

  /** See `GameClient.write`. */
  write(playerId, row, component, values) {
    const message = this.#writes.write(playerId, row, component, values, this.#writtenTick);
    this.#outgoing.control("Written", message);
    this.#tellChanges();
  }

  /** Take back what the server refuses. @param {any} message WriteRefused */
  refused(message) {
    const refused = this.#writes.refused(message);
    this.#tellChanges();
    this.#listeners.emit("write_refused", refused);
  }

  /** @param {number} now */
  stats(now) {
    return this.#feed.stats(now);
  }
}
