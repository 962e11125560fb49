// SPDX-License-Identifier: MIT
/**
 * The arena before anybody has joined: drifting stones under the form that asks for a name.
 *
 * It lives on the same canvas as the match and stops for good when one begins.
 */

import { Backdrop } from "./backdrop.js";
import { Camera } from "./camera.js";
import { Stones } from "./shapes.js";

const STONES = 16;
// Metres the stones drift across before they come in again on the other side.
const FIELD = { wide: 64, tall: 44 };
const DRIFT = 0.9;

function wrapped(place, size) {
  return ((((place + size / 2) % size) + size) % size) - size / 2;
}

/**
 * Show the empty arena until told to stop.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {boolean} calm true shows a still picture
 * @returns {() => void} stops it
 */
export function showAttract(canvas, calm) {
  const context = canvas.getContext("2d", { alpha: false });
  const camera = new Camera();
  const backdrop = new Backdrop();
  const stones = new Stones();
  let request = 0;

  function fit() {
    const density = Math.min(window.devicePixelRatio || 1, 2);
    canvas.width = Math.round(canvas.clientWidth * density);
    canvas.height = Math.round(canvas.clientHeight * density);
    camera.resize(canvas.clientWidth, canvas.clientHeight, density);
  }

  function drawStones(now) {
    for (let i = 0; i < STONES; i += 1) {
      const size = 1 + (i % 3);
      // The golden angle sends neighbours in unlike directions.
      const angle = i * 2.4;
      const x = wrapped(i * 23.7 + Math.cos(angle) * DRIFT * now, FIELD.wide);
      const y = wrapped(i * 14.3 + Math.sin(angle) * DRIFT * now, FIELD.tall);
      stones.draw(context, camera, stones.shapeOf(i, 1, size), x + camera.x, y + camera.y, now);
    }
  }

  function draw(now) {
    camera.x = Math.sin(now / 23) * 9;
    camera.y = Math.cos(now / 31) * 5;
    backdrop.draw(context, camera, true);
    drawStones(now);
  }

  function frame(milliseconds) {
    draw(milliseconds / 1000);
    request = requestAnimationFrame(frame);
  }

  const observer = new ResizeObserver(() => {
    fit();
    draw(performance.now() / 1000);
  });
  observer.observe(canvas);
  if (!calm) request = requestAnimationFrame(frame);
  return () => {
    cancelAnimationFrame(request);
    observer.disconnect();
  };
}
