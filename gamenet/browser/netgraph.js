// SPDX-License-Identifier: MIT
/** Draw what the connection measures: its state, and numbers with their last two minutes. */

const INTERVAL = 500; // milliseconds between drawings; the connection takes a sample a second
const SAMPLES = 120;
const WIDTH = 232;
const ROW = 30;
const HEAD = 22;
const PADDING = 10;
const HEADROOM = 1.15; // of a graph above its highest value
const GRAPH_LEFT = 104;

const kilobytes = (amount) => `${(amount / 1000).toFixed(amount < 9950 ? 1 : 0)} kB/s`;
const milliseconds = (amount) => `${amount.toFixed(0)} ms`;
const percent = (amount) => `${amount.toFixed(1)} %`;
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
/** Figures that are written only when they say that something is wrong. */
const FAULTS = [
  ["Malformed", (s) => s.snapshotErrors],
  ["No base", (s) => s.baselinesMissing],
];
const CELL = 17;
const FIGURES_TOP = PADDING + HEAD + ROWS.length * ROW + 4;
const GAP = 14; // between the two columns
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
  return [...CELLS.map(([label, text]) => /** @type {[string, string]} */ ([label, text(stats)])),
          ...faults.map(([label, of]) => /** @type {[string, string]} */ ([label, whole(of(stats))])),
          ["Dropped", droppedText(stats.dropped)]];
}

/** On how many lines so many figures are: the last one has a line to itself. */
const linesOf = (count) => Math.ceil((count - 1) / 2) + 1;

class NetGraph {
  #client;
  #canvas;
  #context;
  #listeners = new AbortController();
  #timer;

  constructor(client, canvas, { key, visible }) {
    this.#client = client;
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    canvas.classList.add("gamenet-netgraph");
    canvas.hidden = !visible;
    if (key) this.#listen(key);
    this.#timer = setInterval(() => this.#draw(), INTERVAL);
    this.#draw();
  }

  #listen(key) {
    addEventListener("keydown", (event) => {
      const isTyping = event.target instanceof Element && event.target.closest("input, textarea");
      if (event.code === key && !event.repeat && !isTyping) this.toggle();
    }, { signal: this.#listeners.signal });
  }

  #draw() {
    if (this.#canvas.hidden) return;
    const stats = this.#client.stats();
    const figures = figuresOf(stats);
    this.#fit(FIGURES_TOP + linesOf(figures.length) * CELL + PADDING);
    this.#context.clearRect(0, 0, WIDTH, this.#canvas.height);
    this.#drawHead(stats);
    ROWS.forEach((row, i) => {
      const top = PADDING + HEAD + i * ROW;
      this.#drawNumber(row, stats, top);
      this.#drawLine(stats.history.map(row.of), row.least, top);
    });
    this.#drawFigures(figures);
  }

  /** Give the canvas as many pixels as the screen has there. */
  #fit(height) {
    const scale = devicePixelRatio || 1;
    const [across, down] = [Math.round(WIDTH * scale), Math.round(height * scale)];
    if (this.#canvas.width !== across || this.#canvas.height !== down) {
      this.#canvas.width = across;
      this.#canvas.height = down;
      this.#canvas.style.width = `${WIDTH}px`;
      this.#canvas.style.height = `${height}px`;
    }
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
  }

  #drawHead({ state, snapshotsPerSecond }) {
    const context = this.#context;
    context.textBaseline = "middle";
    context.font = "600 13px system-ui, sans-serif";
    context.fillStyle = state === "connected" ? "#e8eef7" : "#ffb86b";
    context.fillText(STATES[state] ?? "Connecting", PADDING, PADDING + HEAD / 2 - 3);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = "#8fa0b8";
    context.textAlign = "right";
    context.fillText(`${snapshotsPerSecond.toFixed(0)} snapshots/s`, WIDTH - PADDING, PADDING + HEAD / 2 - 3);
    context.textAlign = "left";
  }

  #drawNumber({ label, of, text }, stats, top) {
    const context = this.#context;
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = "#8fa0b8";
    context.fillText(label, PADDING, top + 8);
    context.font = "600 13px system-ui, sans-serif";
    context.fillStyle = "#e8eef7";
    context.fillText(text(of(stats)), PADDING, top + 22);
  }

  /** Write figures in two columns; the last one has a line to itself. */
  #drawFigures(figures) {
    const context = this.#context;
    const column = (WIDTH - 2 * PADDING - GAP) / 2;
    figures.forEach(([label, value], i) => {
      const isLast = i === figures.length - 1;
      const left = PADDING + (isLast ? 0 : i % 2) * (column + GAP);
      const right = isLast ? WIDTH - PADDING : left + column;
      const line = isLast ? linesOf(figures.length) - 1 : Math.floor(i / 2);
      const middle = FIGURES_TOP + line * CELL + CELL / 2;
      context.font = "11px system-ui, sans-serif";
      context.fillStyle = "#8fa0b8";
      context.fillText(label, left, middle);
      const free = right - left - context.measureText(label).width - 6;
      context.font = "600 11px system-ui, sans-serif";
      context.fillStyle = "#e8eef7";
      context.textAlign = "right";
      context.fillText(value, right, middle, free);
      context.textAlign = "left";
    });
  }

  #drawLine(samples, least, top) {
    const context = this.#context;
    const width = WIDTH - GRAPH_LEFT - PADDING;
    const bottom = top + ROW - 5;
    const height = ROW - 8;
    const highest = Math.max(least, ...samples) * HEADROOM;
    context.fillStyle = "rgb(140 170 210 / 9%)";
    context.fillRect(GRAPH_LEFT, bottom - height, width, height);
    if (samples.length < 2) return;
    const x = (i) => GRAPH_LEFT + (width * (i + SAMPLES - samples.length)) / (SAMPLES - 1);
    context.beginPath();
    samples.forEach((value, i) => context.lineTo(x(i), bottom - (height * value) / highest));
    context.strokeStyle = "#6cc6ff";
    context.lineWidth = 1.5;
    context.stroke();
    context.lineTo(x(samples.length - 1), bottom);
    context.lineTo(x(0), bottom);
    context.fillStyle = "rgb(108 198 255 / 16%)";
    context.fill();
  }

  /** Show it if hidden, hide it if shown. */
  toggle() {
    if (this.#canvas.hidden) this.show();
    else this.hide();
  }

  /** Show it. */
  show() {
    this.#canvas.hidden = false;
    this.#draw();
  }

  /** Hide it; the connection goes on measuring. */
  hide() {
    this.#canvas.hidden = true;
  }

  /** Take it off the page for good. */
  dispose() {
    clearInterval(this.#timer);
    this.#listeners.abort();
    this.hide();
  }
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
  return new NetGraph(client, canvas, { key, visible });
}
