// SPDX-License-Identifier: MIT
// Types of netgraph.js, for pages written in TypeScript.

import type { ClientStats, GameClient } from "./gamenet.js";

export interface Graph {
  toggle(): void;
  show(): void;
  hide(): void;
  dispose(): void;
}

export interface GraphOptions {
  /** Keyboard code that toggles it: "KeyN" if left out, null for none. */
  key?: string | null;
  visible?: boolean;
}

/** What each of the figures without a graph is called, and its value. */
export function figuresOf(stats: ClientStats): [string, string][];

/** Draw what the connection measures. The graph sizes the canvas, and hides it. */
export function attachNetGraph(
  client: Pick<GameClient, "stats">, canvas: HTMLCanvasElement, options?: GraphOptions,
): Graph;
