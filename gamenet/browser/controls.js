// SPDX-License-Identifier: MIT
/**
 * Read keyboard, mouse and touch into one state object that a game looks at when it likes.
 *
 * A finger on the left of the element becomes a stick where it touches; buttons stand at
 * the bottom right as soon as the screen is known to be touched.
 */

import { element as make } from "./elements.js";
import { TouchStick } from "./stick.js";

const AXES = {
  ArrowLeft: ["x", -1], KeyA: ["x", -1], ArrowRight: ["x", 1], KeyD: ["x", 1],
  ArrowUp: ["y", 1], KeyW: ["y", 1], ArrowDown: ["y", -1], KeyS: ["y", -1],
};

const PRIMARY = 1; // bit of MouseEvent.buttons

/**
 * @typedef {object} ControlState
 * @property {number} x -1 (left) to 1 (right)
 * @property {number} y -1 (down) to 1 (up)
 * @property {Record<string, boolean>} buttons by name: held down
 * @property {boolean} touch whether a touch was seen
 * @property {{x: number, y: number, down: boolean, present: boolean}} pointer mouse or pen, in
 *     CSS pixels from the element's top left corner
 */

class Controls {
  #element;
  #buttons;
  #stick;
  #touchButtons;
  #held = new Set();
  #pressed = new Map();
  #listeners = new AbortController();
  #callbacks = new Map();

  constructor(element, { root, buttons, stick }) {
    this.#element = element;
    this.#buttons = Object.entries(buttons);
    /** @type {ControlState} */
    this.state = {
      x: 0, y: 0, touch: false,
      buttons: Object.fromEntries(Object.keys(buttons).map((name) => [name, false])),
      pointer: { x: 0, y: 0, down: false, present: false },
    };
    element.classList.add("gamenet-controls");
    this.#stick = new TouchStick(root, stick);
    this.#touchButtons = make("div", { class: "gamenet-touch-buttons", hidden: true });
    for (const [name, { label = name }] of this.#buttons) this.#addTouchButton(name, label);
    root.append(this.#touchButtons);
    if (matchMedia("(pointer: coarse)").matches) this.#touched();
    this.#listenToKeys();
    this.#listenToPointers();
  }

  #listen(target, type, callback) {
    target.addEventListener(type, callback, { signal: this.#listeners.signal });
  }

  #listenToKeys() {
    this.#listen(window, "keydown", (event) => this.#keyDown(event));
    this.#listen(window, "keyup", ({ code }) => this.#keyUp(code));
    this.#listen(window, "blur", () => this.#releaseAll());
    this.#listen(document, "visibilitychange", () => this.#releaseAll());
  }

  #keyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || belongsToPage(event)) return;
    const name = this.#buttonOf(event.code);
    if (name || event.code in AXES) event.preventDefault(); // no scrolling
    if (event.repeat) return;
    this.#held.add(event.code);
    if (name) this.#press(name, event.code);
    this.#call(event.code);
    this.#readAxes();
  }

  #keyUp(code) {
    this.#held.delete(code);
    const name = this.#buttonOf(code);
    if (name) this.#release(name, code);
    this.#readAxes();
  }

  #buttonOf(code) {
    return this.#buttons.find(([, { keys = [] }]) => keys.includes(code))?.[0];
  }

  /** A button is held while any key, finger or mouse button holds it. */
  #press(name, source) {
    const sources = this.#pressed.get(name) ?? new Set();
    this.#pressed.set(name, sources.add(source));
    if (!this.state.buttons[name]) this.#call(name);
    this.state.buttons[name] = true;
  }

  #release(name, source) {
    const sources = this.#pressed.get(name);
    sources?.delete(source);
    this.state.buttons[name] = Boolean(sources?.size);
  }

  #releaseAll() {
    this.#held.clear();
    this.#stick.release();
    for (const [name] of this.#buttons) {
      this.#pressed.get(name)?.clear();
      this.state.buttons[name] = false;
    }
    this.state.pointer.down = false;
    this.#readAxes();
  }

  #readAxes() {
    const keys = { x: 0, y: 0 };
    for (const code of this.#held) if (code in AXES) keys[AXES[code][0]] += AXES[code][1];
    this.state.x = Math.max(-1, Math.min(1, keys.x)) || this.#stick.x;
    this.state.y = Math.max(-1, Math.min(1, keys.y)) || this.#stick.y;
  }

  #listenToPointers() {
    const element = this.#element;
    this.#listen(element, "pointerdown", (event) => this.#pointerDown(event));
    this.#listen(element, "pointermove", (event) => this.#pointerMove(event));
    for (const type of ["pointerup", "pointercancel"]) {
      this.#listen(element, type, (event) => this.#pointerUp(event));
    }
    this.#listen(element, "pointerleave", (event) => {
      if (event.pointerType !== "touch") this.state.pointer.present = false;
    });
    this.#listen(element, "contextmenu", (event) => event.preventDefault());
  }

  #pointerDown(event) {
    this.#element.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.#touched();
      this.#stick.grip(event);
      this.#readAxes();
      return;
    }
    this.#pointAt(event);
    this.#readMouse(event);
  }

  #pointerMove(event) {
    if (event.pointerType === "touch") {
      this.#stick.move(event);
      this.#readAxes();
      return;
    }
    this.#pointAt(event);
    this.#readMouse(event);
  }

  #pointerUp(event) {
    if (event.pointerType === "touch") {
      this.#stick.release(event.pointerId);
      this.#readAxes();
      return;
    }
    this.#readMouse(event);
  }

  /**
   * Take what an event says of the primary button: beside one that is held already, a
   * button is pressed and released in a move. What was pressed elsewhere counts for nothing.
   */
  #readMouse({ button, buttons }) {
    const { pointer } = this.state;
    const isHeld = (buttons & PRIMARY) !== 0;
    if (isHeld === pointer.down || (isHeld && button !== 0)) return;
    pointer.down = isHeld;
    for (const [name, { mouse }] of this.#buttons) {
      if (mouse && isHeld) this.#press(name, "mouse");
      else if (mouse) this.#release(name, "mouse");
    }
  }

  #pointAt(event) {
    const box = this.#element.getBoundingClientRect();
    this.state.pointer.x = event.clientX - box.left;
    this.state.pointer.y = event.clientY - box.top;
    this.state.pointer.present = true;
  }

  #touched() {
    this.state.touch = true;
    this.#touchButtons.hidden = false;
  }

  #addTouchButton(name, label) {
    const button = make("button", { type: "button", tabIndex: -1 }, label);
    this.#listen(button, "pointerdown", (event) => {
      button.setPointerCapture(event.pointerId);
      event.preventDefault();
      this.#press(name, event.pointerId);
    });
    for (const type of ["pointerup", "pointercancel"]) {
      this.#listen(button, type, (event) => this.#release(name, event.pointerId));
    }
    this.#listen(button, "contextmenu", (event) => event.preventDefault());
    this.#touchButtons.append(button);
  }

  /**
   * Call back once for each press.
   * @param {string} name of a button, or a keyboard code such as "KeyN"
   * @param {() => void} callback
   * @returns {() => void} ends it
   */
  onPress(name, callback) {
    const callbacks = this.#callbacks.get(name) ?? new Set();
    this.#callbacks.set(name, callbacks.add(callback));
    return () => callbacks.delete(callback);
  }

  #call(name) {
    for (const callback of this.#callbacks.get(name) ?? []) callback();
  }

  /** Let go of everything, and listen no more. */
  dispose() {
    this.#releaseAll();
    this.#listeners.abort();
    this.#stick.remove();
    this.#touchButtons.remove();
    this.#element.classList.remove("gamenet-controls");
  }
}

/** What is typed into a field, or presses a focused button, steers nothing. */
function belongsToPage({ target, code }) {
  if (!(target instanceof Element)) return false;
  if (target.closest("input, textarea, select, [contenteditable]")) return true;
  return ["Space", "Enter"].includes(code) && target.closest("button, a, summary") !== null;
}

/**
 * Read the controls of a player from an element, usually the canvas of the game.
 * @param {HTMLElement} element
 * @param {object} [options]
 * @param {HTMLElement} [options.root] where stick and touch buttons are put
 * @param {Record<string, {keys?: string[], label?: string, mouse?: boolean}>} [options.buttons]
 * @param {boolean} [options.stick] whether touches are a stick
 * @returns {Controls}
 */
export function createControls(element, { root = document.body, buttons = {}, stick = true } = {}) {
  return new Controls(element, { root, buttons, stick });
}
