// SPDX-License-Identifier: MIT
/**
 * Draw how well what is predicted agrees with what the server says: corrections and what they
 * cost, the inputs on their way, the time lines. A page draws the ghost beside it: see `ghost`
 * of `client.predict`.
 */

import { Panel } from "./panel.js";

const INTERVAL = 100; // milliseconds between two samples
const SAMPLES = 120; // twelve seconds

const milliseconds = (amount) => `${(amount * 1000).toFixed(1)} ms`;
const ticks = (amount) => `${amount.toFixed(1)} t`;
const size = (amount) => (amount < 100 ? amount.toFixed(2) : amount.toFixed(0));
const whole = (amount) => amount.toFixed(0);

/** Each row: what it is called, its value, how it is written, the least scale of its graph. */
const ROWS = [
  { label: "Correction", of: (s) => s.correction, text: size, least: 0.5 },
  { label: "Again, ticks/s", of: (s) => s.again, text: whole, least: 30 },
  { label: "Inputs waiting", of: (s) => s.depth, text: whole, least: 4 },
  { label: "Clock ±", of: (s) => s.clockError, text: milliseconds, least: 0.01 },
  { label: "Ahead", of: (s) => s.ahead, text: ticks, least: 4 },
  { label: "View delay", of: (s) => s.delay, text: milliseconds, least: 0.1 },
];
/** Figures without a graph. */
const CELLS = [
  ["Corrections", (s) => `${s.corrections ?? "-"}`],
  ["Confirmed", (s) => `${s.confirmed ?? "-"}`],
  ["Slack", (s) => `${s.slack.toFixed(1)} of ${ticks(s.wanted)}`],
  ["Late", (s) => `${s.late} + ${s.missing}`],
  ["Unacked", (s) => `${s.unacknowledged}`],
  ["Speed", (s) => `${(s.speed * 100).toFixed(1)} %`],
  ["Resyncs", (s) => `${s.resyncs}`],
  ["Stale", (s) => `${s.stale}`],
  ["Predicted", (s) => (s.predictedRows === undefined ? "nothing" : `${s.predictedRows} own`)],
];

/** What happened between samples, besides what the stats say at each. */
export class ForesightSamples {
  #before = { corrections: 0, resimulated: 0 };
  /** The newest ones, oldest first. @type {any[]} */
  history = [];
  #seconds;

  /** @param {number} seconds between two samples */
  constructor(seconds) {
    this.#seconds = seconds;
  }

  /** Take a sample. @param {any} stats of a client @returns {any} what is drawn of it */
  take(stats) {
    const { corrections = 0, resimulated = 0, correctionSize = 0 } = stats;
    const isNew = corrections > this.#before.corrections;
    const again = Math.max(resimulated - this.#before.resimulated, 0) / this.#seconds;
    this.#before = { corrections, resimulated };
    const sample = { ...stats, correction: isNew ? correctionSize : 0, again };
    this.history.push(sample);
    if (this.history.length > SAMPLES) this.history.shift();
    return sample;
  }
}

/**
 * Write the figures that have no graph.
 * @param {any} stats of a client
 * @param {readonly [string, string][]} [more] of the page, at the end
 * @returns {[string, string][]} what each is called, and its value
 */
export function foresightFigures(stats, more = []) {
  const cells = CELLS.map(([label, text]) => /** @type {[string, string]} */ ([label, text(stats)]));
  return [...cells, ...more];
}

/** Draw all of it. @param {Panel} panel @param {any} client @param {any[]} history @param {any} more */
function draw(panel, client, history, more) {
  const stats = history.at(-1);
  const figures = foresightFigures(stats, more);
  panel.begin(ROWS.length, figures.length);
  const aside = `view ${Math.floor(client.viewTick())} · own ${client.ownTick}`;
  panel.head("Prediction", stats.state === "connected", aside);
  ROWS.forEach(({ label, of, text, least }, place) => {
    const samples = history.map(of);
    // A correction is over in a moment: the number says how large the last one in the graph was.
    const value = label === "Correction" ? (samples.findLast((each) => each > 0) ?? 0) : of(stats);
    panel.row(place, label, text(value), samples, least);
  });
  panel.figures(ROWS.length, figures);
}

/**
 * Draw how well a client's prediction goes.
 * @param {import("./client.js").GameClient} client
 * @param {HTMLCanvasElement} canvas sized by the graph; `hidden` while it is not shown
 * @param {object} [options]
 * @param {string | null} [options.key] keyboard code that toggles it
 * @param {boolean} [options.visible]
 * @param {() => [string, string][]} [options.figures] more of the page: what each is called, and its value
 * @returns {{toggle: () => void, show: () => void, hide: () => void, dispose: () => void}}
 */
export function attachForesightGraph(client, canvas, { key = "KeyP", visible = false, figures = () => [] } = {}) {
  const samples = new ForesightSamples(INTERVAL / 1000);
  const sample = () => samples.take(client.stats());
  const panel = new Panel(canvas, {
    key, visible, interval: INTERVAL, samples: SAMPLES,
    draw: () => draw(panel, client, samples.history, figures()),
  });
  const timer = setInterval(sample, INTERVAL);
  sample();
  if (visible) panel.show();
  return {
    toggle: () => panel.toggle(), show: () => panel.show(), hide: () => panel.hide(),
    dispose: () => { clearInterval(timer); panel.dispose(); },
  };
}
