// SPDX-License-Identifier: MIT
// Types of foresight_graph.js, for pages written in TypeScript.

import type { ClientStats, GameClient } from "./gamenet.js";
import type { Graph } from "./netgraph.js";

export interface ForesightOptions {
  /** Keyboard code that toggles it: "KeyP" if left out, null for none. */
  key?: string | null;
  visible?: boolean;
  /** More figures of the page: what each is called, and its value. */
  figures?: () => [string, string][];
}

/** What the graph draws of one moment: `again` is ticks computed again in a second. */
export interface ForesightSample extends ClientStats {
  correction: number;
  again: number;
}

/** What happened between samples, besides what the stats say at each. */
export class ForesightSamples {
  /** @param seconds between two samples */
  constructor(seconds: number);
  /** The newest ones, oldest first. */
  history: ForesightSample[];
  take(stats: ClientStats): ForesightSample;
}

/** What each of the figures without a graph is called, and its value. */
export function foresightFigures(stats: ClientStats, more?: readonly [string, string][]): [string, string][];

/** Draw how well a client's prediction goes. The graph sizes the canvas, and hides it. */
export function attachForesightGraph(
  client: GameClient, canvas: HTMLCanvasElement, options?: ForesightOptions,
): Graph;
