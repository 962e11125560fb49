// SPDX-License-Identifier: MIT
/**
 * The server's time, as a client knows it; and how much of something there is in a second.
 *
 * Each answer of the server tells its time at an instant between a sending and a receipt of
 * ours; half of the round trip is the best guess of when that was. A Kalman filter keeps the
 * offset between the clocks and their drift. A sample counts less the longer its round trip
 * was beyond the mean. What no delay explains, three times in a row, is a new time. The same
 * as gamenet/prediction/clock.py.
 */

const DRIFT = 100e-6; // of a quartz oscillator, at the outside
const WANDER = 3e-4; // seconds in a second: the offset's noise
const DRIFT_WANDER = 1e-6; // of the drift, in a second
const RESOLUTION = 2e-4; // seconds: no sample is better
const SEED_ERROR = 0.1; // seconds: a welcome may have been sent twice
const SMOOTHING = 1 / 32;
const NOISE_SMOOTHING = 1 / 64;
const BIAS_SMOOTHING = 1 / 8;
const BIAS = 1.3; // standard deviations of the noise: five of the mean of some 15 samples
const CLIP = 4; // standard deviations
const LEAST_CLIP = 0.01; // seconds
const GATE = 6; // standard deviations
const STEP = 0.05; // seconds: less is never a new time
const MANY_STRANGE = 3; // samples in a row

/** Estimates the server's time from round trips. */
export class ClockSync {
  #tickRate;
  #offset = 0;
  #at = 0;
  #drift = 0;
  /** The covariance of offset and drift. */
  #p = { offset: 0, both: 0, drift: 0 };
  #noise = 0;
  #noises = 0;
  #bias = 0;
  #usual = 0;
  /** @type {number[]} */
  #strange = [];

  /** @param {number} tickRate ticks a second */
  constructor(tickRate) {
    this.#tickRate = tickRate;
    this.#begin(0, 0, SEED_ERROR);
    /** Whether anything is known of the server's time. */
    this.isSynced = false;
    /** Mean round trip, in seconds. */
    this.rtt = 0;
    /** Mean deviation of the round trip from its mean, in seconds. */
    this.jitter = 0;
    /** Round trips that were measured. */
    this.nSamples = 0;
    /** How often the server's time was taken anew. */
    this.nResyncs = 0;
  }

  /** @returns {number} how much faster the server's clock runs: 1e-6 is 1 ppm */
  get drift() {
    return this.#drift;
  }

  /** @returns {number} the standard deviation of the estimate, in seconds */
  get error() {
    return Math.sqrt(this.#p.offset);
  }

  /**
   * Begin with a first guess, such as a welcome allows.
   * @param {number} tick server time in ticks when it was sent
   * @param {number} rtt seconds, as the connection measured it
   * @param {number} now when it came
   */
  seed(tick, rtt, now) {
    this.#begin(tick / this.#tickRate + rtt / 2 - now, now, SEED_ERROR + rtt / 2);
    this.rtt = rtt;
    this.isSynced = true;
  }

  /**
   * Take a round trip.
   * @param {number} sent when we sent
   * @param {number} received when the answer came
   * @param {number} serverTick server time in ticks when the answer was sent
   * @param {number | null} held seconds between the arrival of ours and the answer; null, or more
   *     than the time that passed: nothing can be learned
   */
  sample(sent, received, serverTick, held) {
    if (held === null || !(held >= 0 && held <= received - sent)) return;
    const rtt = received - sent - held;
    const offset = serverTick / this.#tickRate + rtt / 2 - received;
    this.#measure(rtt);
    if (!this.isSynced) {
      this.#begin(offset, received, rtt / 2 + RESOLUTION);
      this.isSynced = true;
      return;
    }
    this.#predict(received);
    const excess = this.#excess(rtt);
    if (this.#isStrange(offset, excess)) {
      this.#noteStrange(offset, received, rtt);
    } else {
      this.#strange.length = 0;
      this.#correct(offset - this.#offset, excess);
    }
  }

  /** @param {number} now @returns {number} the server's time, in ticks */
  serverTick(now) {
    return (now + this.#offset + this.#drift * (now - this.#at)) * this.#tickRate;
  }

  /** Start the filter at an offset, in seconds, and its standard deviation. */
  #begin(offset, now, error) {
    this.#offset = offset;
    this.#at = now;
    this.#drift = 0;
    this.#p = { offset: error ** 2, both: 0, drift: DRIFT ** 2 };
    this.#noise = Math.max(error / 2, RESOLUTION) ** 2;
    this.#noises = this.#bias = 0;
    this.#strange = [];
  }

  /** Take a round trip into mean and deviation. */
  #measure(rtt) {
    this.nSamples++;
    if (this.nSamples === 1) this.rtt = this.#usual = rtt;
    const weight = Math.max(SMOOTHING, 1 / this.nSamples);
    this.jitter += (Math.abs(rtt - this.rtt) - this.jitter) * weight;
    this.rtt += (rtt - this.rtt) * weight;
  }

  /** By how much a round trip may have misled, in seconds. */
  #excess(rtt) {
    const excess = Math.max(rtt - this.#usual, 0) / 2;
    // What is usual changes slowly: a queue of seconds is not.
    const most = Math.max(CLIP * Math.sqrt(this.#noise), LEAST_CLIP);
    this.#usual += Math.min(Math.max(rtt - this.#usual, -most), most) * SMOOTHING;
    return excess;
  }

  /** Move the state to an instant. */
  #predict(now) {
    const passed = Math.max(now - this.#at, 0);
    const p = this.#p;
    this.#offset += this.#drift * passed;
    p.offset += (2 * p.both + p.drift * passed) * passed;
    p.offset += WANDER ** 2 * passed;
    p.both += p.drift * passed;
    p.drift = Math.min(p.drift + DRIFT_WANDER ** 2 * passed, DRIFT ** 2);
    this.#at = Math.max(now, this.#at);
  }

  /** Whether no delay explains an offset. */
  #isStrange(offset, excess) {
    const gate = GATE * Math.sqrt(this.#p.offset + this.#noise);
    return Math.abs(offset - this.#offset) - excess > Math.max(gate, STEP);
  }

  /** Keep what is strange; so many in a row are a new time. */
  #noteStrange(offset, received, rtt) {
    const strange = this.#strange;
    strange.push(offset);
    if (strange.length < MANY_STRANGE) return;
    this.nResyncs++;
    strange.sort((a, b) => a - b);
    this.#begin(strange[strange.length >> 1], received, rtt / 4 + RESOLUTION);
  }

  /** Take a residual into the state. */
  #correct(residual, excess) {
    const p = this.#p;
    const variance = Math.max(this.#noise, RESOLUTION ** 2);
    if (excess ** 2 < CLIP ** 2 * variance) this.#watch(residual);
    const total = p.offset + variance + excess ** 2;
    const [gain, driftGain] = [p.offset / total, p.both / total];
    this.#offset += gain * residual;
    this.#drift += driftGain * residual;
    p.drift -= driftGain * p.both;
    p.both -= driftGain * p.offset;
    p.offset -= gain * p.offset;
  }

  /** Measure the noise of what was not delayed, and see whether it has a bias. */
  #watch(residual) {
    const p = this.#p;
    this.#noises++;
    this.#bias += (residual - this.#bias) * BIAS_SMOOTHING;
    if (Math.abs(this.#bias) > BIAS * Math.sqrt(this.#noise + p.offset)) {
      // The mean is off by more than chance: the server's time has stepped.
      p.offset += this.#bias ** 2;
      this.#bias = 0;
    }
    const weight = Math.max(NOISE_SMOOTHING, 1 / (this.#noises + 1));
    this.#noise += (residual ** 2 - this.#noise) * weight;
  }
}

const BUCKETS = 8;
const BUCKET_SECONDS = 0.25;

/** How much of something there was per second, over the last two seconds. */
export class Rate {
  #buckets = new Float64Array(BUCKETS);
  #current = -1;
  #first = -1;

  /** @param {number} amount @param {number} now */
  add(amount, now) {
    this.#advance(now);
    this.#buckets[this.#current % BUCKETS] += amount;
  }

  /** @param {number} now @returns {number} amount per second */
  perSecond(now) {
    if (this.#first < 0) return 0;
    this.#advance(now);
    const whole = now / BUCKET_SECONDS - this.#current + BUCKETS - 1;
    const lived = now / BUCKET_SECONDS - this.#first;
    const seconds = Math.max(Math.min(whole, lived), 1) * BUCKET_SECONDS;
    return this.#buckets.reduce((sum, amount) => sum + amount, 0) / seconds;
  }

  #advance(now) {
    const wanted = Math.floor(now / BUCKET_SECONDS);
    if (this.#first < 0) this.#first = wanted;
    const passed = Math.min(wanted - this.#current, BUCKETS);
    for (let i = 0; i < passed; i++) this.#buckets[(wanted - i) % BUCKETS] = 0;
    if (passed > 0) this.#current = wanted;
  }
}
