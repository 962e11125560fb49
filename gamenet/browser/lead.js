// SPDX-License-Identifier: MIT
/**
 * The own time, so far ahead of the server's as our inputs need to arrive.
 *
 * The server says how early frames came and how early it wants them. When the frame was made
 * of which it speaks is known, and so is when it should have been made: the answer may be old,
 * but never wrong, and nothing swings however long the round trip is. What we believe of the
 * server's time is no part of it, but for the beginning and as a bound. The own time
 * approaches it by its speed, a tenth at most; only when it is far off, or the page stood
 * still, does it jump, and says so. The same as gamenet/prediction/lead.py.
 */

import { distance32 } from "./sequence.js";

const LEAST = 1; // tick: on a loopback an input must still be there before its tick
const MOST = 10; // seconds
const STALL = 0.5; // seconds, or ticks: the longer of both
const STALL_TICKS = 2.5;
const FAR = 0.25; // seconds
const LEAST_FAR = 2; // ticks
const MOST_JITTER = 0.5; // seconds: no server can make us believe in more
const JITTERS = 4; // mean deviations of the round trip that are no reason to jump
const MAX_CHANGE = 0.1; // of the speed
const CATCH_UP = 0.5; // seconds in which an error would be made up, were it not for the limit
const SMOOTHING = 0.1;
const KEPT = 2048; // ticks: 34 seconds at 60 a second

/** @typedef {import("./clock.js").ClockSync} ClockSync */

/** Runs the own time line. */
export class Lead {
  /** @type {number} ticks a second */
  tickRate;
  #position = 0;
  /** @type {number | null} */
  #now = null;
  /** @type {number | null} the own time that should be, less what passes of it in our seconds */
  #line = null;
  /** @type {{acked: number, slack: number, wanted: number} | null} */
  #feedback = null;
  /** @type {Map<number, number>} when each own tick began */
  #begun = new Map();
  #heard = 0;
  #isGuess = true;

  /** @param {number} tickRate ticks a second */
  constructor(tickRate) {
    this.tickRate = tickRate;
    /** The newest own tick that has begun. */
    this.tick = 0;
    /** How many ticks the own time is ahead of the server's. */
    this.ahead = 0;
    /** Own seconds in a second: 0.9 to 1.1. */
    this.speed = 1;
    /** Whether the last `advance` jumped. */
    this.resynced = false;
    /** How often the own time jumped. */
    this.nResyncs = 0;
  }

  /**
   * Take what the server says of the inputs; the next `advance` acts on it.
   * @param {{acked: number, slack: number, wanted: number}} feedback
   */
  hear(feedback) {
    this.#feedback = feedback;
  }

  /**
   * Return the own ticks that begin, none before the clock is synced. After a jump it is the
   * one tick that the own time is in then.
   * @param {number} now
   * @param {ClockSync} clock
   * @returns {number[]} ascending
   */
  advance(now, clock) {
    this.resynced = false;
    if (!clock.isSynced) return [];
    if (this.#now === null) return this.#set(now, clock);
    const passed = now - this.#now;
    if (passed <= 0) return [];
    const began = this.#position;
    this.#position += passed * this.speed * this.tickRate;
    this.#now = now;
    this.#learn();
    const error = this.#wanted(now, clock) - this.#position;
    this.#judge(error, passed, clock);
    if (this.resynced) return this.#set(now, clock);
    const ticks = this.#begin(began, now, passed);
    const change = error / this.tickRate / CATCH_UP;
    this.speed = 1 + Math.min(Math.max(change, -MAX_CHANGE), MAX_CHANGE);
    this.ahead = this.#position - clock.serverTick(now);
    return ticks;
  }

  /** Say whether the own time has to jump. */
  #judge(error, passed, clock) {
    if (this.#isGuess && this.#heard > 0) {
      // The beginning was a guess; the first answer says how wrong it was.
      this.#isGuess = false;
      this.resynced = Math.abs(error) > LEAST;
    }
    const jitter = Math.min(clock.jitter, MOST_JITTER);
    const far = Math.max(FAR * this.tickRate, LEAST_FAR) + JITTERS * jitter * this.tickRate;
    if (passed > Math.max(STALL, STALL_TICKS / this.tickRate) || Math.abs(error) > far) {
      this.resynced = true;
      this.nResyncs++;
    }
  }

  /** Begin the ticks that the own time has come to. */
  #begin(began, now, passed) {
    const ticks = [];
    while (this.tick < Math.floor(this.#position)) {
      this.tick++;
      const share = (this.tick - began) / (this.#position - began);
      this.#note(this.tick, now - passed * (1 - share));
      ticks.push(this.tick);
    }
    return ticks;
  }

  /** @param {number} now @returns {number} the own time, in ticks */
  position(now) {
    const passed = this.#now === null ? 0 : Math.max(now - this.#now, 0);
    return this.#position + passed * this.speed * this.tickRate;
  }

  /** @param {number} now @returns {number} seconds until the next own tick begins, 0 if it is due */
  nextAt(now) {
    return Math.max(this.tick + 1 - this.position(now), 0) / (this.speed * this.tickRate);
  }

  /** What the own time should be. */
  #wanted(now, clock) {
    const server = clock.serverTick(now);
    let wanted;
    if (this.#line === null) {
      // The server has said nothing yet.
      const way = (clock.rtt / 2 + 2 * clock.jitter) * this.tickRate;
      wanted = server + way + 2 * LEAST;
    } else {
      wanted = this.#line + now * this.tickRate;
    }
    return Math.min(Math.max(wanted, server + LEAST), server + MOST * this.tickRate);
  }

  /** Put the own time where it should be. */
  #set(now, clock) {
    this.#now = now;
    this.speed = 1;
    this.#position = this.#wanted(now, clock);
    this.ahead = this.#position - clock.serverTick(now);
    this.tick = Math.floor(this.#position);
    // What the server says of frames from before is about another time line.
    this.#begun.clear();
    this.#feedback = null;
    this.#heard = 0;
    this.#note(this.tick, now - (this.#position - this.tick) / this.tickRate);
    return [this.tick];
  }

  /** Keep when a tick began. */
  #note(tick, began) {
    this.#begun.set(tick, began);
    if (this.#begun.size > KEPT) this.#begun.delete(this.#begun.keys().next().value);
  }

  /** Take the newest feedback into the line. */
  #learn() {
    const feedback = this.#feedback;
    this.#feedback = null;
    if (feedback === null) return;
    const acked = this.tick + distance32(feedback.acked, this.tick);
    const began = this.#begun.get(acked);
    if (began === undefined) return;
    this.#heard++;
    // The line on which that frame would have been as early as wanted.
    const line = acked - began * this.tickRate + feedback.wanted - feedback.slack;
    this.#line ??= line;
    this.#line += (line - this.#line) * Math.max(SMOOTHING, 1 / this.#heard);
  }
}
