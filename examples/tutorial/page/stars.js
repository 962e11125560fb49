// SPDX-License-Identifier: MIT
// The page of the stars: the library joins, steers and explains; we draw.

import { createControls } from "/gamenet/controls.js";
import { startSession } from "/gamenet/session.js";

const EDGE = 100; // metres, as in gliding.py
const canvas = document.getElementById("sky");
const points = document.getElementById("points");
const pen = canvas.getContext("2d");

/** Draw a disc at a place of the world. */
function disc(place, radius, colour) {
  const scale = Math.min(canvas.width, canvas.height) / (2.1 * EDGE);
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(
    canvas.width / 2 + place.x * scale,
    canvas.height / 2 + place.y * scale,
    radius * scale,
    0,
    2 * Math.PI,
  );
  pen.fill();
}

/** Draw every star and every player. */
function draw(world, playerId) {
  canvas.width = canvas.clientWidth * devicePixelRatio;
  canvas.height = canvas.clientHeight * devicePixelRatio;
  for (const row of world.rows("Star", "Position")) {
    disc(world.interpolated("Position", row), 1, "#ffd866");
  }
  for (const row of world.rows("Score", "Position")) {
    const isMine = world.owner[row] === playerId;
    disc(world.interpolated("Position", row), 2, isMine ? "#7ee0ff" : "#8a94b8");
  }
}

/** Play on one connection until it ends. */
function play(client) {
  const controls = createControls(canvas);
  const stopSteering = client.on("tick", () => {
    const { x, y } = controls.state;
    client.sendInput("Steer", { x: Math.round(127 * x), y: Math.round(-127 * y) });
  });
  client.on("message", (name, news) => {
    if (name === "Collected" && news.player === client.playerId) {
      points.value = news.points;
    }
  });
  let frame = requestAnimationFrame(function next() {
    draw(client.world, client.playerId);
    frame = requestAnimationFrame(next);
  });
  return () => {
    cancelAnimationFrame(frame);
    stopSteering();
    controls.dispose();
  };
}

startSession({ title: "Stars", tagline: "Collect more than the others.", play });
