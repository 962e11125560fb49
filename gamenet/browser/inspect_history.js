// SPDX-License-Identifier: MIT
/** The bytes of the last ticks as bars: the newest at the right, one of them chosen. */

const MOST_BARS = 128;
const GAP = 1; // CSS pixels between two bars

/**
 * Draw the bars.
 *
 * @param {HTMLElement} place a canvas
 * @param {any[]} history the ticks, the oldest first
 * @param {number | undefined} chosen a tick that stands out
 */
export function drawHistory(place, history, chosen) {
  const canvas = /** @type {HTMLCanvasElement} */ (place);
  const scale = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(scale, scale);
  const style = getComputedStyle(canvas);
  const [bar, mark, text] = ["--quiet", "--accent", "--text"].map((name) => style.getPropertyValue(name));
  const top = Math.max(1, ...history.map((tick) => tick.bytes));
  const each = width / MOST_BARS;
  history.slice(-MOST_BARS).forEach((tick, i, shown) => {
    const tall = (tick.bytes / top) * (height - 18);
    context.fillStyle = tick.tick === chosen ? mark : bar;
    context.fillRect(width - (shown.length - i) * each, height - tall, Math.max(1, each - GAP), tall);
  });
  context.fillStyle = text;
  context.font = `12px ${style.fontFamily}`;
  context.fillText(`${top} B`, 0, 12);
}

/**
 * Return the tick of the bar under the mouse.
 *
 * @param {HTMLElement} canvas
 * @param {MouseEvent} event
 * @param {any[]} history
 * @returns {number | undefined}
 */
export function tickAt(canvas, event, history) {
  const shown = history.slice(-MOST_BARS);
  const fromRight = (canvas.clientWidth - event.offsetX) / (canvas.clientWidth / MOST_BARS);
  return shown[shown.length - 1 - Math.floor(fromRight)]?.tick;
}
