// SPDX-License-Identifier: MIT
/**
 * The time lines of a client, tied together: server time, own ticks ahead of it, the view
 * behind it.
 *
 * Own tick: the page samples its inputs, the predicted step runs, the frame is sent; it is
 * with the server when that makes the same tick. View tick: where others are drawn, between
 * two snapshots. What each of the parts does is its own: see clock.js, lead.js, input.js,
 * playout.js, schedule.js.
 *
 * Of a predictor (predictor.js), if there is one, these are called:
 *
 *   advance(tick)        an own tick begins, and its frame is closed: run the step.
 *                        `foresight.inputs.at(tick)` is what the player does in it.
 *   confirm(tick, told)  a snapshot says what rows were like at a tick.
 *   reset(tick)          the own time line has jumped: the next tick that begins is this one.
 *   show(fraction, now)  put own rows into the view: so far is the own time line on its way
 *                        from the newest own tick to the next.
 *
 * and of a view (view.js):
 *
 *   arrived(tick, told, viewTick)   the same snapshot.
 *   update(viewTick, now)           write the view.
 *   sight(viewTick)                 {tick, older, newer}: the two snapshots that it is between;
 *                                   older = newer = 0 where it is between none.
 *
 * `told` is the snapshot as it was read (SnapshotReader in blocks.js: rows, told, words, count),
 * valid during the call. The world shows it already, and the page has not heard of it.
 */

import { ClockSync } from "./clock.js";
import { RunningCount, decodeFeedback, sentAt, wireClock } from "./feedback.js";
import { InputBuffer } from "./input.js";
import { Lead } from "./lead.js";
import { Playout } from "./playout.js";
import { Schedule } from "./schedule.js";

const FIRST_PROBES = 5;
const FIRST_INTERVAL = 0.05; // seconds between the probes at the beginning
const DRAWN = 0.004; // seconds: what is asked for within them belongs to one drawn frame
const INTERVAL = 1; // seconds without an input packet after which the server is asked again
const REORDERED = 64; // ticks by which snapshots may overtake one another
const MOST_HELD = 8; // ticks that inputs may be held ahead
const FEEDBACK = 0.1; // seconds between two answers of the server
const MIN_PATIENCE = 0.15; // seconds after which inputs go once more if nothing is heard
const PATIENCE = 1.5; // round trips

/** @typedef {import("./input_packets.js").Sight} Sight */

export class Foresight {
  #listeners;
  #send;
  #schedule = new Schedule();
  #faults = { late: new RunningCount(), missing: new RunningCount() };
  #newest = 0;
  #looked = -Infinity;
  #isAdvancing = false;
  /** @type {number | null} the own tick whose inputs the page is asked for */
  #sampled = null;
  /** The newest tick for which an input was held outside of own ticks. */
  #held = 0;
  #probes = 0;
  #probeAt = -Infinity;
  /** @type {import("./feedback.js").Feedback | null} */
  #feedback = null;

  /**
   * @param {object} options
   * @param {readonly any[]} options.schemas inputs of the generated module, by id
   * @param {number} options.tickRate
   * @param {number} [options.delay] of the view, in seconds; as the link needs if left out
   * @param {import("./listeners.js").Listeners} options.listeners of the page
   * @param {(payload: Uint8Array) => void} options.send on the channel of inputs
   */
  constructor({ schemas, tickRate, delay, listeners, send }) {
    this.#listeners = listeners;
    this.#send = send;
    this.clock = new ClockSync(tickRate);
    this.lead = new Lead(tickRate);
    this.inputs = new InputBuffer(schemas);
    this.playout = new Playout(tickRate, delay ?? null);
    /** @type {any} runs own rows ahead; `client.predict` sets it */
    this.predictor = null;
    /** @type {any} what is drawn */
    this.view = null;
  }

  /**
   * Begin with what the welcome says.
   * @param {number} tick
   * @param {number} rtt seconds, 0 if not measured yet
   * @param {number} now
   */
  begin(tick, rtt, now) {
    this.clock.seed(tick, rtt, now);
    this.#probeAt = now; // and not at once: what has just come is still being told
  }

  /** @returns {boolean} whether every own tick has a frame, and not only those with inputs */
  get isSteady() {
    return this.inputs.isSteady || this.predictor !== null || this.#listeners.has("tick");
  }

  /**
   * Do what is due: own ticks that begin, and calls of the server's ticks. May be called by
   * anyone, at any time.
   * @param {number} now
   */
  advance(now) {
    if (this.#isAdvancing) return; // a page may ask for it within a tick
    this.#isAdvancing = true;
    try {
      this.#runTicks(now);
      this.#callDue(now);
    } finally {
      this.#isAdvancing = false;
    }
    if (now >= this.#probeAt) this.#probe(now);
  }

  #callDue(now) {
    for (const scheduled of this.#schedule.due(Math.floor(this.serverTick(now)))) {
      if (!scheduled.isCancelled) this.#listeners.call(scheduled.call);
    }
  }

  #runTicks(now) {
    const before = this.lead.tick;
    const ticks = this.lead.advance(now, this.clock);
    // Where not every tick has a frame, what was held is good unless it blocks ticks to come.
    if (this.isSteady ? this.lead.resynced : this.lead.tick < before) this.#restart(ticks);
    if (!this.isSteady) return;
    for (const tick of ticks) this.#runTick(tick);
    if (ticks.length > 0) this.#say(now);
  }

  #runTick(tick) {
    this.#sampled = tick;
    this.#listeners.emit("tick", tick);
    this.#sampled = null;
    this.inputs.close(tick, this.#sight());
    this.predictor?.advance(tick);
  }

  /** The own time line has jumped: what was held for ticks of the old one is of no use. */
  #restart(ticks) {
    this.inputs.restart();
    this.predictor?.reset(ticks[0]);
  }

  /**
   * Hold an input for the own tick that is being sampled. Outside of that it is for the next
   * one; and sent at once, unless frames are sent every tick anyway.
   * @param {string} name
   * @param {object} values by field
   * @param {number} now
   */
  input(name, values, now) {
    if (this.#sampled !== null) {
      this.inputs.hold(name, values, this.#sampled);
      return;
    }
    if (this.isSteady) {
      this.inputs.hold(name, values, this.lead.tick + 1);
      return;
    }
    const tick = this.#soonest(now);
    // The server has lost time: what was held for ticks to come would block them.
    if (tick + MOST_HELD < this.#held) this.inputs.restart();
    this.#held = this.inputs.hold(name, values, tick);
    this.inputs.see(this.#held, this.#sight());
    this.#say(now);
  }

  /** The next tick for which an input can be there that is sent now. */
  #soonest(now) {
    const way = this.clock.rtt / 2 + 2 * this.clock.jitter;
    return Math.floor(this.clock.serverTick(now) + way * this.lead.tickRate) + 1;
  }

  /** Send the frames that the server lacks, and once more if it does not answer; without any it is a probe. */
  #say(now) {
    const patience = Math.max(MIN_PATIENCE, PATIENCE * this.clock.rtt + FEEDBACK);
    this.#send(this.inputs.packet(wireClock(now)));
    this.#probeAt = now + (this.inputs.nUnacked > 0 ? patience : INTERVAL);
  }

  /** Ask for feedback, often at the beginning. */
  #probe(now) {
    this.#say(now);
    if (++this.#probes < FIRST_PROBES) this.#probeAt = now + FIRST_INTERVAL;
  }

  /** The link is new: measure it soon. @param {number} now */
  resumed(now) {
    this.#probes = 0;
    this.#probeAt = now;
  }

  /**
   * Hear what the server says of our inputs.
   * @param {Uint8Array} payload
   * @param {number} now
   */
  hear(payload, now) {
    const feedback = decodeFeedback(payload);
    this.#feedback = feedback;
    const { held, serverTick } = feedback;
    if (held !== null) this.clock.sample(sentAt(feedback, now), now, serverTick, held);
    this.#faults.late.take(feedback.late);
    this.#faults.missing.take(feedback.missing);
    this.inputs.acked(feedback.acked);
    // A part of an older snapshot may come yet, and have the predictor begin there.
    this.inputs.forget(Math.min(feedback.acked, this.#newest - REORDERED));
    this.lead.hear(feedback);
  }

  /**
   * Take a snapshot, or one part of it, that the world shows already.
   * @param {number} tick
   * @param {import("./blocks.js").SnapshotReader} told
   * @param {number} now
   */
  arrived(tick, told, now) {
    this.#newest = Math.max(this.#newest, tick);
    this.playout.arrived(tick, now);
    this.view?.arrived(tick, told, this.viewTick(now));
    this.predictor?.confirm(tick, told);
  }

  /** Bring the view up to date; meant for once a drawn frame. @param {number} now */
  look(now) {
    this.#looked = now;
    this.view?.update(this.viewTick(now), now);
    this.predictor?.show(this.lead.position(now) - this.lead.tick, now);
  }

  /**
   * Bring the view up to date for a page that does not do that itself.
   * @param {number} now
   * @returns {number} the view tick
   */
  glance(now) {
    if (now - this.#looked > DRAWN) this.look(now);
    return this.viewTick(now);
  }

  /** @param {number} now @returns {number} the server's tick, with a fraction */
  serverTick(now) {
    return this.clock.serverTick(now);
  }

  /** @param {number} now @returns {number} the past moment at which others are drawn */
  viewTick(now) {
    return this.playout.viewTick(now);
  }

  /** @returns {Sight} what the player sees when deciding: the view, or else what came last */
  #sight() {
    const tick = this.view?.tick ?? -Infinity;
    return tick > -Infinity ? this.view.sight(tick) : { tick: this.#newest, older: 0, newer: 0 };
  }

  /** See `GameClient.at`. */
  at(tick, call) {
    return this.#schedule.at(tick, call);
  }

  /** See ClientStats in gamenet.d.ts. @param {number} now */
  stats(now) {
    const { clock, lead, playout } = this;
    return {
      clockError: clock.error, clockDrift: clock.drift, clockJitter: clock.jitter,
      resyncs: clock.nResyncs + lead.nResyncs,
      ahead: lead.ahead, speed: lead.speed,
      slack: this.#feedback?.slack ?? 0, wanted: this.#feedback?.wanted ?? 0, depth: this.#feedback?.depth ?? 0,
      late: this.#faults.late.total, missing: this.#faults.missing.total,
      unacknowledged: this.inputs.nUnacked,
      delay: playout.delay, viewJitter: playout.jitter, stale: playout.nStale,
      ...this.predictor?.stats(),
    };
  }
}
