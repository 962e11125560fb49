// SPDX-License-Identifier: MIT
/**
 * The whole course of a visit: name, join, play, and again when the connection is lost.
 *
 *   startSession({ title: "Drift", play: (client) => { ...; return () => { ... }; } });
 */

import { RECONNECTING, explainClosed, showBanner } from "./banner.js";
import { ConnectError, connect } from "./gamenet.js";
import { askName } from "./join.js";

const FIRST_WAIT = 2; // seconds before the first automatic attempt; doubled for each further one
const LONGEST_WAIT = 16;
/** The server is there, but our session is not: it was started anew, or we were away for too long. */
const STARTED_ANEW = new Set(["TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_USED", "SESSION_GONE"]);
const QUICK = 400; // milliseconds; what takes less need not be announced
const PAGE_FAILED = {
  reason: "PAGE_FAILED",
  advice: "Something is wrong with this page. Try again; the browser's console says more.",
  detail: "",
};

class Session {
  #options;
  #play;
  #name = "";
  #hash = undefined;
  #failures = 0;
  #banner = null;
  #countdown = 0;
  #announcement = 0;
  #attempt = new AbortController();

  constructor({ play, root = document.body, title, tagline = "", server = location.origin, ticket }) {
    this.#options = { root, title, tagline, server, ticket };
    this.#play = play;
    /** @type {import("./client.js").GameClient | null} */
    this.client = null;
  }

  /** Ask for the name, then join. */
  async begin() {
    const { root, title, tagline } = this.#options;
    this.#name = await askName({ root, title, tagline });
    await this.#join();
  }

  async #join() {
    this.#clear();
    if (this.#attempt.signal.aborted) return;
    const { server, ticket } = this.#options;
    this.#announce({ title: "Joining", text: "One moment…", tone: "notice" });
    try {
      const token = await ticket?.(this.#name);
      const client = await connect({
        name: this.#name, server, token, expectedHash: this.#hash, signal: this.#attempt.signal,
      });
      this.#clear();
      this.#joined(client);
    } catch (error) {
      if (this.#attempt.signal.aborted) return;
      if (error instanceof ConnectError) this.#closed(error);
      else this.#failed(error);
    }
  }

  /** Say what goes on, if it still does in a moment. */
  #announce(message) {
    this.#announcement = setTimeout(() => {
      this.#banner = showBanner({ root: this.#options.root, ...message });
    }, QUICK);
  }

  /** Report what is no matter of the connection, and leave nothing half begun. */
  #failed(error) {
    console.error(error);
    this.client?.close();
    this.client = null;
    this.#closed(PAGE_FAILED);
  }

  #joined(client) {
    this.client = client;
    this.#hash = client.protocolHash;
    this.#failures = 0;
    const finish = this.#play(client); // no event comes before it has returned
    client.on("dropped", () => {
      this.#clear();
      this.#announce(RECONNECTING);
    });
    client.on("resumed", () => this.#clear());
    client.on("closed", (closed) => {
      this.client = null;
      if (typeof finish === "function") finish();
      if (STARTED_ANEW.has(closed.reason) && !document.hidden) this.#join();
      else this.#closed(closed);
    });
  }

  #closed(closed) {
    this.#clear();
    if (this.#attempt.signal.aborted) return;
    const { title, text, reload, automatic } = explainClosed(closed);
    const again = { label: "Try again", run: () => this.#join() };
    const anew = { label: "Reload", run: () => location.reload() };
    const actions = reload ? [anew] : [again];
    this.#banner = showBanner({ root: this.#options.root, title, text, actions });
    if (automatic) this.#retryLater(text);
  }

  /** Count down to the next attempt; a hidden page waits until it is looked at. */
  #retryLater(text) {
    let left = Math.min(FIRST_WAIT * 2 ** this.#failures, LONGEST_WAIT);
    this.#failures++;
    const tell = () => this.#banner.setText(`${text} Trying again in ${left} s.`);
    tell();
    this.#countdown = setInterval(() => {
      if (document.hidden && left <= 1) return;
      left--;
      if (left > 0) tell();
      else this.#join();
    }, 1000);
  }

  #clear() {
    clearInterval(this.#countdown);
    clearTimeout(this.#announcement);
    this.#banner?.close();
    this.#banner = null;
  }

  /** Leave for good. */
  end() {
    this.#attempt.abort();
    this.#clear();
    this.client?.close();
  }
}

/**
 * Ask for a name, join, and keep the player informed until the page is left.
 * @param {object} options
 * @param {(client: import("./client.js").GameClient) => (void | (() => void))} options.play called
 *     for each connection made; what it returns is called when that connection has ended
 * @param {string} options.title of the game
 * @param {string} [options.tagline]
 * @param {string} [options.server] web address, if not the page's own
 * @param {(name: string) => Promise<string>} [options.ticket] gets a connect token in base64 from
 *     who issues them, for each time we join; without it the server is asked
 * @param {HTMLElement} [options.root]
 * @returns {{client: import("./client.js").GameClient | null, end: () => void}}
 */
export function startSession(options) {
  const session = new Session(options);
  session.begin();
  return session;
}
