// SPDX-License-Identifier: MIT
/**
 * The way in of each channel: frames become messages, once each, as the mode promises.
 *
 * What has to wait, because something before it is missing, is bounded by the window and
 * by bytes. On a stream little ever waits; a server that makes it so breaks the protocol.
 */

import { Mode } from "./channels.js";
import { Form } from "./frames.js";
import { WireError } from "./numbers.js";
import { Assembly, Parts } from "./pieces.js";
import { PIECE_WINDOW, WINDOW } from "./reliable.js";
import { distance16 } from "./sequence.js";

const HELD_COST = 64; // bytes that something which waits counts for beside its own
const MAX_HELD = 1 << 21; // bytes beside one whole message
const NOTHING = new Uint8Array(0);

/**
 * @param {number} sequence 16 bits
 * @param {number} next the first one that has not come, not wrapped
 * @returns {number} the sequence, not wrapped
 */
function unwrapped(sequence, next) {
  const ahead = distance16(sequence, next & 0xffff);
  if (ahead >= WINDOW + PIECE_WINDOW) throw new WireError(`a sequence ${ahead} beyond the one expected`);
  return next + ahead;
}

/** Lets each message through as soon as it is there (reliable-unordered). */
class UnorderedReceiver {
  #channel;
  #meter;
  /** The first sequence that has not come, and those after it that have. */
  #next = 0;
  #early = new Set();
  /** Large messages of which pieces are missing, by the sequence of their first piece. */
  #assemblies = new Map();
  #held = 0;

  constructor(channel, meter) {
    this.#channel = channel;
    this.#meter = meter;
  }

  /** @param {import("./frames.js").Frame} frame @returns {Uint8Array[]} messages, as they travelled */
  take(frame) {
    const sequence = unwrapped(frame.sequence, this.#next);
    if (frame.form === Form.RUN) return frame.payloads.filter((_, n) => this.#isNew(sequence + n));
    const first = sequence - frame.index;
    if (frame.form === Form.CANCELLED) return this.#cancel(first, sequence);
    return this.#isNew(sequence) ? this.#takePiece(first, frame) : [];
  }

  #isNew(sequence) {
    const isNew = this.#note(sequence);
    if (!isNew) this.#meter.duplicates++;
    return isNew;
  }

  #note(sequence) {
    if (sequence < this.#next || this.#early.has(sequence)) return false;
    this.#early.add(sequence);
    while (this.#early.delete(this.#next)) this.#next++;
    return true;
  }

  /** Nothing before the end of a message that was given up is waited for any more. */
  #cancel(first, end) {
    for (let n = Math.max(first, this.#next); n <= end; n++) this.#note(n);
    this.#forget(first);
    return [];
  }

  #takePiece(first, frame) {
    let assembly = this.#assemblies.get(first);
    if (!assembly) this.#assemblies.set(first, (assembly = new Assembly(this.#channel, frame.count)));
    assembly.add(frame);
    this.#held += frame.payload.length + HELD_COST;
    if (this.#held > MAX_HELD + this.#channel.maxMessage) throw tooMuch(this.#channel);
    if (!assembly.isWhole) return [];
    this.#forget(first);
    return [assembly.message()];
  }

  #forget(first) {
    const assembly = this.#assemblies.get(first);
    if (!assembly) return;
    this.#held -= assembly.bytes + HELD_COST * assembly.size;
    this.#assemblies.delete(first);
  }
}

/** Puts messages and pieces in order (reliable-ordered). */
class OrderedReceiver {
  #channel;
  #meter;
  #next = 0;
  /** What waits for something before it, by sequence; null for a piece that nobody needs. */
  #early = new Map();
  #held = 0;
  #parts;

  constructor(channel, meter) {
    this.#channel = channel;
    this.#meter = meter;
    this.#parts = new Parts(channel);
  }

  /** @param {import("./frames.js").Frame} frame @returns {Uint8Array[]} messages, as they travelled */
  take(frame) {
    const sequence = unwrapped(frame.sequence, this.#next);
    const messages = [];
    if (frame.form === Form.RUN) {
      frame.payloads.forEach((payload, n) => this.#take(sequence + n, { payload }, messages));
    } else {
      if (frame.form === Form.CANCELLED) this.#void(sequence - frame.index, sequence);
      this.#take(sequence, itemOf(frame), messages);
    }
    return messages;
  }

  /** Nobody needs the pieces of a message that was given up, whether they have come or not. */
  #void(first, end) {
    for (let n = Math.max(first, this.#next); n < end; n++) {
      this.#letGo(this.#early.get(n));
      this.#early.set(n, null);
    }
    this.#advance([]);
  }

  #take(sequence, item, messages) {
    if (sequence < this.#next || this.#early.has(sequence)) {
      this.#meter.duplicates++;
    } else if (sequence === this.#next) {
      this.#deliver(item, messages);
      this.#advance(messages);
    } else {
      this.#keep(sequence, item);
    }
  }

  #keep(sequence, item) {
    this.#early.set(sequence, { ...item, payload: item.payload.slice() });
    this.#held += item.payload.length + HELD_COST;
    if (this.#held > MAX_HELD + this.#channel.maxMessage) throw tooMuch(this.#channel);
  }

  #letGo(item) {
    if (item) this.#held -= item.payload.length + HELD_COST;
  }

  #advance(messages) {
    while (this.#early.has(this.#next)) {
      const item = this.#early.get(this.#next);
      this.#early.delete(this.#next);
      this.#letGo(item);
      this.#deliver(item, messages);
    }
  }

  #deliver(item, messages) {
    this.#next++;
    const message = item && this.#parts.take(item);
    if (message) messages.push(message);
  }
}

/** What stands for a piece, or for the end of its message. */
function itemOf({ form, index, count, payload }) {
  return form === Form.PIECE ? { index, count, payload } : { payload: NOTHING, isEnd: true };
}

/** Lets through only what is newer than everything before (both sequenced modes). */
class SequencedReceiver {
  #meter;
  #newest = null;

  constructor(_, meter) {
    this.#meter = meter;
  }

  /** @param {import("./frames.js").Frame} frame @returns {Uint8Array[]} */
  take({ sequence, payload }) {
    if (this.#newest !== null && distance16(sequence, this.#newest) <= 0) {
      if (sequence === this.#newest) this.#meter.duplicates++;
      else this.#meter.dropped.add("outdated");
      return [];
    }
    this.#newest = sequence;
    return [payload];
  }
}

/** Lets everything through. */
class PlainReceiver {
  /** @param {import("./frames.js").Frame} frame @returns {Uint8Array[]} */
  take({ payload }) {
    return [payload];
  }
}

function tooMuch({ id }) {
  return new WireError(`too much of channel ${id} waits for something that is missing`, "MESSAGE_TOO_LARGE");
}

const RECEIVERS = {
  [Mode.UNRELIABLE]: PlainReceiver,
  [Mode.UNRELIABLE_RECEIPTS]: PlainReceiver,
  [Mode.UNRELIABLE_SEQUENCED]: SequencedReceiver,
  [Mode.RELIABLE_SEQUENCED]: SequencedReceiver,
  [Mode.RELIABLE_ORDERED]: OrderedReceiver,
  [Mode.RELIABLE_UNORDERED]: UnorderedReceiver,
};

/**
 * @param {import("./channels.js").Channel} channel
 * @param {import("./stats.js").LaneMeter} meter
 * @returns {{take: (frame: import("./frames.js").Frame) => Uint8Array[]}}
 */
export function newReceiver(channel, meter) {
  return new RECEIVERS[channel.mode](channel, meter);
}
