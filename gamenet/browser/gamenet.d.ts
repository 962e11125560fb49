// SPDX-License-Identifier: MIT
// Types of gamenet.js, for pages written in TypeScript.

/** Why there is no connection, or no more: `advice` is for the user. */
export interface Closed {
  /** Name of the close reason: "SERVER_FULL", "UNREACHABLE", "LINK_LOST", ... */
  reason: string;
  advice: string;
  /** What the server said about it; may be empty. */
  detail: string;
}

export class ConnectError extends Error implements Closed {
  constructor(closed: Closed);
  reason: string;
  advice: string;
  detail: string;
}

/** What a server answers to POST /connect. */
export interface GameDescription {
  game: string;
  title: string;
  version: number;
  protocol_hash: string;
  tick_rate: number;
  players: number;
  max_players: number;
  transports: { transport: string; url?: string; host?: string; port?: number }[];
  /** Address of the generated codec on the server. */
  codec: string;
}

export interface ConnectOptions {
  /** At most 64 bytes of UTF-8. */
  name: string;
  /** Web address of the server; the page's own if left out. */
  server?: string;
  /** Refuse a server that now speaks another protocol than this one (hexadecimal). */
  expectedHash?: string;
  /** Gives up while connecting. */
  signal?: AbortSignal;
}

/** Join a game: resolves once welcomed, rejects with a ConnectError. */
export function connect(options: ConnectOptions): Promise<GameClient>;

/** Ask a server what it plays. */
export function describeGame(server?: string, signal?: AbortSignal): Promise<GameDescription>;

export interface Player {
  id: number;
  /** Chosen by the player: show it as text, never as markup. */
  name: string;
}

export interface Entity {
  row: number;
  generation: number;
  /** Id of the player that owns it, 0 for nobody. */
  owner: number;
  /** Names of its components. */
  components: string[];
}

export type Column =
  | Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array
  | Float32Array | Float64Array | BigUint64Array | BigInt64Array;

/** The entities in columns: index a column by row. */
export interface World {
  readonly capacity: number;
  readonly alive: Uint8Array;
  readonly generation: Uint32Array;
  readonly owner: Uint32Array;
  readonly componentNames: string[];
  columns(component: string): Record<string, Column>;
  has(component: string, row: number): boolean;
  /** Ascending; reused by the next call, so read it at once. */
  rows(...components: string[]): readonly number[];
  /** Between two samples, `interpolationDelay` ago; one object per component, reused. */
  interpolated(component: string, row: number): Record<string, any>;
  entity(row: number): Entity;
}

export interface GameEvents {
  spawned: (entity: Entity & { replaced: boolean }) => void;
  /** Called before the row is cleared: its last values can still be read. */
  despawned: (entity: Entity) => void;
  /** All parts of a tick have come, or one of a newer tick came before that. */
  snapshot: (tick: number) => void;
  player_entered: (player: Player) => void;
  player_exited: (player: Player & { reason: string }) => void;
  message: (name: string, value: Record<string, any>) => void;
  closed: (closed: Closed) => void;
}

/** Seconds; amounts a second, over the last two; loss is 0 to 1. */
export interface ClientStats {
  state: "idle" | "requesting" | "connected" | "closed";
  rtt: number;
  jitter: number;
  loss: number;
  snapshotsPerSecond: number;
  bytesDownPerSecond: number;
  bytesUpPerSecond: number;
  packetsDownPerSecond: number;
  packetsUpPerSecond: number;
}

/** A field of a schema: its kind, and what the kind needs (minimum, lo, hi, bits, ...). */
export interface Field {
  name: string;
  kind: string;
  [parameter: string]: unknown;
}

export interface SchemaCodec {
  name: string;
  fields: readonly Field[];
  /** A new object in which each field has its default. */
  create(): Record<string, any>;
}

/** The module that is generated from a game's schemas. */
export interface Codec {
  PROTOCOL_HASH: string;
  VERSION: number;
  CLOSE_REASONS: readonly { number: number; name: string; advice: string }[];
  enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  components: readonly SchemaCodec[];
  inputs: readonly SchemaCodec[];
  messages: ReadonlyMap<number, SchemaCodec>;
}

/** A player's view of a running game. */
export class GameClient {
  private constructor();
  readonly game: GameDescription;
  readonly codec: Codec;
  readonly protocolHash: string;
  readonly playerId: number;
  readonly players: Map<number, Player>;
  readonly world: World;
  /** Tick of the newest snapshot. */
  readonly tick: number;
  readonly tickRate: number;
  /** How far in the past `world.interpolated` is, in seconds; two ticks unless it is set. */
  interpolationDelay: number;
  /** The server's tick now, estimated, with a fraction. */
  serverTick(): number;
  /** Returns what ends it. */
  on<E extends keyof GameEvents>(event: E, callback: GameEvents[E]): () => void;
  sendInput(name: string, values?: Record<string, unknown>): void;
  send(name: string, values?: Record<string, unknown>): void;
  close(): void;
  stats(): ClientStats;
}
