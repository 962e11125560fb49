// SPDX-License-Identifier: MIT
/**
 * Draw everything that has an x and a y, from above, y up, all of it in view.
 *
 * The camera frames the entities that there are, easing after them; a grid of round
 * numbers moves beneath, so that even a lone player sees that it moves.
 */

const TAU = 2 * Math.PI;
const EASE = 3; // a second: how fast the camera follows
const LEAST_EXTENT = 48; // world units across, so that a few entities do not fill the screen
const MARGIN = 1.35;
const RADIUS = 9; // CSS pixels, unless a component says how large an entity is
const PLACED = new Set(["fixed", "float16", "float32", "float64", "int8", "int16", "int32",
                        "uint8", "uint16", "uint32"]);

/** @param {number} player @returns {string} a colour; quiet for what nobody owns */
export function colourOf(player) {
  if (player === 0) return "#8ba0bd";
  return `hsl(${(player * 137.508 + 180) % 360} 75% 66%)`; // the golden angle: neighbours differ
}

const isPlaced = ({ fields }) =>
  ["x", "y"].every((name) => fields.some((f) => f.name === name && PLACED.has(f.kind)));

export class View {
  #canvas;
  #client;
  #context;
  #components;
  #camera = null;
  #frame = 0;
  #last = 0;
  #own = null;

  /** @param {HTMLCanvasElement} canvas @param {import("./client.js").GameClient} client */
  constructor(canvas, client) {
    this.#canvas = canvas;
    this.#client = client;
    this.#context = canvas.getContext("2d");
    this.#components = client.codec.components.filter(isPlaced).map(described);
    /** Whether to show where the server last said that own entities were. */
    this.showsGhosts = false;
    /** How many entities were drawn last. */
    this.entities = 0;
    this.#next();
  }

  #next() {
    this.#frame = requestAnimationFrame((time) => {
      this.#draw(time / 1000);
      this.#next();
    });
  }

  /** @returns {{x: number, y: number} | null} where the own entity is, in CSS pixels */
  ownPlace() {
    return this.#own;
  }

  /** Stop drawing. */
  dispose() {
    cancelAnimationFrame(this.#frame);
  }

  #draw(now) {
    const { width, height } = this.#fit();
    this.#client.advance();
    const seen = this.#collect();
    this.#follow(seen, width / height, Math.min(now - this.#last, 0.1));
    this.#last = now;
    this.entities = seen.length;
    const context = this.#context;
    context.clearRect(0, 0, width, height);
    if (!this.#camera) return;
    const scale = width / this.#camera.width;
    const place = ({ x, y }) => ({
      x: width / 2 + (x - this.#camera.x) * scale,
      y: height / 2 - (y - this.#camera.y) * scale,
    });
    drawGrid(context, this.#camera, place, width, height);
    for (const { bounds } of this.#components) if (bounds) drawBounds(context, bounds, place);
    this.#own = null;
    const isOwn = ({ owner }) => owner !== 0 && owner === this.#client.playerId;
    seen.sort((a, b) => Number(isOwn(a)) - Number(isOwn(b))); // the own one on top
    for (const entity of seen) {
      if (this.showsGhosts && isOwn(entity)) ghost(context, place(entity), place(entity.told));
      this.#drawEntity(entity, place(entity), scale, isOwn(entity));
    }
  }

  /** Give the canvas as many pixels as the screen has there. */
  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio || 1;
    if (this.#canvas.width !== Math.round(width * scale) || this.#canvas.height !== Math.round(height * scale)) {
      this.#canvas.width = Math.round(width * scale);
      this.#canvas.height = Math.round(height * scale);
    }
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
    return { width, height };
  }

  /** Every entity once, by the first component that places it. */
  #collect() {
    const { view, world } = this.#client;
    const seen = new Map();
    for (const { name, heading, size } of this.#components) {
      for (const row of view.rows(name)) {
        if (seen.has(row)) continue;
        const values = view.values(name, row);
        const { x, y } = world.columns(name);
        seen.set(row, {
          x: values.x, y: values.y, told: { x: x[row], y: y[row] }, owner: view.ownerOf(row),
          heading: heading && values[heading], size: size && values[size],
        });
      }
    }
    return [...seen.values()];
  }

  #follow(seen, aspect, elapsed) {
    if (seen.length === 0) return;
    const [xs, ys] = [seen.map(({ x }) => x), seen.map(({ y }) => y)];
    const [left, right] = [xs.reduce(least), xs.reduce(most)];
    const [bottom, top] = [ys.reduce(least), ys.reduce(most)];
    const wanted = {
      x: (left + right) / 2,
      y: (bottom + top) / 2,
      width: MARGIN * Math.max(right - left, (top - bottom) * aspect, LEAST_EXTENT * Math.max(1, aspect)),
    };
    this.#camera ??= { ...wanted };
    const share = 1 - Math.exp(-EASE * elapsed);
    for (const key of ["x", "y", "width"]) this.#camera[key] += (wanted[key] - this.#camera[key]) * share;
  }

  #drawEntity({ owner, heading, size }, at, scale, isOwn) {
    const context = this.#context;
    const radius = Math.max(size ? size * scale : RADIUS, 3);
    context.fillStyle = colourOf(owner);
    context.globalAlpha = 0.16;
    disc(context, at, radius * 2.2); // a glow, much cheaper than a shadow
    context.globalAlpha = 1;
    if (heading === undefined) disc(context, at, radius);
    else arrow(context, at, radius * 1.4, heading);
    if (isOwn) {
      this.#own = at;
      ring(context, at, radius + 5);
    }
    const player = this.#client.players.get(owner);
    if (player) label(context, player.name, at.x, at.y + radius * 2.2 + 12, isOwn);
  }
}

const least = (a, b) => Math.min(a, b);
const most = (a, b) => Math.max(a, b);

/** What of a component is drawn: heading, size, and the limits of its place. */
function described({ name, fields }) {
  const named = (...names) => fields.find((field) => names.includes(field.name))?.name;
  const [x, y] = ["x", "y"].map((axis) => fields.find((field) => field.name === axis));
  const isBounded = x.kind === "fixed" && y.kind === "fixed";
  return {
    name,
    heading: fields.find(({ kind }) => kind === "angle")?.name,
    size: named("radius", "size"),
    bounds: isBounded ? { left: x.lo, right: x.hi, bottom: y.lo, top: y.hi } : null,
  };
}

function disc(context, { x, y }, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, TAU);
  context.fill();
}

function arrow(context, { x, y }, length, heading) {
  const point = (turn, share) => [
    x + Math.cos(heading + turn) * length * share, y - Math.sin(heading + turn) * length * share,
  ];
  context.beginPath();
  context.moveTo(...point(0, 1));
  context.lineTo(...point(2.5, 0.9));
  context.lineTo(...point(Math.PI, 0.45));
  context.lineTo(...point(-2.5, 0.9));
  context.fill();
}

function ring(context, { x, y }, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, TAU);
  context.strokeStyle = "#ffffffd9";
  context.lineWidth = 2;
  context.stroke();
}

/** Where the server last said that something was, and the way there from where it is drawn. */
function ghost(context, at, told) {
  context.setLineDash([4, 4]);
  context.strokeStyle = "#ffb454";
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(at.x, at.y);
  context.lineTo(told.x, told.y);
  context.moveTo(told.x + RADIUS + 5, told.y);
  context.arc(told.x, told.y, RADIUS + 5, 0, TAU);
  context.stroke();
  context.setLineDash([]);
}

function label(context, text, x, y, isOwn) {
  context.font = `${isOwn ? 600 : 400} 13px system-ui, sans-serif`;
  context.textAlign = "center";
  context.fillStyle = isOwn ? "#e8eef7" : "#a9b7ca";
  context.fillText(text.length > 20 ? `${text.slice(0, 19)}…` : text, x, y);
}

/** The largest of 1, 2, 5, 10, 20... that divides the width into at least six. */
function roundStep(width) {
  const power = 10 ** Math.floor(Math.log10(width / 6));
  return [5, 2, 1].find((n) => n * power <= width / 6) * power;
}

function drawGrid(context, camera, place, width, height) {
  const step = roundStep(camera.width);
  const extent = { x: camera.width / 2, y: (camera.width * height) / width / 2 };
  context.lineWidth = 1;
  for (let n = Math.ceil((camera.x - extent.x) / step); n * step <= camera.x + extent.x; n++) {
    gridLine(context, n, place({ x: n * step, y: 0 }).x, 0, 0, height);
  }
  for (let n = Math.ceil((camera.y - extent.y) / step); n * step <= camera.y + extent.y; n++) {
    gridLine(context, n, 0, place({ x: 0, y: n * step }).y, width, 0);
  }
}

function gridLine(context, n, x, y, dx, dy) {
  context.strokeStyle = n === 0 ? "#33465f" : "#1a2433";
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + dx, y + dy);
  context.stroke();
}

/** The limits that a component's fields have: beyond them nothing can be. */
function drawBounds(context, { left, right, bottom, top }, place) {
  const [from, to] = [place({ x: left, y: top }), place({ x: right, y: bottom })];
  context.strokeStyle = "#4a628299";
  context.lineWidth = 2;
  context.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
}
