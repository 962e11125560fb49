// SPDX-License-Identifier: MIT
/**
 * Play any game: whatever has an x and a y is drawn, and steered if an input has them.
 *
 * The page of games that bring none of their own. The body's data attributes (state,
 * players, entities) say what it shows, for styles and for tests.
 */

import { createControls } from "./controls.js";
import { steeringOf } from "./default_steering.js";
import { View, colourOf } from "./default_view.js";
import { element } from "./elements.js";
import { attachForesightGraph } from "./foresight_graph.js";
import { describeGame } from "./gamenet.js";
import { attachNetGraph } from "./netgraph.js";
import { startSession } from "./session.js";

const MAX_LISTED = 12;

/** @param {string} id @returns {any} the element; which kind it is, index.html says */
const part = (id) => document.getElementById(id);

/** Say who is here, the own player first. */
function listPlayers(client) {
  const players = [...client.players.values()].sort(
    (a, b) => Number(b.id === client.playerId) - Number(a.id === client.playerId) || a.id - b.id);
  part("counts").textContent = players.length === 1 ? "1 player" : `${players.length} players`;
  document.body.dataset.players = String(players.length);
  part("players").replaceChildren(...players.slice(0, MAX_LISTED).map(({ id, name }) => {
    const item = element("li", {}, element("span", {}, name || `Player ${id}`));
    item.style.color = colourOf(id);
    if (id === client.playerId) item.dataset.own = "";
    return item;
  }));
}

function setState(state) {
  document.body.dataset.state = state;
  for (const id of ["top", "players", "bottom"]) part(id).hidden = state !== "playing";
}

function hintFor(steering, isTouch) {
  if (!steering) return "You are watching: this game has no input with x and y.";
  if (isTouch) return "Touch and drag to move.";
  return "Arrow keys, WASD or the mouse to move. N and P show graphs.";
}

/** Toggle a graph by a button, as a phone has no keys; returns what ends it. */
function showGraph(attach, client, canvas, button, tell = (_visible) => {}) {
  const visible = button.ariaPressed === "true";
  const graph = attach(client, canvas, { visible });
  const stop = new AbortController();
  const report = new MutationObserver(() => {
    button.ariaPressed = String(!canvas.hidden);
    tell(!canvas.hidden);
  });
  tell(visible);
  button.addEventListener("click", () => graph.toggle(), { signal: stop.signal });
  report.observe(canvas, { attributes: true, attributeFilter: ["hidden"] });
  return () => {
    report.disconnect();
    stop.abort();
    graph.dispose();
  };
}

/** Play one connection; returns what ends it. */
function play(client) {
  const stage = part("stage");
  const controls = createControls(stage);
  const steering = steeringOf(client);
  const view = new View(stage, client);
  const endNetGraph = showGraph(attachNetGraph, client, part("netgraph"), part("net"));
  const endForesight = showGraph(attachForesightGraph, client, part("foresight"), part("ahead"),
                                 (visible) => { view.showsGhosts = visible; });
  const endSteering = client.on("tick", () => {
    steering?.send(controls.state, view);
    document.body.dataset.entities = String(view.entities);
  });
  for (const event of ["player_entered", "player_exited"]) client.on(event, () => listPlayers(client));
  listPlayers(client);
  part("hint").textContent = hintFor(steering, controls.state.touch);
  setState("playing");
  stage.focus({ preventScroll: true });
  return () => {
    endSteering();
    endNetGraph();
    endForesight();
    view.dispose();
    controls.dispose();
    setState("closed");
  };
}

/** The name of the game; a server that is down is told of when joining. */
async function gameTitle() {
  try {
    const { title, game } = await describeGame();
    return title || game;
  } catch {
    return "gamenet";
  }
}

const title = await gameTitle();
document.title = title;
part("title").textContent = title;
startSession({ title, tagline: "Everybody who opens this page plays along.", play });
