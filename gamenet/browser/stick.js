// SPDX-License-Identifier: MIT
/** A stick under the finger: it appears where the screen is touched. */

import { element } from "./elements.js";

const REACH = 56; // CSS pixels from the centre to full deflection
const DEAD = 0.12; // share of the reach that counts as still

export class TouchStick {
  #finger = null;
  #centre = { x: 0, y: 0 };
  #knob = element("div", { class: "gamenet-stick-knob" });
  #base = element("div", { class: "gamenet-stick", hidden: true }, this.#knob);
  #isWanted;

  /** @param {HTMLElement} root @param {boolean} isWanted */
  constructor(root, isWanted) {
    this.#isWanted = isWanted;
    /** -1 (left) to 1 (right) */
    this.x = 0;
    /** -1 (down) to 1 (up) */
    this.y = 0;
    root.append(this.#base);
  }

  /** Begin where a finger touches, unless another one has the stick. @param {PointerEvent} event */
  grip({ pointerId, clientX, clientY }) {
    if (!this.#isWanted || this.#finger !== null) return;
    this.#finger = pointerId;
    this.#centre = { x: clientX, y: clientY };
    this.#base.style.translate = `${clientX}px ${clientY}px`;
    this.#base.hidden = false;
    this.#deflect(0, 0);
  }

  /** Follow the finger. @param {PointerEvent} event */
  move({ pointerId, clientX, clientY }) {
    if (pointerId !== this.#finger) return;
    this.#deflect((clientX - this.#centre.x) / REACH, (clientY - this.#centre.y) / REACH);
  }

  /** Let go. @param {number} [pointerId] of the finger that was lifted; none for any */
  release(pointerId = this.#finger) {
    if (pointerId !== this.#finger) return;
    this.#finger = null;
    this.#base.hidden = true;
    this.#deflect(0, 0);
  }

  #deflect(right, down) {
    const length = Math.hypot(right, down);
    const share = length > 1 ? 1 / length : 1;
    const isStill = length < DEAD;
    this.x = isStill ? 0 : right * share;
    this.y = isStill ? 0 : -down * share;
    this.#knob.style.translate = `${right * share * REACH}px ${down * share * REACH}px`;
  }

  /** Take it off the page. */
  remove() {
    this.#base.remove();
  }
}
