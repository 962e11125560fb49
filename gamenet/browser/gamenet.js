// SPDX-License-Identifier: MIT
/**
 * Play a gamenet game from a web page.
 *
 *   import { connect } from "/gamenet/gamenet.js";
 *
 *   const client = await connect({ name: "Ada" });
 *   client.on("tick", () => client.sendInput("Steer", { x: 127, y: 0 }));
 *   client.on("snapshot", () => {
 *     for (const row of client.world.rows("Position")) draw(client.world.interpolated("Position", row));
 *   });
 *
 * A server is known by its web address: /connect there says which codec to load and where
 * the socket is, and gives a token to those who may have one.
 */

import { Carrier } from "./carrier.js";
import { GAME_CHANNELS } from "./channels.js";
import { GameClient } from "./client.js";
import { Connection } from "./connection.js";
import { WireError } from "./numbers.js";
import { tokenBytes } from "./tokens.js";

export { GameClient };

/** Thrown when there is no connection, with what a page may tell its user. */
export class ConnectError extends Error {
  /** @param {import("./client.js").Closed} closed */
  constructor({ reason, advice, detail }) {
    super(detail ? `${advice} (${detail})` : advice);
    this.name = "ConnectError";
    /** Name of the close reason: "SERVER_FULL", "UNREACHABLE", ... */
    this.reason = reason;
    /** What happened and what to do, for the user. */
    this.advice = advice;
    /** What the server said about it; may be empty. */
    this.detail = detail;
  }
}

const CHECKS_PER_TICK = 4;

const seconds = () => performance.now() / 1000;

/**
 * Ask a server what it plays.
 * @param {string} [server] its web address
 * @param {AbortSignal} [signal]
 * @returns {Promise<{game: string, title: string, version: number, protocol_hash: string,
 *   tick_rate: number, players: number, max_players: number, transports: object[], codec: string,
 *   token?: string, resume?: number}>}
 */
export function describeGame(server = location.origin, signal = undefined) {
  return ask({ signal }, server);
}

/** Ask for an invitation: the same, and a token for one connection. */
function invitation(wishes, server, signal) {
  const headers = { "content-type": "application/json" };
  return ask({ method: "POST", body: JSON.stringify(wishes), headers, signal }, server);
}

async function ask(request, server) {
  const { signal } = request;
  try {
    const answer = await fetch(new URL("/connect", server), request);
    const body = await answer.json();
    if (answer.ok) return body;
    throw notInvited(answer.status, body.error ?? `status ${answer.status}`);
  } catch (error) {
    if (signal?.aborted || error instanceof ConnectError) throw error;
    throw unreachable("");
  }
}

/** Before a codec is loaded there is no table of reasons: these are the rows that we need. */
const UNREACHABLE = { reason: "UNREACHABLE",
                      advice: "The game server does not answer. Check that it runs, then try again." };
const NO_TOKEN = { reason: "NO_TOKEN",
                   advice: "The server takes players with a ticket only. Join at the address that gives you one." };
const REFUSALS = {
  401: NO_TOKEN,
  403: NO_TOKEN,
  429: { reason: "RATE_LIMITED", advice: "The server was asked too often from your address. Try again later." },
  503: { reason: "SERVER_SHUTDOWN", advice: "The server is shutting down. Try again in a moment." },
};

function notInvited(status, detail) {
  return new ConnectError({ ...(REFUSALS[status] ?? UNREACHABLE), detail });
}

function unreachable(detail) {
  return new ConnectError({ ...UNREACHABLE, detail });
}

/**
 * Join a game.
 * @param {object} options
 * @param {string} options.name of the player, at most 64 bytes of UTF-8
 * @param {string} [options.server] web address of the server
 * @param {string} [options.token] connect token in base64, of a backend that issues its own; it
 *     says who the player is, and the name counts no more
 * @param {string} [options.expectedHash] refuse a server that now speaks another protocol
 * @param {number} [options.interpolationDelay] seconds that the view lags; as the link needs if left out
 * @param {AbortSignal} [options.signal] gives up while connecting
 * @returns {Promise<GameClient>} once the server has welcomed us; what happens from then on
 *     is told after the `await`, so that no event is missed
 */
export async function connect({ name, server = location.origin, token, expectedHash, interpolationDelay, signal }) {
  const game = await (token === undefined ? invitation({ name }, server, signal) : describeGame(server, signal));
  const codec = await loadCodec(new URL(game.codec, server));
  const wanted = expectedHash ?? codec.PROTOCOL_HASH;
  if (game.protocol_hash !== wanted) throw refusal(codec, "PROTOCOL_MISMATCH");
  const ticket = token ?? game.token;
  if (!ticket) throw refusal(codec, "NO_TOKEN");
  signal?.throwIfAborted();
  return join({ game, codec, ticket, url: socketAddress(server, game.transports), interpolationDelay, signal });
}

async function loadCodec(address) {
  try {
    return await import(address.href);
  } catch {
    throw unreachable(`${address.pathname} could not be loaded`);
  }
}

function refusal(codec, reason, detail = "") {
  const { advice } = codec.CLOSE_REASONS.find((known) => known.name === reason);
  return new ConnectError({ reason, advice, detail });
}

/** A page served over TLS by a proxy finds its socket behind that proxy, too. */
function socketAddress(server, transports) {
  const sockets = transports.filter(({ transport }) => ["ws", "wss"].includes(transport));
  if (sockets.length === 0) throw unreachable("it has no address for browsers");
  const best = sockets.find(({ transport }) => transport === "wss") ?? sockets[0];
  const address = new URL(best.url);
  const page = new URL(server);
  if (page.protocol === "https:" && address.protocol === "ws:") {
    address.protocol = "wss:";
    address.host = page.host;
    address.port = page.port;
  }
  return address;
}

function join({ game, codec, ticket, url, interpolationDelay, signal }) {
  const connection = openConnection(game, codec, ticket);
  return new Promise((resolve, reject) => {
    const doorway = new Doorway((client) => resolve(client), reject);
    const unopened = game.players >= game.max_players ? "SERVER_FULL" : "UNREACHABLE";
    const take = (event) => doorway.take(event);
    const carrier = new Carrier(() => new WebSocket(url), connection, seconds, take, unopened);
    const pump = () => carrier.pump();
    const client = new GameClient({ codec, game, connection, now: seconds, pump, interpolationDelay });
    doorway.client = client;
    keepTime(client, game.tick_rate);
    const hurry = () => { connection.hurry(seconds()); carrier.pump(); };
    followPage(client, hurry, signal);
  });
}

/** Keep own ticks going where the page draws nothing, as in a tab that is not looked at. */
function keepTime(client, tickRate) {
  const timer = setInterval(() => client.keepTime(), 1000 / tickRate / CHECKS_PER_TICK);
  client.on("closed", () => clearInterval(timer));
}

function openConnection({ resume }, codec, ticket) {
  try {
    return new Connection({
      token: tokenBytes(ticket),
      protocolHash: bytesOfHex(codec.PROTOCOL_HASH),
      version: codec.VERSION,
      closeReasons: codec.CLOSE_REASONS,
      channels: codec.channels ?? GAME_CHANNELS,
      random: Math.random,
      config: typeof resume === "number" ? { resumeWindow: resume } : {},
    });
  } catch (error) {
    throw error instanceof WireError ? refusal(codec, "TOKEN_INVALID", error.message) : error;
  }
}

function bytesOfHex(hex) {
  return Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
}

/**
 * A page that goes away says goodbye, so that its player does not stand around. One that
 * is online again, or looked at again, does not wait for its next attempt to reconnect.
 */
function followPage(client, hurry, signal) {
  const playing = new AbortController(); // the page and the signal may outlive many clients
  const leave = () => client.close();
  const look = () => { if (!document.hidden) hurry(); };
  addEventListener("pagehide", leave, { signal: playing.signal });
  addEventListener("online", hurry, { signal: playing.signal });
  document.addEventListener("visibilitychange", look, { signal: playing.signal });
  signal?.addEventListener("abort", leave, { signal: playing.signal });
  client.on("closed", () => playing.abort());
}

/** Between connection and client: holds events back until the page can hear of them. */
class Doorway {
  #resolve;
  #reject;
  #held = null;
  #isOpen = false;

  constructor(resolve, reject) {
    this.#resolve = resolve;
    this.#reject = reject;
    /** @type {GameClient} */
    this.client = null;
  }

  take(event) {
    if (this.#held) this.#held.push(event);
    else if (this.#isOpen) this.client.receive(event);
    else this.#admit(event);
  }

  #admit(event) {
    this.client.receive(event);
    if (event.type === "closed") this.#reject(new ConnectError(this.client.closed(event)));
    if (!this.client.world) return;
    this.#held = [];
    this.#resolve(this.client);
    setTimeout(() => this.#release()); // after whoever awaits the client has it
  }

  #release() {
    const held = this.#held;
    this.#held = null;
    this.#isOpen = true;
    for (const event of held) this.client.receive(event);
  }
}
