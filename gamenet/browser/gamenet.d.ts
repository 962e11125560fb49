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
  /** Seconds by which the view lags; as the link needs if left out. */
  interpolationDelay?: number;
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
  /**
   * As it is drawn: own predicted entities ahead of the server, all others
   * `interpolationDelay` ago. One object per component, reused.
   */
  interpolated(component: string, row: number): Record<string, any>;
  entity(row: number): Entity;
}

/** Where the values that are drawn come from; "predicted" is as new as there is. */
export type Show = "predicted" | "interpolated" | "snapped";

/** What is drawn, in columns that are written once a frame; see `GameClient.advance`. */
export interface View {
  /** The tick, with a fraction, at which others are shown. */
  readonly tick: number;
  /** Valid as long as the client is. */
  columns(component: string): Record<string, Column>;
  /** One object per component, reused by every call. */
  values(component: string, row: number): Record<string, any>;
  /**
   * Those to draw: an entity is there when the view comes to where it began, until the view comes
   * to where it ended; a predicted one as it is now.
   */
  rows(...components: string[]): number[];
  /** Who owns what is drawn in a row, and which entity of that row it is. */
  ownerOf(row: number): number;
  generationOf(row: number): number;
  /** Choose how one entity is shown as long as it lives; null for what the game declares. */
  show(row: number, show: Show | null): void;
}

/** What a predicted step works on: own entities are ahead of the server there. */
export interface PredictedWorld {
  readonly capacity: number;
  readonly alive: Uint8Array;
  readonly generation: Uint32Array;
  readonly owner: Uint32Array;
  /** The tick that is computed. */
  readonly tick: number;
  /** Those of predicted components are written by the step, all others only read. */
  columns(component: string): Record<string, Column>;
  has(component: string, row: number): boolean;
  /** Ascending; reused by the next call, so read it at once. */
  rows(...components: string[]): readonly number[];
  /** Tell that an own entity has caused something: "event" at once, and once. */
  emit(event: string, values: Record<string, unknown>, row: number): void;
}

/** What a page predicts. Keep all state that a step needs in the components that it changes. */
export interface Prediction {
  /** Components that the step changes; own entities that have them are predicted. */
  components: readonly string[];
  /** Components that an entity must have besides. */
  having?: readonly string[];
  /** Take an input of the tick, as the server reads it, before the step. */
  input?(
    rows: readonly number[], name: string, values: Record<string, any>, tick: number, world: PredictedWorld,
  ): void;
  /** Make the state of the tick before into that of the tick: the same as on the server. */
  step(rows: readonly number[], dt: number, tick: number, world: PredictedWorld): void;
}

/** Something else was confirmed than had been predicted. */
export interface Correction {
  /** The confirmed tick, and how many ticks were computed again. */
  tick: number;
  ticks: number;
  /** Rows that this changed, and of which of them something else had been predicted. */
  rows: number[];
  mispredicted: number[];
  /** How far each component was off at that tick, at most, in units of its values. */
  sizes: Record<string, number>;
  /** Columns of each component for the newest own tick, in the order of `rows`. */
  before: Record<string, Column>[];
  after: Record<string, Column>[];
}

/** What is known of a prediction, for a debugging view. */
export interface Predicting {
  /** Own entities that are predicted. */
  readonly rows: readonly number[];
  readonly world: PredictedWorld;
  /** The newest 256, oldest first. */
  readonly log: readonly Correction[];
  /** Within `step`: as `PredictedWorld.emit`. */
  emit(event: string, values: Record<string, unknown>, row: number): void;
  /** What the server said last of a predicted component; null if it said nothing yet. */
  ghost(component: string, row: number): Record<string, any> | null;
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
  /** Something happened in a tick that the world has reached, or in a predicted one. */
  event: (name: string, value: Record<string, any>, tick: number) => void;
  /** A predicted event that was told has not happened after all. */
  event_cancelled: (name: string, value: Record<string, any>, tick: number) => void;
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
  /** An own tick begins: `sendInput` within it is of that tick. */
  tick: (tick: number) => void;
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

/** What the time lines measure; zeros before the welcome. */
export interface Timing {
  /** Seconds by which the estimate of the server's time may be wrong, and how much trips vary. */
  clockError: number;
  clockJitter: number;
  /** By how much the server's clock is faster than ours, as a share. */
  clockDrift: number;
  /** How often the server's time, or the own time line, had to jump. */
  resyncs: number;
  /** Ticks by which the own time line is ahead of the server, and how fast it goes: 1 is even. */
  ahead: number;
  speed: number;
  /** Ticks for which our frames wait at the server, and for which they should on this link. */
  slack: number;
  wanted: number;
  /** Frames that wait there now; those that came too late; ticks made without theirs. */
  depth: number;
  late: number;
  missing: number;
  /** Frames that the server is not known to have. */
  unacknowledged: number;
  /** Seconds by which the view lags, and by which snapshots are late at times. */
  delay: number;
  viewJitter: number;
  /** How often the view was beyond the newest snapshot. */
  stale: number;
}

/** What a prediction has counted; there only where there is one. */
export interface PredictionStats {
  /** Snapshots that told own entities, corrections, and ticks that were computed again. */
  confirmed: number;
  corrections: number;
  resimulated: number;
  /** How far the newest correction was, in units of the component that was off most. */
  correctionSize: number;
  /** Own entities that are predicted. */
  predictedRows: number;
}

/** Seconds; bytes; amounts a second, over the last two; loss is 0 to 1. */
export interface ClientStats extends Figures, Timing, Partial<PredictionStats> {
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

/** A call that waits for a tick. */
export interface Scheduled {
  readonly tick: number;
  readonly isCancelled: boolean;
  /** Never make it; without effect if it was made. */
  cancel(): void;
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
  /** How it is shown, as the game declares it; what is left out has its usual value. */
  shown: Readonly<{
    own?: Show | null; others?: Show | null; tolerance?: number; snap?: number; halfLife?: number; extrapolate?: number;
  }>;
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
  readonly view: View;
  /** Tick of the newest snapshot. */
  readonly tick: number;
  readonly tickRate: number;
  /** How far in the past `world.interpolated` is, in seconds. */
  readonly interpolationDelay: number;
  /** The server's tick now, estimated, with a fraction. */
  serverTick(): number;
  /** The past tick that `world.interpolated` shows now, with a fraction. */
  viewTick(): number;
  /** The newest own tick, ahead of the server's. */
  readonly ownTick: number;
  /**
   * Begin the own ticks that are due, and bring the view up to date: meant for a page's
   * frames, before they are drawn. Own ticks go on without it, too.
   */
  advance(now?: number): void;
  /** Begin the own ticks that are due, and no more. */
  keepTime(): void;
  /** Run own entities ahead of the server, by a step that does what the server's does. */
  predict(prediction: Prediction): Predicting;
  /** Have something called when the server is at a tick; if it is past that, soon. */
  at(tick: number, callback: () => void): Scheduled;
  atTime(seconds: number, callback: () => void): Scheduled;
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
  /** Within "tick" an input of that own tick, else of the next one. */
  sendInput(name: string, values?: Record<string, unknown>): void;
  /** Returns the message's id, for "progress" and `cancel`; undefined after the end. */
  send(name: string, values?: Record<string, unknown>): number | undefined;
  /** Give up a large message that has not left whole; returns whether it was. */
  cancel(id: number): boolean;
  close(): void;
  stats(): ClientStats;
}
