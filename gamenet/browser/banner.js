// SPDX-License-Identifier: MIT
/** Tell the player what happened to the connection, and what can be done. */

import { element } from "./elements.js";

/** Headline, and what helps, by close reason; the sentences come with the reason itself. */
const EXPLANATIONS = {
  NORMAL: { title: "You left the game" },
  SERVER_SHUTDOWN: { title: "The server is shutting down", automatic: true },
  KICKED: { title: "You were removed from the game" },
  SERVER_FULL: { title: "The server is full", automatic: true },
  TOO_MANY_FROM_ADDRESS: { title: "Too many players from your address" },
  VERSION_MISMATCH: { title: "There is a new version", reload: true },
  PROTOCOL_MISMATCH: { title: "There is a new version", reload: true },
  HANDSHAKE_TIMED_OUT: { title: "The server did not answer", automatic: true },
  UNREACHABLE: { title: "The server cannot be reached", automatic: true },
  TOKEN_INVALID: { title: "Your ticket was not accepted", automatic: true },
  TOKEN_EXPIRED: { title: "Your ticket has expired", automatic: true },
  TOKEN_USED: { title: "Your ticket was used before", automatic: true },
  TOKEN_FOREIGN: { title: "Your ticket is for another server" },
  SESSION_GONE: { title: "You were away for too long", automatic: true },
  NO_TOKEN: { title: "You need a ticket for this server" },
  TIMED_OUT: { title: "The connection was lost", automatic: true },
  LINK_LOST: { title: "The connection was lost", automatic: true },
  RATE_LIMITED: { title: "Too much was asked of the server" },
  MALFORMED: { title: "The server was not understood", reload: true },
  MESSAGE_TOO_LARGE: { title: "The server was not understood", reload: true },
  PAGE_FAILED: { title: "The game could not be started" }, // no close reason: see session.js
};

/** What is said while the connection is dropped and may come back by itself. */
export const RECONNECTING = Object.freeze({
  title: "Connection lost, reconnecting…",
  text: "Your place in the game is kept for a while.",
});

/**
 * Say why a connection ended, and what is worth doing.
 * @param {{reason: string, advice: string, detail: string}} closed
 * @returns {{title: string, text: string, reload: boolean, automatic: boolean}} reload: the
 *     page is out of date; automatic: trying again by itself may help
 */
export function explainClosed({ reason, advice, detail }) {
  const { title = "The connection ended", reload = false, automatic = false } =
    EXPLANATIONS[reason] ?? {};
  return { title, text: detail ? `${advice} (${detail})` : advice, reload, automatic };
}

/**
 * Show a message that stays until one of its actions is chosen.
 * @param {object} options
 * @param {HTMLElement} [options.root]
 * @param {string} options.title
 * @param {string} options.text
 * @param {{label: string, run: () => void}[]} [options.actions] the first is the main one
 * @param {"warning" | "notice"} [options.tone]
 * @returns {{close: () => void, setText: (text: string) => void}}
 */
export function showBanner({ root = document.body, title, text, actions = [], tone = "warning" }) {
  const words = element("p", {}, text);
  const buttons = actions.map(({ label, run }) => {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => { banner.remove(); run(); });
    return button;
  });
  const banner = element("div", { class: `gamenet-card gamenet-banner gamenet-${tone}`, role: "alert" },
    element("h2", {}, title),
    words,
    element("div", { class: "gamenet-actions", hidden: buttons.length === 0 }, ...buttons),
  );
  root.append(banner);
  buttons[0]?.focus({ preventScroll: true });
  return {
    close: () => banner.remove(),
    setText: (changed) => { words.textContent = changed; },
  };
}
