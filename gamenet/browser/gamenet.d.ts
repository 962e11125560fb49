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

/** What a server answers to GET /connect, and to POST /connect with a token. */
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
  /** Connect token in base64, good for one connection; absent where a backend issues them. */
  token?: string;
  /** Seconds for which a lost connection may be resumed. */
  resume?: number;
}

export interface ConnectOptions {
  /** At most 64 bytes of UTF-8. */
  name: string;
  /** Web address of the server; the page's own if left out. */
  server?: string;
  /** Connect token in base64, of a backend that issues its own; the name counts no more. */
  token?: string;
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
  /** A copy of what an entity has there now, by field. */
  values(component: string, row: number): Record<string, any>;
  /** Ascending; reused by the next call, so read it at once. */
  rows(...components: string[]): readonly number[];
  /** Between two samples, `interpolationDelay` ago; one object per component, reused. */
  interpolated(component: string, row: number): Record<string, any>;
  entity(row: number): Entity;
}

/** A component of ours that the server did not take. */
export interface RefusedWrite {
  row: number;
  generation: number;
  component: string;
  reason: "NOT_YOURS" | "NOT_WRITABLE" | "NO_SUCH" | "OVERRULED" | "MALFORMED" | "TOO_MANY";
}

export interface GameEvents {
  /** An entity is new, or has come into view. */
  spawned: (entity: Entity) => void;
  /** It exists no more. Called before anything changes: its last values can still be read. */
  despawned: (entity: Entity) => void;
  /** We do not see it any more; it may come back. Called before anything changes. */
  left: (entity: Entity) => void;
  /** Components came or went; `components` are those that it has now. */
  reshaped: (entity: Entity & { added: string[]; removed: string[] }) => void;
  /** It has another owner than the `previous` one. */
  reowned: (entity: Entity & { previous: number }) => void;
  /** Something happened in a tick that the world has reached. */
  event: (name: string, value: Record<string, any>, tick: number) => void;
  /** The server did not take what `write` wrote; the world shows again what the server has. */
  write_refused: (refused: RefusedWrite) => void;
  /** All parts of a tick have come, or one of a newer tick came before that. */
  snapshot: (tick: number) => void;
  player_entered: (player: Player) => void;
  player_exited: (player: Player & { reason: string }) => void;
  message: (name: string, value: Record<string, any>) => void;
  /** Of a large message of ours, so many bytes have arrived. */
  progress: (id: number, acked: number, total: number) => void;
  /** The link is lost; it is being made anew, and inputs are forgotten meanwhile. */
  dropped: (lost: Closed) => void;
  /** The game goes on where it was; no message is missing or doubled. */
  resumed: () => void;
  closed: (closed: Closed) => void;
}

/** What is measured once a second. Round trips are of the present link, 0 until measured. */
export interface Figures {
  /** "dropped": the link is lost, and is being made anew. */
  state: "idle" | "requesting" | "connected" | "dropped" | "closed";
  rtt: number;
  /** The shortest and the longest round trip of the last ten to twenty seconds. */
  rttMin: number;
  rttMax: number;
  jitter: number;
  /** Share of packets that did not arrive, to us and from us, recent ones weighing most. */
  lossDown: number;
  lossUp: number;
  bytesDownPerSecond: number;
  bytesUpPerSecond: number;
  packetsDownPerSecond: number;
  packetsUpPerSecond: number;
  /** Bytes on their way that are not acknowledged, and how many large messages may have there. */
  inFlight: number;
  transferWindow: number;
  /** Bytes of reliable messages that wait to be sent or acknowledged. */
  queuedBytes: number;
  /** How long messages wait before they are sent, in the lane where it takes longest. */
  queueTime: number;
}

export interface LaneStats {
  /** The channel's. */
  id: number;
  name: string;
  mode: string;
  /** Messages, and those sent again, or taken once more than once. */
  sent: number;
  received: number;
  resent: number;
  duplicates: number;
  /** Messages by the reason for which they were not sent, or not delivered. */
  dropped: Record<string, number>;
  bytesDownPerSecond: number;
  bytesUpPerSecond: number;
  queuedBytes: number;
  queueTime: number;
}

/** Seconds; bytes; amounts a second, over the last two; loss is 0 to 1. */
export interface ClientStats extends Figures {
  snapshotsPerSecond: number;
  /** Snapshots that were malformed, were told against what we do not have, or came too late. */
  snapshotErrors: number;
  baselinesMissing: number;
  snapshotsLate: number;
  packetsSent: number;
  packetsReceived: number;
  bytesSent: number;
  bytesReceived: number;
  /** Packets that were on their way when a link broke, and gaps in those of the server. */
  packetsLost: number;
  packetsMissed: number;
  /** Share of our packets that were not lost, since the beginning. */
  deliveryRatio: number;
  resent: number;
  duplicates: number;
  /** Packets by the reason for which they were not taken. */
  dropped: Record<string, number>;
  lanes: LaneStats[];
  /** The last two minutes, one a second, oldest first. */
  history: readonly Figures[];
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

export interface ComponentCodec extends SchemaCodec {
  /** Bits of each lane in which the component travels. */
  laneWidths: readonly number[];
}

/** A channel, as the game declares it. */
export interface Channel {
  id: number;
  mode: "unreliable" | "unreliable-sequenced" | "unreliable-receipts"
    | "reliable-unordered" | "reliable-ordered" | "reliable-sequenced";
  name: string;
  priority: number;
  weight: number;
  /** Bytes; 0 for the usual limit. */
  maxMessage: number;
  compression: boolean;
  receipts?: boolean;
}

/** The module that is generated from a game's schemas. */
export interface Codec {
  PROTOCOL_HASH: string;
  VERSION: number;
  CLOSE_REASONS: readonly { number: number; name: string; advice: string }[];
  channels: readonly Channel[];
  /** The channel of each message that has one of its own, by the message's id. */
  messageChannels: ReadonlyMap<number, number>;
  enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  components: readonly ComponentCodec[];
  /** What may happen in a tick, by id. */
  events: readonly SchemaCodec[];
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
  /**
   * Call back when a field changes in an entity that had the component before; what an
   * entity brings along when it is new is no change. Returns what ends it.
   */
  onChanged(component: string, field: string, callback: (row: number, value: any, old: any) => void): () => void;
  /** Wait for an entity with a component, at most `timeout` seconds; at once if there is one. */
  spawned(component: string, options?: { timeout?: number; signal?: AbortSignal }): Promise<Entity>;
  /** Write a component of an own entity: shown at once, and sent. Fields left out stay. */
  write(row: number, component: string, values: Record<string, unknown>): void;
  sendInput(name: string, values?: Record<string, unknown>): void;
  /** Returns the message's id, for "progress" and `cancel`; undefined after the end. */
  send(name: string, values?: Record<string, unknown>): number | undefined;
  /** Give up a large message that has not left whole; returns whether it was. */
  cancel(id: number): boolean;
  close(): void;
  stats(): ClientStats;
}
