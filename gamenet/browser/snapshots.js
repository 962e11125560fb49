// SPDX-License-Identifier: MIT
/**
 * Take snapshots as they come, and count those that are of no use.
 *
 * They are unreliable: a bad one is counted and changes nothing. But it has arrived, so
 * the server thinks that we know what it says, as with one that came too late, or is told
 * against what we do not have; it is asked for everything again, at most once a second.
 */

import { BaselineMissing } from "./blocks.js";
import { Rate } from "./clock.js";
import { WireError } from "./numbers.js";
import { PartCounter } from "./parts.js";

const ASK_AGAIN = 1; // seconds

export class SnapshotFeed {
  #parts = new PartCounter();
  #rate = new Rate();
  #resync;
  #asked = -Infinity;
  #counts = { snapshotErrors: 0, baselinesMissing: 0, snapshotsLate: 0 };

  /** @param {() => void} resync asks the server for everything */
  constructor(resync) {
    this.#resync = resync;
  }

  /**
   * Take a snapshot, or one part of it.
   * @param {import("./replica.js").Replica | null} replica null before the welcome
   * @param {Uint8Array} payload
   * @param {number} now
   * @param {(event: "despawned" | "left", entity: import("./world.js").Entity) => void} gone
   * @returns {{tick: number, happened: [string, any][], told: import("./blocks.js").SnapshotReader,
   *     over: number[]} | null} what happened, what it says, and the ticks that are over with it;
   *     null if it was of no use
   */
  take(replica, payload, now, gone) {
    const applied = this.#apply(replica, payload, gone);
    this.#askAgain(replica, now);
    if (applied === null) return null;
    const over = this.#parts.take(applied.tick, applied.parts);
    if (over.length > 0) this.#rate.add(over.length, now);
    return { ...applied, over };
  }

  #apply(replica, payload, gone) {
    try {
      if (replica === null) throw new WireError("snapshot before the welcome");
      const applied = replica.apply(payload, gone);
      if (applied === null) this.#counts.snapshotsLate++;
      return applied;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      if (error instanceof BaselineMissing) this.#counts.baselinesMissing++;
      else this.#counts.snapshotErrors++;
      return null;
    }
  }

  /** Ask for everything if that is needed; what is asked for too soon is asked for later. */
  #askAgain(replica, now) {
    if (!replica?.needsEverything || now - this.#asked < ASK_AGAIN) return;
    replica.needsEverything = false;
    this.#asked = now;
    this.#resync();
  }

  /** @param {number} now */
  stats(now) {
    return { ...this.#counts, snapshotsPerSecond: this.#rate.perSecond(now) };
  }
}
