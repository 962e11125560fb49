// SPDX-License-Identifier: MIT
/**
 * The page that shows what players are sent, and why: it asks its server once a second.
 *
 * Everything it shows is text: the names are those that players chose. A secret that the
 * user enters stays in this module, and goes with the next page.
 */

import { drawHistory, tickAt } from "./inspect_history.js";
import { fillTable, showFigures } from "./inspect_tables.js";

const PERIOD = 1000; // milliseconds between two questions
const SEEN_BY = [[1, "everyone"], [2, "team"], [4, "owner"]];
const GONE = ["left", "despawned"];

const element = (id) => document.getElementById(id);
const player = /** @type {HTMLSelectElement} */ (element("player"));
const tick = /** @type {HTMLInputElement} */ (element("tick"));
const pause = element("pause");

let secret = "";
let asking = 0; // the number of the newest question: answers to older ones are late
let timer = 0;
let report = null;

/** Ask the server now, and again after a while. */
async function ask() {
  clearTimeout(timer);
  const number = ++asking;
  try {
    const headers = secret ? { authorization: `Bearer ${secret}` } : {};
    const response = await fetch(address(), { headers, cache: "no-store" });
    const answer = await response.json();
    if (number === asking) take(response.status, answer);
  } catch {
    if (number === asking) say("failed", "The server does not answer.");
  }
  if (number === asking && !isPaused()) timer = setTimeout(ask, PERIOD);
}

function address() {
  if (player.value === "") return "/inspect.json";
  const wanted = /^\d+$/.test(tick.value) ? `&tick=${tick.value}` : "";
  return `/inspect.json?player=${player.value}${wanted}`;
}

function isPaused() {
  return pause.getAttribute("aria-pressed") === "true" || document.hidden;
}

/** Show an answer. @param {number} status @param {any} answer */
function take(status, answer) {
  element("access").hidden = status !== 401;
  if (answer.players) listPlayers(answer.players);
  if (status !== 200) {
    say("failed", String(answer.error ?? `The server answered ${status}.`));
    return;
  }
  if (answer.ticks === undefined) {
    say("waiting", player.value === "" ? "Nobody plays." : "");
    if (player.value !== "") ask();
    return;
  }
  say("showing", `tick ${answer.now}`);
  report = answer;
  show();
}

/** @param {string} state @param {string} text */
function say(state, text) {
  document.body.dataset.state = state;
  element("notice").textContent = text;
}

/** Offer the players, and keep the one that was chosen. @param {any[]} players */
function listPlayers(players) {
  const chosen = player.value;
  const known = [...player.options].map((option) => `${option.value} ${option.text}`);
  const options = players.map(({ id, name }) => new Option(`${id} ${name}`, String(id)));
  if (known.join("\n") === options.map((o) => `${o.value} ${o.text}`).join("\n")) return;
  player.replaceChildren(...options);
  const isHere = players.some(({ id }) => String(id) === chosen);
  player.value = isHere ? chosen : (options[0]?.value ?? "");
}

function show() {
  element("report").hidden = false;
  const { bytes, ticks, tick_rate: rate, raw, ratio, messages } = report;
  const seconds = ticks / rate;
  const told = report.types.reduce((sum, type) => sum + type.told, 0);
  showFigures(element("figures"), [
    ["ticks", `${ticks} (${seconds.toFixed(1)} s)`],
    ["packets", messages],
    ["sent", `${(bytes / 1000).toFixed(1)} kB`],
    ["a second", seconds ? `${(bytes / seconds / 1000).toFixed(1)} kB` : "-"],
    ["each entity told", told ? `${(bytes / told).toFixed(1)} B` : "-"],
    ["packed", bytes ? `${ratio.toFixed(2)} to 1 (raw ${(raw / 1000).toFixed(1)} kB)` : "-"],
  ]);
  for (const name of ["types", "components", "reasons"]) {
    fillTable(element(name), shares(report[name], bytes, name !== "components"));
  }
  fillTable(element("talkers"), [
    ["", "row", "B", "share"],
    ...report.rows.slice(0, 12).map((row) => [
      row.type, row.row, row.bytes.toFixed(0), share(row.bytes, bytes),
    ]),
  ]);
  drawHistory(element("history"), report.history, report.detail?.tick);
  showDetail();
}

/** @param {any[]} parts @param {number} total @param {boolean} hasTold */
function shares(parts, total, hasTold) {
  const head = ["", "kB", "share", ...(hasTold ? ["told", "B each"] : [])];
  const lines = parts.slice(0, 12).map(({ name, bytes, told }) => [
    name, (bytes / 1000).toFixed(2), share(bytes, total),
    ...(hasTold ? [told || "-", told ? (bytes / told).toFixed(1) : "-"] : []),
  ]);
  return [head, ...lines];
}

/** @param {number} bytes @param {number} total */
function share(bytes, total) {
  return { share: total ? bytes / total : 0 };
}

function showDetail() {
  const { detail } = report;
  element("detail").hidden = !detail;
  if (!detail) return;
  element("detail-title").textContent = `Tick ${detail.tick}`;
  const more = detail.told > detail.rows.length ? `; the largest ${detail.rows.length} of them are shown` : "";
  element("decided").textContent =
    `${detail.bytes} B in ${count(detail.parts, "packet")}, budget ${budget(detail)}; ` +
    `${detail.wanted} entities were due, ${detail.left_out} had no room; ${detail.told} were told${more}`;
  fillTable(element("rows"), [
    ["row", "type", "why", "base", "seen by", "priority", "B", "components"],
    ...detail.rows.map((row) => [
      row.row, row.type, row.reason, base(row), seenBy(row.level),
      row.priority?.toFixed(2) ?? "-", row.bytes.toFixed(1),
      row.components.map(({ name, bytes }) => `${name} ${bytes.toFixed(1)}`).join(", "),
    ]),
  ]);
}

/** @param {number} number @param {string} noun */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** @param {any} tick */
function budget(tick) {
  return tick.budget === null ? "without limit" : `${tick.budget.toFixed(0)} B`;
}

/** @param {any} row */
function base(row) {
  if (GONE.includes(row.reason)) return "-";
  return row.age ? `${count(row.age, "tick")} back` : "nothing";
}

/** @param {number | null} level */
function seenBy(level) {
  const names = SEEN_BY.filter(([bit]) => (level ?? 0) & Number(bit)).map(([, name]) => name);
  return names.join(" + ") || "-";
}

element("access").addEventListener("submit", (event) => {
  event.preventDefault();
  secret = /** @type {HTMLInputElement} */ (element("secret")).value.trim();
  ask();
});
player.addEventListener("change", () => {
  tick.value = "";
  ask();
});
tick.addEventListener("change", ask);
pause.addEventListener("click", () => {
  const isPressed = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", String(isPressed));
  if (!isPressed) ask();
});
element("history").addEventListener("click", (event) => {
  const chosen = tickAt(element("history"), event, report?.history ?? []);
  if (chosen === undefined) return;
  tick.value = String(chosen);
  ask();
});
document.addEventListener("visibilitychange", () => {
  if (!isPaused()) ask();
});
addEventListener("resize", () => {
  if (report) drawHistory(element("history"), report.history, report.detail?.tick);
});
ask();
