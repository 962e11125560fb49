// SPDX-License-Identifier: MIT
/**
 * Keyboard, mouse or touch turned into the game's one input, Pilot.
 *
 * The device used last decides how the ship turns: the mouse and the touch
 * stick name a direction, the keyboard a turn to the left or right.
 */

const FULL_TURN = 127;
// Share of the stick's way that names a direction, and that thrusts.
const STICK_TURNS = 0.2;
const STICK_THRUSTS = 0.62;
// The mouse must move this far to take over again, CSS pixels.
const MOUSE_TAKES_OVER = 4;
// Nearer to the ship than this the pointer names no direction, CSS pixels.
const POINTER_DEAD_ZONE = 14;
// Bits of MouseEvent.buttons.
const PRIMARY_BUTTON = 1;
const SECONDARY_BUTTON = 2;
const MIDDLE_BUTTON = 4;

/** Reads the devices. */
export class Steering {
  /**
   * @param {HTMLElement} stage where the mouse aims
   * @param {object} controls from createControls
   */
  constructor(stage, controls) {
    this.stage = stage;
    this.controls = controls;
    this.device = "mouse";
    this.primary = false;
    this.secondary = false;
    this.middle = false;
    /** Whether the beam was asked for since the last tick, however short the press was. */
    this.beamed = false;
    this.aim = 0;
    this.aiming = false;
    this.stop = new AbortController();
    this.#listen();
    this.endPresses = controls.onPress("beam", () => { this.beamed = true; });
  }

  /** Stop listening. */
  dispose() {
    this.stop.abort();
    this.endPresses();
  }

  #listen() {
    const options = { signal: this.stop.signal };
    this.stage.addEventListener("contextmenu", (event) => event.preventDefault(), options);
    // The middle button scrolls a page, in some browsers.
    this.stage.addEventListener("mousedown", (event) => {
      if (event.button === 1) event.preventDefault();
    }, options);
    this.stage.addEventListener("pointerdown", (event) => {
      this.device = event.pointerType === "touch" ? "stick" : "mouse";
      this.#pressButtons(event);
    }, options);
    // A second button pressed or released beside the first comes as a move.
    this.stage.addEventListener("pointermove", (event) => this.#pressButtons(event), options);
    window.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      const way = Math.abs(event.movementX) + Math.abs(event.movementY);
      if (way >= MOUSE_TAKES_OVER) this.device = "mouse";
    }, options);
    for (const type of ["pointerup", "pointercancel"]) {
      window.addEventListener(type, (event) => this.#pressButtons(event), options);
    }
    window.addEventListener("keydown", () => {
      if (this.device === "stick") this.device = "keys";
    }, options);
    window.addEventListener("blur", () => {
      this.primary = this.secondary = this.middle = false;
    }, options);
  }

  #pressButtons({ pointerType, buttons }) {
    if (pointerType === "touch") return;
    this.primary = (buttons & PRIMARY_BUTTON) !== 0;
    this.secondary = (buttons & SECONDARY_BUTTON) !== 0;
    this.middle = (buttons & MIDDLE_BUTTON) !== 0;
    this.beamed ||= this.middle;
  }

  /**
   * Return what the ship shall do in a tick; to be called once for each.
   *
   * @param {number} shipX CSS pixel column of the ship on the stage
   * @param {number} shipY CSS pixel row
   * @returns {{turn: number, thrust: boolean, shoot: boolean, beam: boolean, aiming: boolean,
   *     aim: number}}
   */
  read(shipX, shipY) {
    const { x, y, buttons } = this.controls.state;
    const stick = Math.hypot(x, y);
    if (this.device === "mouse" && x !== 0) this.device = "keys";
    let thrust = y > 0.5 || this.secondary;
    this.aiming = false;
    if (this.device === "stick") {
      thrust = stick > STICK_THRUSTS;
      // The stick's y points up, the arena's down.
      if (stick > STICK_TURNS) this.#aimAlong(x, -y);
    } else if (this.device === "mouse") {
      this.#aimAtPointer(shipX, shipY);
    }
    const beam = buttons.beam || this.middle || this.beamed;
    this.beamed = false;
    return {
      turn: this.device === "keys" ? Math.round(x * FULL_TURN) : 0,
      thrust,
      shoot: buttons.fire || this.primary,
      beam,
      aiming: this.aiming,
      aim: this.aim,
    };
  }

  #aimAlong(x, y) {
    this.aim = Math.atan2(y, x);
    this.aiming = true;
  }

  #aimAtPointer(shipX, shipY) {
    const { pointer } = this.controls.state;
    if (!pointer.present) return;
    const x = pointer.x - shipX;
    const y = pointer.y - shipY;
    if (Math.hypot(x, y) > POINTER_DEAD_ZONE) this.#aimAlong(x, y);
  }
}

/** What a ship does when nobody is at the controls. */
export const HANDS_OFF = Object.freeze(
  { turn: 0, thrust: false, shoot: false, beam: false, aiming: false, aim: 0 });
