// SPDX-License-Identifier: MIT
/**
 * What a connection measures: of each lane, of the whole, and its last two minutes.
 *
 * Seconds, bytes, and amounts a second over the last two; loss is 0 to 1. What is dropped
 * is counted by reason.
 */

import { Share } from "./acks.js";
import { Rate } from "./clock.js";

const WAIT_WEIGHT = 1 / 8;
const HISTORY = 120; // samples
const INTERVAL = 1; // seconds between two

/** Counts things by the reason for which they were dropped. */
class Dropped {
  #counts = new Map();

  add(reason, count = 1) {
    if (count > 0) this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count);
  }

  all() {
    return Object.fromEntries(this.#counts);
  }
}

/** A share of packets that also says how many were lost in all. */
class Loss extends Share {
  lost = 0;

  add(isLost) {
    super.add(isLost);
    if (isLost) this.lost++;
  }
}

/** What went through one lane. */
export class LaneMeter {
  #up = new Rate();
  #down = new Rate();
  #waited = 0;

  constructor() {
    this.sent = 0;
    this.received = 0;
    this.resent = 0;
    this.duplicates = 0;
    this.dropped = new Dropped();
  }

  /** A message left for the first time. @param {number} seconds that it had waited */
  left(seconds) {
    this.sent++;
    this.#waited += (seconds - this.#waited) * WAIT_WEIGHT;
  }

  /** Bytes of the lane went into a packet. */
  sentBytes(bytes, now) {
    this.#up.add(bytes, now);
  }

  /** A message came out. */
  came(bytes, now) {
    this.received++;
    this.#down.add(bytes, now);
  }

  /** @param {number} now @param {number} since when the oldest that waits does so; Infinity for none */
  queueTime(now, since) {
    return Math.max(this.#waited, now - since);
  }

  /** @param {number} now @param {import("./lanes.js").Lane} lane */
  stats(now, { channel, queuedBytes, oldest }) {
    const { sent, received, resent, duplicates } = this;
    return {
      id: channel.id, name: channel.name, mode: channel.mode,
      sent, received, resent, duplicates, dropped: this.dropped.all(),
      bytesUpPerSecond: this.#up.perSecond(now),
      bytesDownPerSecond: this.#down.perSecond(now),
      queuedBytes, queueTime: this.queueTime(now, oldest),
    };
  }
}

/** What went over the links of a connection, one after the other. */
export class Meter {
  #up = { bytes: new Rate(), packets: new Rate() };
  #down = { bytes: new Rate(), packets: new Rate() };
  #totals = { packetsSent: 0, packetsReceived: 0, bytesSent: 0, bytesReceived: 0 };

  constructor() {
    this.lossUp = new Loss();
    this.lossDown = new Loss();
    this.dropped = new Dropped();
  }

  /** A packet went out. */
  sent(bytes, now) {
    this.#totals.packetsSent++;
    this.#totals.bytesSent += bytes;
    this.#up.packets.add(1, now);
    this.#up.bytes.add(bytes, now);
  }

  /** A packet came. */
  received(bytes, now) {
    this.#totals.packetsReceived++;
    this.#totals.bytesReceived += bytes;
    this.#down.packets.add(1, now);
    this.#down.bytes.add(bytes, now);
  }

  figures(now) {
    return {
      lossUp: this.lossUp.value,
      lossDown: this.lossDown.value,
      bytesUpPerSecond: this.#up.bytes.perSecond(now),
      bytesDownPerSecond: this.#down.bytes.perSecond(now),
      packetsUpPerSecond: this.#up.packets.perSecond(now),
      packetsDownPerSecond: this.#down.packets.perSecond(now),
    };
  }

  totals() {
    const { packetsSent } = this.#totals;
    const [packetsLost, packetsMissed] = [this.lossUp.lost, this.lossDown.lost];
    const deliveryRatio = packetsSent > 0 ? 1 - packetsLost / packetsSent : 1;
    return { ...this.#totals, packetsLost, packetsMissed, deliveryRatio, dropped: this.dropped.all() };
  }
}

/** One sample a second, for graphs. */
class History {
  constructor() {
    /** @type {object[]} oldest first */
    this.samples = [];
    this.due = Infinity;
  }

  /** @param {number} now */
  begin(now) {
    this.due = now + INTERVAL;
  }

  end() {
    this.due = Infinity;
  }

  /** Take a sample if one is due; what was slept through looks like it. */
  take(now, sample) {
    if (now < this.due) return;
    const due = Math.floor((now - this.due) / INTERVAL) + 1;
    const value = sample();
    for (let n = Math.min(due, HISTORY); n > 0; n--) this.samples.push(value);
    if (this.samples.length > HISTORY) this.samples.splice(0, this.samples.length - HISTORY);
    this.due += due * INTERVAL;
  }
}

/** All that a connection measures beside its present link. */
export class ConnectionStats {
  #history = new History();

  /** @param {ReadonlyMap<number, object>} channels by id */
  constructor(channels) {
    this.whole = new Meter();
    /** @type {Map<number, LaneMeter>} by channel */
    this.lanes = new Map([...channels.keys()].map((id) => [id, new LaneMeter()]));
  }

  begin(now) {
    this.#history.begin(now);
  }

  end() {
    this.#history.end();
  }

  /** @returns {number} when the next sample is to be taken */
  get due() {
    return this.#history.due;
  }

  /** @param {number} now @param {() => object} figures called if a sample is due */
  take(now, figures) {
    this.#history.take(now, figures);
  }

  /** What is worth a graph. @param {number} now @param {import("./outbox.js").Outbox} outbox */
  figures(now, outbox) {
    const waits = [...outbox.lanes].map(({ meter, oldest }) => meter.queueTime(now, oldest));
    return { ...this.whole.figures(now), queuedBytes: outbox.queuedBytes, queueTime: Math.max(...waits) };
  }

  /** All the rest. @param {number} now @param {import("./outbox.js").Outbox} outbox */
  details(now, outbox) {
    const total = (name) => [...this.lanes.values()].reduce((sum, meter) => sum + meter[name], 0);
    return {
      ...this.whole.totals(), resent: total("resent"), duplicates: total("duplicates"),
      lanes: [...outbox.lanes].map((lane) => lane.meter.stats(now, lane)),
      history: this.#history.samples,
    };
  }
}
