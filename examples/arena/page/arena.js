// SPDX-License-Identifier: MIT
/**
 * The arena's page: joins a match and plays it.
 *
 * Joining, rejoining, controls and the net graph are pieces of gamenet that
 * any game's page may use; what is in this folder is the arena's own look.
 */

import { createControls } from "/gamenet/controls.js";
import { attachNetGraph } from "/gamenet/netgraph.js";
import { startSession } from "/gamenet/session.js";

import { showAttract } from "./attract.js";
import { Match } from "./match.js";
import { Sounds } from "./sounds.js";

const stage = document.getElementById("stage");
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const sounds = new Sounds();
const netTool = document.getElementById("tool-net");
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

/** Attach the net graph to a connection; returns what detaches it. */
function showNetGraph(client) {
  const canvas = document.getElementById("netgraph");
  const wasShown = netTool.getAttribute("aria-pressed") === "true";
  const graph = attachNetGraph(client, canvas, { visible: wasShown });
  const stop = new AbortController();
  const report = () => netTool.setAttribute("aria-pressed", String(!canvas.hidden));
  netTool.addEventListener("click", () => graph.toggle(), { signal: stop.signal });
  const watch = new MutationObserver(report);
  watch.observe(canvas, { attributes: true });
  return () => {
    watch.disconnect();
    stop.abort();
    graph.dispose();
  };
}

/** Play one connection; returns what ends it. */
function play(client) {
  stopAttract();
  const controls = createControls(stage, {
    buttons: { fire: { keys: ["Space"], label: "Fire" } },
  });
  controls.onPress("KeyM", toggleSound);
  if (document.fullscreenEnabled) controls.onPress("KeyF", toggleFullScreen);
  const detachNetGraph = showNetGraph(client);
  const match = new Match(client, { stage, controls, sounds, calm });
  stage.focus({ preventScroll: true });
  return () => {
    match.end();
    detachNetGraph();
    controls.dispose();
  };
}

const stopAttract = showAttract(stage, calm);
prepareTools();
onTool(netTool, () => undefined);
startSession({
  title: "Arena",
  tagline: "Turn, thrust, shoot. Mind the rocks.",
  play,
});
