// SPDX-License-Identifier: MIT
/**
 * The arena's page: joins a match and plays it.
 *
 * Joining, rejoining, controls and the graphs are pieces of gamenet that
 * any game's page may use; what is in this folder is the arena's own look.
 */

import { createControls } from "/gamenet/controls.js";
import { attachForesightGraph } from "/gamenet/foresight_graph.js";
import { attachNetGraph } from "/gamenet/netgraph.js";
import { startSession } from "/gamenet/session.js";

import { showAttract } from "./attract.js";
import { Match } from "./match.js";
import { Sounds } from "./sounds.js";

const stage = document.getElementById("stage");
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const sounds = new Sounds();
const netTool = document.getElementById("tool-net");
const foresightTool = document.getElementById("tool-foresight");
const soundTool = document.getElementById("tool-sound");
const fullTool = document.getElementById("tool-full");

/** Do what a button says, and give the keys back to the game after a click. */
function onTool(button, act) {
  button.addEventListener("click", (event) => {
    act();
    // Pressed by keyboard the focus stays, so that it can be pressed again.
    if (event.detail > 0) stage.focus({ preventScroll: true });
  });
}

function toggleSound() {
  soundTool.setAttribute("aria-pressed", String(sounds.toggle()));
}

function toggleFullScreen() {
  // A browser may refuse; the page is then as large as it was.
  if (document.fullscreenElement) document.exitFullscreen().catch(() => undefined);
  else document.documentElement.requestFullscreen().catch(() => undefined);
}

function prepareTools() {
  soundTool.setAttribute("aria-pressed", String(sounds.on));
  onTool(soundTool, toggleSound);
  fullTool.hidden = !document.fullscreenEnabled;
  onTool(fullTool, toggleFullScreen);
  document.addEventListener("fullscreenchange", () => {
    fullTool.setAttribute("aria-pressed", String(Boolean(document.fullscreenElement)));
  });
}

/**
 * Tie a graph to the button that shows it.
 *
 * @param {HTMLCanvasElement} canvas of the graph
 * @param {HTMLElement} tool
 * @param {(options: {visible: boolean}) => object} attach makes the graph
 * @param {(visible: boolean) => void} [tell] called when it comes or goes
 * @returns {() => void} takes it away
 */
function showGraph(canvas, tool, attach, tell = () => undefined) {
  const visible = tool.getAttribute("aria-pressed") === "true";
  const graph = attach({ visible });
  const stop = new AbortController();
  tool.addEventListener("click", () => graph.toggle(), { signal: stop.signal });
  const watch = new MutationObserver(() => {
    tool.setAttribute("aria-pressed", String(!canvas.hidden));
    tell(!canvas.hidden);
  });
  watch.observe(canvas, { attributes: true, attributeFilter: ["hidden"] });
  tell(visible);
  return () => {
    watch.disconnect();
    stop.abort();
    graph.dispose();
  };
}

/** Show how the connection is, and how well the flight was predicted; returns what ends it. */
function showGraphs(client, match) {
  const net = document.getElementById("netgraph");
  const foresight = document.getElementById("foresight");
  const figures = () => match.ghostFigures;
  const endings = [
    showGraph(net, netTool, (options) => attachNetGraph(client, net, options)),
    showGraph(
      foresight, foresightTool,
      (options) => attachForesightGraph(client, foresight, { ...options, figures }),
      (visible) => { match.showsGhost = visible; }),
  ];
  return () => { for (const end of endings) end(); };
}

/** Play one connection; returns what ends it. */
function play(client) {
  stopAttract();
  const controls = createControls(stage, {
    buttons: {
      fire: { keys: ["Space"], label: "Fire" },
      beam: { keys: ["KeyE"], label: "Beam" },
    },
  });
  controls.onPress("KeyM", toggleSound);
  if (document.fullscreenEnabled) controls.onPress("KeyF", toggleFullScreen);
  const match = new Match(client, { stage, controls, sounds, calm });
  const endGraphs = showGraphs(client, match);
  stage.focus({ preventScroll: true });
  return () => {
    endGraphs();
    match.end();
    controls.dispose();
  };
}

const stopAttract = showAttract(stage, calm);
prepareTools();
for (const tool of [netTool, foresightTool]) onTool(tool, () => undefined);
startSession({
  title: "Arena",
  tagline: "Turn, thrust, shoot. Mind the rocks.",
  play,
});
