// SPDX-License-Identifier: MIT
// Measure @colyseus/schema on a world that is told on standard input.
//
//     node colyseus.mjs FOLDER < trace
//
// FOLDER has the package in its node_modules. The trace is what benchmarks/peers/colyseus.py
// writes: a line of JSON, then the values of all bodies, then moves, then views. The last
// line of the output is a JSON object.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "here.js"));
const { Decoder, Encoder, StateView, schema, t } = require("@colyseus/schema");

// Enough for everything: it warns and encodes again where it is not.
Encoder.BUFFER_SIZE = 4 * 1024 * 1024;

const Position = schema({ x: t.float32(), y: t.float32(), z: t.float32() }, "Position");
const Rotation = schema(
    { x: t.float32(), y: t.float32(), z: t.float32(), w: t.float32() },
    "Rotation",
);
const Velocity = schema({ x: t.float32(), y: t.float32(), z: t.float32() }, "Velocity");
const Body = schema({ position: Position, rotation: Rotation, velocity: Velocity }, "Body");
const Shared = schema({ bodies: t.map(Body) }, "Shared");
const Viewed = schema({ bodies: t.map(Body).view() }, "Viewed");

const N_VALUES = 10;

/** What came on standard input, piece by piece. */
class Trace {
    constructor(bytes) {
        const end = bytes.indexOf(10);
        Object.assign(this, JSON.parse(bytes.subarray(0, end).toString()));
        // A copy, so that arrays of four-byte numbers can begin where they like.
        this.buffer = new Uint8Array(bytes.subarray(end + 1)).buffer;
        this.offset = 0;
    }

    take(type, length) {
        const array = new type(this.buffer, this.offset, length);
        this.offset += array.byteLength;
        return array;
    }

    /** The moves of all ticks: rows, and ten values for each. */
    moves(nTicks, nMoving) {
        return Array.from({ length: nTicks }, () => ({
            rows: this.take(Uint32Array, nMoving),
            values: this.take(Float32Array, nMoving * N_VALUES),
        }));
    }
}

function filled(state, values, bodies) {
    for (let row = 0; row * N_VALUES < values.length; row++) {
        const body = new Body();
        body.position = new Position();
        body.rotation = new Rotation();
        body.velocity = new Velocity();
        write(body, values, row * N_VALUES);
        state.bodies.set(String(row), body);
        bodies.push(body);
    }
    return state;
}

function write(body, values, at) {
    const { position, rotation, velocity } = body;
    position.x = values[at];
    position.y = values[at + 1];
    position.z = values[at + 2];
    rotation.x = values[at + 3];
    rotation.y = values[at + 4];
    rotation.z = values[at + 5];
    rotation.w = values[at + 6];
    velocity.x = values[at + 7];
    velocity.y = values[at + 8];
    velocity.z = values[at + 9];
}

function move(bodies, { rows, values }) {
    for (let i = 0; i < rows.length; i++) write(bodies[rows[i]], values, i * N_VALUES);
}

/** Collect the microseconds that parts of a tick take, and return their medians. */
class Stopwatch {
    constructor(nWarm) {
        this.nWarm = nWarm;
        this.taken = {};
    }

    time(name, work) {
        const begin = process.hrtime.bigint();
        const result = work();
        const end = process.hrtime.bigint();
        (this.taken[name] ??= []).push(Number(end - begin) / 1000);
        return result;
    }

    medians() {
        return Object.fromEntries(
            Object.entries(this.taken).map(([name, all]) => [name, median(all.slice(this.nWarm))]),
        );
    }
}

function median(values) {
    const ordered = [...values].sort((one, other) => one - other);
    const middle = ordered.length >> 1;
    return ordered.length % 2 ? ordered[middle] : (ordered[middle - 1] + ordered[middle]) / 2;
}

function mean(values) {
    return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One encoder, one decoder: the bytes that every client would get. */
function whole(values, moves, nWarm) {
    const bodies = [];
    const state = filled(new Shared(), values, bodies);
    const encoder = new Encoder(state);
    const copy = new Shared();
    const decoder = new Decoder(copy);
    const everything = Uint8Array.from(encoder.encodeAll());
    decoder.decode(everything);
    encoder.discardChanges();
    const watch = new Stopwatch(nWarm);
    const sizes = [];
    for (const each of moves) {
        watch.time("write_us", () => move(bodies, each));
        const bytes = watch.time("encode_us", () => {
            const encoded = encoder.encode();
            encoder.discardChanges();
            return encoded;
        });
        const arrived = Uint8Array.from(bytes);
        watch.time("decode_us", () => decoder.decode(arrived));
        sizes.push(arrived.length / each.rows.length);
    }
    check(bodies, copy, moves);
    return {
        ...watch.medians(),
        bytes_per_changed: mean(sizes.slice(nWarm)),
        full_state_bytes: everything.length,
    };
}

/** Each client its own view: what all of them together take to encode. */
function views(values, moves, nWarm, rowsOfViews) {
    const bodies = [];
    const state = filled(new Viewed(), values, bodies);
    const encoder = new Encoder(state);
    const clients = rowsOfViews.map((rows) => {
        const view = new StateView();
        for (const row of rows) view.add(bodies[row]);
        return view;
    });
    const copy = new Viewed();
    const decoder = new Decoder(copy);
    const begin = { offset: 0 };
    encoder.encodeAll(begin);
    const offset = begin.offset;
    for (const view of clients) {
        const bytes = encoder.encodeAllView(view, offset, begin);
        if (view === clients[0]) decoder.decode(Uint8Array.from(bytes));
    }
    // What `add` queued for the first patch is no part of the steady state.
    tick(encoder, clients);
    const watch = new Stopwatch(nWarm);
    const sizes = [];
    for (const each of moves) {
        watch.time("views_write_us", () => move(bodies, each));
        const all = watch.time("views_us", () => tick(encoder, clients));
        decoder.decode(Uint8Array.from(all[0]));
        sizes.push(mean(all.map((bytes) => bytes.length)));
    }
    check(bodies, copy, moves, new Set(rowsOfViews[0]));
    return { ...watch.medians(), views_bytes_each: mean(sizes.slice(nWarm)) };
}

function tick(encoder, clients) {
    const at = { offset: 0 };
    encoder.encode(at);
    const shared = at.offset;
    const all = clients.map((view) => encoder.encodeView(view, shared, at));
    encoder.discardChanges();
    return all;
}

/** Make sure that what was measured did arrive. */
function check(bodies, copy, moves, seen) {
    for (const row of moves.at(-1).rows) {
        if (seen && !seen.has(row)) continue;
        const arrived = copy.bodies.get(String(row));
        if (arrived?.rotation.w !== bodies[row].rotation.w) {
            throw new Error(`body ${row} did not arrive`);
        }
    }
}

const trace = new Trace(readFileSync(0));
const { n_bodies: nBodies, n_ticks: nTicks, n_moving: nMoving, n_warm: nWarm } = trace;
const values = trace.take(Float32Array, nBodies * N_VALUES);
const moves = trace.moves(nTicks, nMoving);
const rowsOfViews = Array.from({ length: trace.n_views }, () =>
    trace.take(Uint32Array, trace.n_seen),
);
const figures = whole(values, moves, nWarm);
if (trace.n_views) Object.assign(figures, views(values, moves, nWarm, rowsOfViews));
console.log(JSON.stringify(figures));
