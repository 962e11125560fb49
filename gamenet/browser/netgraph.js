// SPDX-License-Identifier: MIT
/** Draw what the connection measures: its state, and numbers with their last two minutes. */

import { Panel } from "./panel.js";

const INTERVAL = 500; // milliseconds between drawings; the connection takes a sample a second
const SAMPLES = 120;

const kilobytes = (amount) => `${(amount / 1000).toFixed(amount < 9950 ? 1 : 0)} kB/s`;
const milliseconds = (amount) => `${amount.toFixed(0)} ms`;
const percent = (amount) => `${amount.toFixed(1)} %`;
const ticks = (amount) => `${amount.toFixed(1)} t`;
const whole = (amount) => (amount < 100_000 ? String(amount) : `${(amount / 1000).toFixed(0)} k`);

/** Each row: what it is called, its value, how it is written, the least scale of its graph. */
const ROWS = [
  { label: "Round trip", of: (s) => s.rtt * 1000, text: milliseconds, least: 50 },
  { label: "Jitter", of: (s) => s.jitter * 1000, text: milliseconds, least: 20 },
  { label: "Down", of: (s) => s.bytesDownPerSecond, text: kilobytes, least: 2000 },
  { label: "Up", of: (s) => s.bytesUpPerSecond, text: kilobytes, least: 2000 },
  { label: "Loss down", of: (s) => s.lossDown * 100, text: percent, least: 5 },
  { label: "Loss up", of: (s) => s.lossUp * 100, text: percent, least: 5 },
  { label: "Queue", of: (s) => s.queueTime * 1000, text: milliseconds, least: 20 },
];
/** Figures without a graph, two on a line: what each is called, and how it is written. */
const CELLS = [
  ["Min trip", (s) => milliseconds(s.rttMin * 1000)],
  ["Max trip", (s) => milliseconds(s.rttMax * 1000)],
  ["Arrived", (s) => percent(s.deliveryRatio * 100)],
  ["Window", (s) => (s.transferWindow > 0 ? `${(s.transferWindow / 1000).toFixed(0)} kB` : "-")],
  ["Resent", (s) => whole(s.resent)],
  ["Duplicates", (s) => whole(s.duplicates)],
];
/** The same of the time lines, from the welcome on. */
const TIMES = [
  ["Ahead", (s) => ticks(s.ahead)],
  ["Clock", (s) => `± ${(s.clockError * 1000).toFixed(1)} ms`],
  ["Slack", (s) => `${s.slack.toFixed(1)} of ${ticks(s.wanted)}`],
  ["Late", (s) => `${whole(s.late)} + ${whole(s.missing)}`],
  ["View", (s) => milliseconds(s.delay * 1000)],
  ["Resyncs", (s) => whole(s.resyncs)],
];
/** Figures that are written only when they say that something is wrong. */
const FAULTS = [
  ["Malformed", (s) => s.snapshotErrors],
  ["No base", (s) => s.baselinesMissing],
];
const STATES = { connected: "Connected", dropped: "Reconnecting…", closed: "Closed" };

/** Packets that were not taken: how many, and the reason of most of them. */
function droppedText(dropped) {
  const reasons = Object.entries(dropped).sort(([, a], [, b]) => b - a);
  if (reasons.length === 0) return "0";
  const [name, count] = reasons[0];
  const total = reasons.reduce((sum, [, each]) => sum + each, 0);
  return reasons.length === 1 ? `${whole(total)} ${name}` : `${whole(total)}, ${name} ${whole(count)}`;
}

/**
 * Write the figures that have no graph. Snapshots that were of no use are among them
 * only if there were any.
 * @param {object} stats of a client
 * @returns {[string, string][]} what each is called, and its value
 */
export function figuresOf(stats) {
  const faults = FAULTS.filter(([, of]) => of(stats) > 0);
  const cells = "ahead" in stats ? [...CELLS, ...TIMES] : CELLS;
  return [...cells.map(([label, text]) => /** @type {[string, string]} */ ([label, text(stats)])),
          ...faults.map(([label, of]) => /** @type {[string, string]} */ ([label, whole(of(stats))])),
          ["Dropped", droppedText(stats.dropped)]];
}

/** Draw all of it. @param {Panel} panel @param {any} stats of a client */
function draw(panel, stats) {
  const figures = figuresOf(stats);
  panel.begin(ROWS.length, figures.length);
  const pace = `${stats.snapshotsPerSecond.toFixed(0)} snapshots/s`;
  panel.head(STATES[stats.state] ?? "Connecting", stats.state === "connected", pace);
  ROWS.forEach(({ label, of, text, least }, place) => {
    panel.row(place, label, text(of(stats)), stats.history.map(of), least);
  });
  panel.figures(ROWS.length, figures);
}

/**
 * Draw the net graph of a client.
 * @param {{stats: () => object}} client
 * @param {HTMLCanvasElement} canvas sized by the graph; `hidden` while it is not shown
 * @param {object} [options]
 * @param {string | null} [options.key] keyboard code that toggles it
 * @param {boolean} [options.visible]
 * @returns {{toggle: () => void, show: () => void, hide: () => void, dispose: () => void}}
 */
export function attachNetGraph(client, canvas, { key = "KeyN", visible = false } = {}) {
  const panel = new Panel(canvas, {
    key, visible, interval: INTERVAL, samples: SAMPLES, draw: () => draw(panel, client.stats()),
  });
  if (visible) panel.show();
  return panel;
}
