// SPDX-License-Identifier: MIT
/** Ask a player's name, once: the browser remembers it. */

import { element } from "./elements.js";

const MAX_NAME = 64; // bytes of UTF-8, as the server takes it
const KEY = "gamenet.name";

const encoder = new TextEncoder();

/** Cut text at a character's end so that it has at most 64 bytes. */
function cut(text) {
  let length = 0;
  let kept = "";
  for (const character of text) {
    length += encoder.encode(character).length;
    if (length > MAX_NAME) break;
    kept += character;
  }
  return kept;
}

/**
 * @param {string} text
 * @returns {string} without spaces around it, cut to 64 bytes of UTF-8
 */
export function trimName(text) {
  return cut(text.trim()).trim();
}

/** @returns {string} the name of the last time; "" when none is remembered */
export function rememberedName() {
  try {
    return trimName(localStorage.getItem(KEY) ?? "");
  } catch {
    return ""; // storage may be forbidden
  }
}

function remember(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // Forbidden or full: the name is asked for again next time, nothing else is lost.
  }
}

/**
 * Ask for a name in a form over the page.
 * @param {object} options
 * @param {HTMLElement} [options.root] where the form is put
 * @param {string} options.title of the game
 * @param {string} [options.tagline] what it is about
 * @param {string} [options.button] what its button says
 * @param {string} [options.notice] what the player should know first, such as why it ended
 * @returns {Promise<string>} 1 to 64 bytes of UTF-8
 */
export function askName({ root = document.body, title, tagline = "", button = "Play", notice = "" }) {
  const input = element("input", {
    id: "gamenet-name", name: "nickname", type: "text", required: true, value: rememberedName(),
    autocomplete: "nickname", spellcheck: false, placeholder: "Your name", enterKeyHint: "go",
  });
  const form = element("form", { class: "gamenet-card gamenet-join" },
    element("h1", {}, title),
    element("p", { class: "gamenet-tagline", hidden: !tagline }, tagline),
    element("p", { class: "gamenet-notice", role: "alert", hidden: !notice }, notice),
    element("label", { htmlFor: "gamenet-name" }, "Name"),
    input,
    element("button", { type: "submit" }, button),
  );
  const overlay = element("div", { class: "gamenet-overlay" }, form);
  root.append(overlay);
  input.focus();
  input.select();
  return answered(form, input).finally(() => overlay.remove());
}

function answered(form, input) {
  input.addEventListener("input", () => {
    input.setCustomValidity("");
    if (cut(input.value) !== input.value) input.value = cut(input.value);
  });
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = trimName(input.value);
      input.setCustomValidity(name ? "" : "Please enter a name.");
      if (!form.reportValidity()) return;
      remember(name);
      resolve(name);
    });
  });
}
