// SPDX-License-Identifier: MIT
/**
 * How the own ship flies, and when a beam leaves it: `flight.py` once more, for `client.predict`.
 *
 * The server does the same in the same order, so what is predicted here is what it will say.
 * tests/vectors/arena_flight.json holds both to it. Units are metres, seconds and radians.
 */

const TURN_RATE = 4; // radians a second
const THRUST = 20; // metres a second, every second
const DRAG = 0.5; // share of its speed a ship loses in a second
const MAX_SPEED = 14;
const SHIP_RADIUS = 1;
const SHIP_BOUNCE = 0.8; // share of its speed a ship keeps when it hits a wall
const BEAM_RANGE = 45;
/** Ticks from one beam to the next. */
export const BEAM_TICKS = 60;
const WALLS = [ // centre x, centre y, half width, half height
  [0, -33, 50, 1], [0, 33, 50, 1], [-49, 0, 1, 32], [49, 0, 1, 32],
  [-24, 0, 1.5, 9], [24, 0, 1.5, 9], [0, -16, 10, 1.5], [0, 16, 10, 1.5],
  [-33, -20, 5, 1.5], [33, -20, 5, 1.5], [-33, 20, 5, 1.5], [33, 20, 5, 1.5],
];
const NO_KEYS = { turn: 0, thrust: false, beam: false, aiming: false, aim: 0 };

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Bring an angle into [-pi, pi): the short way round. */
function shortWay(angle) {
  const rest = (angle + Math.PI) % (2 * Math.PI);
  return (rest < 0 ? rest + 2 * Math.PI : rest) - Math.PI;
}

/** The way to a place from the nearest bit of a wall, along one axis. */
function gap(from, half) {
  return Math.sign(from) * Math.max(Math.abs(from) - half, 0);
}

/**
 * How far a ray gets until the first of the walls stops it.
 * @param {number} x where it begins
 * @param {number} y
 * @param {number} angle where it goes
 * @returns {number} metres, at most the range of a beam
 */
export function reach(x, y, angle) {
  const way = [Math.cos(angle), Math.sin(angle)];
  const distances = WALLS.map(([wallX, wallY, wide, tall]) => {
    const [nearX, farX] = slab(x, way[0], wallX, wide);
    const [nearY, farY] = slab(y, way[1], wallY, tall);
    const [enter, leave] = [Math.max(0, nearX, nearY), Math.min(BEAM_RANGE, farX, farY)];
    return enter <= leave ? enter : BEAM_RANGE;
  });
  return Math.min(...distances);
}

/** Between which distances a ray is within a slab. */
function slab(start, step, centre, half) {
  if (step === 0) return Math.abs(centre - start) <= half ? [-Infinity, Infinity] : [Infinity, -Infinity];
  const near = step > 0 ? half : -half;
  return [(centre - near - start) / step, (centre + near - start) / step];
}

/** The step to which the wire rounds a component of the generated module. */
function stepOf(codec, name) {
  return codec.components.find((each) => each.name === name).fields[0].step;
}

/** The part of the arena that the page predicts. */
export class Flight {
  #held = { ...NO_KEYS };
  #placeStep;
  #speedStep;

  /** @param {object} codec the generated module of the arena */
  constructor(codec) {
    this.#placeStep = stepOf(codec, "Position");
    this.#speedStep = stepOf(codec, "Velocity");
  }

  /** @returns {boolean} whether the engine of the own ship burns */
  get isThrusting() {
    return this.#held.thrust;
  }

  /**
   * Remember what the player holds; the next steps act on it.
   * @param {object} pilot the input of a tick, as the server reads it
   */
  input({ turn, thrust, beam, aiming, aim }) {
    this.#held = { turn: Math.max(-127, turn) / 127, thrust, beam, aiming, aim };
  }

  /**
   * Do what the server does with a ship in a tick.
   * @param {readonly number[]} rows of own ships
   * @param {number} dt seconds of a tick
   * @param {number} tick
   * @param {object} world in which own ships are predicted
   */
  step(rows, dt, tick, world) {
    const place = world.columns("Position");
    const speed = world.columns("Velocity");
    const { angle } = world.columns("Heading");
    for (const row of rows) {
      this.#push(row, dt, speed, angle);
      place.x[row] += speed.x[row] * dt;
      place.y[row] += speed.y[row] * dt;
      hitWalls(row, place, speed);
      this.#dither(row, tick, place, speed);
      this.#fireBeam(row, tick, world);
    }
  }

  /** Turn and push a ship as its pilot wants. */
  #push(row, dt, speed, angle) {
    const { turn, thrust, aiming, aim } = this.#held;
    const most = TURN_RATE * dt;
    const toAim = clamp(shortWay(aim - angle[row]), -most, most);
    const nose = angle[row] + (aiming ? toAim : turn * most);
    const [speedUp, keep] = [Number(thrust) * THRUST * dt, 1 - DRAG * dt];
    const x = speed.x[row] * keep + speedUp * Math.cos(nose);
    const y = speed.y[row] * keep + speedUp * Math.sin(nose);
    const allowed = MAX_SPEED / Math.max(Math.hypot(x, y), MAX_SPEED);
    speed.x[row] = x * allowed;
    speed.y[row] = y * allowed;
    angle[row] = nose;
  }

  /** Add less than half a step, another part of it in each tick: see `Flight.dither` in Python. */
  #dither(row, tick, place, speed) {
    const part = (((tick * 39) & 63) - 31.5) / 64;
    place.x[row] += part * this.#placeStep;
    place.y[row] += part * this.#placeStep;
    speed.x[row] += part * this.#speedStep;
    speed.y[row] += part * this.#speedStep;
  }

  /** Let a ship shine if its pilot wants to and its beam has cooled down. */
  #fireBeam(row, tick, world) {
    const gun = world.columns("Gun");
    if (!this.#held.beam || gun.beam_ready[row] > tick) return;
    gun.beam_ready[row] = tick + BEAM_TICKS;
    const [x, y] = [world.columns("Position").x[row], world.columns("Position").y[row]];
    const angle = world.columns("Heading").angle[row];
    const { hue } = world.columns("Ship");
    // Where the others are only the server knows.
    world.emit("Beam", { x, y, angle, length: reach(x, y, angle), hue: hue[row] }, row);
  }
}

/** Throw a ship back from walls: from all that it touches, as they were before. */
function hitWalls(row, place, speed) {
  const [x, y, vx, vy] = [place.x[row], place.y[row], speed.x[row], speed.y[row]];
  for (const [wallX, wallY, wide, tall] of WALLS) {
    const [gapX, gapY] = [gap(x - wallX, wide), gap(y - wallY, tall)];
    const distance = Math.hypot(gapX, gapY);
    if (distance >= SHIP_RADIUS) continue;
    const away = Math.max(distance, 1e-6);
    const [awayX, awayY] = [gapX / away, gapY / away];
    const deep = SHIP_RADIUS - away;
    const inwards = vx * awayX + vy * awayY;
    const kick = -(1 + SHIP_BOUNCE) * Math.min(inwards, 0);
    place.x[row] += deep * awayX;
    place.y[row] += deep * awayY;
    speed.x[row] += kick * awayX;
    speed.y[row] += kick * awayY;
  }
}

/**
 * Have the own ship answer at once.
 * @param {import("/gamenet/client.js").GameClient} client
 * @returns {{flight: Flight, predicting: import("/gamenet/predicting.js").Predicting}}
 */
export function predictShip(client) {
  const flight = new Flight(client.codec);
  const predicting = client.predict({
    components: ["Position", "Velocity", "Heading", "Gun"],
    having: ["Ship"],
    input: (rows, name, values) => { if (name === "Pilot") flight.input(values); },
    step: (rows, dt, tick, world) => flight.step(rows, dt, tick, world),
  });
  return { flight, predicting };
}
