// SPDX-License-Identifier: MIT
/**
 * Name tags and health bars beside ships.
 *
 * Laying out text is the dearest thing a canvas does, so each name is
 * written once into a small picture, which is drawn from then on.
 */

import { bright, healthColour } from "./palette.js";
import { playerName } from "./names.js";

const FONT_PIXELS = 12.5;
const FONT = `600 ${FONT_PIXELS}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;
const TAG_HEIGHT = 18;
const BAR_WIDTH = 42;
const BAR_HEIGHT = 4;
// Metres below a ship's centre where its label begins.
const BELOW_SHIP = 1.45;

function paintTag(name, colour, density) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  context.font = FONT;
  const width = Math.ceil(context.measureText(name).width) + 8;
  canvas.width = Math.ceil(width * density);
  canvas.height = Math.ceil(TAG_HEIGHT * density);
  context.setTransform(density, 0, 0, density, 0, 0);
  context.font = FONT;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = "rgb(5 8 16 / 0.85)";
  context.strokeText(name, width / 2, TAG_HEIGHT / 2);
  context.fillStyle = colour;
  context.fillText(name, width / 2, TAG_HEIGHT / 2);
  return { canvas, width, name, colour, density };
}

/** Draws what is written at the ships. */
export class Labels {
  /** @param {object} client whose players have the names */
  constructor(client) {
    this.client = client;
    this.tags = new Map();
  }

  /** Forget the tag of a player who left, or was renamed. */
  forget(id) {
    this.tags.delete(id);
  }

  #tagOf(id, hue, density) {
    let tag = this.tags.get(id);
    if (tag && tag.colour === bright[hue] && tag.density === density) return tag;
    tag = paintTag(playerName(this.client, id), bright[hue], density);
    this.tags.set(id, tag);
    return tag;
  }

  /**
   * Write name and health below a ship of another player.
   *
   * @param {CanvasRenderingContext2D} context in screen space
   * @param {import("./camera.js").Camera} camera
   */
  draw(context, camera, x, y, owner, hue, points) {
    const tag = this.#tagOf(owner, hue, camera.density);
    const middle = camera.screenX(x);
    const top = camera.screenY(y) + BELOW_SHIP * camera.scale;
    this.#drawBar(context, middle, top, points);
    context.drawImage(
      tag.canvas, Math.round(middle - tag.width / 2), Math.round(top + BAR_HEIGHT + 2),
      tag.canvas.width / tag.density, tag.canvas.height / tag.density);
  }

  #drawBar(context, middle, top, points) {
    const left = Math.round(middle - BAR_WIDTH / 2);
    const line = Math.round(top);
    context.fillStyle = "rgb(5 8 16 / 0.75)";
    context.fillRect(left - 1, line - 1, BAR_WIDTH + 2, BAR_HEIGHT + 2);
    context.fillStyle = healthColour(points);
    context.fillRect(left, line, (BAR_WIDTH * Math.min(points, 100)) / 100, BAR_HEIGHT);
  }
}
