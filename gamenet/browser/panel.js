// SPDX-License-Identifier: MIT
/** A panel of measurements on a canvas: a headline, numbers with their graphs, and figures below. */

const WIDTH = 232;
const ROW = 30;
const HEAD = 22;
const PADDING = 10;
const HEADROOM = 1.15; // of a graph above its highest value
const GRAPH_LEFT = 104;
const CELL = 17;
const GAP = 14; // between the two columns of figures
const QUIET = "#8fa0b8";
const BRIGHT = "#e8eef7";
const WARNING = "#ffb86b";

/** On how many lines so many figures are: the last one has a line to itself. */
const linesOf = (count) => Math.ceil((count - 1) / 2) + 1;

export class Panel {
  #canvas;
  #context;
  #draw;
  #samples;
  #listeners = new AbortController();
  #timer;

  /**
   * @param {HTMLCanvasElement} canvas sized by the panel; `hidden` while it is not shown
   * @param {object} options
   * @param {string | null} options.key keyboard code that toggles it
   * @param {boolean} options.visible
   * @param {number} options.interval milliseconds between two drawings
   * @param {number} options.samples how many a graph is wide
   * @param {() => void} options.draw called while it is shown; calls `begin` and what follows it
   */
  constructor(canvas, { key, visible, interval, samples, draw }) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#draw = draw;
    this.#samples = samples;
    canvas.classList.add("gamenet-netgraph");
    canvas.hidden = !visible;
    if (key) this.#listen(key);
    this.#timer = setInterval(() => this.#redraw(), interval);
  }

  #listen(key) {
    addEventListener("keydown", (event) => {
      const isTyping = event.target instanceof Element && event.target.closest("input, textarea");
      if (event.code === key && !event.repeat && !isTyping) this.toggle();
    }, { signal: this.#listeners.signal });
  }

  #redraw() {
    if (!this.#canvas.hidden) this.#draw();
  }

  /** Begin a drawing. @param {number} rows with a graph @param {number} figures below */
  begin(rows, figures) {
    this.#fit(PADDING + HEAD + rows * ROW + 4 + linesOf(figures) * CELL + PADDING);
    this.#context.clearRect(0, 0, WIDTH, this.#canvas.height);
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

  /** Write the headline. @param {string} title @param {boolean} isGood @param {string} aside at its right */
  head(title, isGood, aside) {
    const context = this.#context;
    const middle = PADDING + HEAD / 2 - 3;
    context.textBaseline = "middle";
    context.font = "600 13px system-ui, sans-serif";
    context.fillStyle = isGood ? BRIGHT : WARNING;
    context.fillText(title, PADDING, middle);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = QUIET;
    context.textAlign = "right";
    context.fillText(aside, WIDTH - PADDING, middle);
    context.textAlign = "left";
  }

  /**
   * Write a number, and draw its graph.
   * @param {number} place of the row
   * @param {string} label
   * @param {string} text the number
   * @param {readonly number[]} samples oldest first
   * @param {number} least scale of the graph
   */
  row(place, label, text, samples, least) {
    const context = this.#context;
    const top = PADDING + HEAD + place * ROW;
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = QUIET;
    context.fillText(label, PADDING, top + 8);
    context.font = "600 13px system-ui, sans-serif";
    context.fillStyle = BRIGHT;
    context.fillText(text, PADDING, top + 22, GRAPH_LEFT - PADDING - 6);
    this.#graph(samples, least, top);
  }

  #graph(samples, least, top) {
    const context = this.#context;
    const width = WIDTH - GRAPH_LEFT - PADDING;
    const bottom = top + ROW - 5;
    const height = ROW - 8;
    const highest = Math.max(least, ...samples) * HEADROOM;
    context.fillStyle = "rgb(140 170 210 / 9%)";
    context.fillRect(GRAPH_LEFT, bottom - height, width, height);
    if (samples.length < 2) return;
    const x = (i) => GRAPH_LEFT + (width * (i + this.#samples - samples.length)) / (this.#samples - 1);
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

  /**
   * Write figures below the rows in two columns; the last one has a line to itself.
   * @param {number} rows above
   * @param {readonly [string, string][]} figures what each is called, and its value
   */
  figures(rows, figures) {
    const context = this.#context;
    const column = (WIDTH - 2 * PADDING - GAP) / 2;
    const above = PADDING + HEAD + rows * ROW + 4;
    figures.forEach(([label, value], i) => {
      const isLast = i === figures.length - 1;
      const left = PADDING + (isLast ? 0 : i % 2) * (column + GAP);
      const right = isLast ? WIDTH - PADDING : left + column;
      const line = isLast ? linesOf(figures.length) - 1 : Math.floor(i / 2);
      const middle = above + line * CELL + CELL / 2;
      context.font = "11px system-ui, sans-serif";
      context.fillStyle = QUIET;
      context.fillText(label, left, middle);
      const free = right - left - context.measureText(label).width - 6;
      context.font = "600 11px system-ui, sans-serif";
      context.fillStyle = BRIGHT;
      context.textAlign = "right";
      context.fillText(value, right, middle, free);
      context.textAlign = "left";
    });
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

  /** Hide it; what is measured goes on. */
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
