// SPDX-License-Identifier: MIT
/** Draw what the connection measures: five numbers, each with its last fifteen seconds. */

const INTERVAL = 250; // milliseconds between samples
const SAMPLES = 60;
const WIDTH = 232;
const ROW = 30;
const PADDING = 10;
const HEADROOM = 1.15; // of a graph above its highest value
const GRAPH_LEFT = 104;

const kilobytes = (amount) => (amount < 9950 ? (amount / 1000).toFixed(1) : (amount / 1000).toFixed(0));

/** Each row: what it is called, its value, how it is written, the least scale of its graph. */
const ROWS = [
  { label: "Round trip", of: (s) => s.rtt * 1000, text: (v) => `${v.toFixed(0)} ms`, least: 50 },
  { label: "Snapshots", of: (s) => s.snapshotsPerSecond, text: (v) => `${v.toFixed(0)} /s`, least: 30 },
  { label: "Down", of: (s) => s.bytesDownPerSecond, text: (v) => `${kilobytes(v)} kB/s`, least: 2000 },
  { label: "Up", of: (s) => s.bytesUpPerSecond, text: (v) => `${kilobytes(v)} kB/s`, least: 2000 },
  { label: "Loss", of: (s) => s.loss * 100, text: (v) => `${v.toFixed(1)} %`, least: 5 },
];

class NetGraph {
  #client;
  #canvas;
  #context;
  #samples = ROWS.map(() => []);
  #listeners = new AbortController();
  #timer;

  constructor(client, canvas, { key, visible }) {
    this.#client = client;
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    canvas.classList.add("gamenet-netgraph");
    canvas.hidden = !visible;
    if (key) this.#listen(key);
    this.#timer = setInterval(() => this.#sample(), INTERVAL);
    this.#draw();
  }

  #listen(key) {
    addEventListener("keydown", (event) => {
      const isTyping = event.target instanceof Element && event.target.closest("input, textarea");
      if (event.code === key && !event.repeat && !isTyping) this.toggle();
    }, { signal: this.#listeners.signal });
  }

  #sample() {
    const stats = this.#client.stats();
    ROWS.forEach(({ of }, i) => {
      this.#samples[i].push(of(stats));
      if (this.#samples[i].length > SAMPLES) this.#samples[i].shift();
    });
    if (!this.#canvas.hidden) this.#draw();
  }

  #draw() {
    this.#fit();
    const context = this.#context;
    context.clearRect(0, 0, WIDTH, this.#canvas.height);
    ROWS.forEach((row, i) => this.#drawRow(row, this.#samples[i], PADDING + i * ROW));
  }

  /** Give the canvas as many pixels as the screen has there. */
  #fit() {
    const scale = devicePixelRatio || 1;
    const height = ROWS.length * ROW + 2 * PADDING;
    const width = Math.round(WIDTH * scale);
    if (this.#canvas.width !== width) {
      this.#canvas.width = width;
      this.#canvas.height = Math.round(height * scale);
      this.#canvas.style.width = `${WIDTH}px`;
      this.#canvas.style.height = `${height}px`;
    }
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
  }

  #drawRow({ label, text, least }, samples, top) {
    const context = this.#context;
    context.textBaseline = "middle";
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = "#8fa0b8";
    context.fillText(label, PADDING, top + 8);
    context.font = "600 13px system-ui, sans-serif";
    context.fillStyle = "#e8eef7";
    context.fillText(text(samples.at(-1) ?? 0), PADDING, top + 22);
    this.#drawLine(samples, least, top);
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

  /** Hide it; it goes on measuring. */
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
