// SPDX-License-Identifier: MIT
/**
 * One connection's worth of play: from the first frame to the last.
 *
 * Ties the client to what is seen, heard and steered. The body's data
 * attributes (state, players, entities, health, score) say what the page
 * shows, for styles and for tests.
 */

import { everyTick } from "/gamenet/pace.js";

import { Feed } from "./feed.js";
import { Hud } from "./hud.js";
import { Minimap } from "./minimap.js";
import { Scores } from "./scores.js";
import { HANDS_OFF, Steering } from "./steering.js";
import { View } from "./view.js";

// A frame never stands for more than this: after a pause nothing leaps.
const FRAME_SECONDS_MAX = 0.05;
const REPORT_SECONDS = 0.2;
// A kill may be told a little after the despawn; they come this close together.
const SAME_DEATH_SECONDS = 0.6;

/** One client being played. */
export class Match {
  /**
   * @param {object} client
   * @param {{stage: HTMLCanvasElement, controls: object, sounds: object, calm: boolean}} page
   */
  constructor(client, { stage, controls, sounds, calm }) {
    this.client = client;
    this.controls = controls;
    this.sounds = sounds;
    this.hues = new Map();
    this.own = -1;
    this.state = "joining";
    this.killer = { id: undefined, at: -Infinity };
    this.view = new View(stage, client, { calm });
    this.hud = new Hud(client);
    this.scores = new Scores(document.querySelector("#scores ol"), client, this.hues);
    this.feed = new Feed(document.getElementById("feed"), client, this.hues);
    this.minimap = new Minimap(document.getElementById("minimap"), client);
    this.steering = new Steering(stage, controls);
    this.nextReport = 0;
    this.lastFrame = performance.now() / 1000;
    this.touch = matchMedia("(pointer: coarse)").matches;
    this.#subscribe();
    this.hud.hint(this.touch);
    this.#nextFrame();
    this.endInputs = everyTick(client, () => this.#sendInput());
  }

  /** Stop drawing and sending: the connection is gone. */
  end() {
    cancelAnimationFrame(this.frameRequest);
    this.endInputs();
    document.removeEventListener("visibilitychange", this.onVisibility);
    for (const part of [this.view, this.hud, this.feed, this.steering]) part.dispose();
    this.#setState("closed");
  }

  #subscribe() {
    const { client, view, feed } = this;
    client.on("spawned", (entity) => this.#spawned(entity));
    client.on("despawned", (entity) => view.left(entity));
    client.on("player_entered", (player) => feed.entered(player));
    client.on("player_exited", (player) => this.#exited(player));
    client.on("event", (name, value) => {
      if (name === "Explosion") this.#exploded(value);
      if (name === "Kill") this.#killed(value);
    });
    // A hidden page sends nothing more, so it would never let go of the trigger.
    this.onVisibility = () => {
      if (document.hidden) client.sendInput("Pilot", HANDS_OFF);
    };
    document.addEventListener("visibilitychange", this.onVisibility);
  }

  #spawned(entity) {
    const { world } = this.client;
    this.view.entered(entity);
    if (entity.components.includes("Projectile")) {
      this.sounds.shot(this.#distance(
        world.columns("Position").x[entity.row], world.columns("Position").y[entity.row]));
    }
  }

  #exited(player) {
    this.feed.exited(player);
    this.view.labels.forget(player.id);
    this.hues.delete(player.id);
  }

  #exploded(explosion) {
    this.view.explode(explosion);
    this.sounds.explosion(this.#distance(explosion.x, explosion.y), explosion.size);
  }

  #killed(kill) {
    this.feed.killed(kill);
    if (kill.victim !== this.client.playerId) return;
    this.killer.id = kill.killer;
    this.killer.at = this.lastFrame;
    if (this.state === "dead") this.hud.nameKiller(kill.killer);
  }

  #distance(x, y) {
    return Math.hypot(x - this.view.camera.x, y - this.view.camera.y);
  }

  #nextFrame() {
    this.frameRequest = requestAnimationFrame((milliseconds) => {
      this.#nextFrame();
      this.#frame(milliseconds / 1000);
    });
  }

  #frame(now) {
    const dt = Math.min(Math.max(now - this.lastFrame, 0), FRAME_SECONDS_MAX);
    this.lastFrame = now;
    this.#findOwn(now);
    this.view.draw(now, dt, this.own);
    this.minimap.update(now, this.view.camera, this.own);
    this.scores.update(now);
    this.#updateHud();
    if (now >= this.nextReport) this.#report(now);
  }

  #findOwn(now) {
    const { world, playerId } = this.client;
    this.own = -1;
    for (const row of world.rows("Ship", "Position")) {
      if (world.owner[row] === playerId) this.own = row;
    }
    if (this.own >= 0 && this.state !== "playing") this.#launched();
    if (this.own < 0 && this.state === "playing") this.#fell(now);
  }

  #launched() {
    this.hud.hideFallen();
    this.sounds.launched();
    if (this.view.calm) this.view.camera.snap();
    this.#setState("playing");
  }

  #fell(now) {
    const known = now - this.killer.at < SAME_DEATH_SECONDS;
    this.hud.showFallen(known ? this.killer.id : undefined);
    this.#setState("dead");
  }

  #updateHud() {
    this.hud.setScore(this.scores.own);
    if (this.own < 0) {
      if (this.state === "dead") this.hud.updateFallen();
      return;
    }
    const points = this.client.world.columns("Health").points[this.own];
    if (points < this.hud.points && this.hud.points > 0) this.sounds.struck();
    this.hud.setHealth(points);
  }

  #sendInput() {
    if (this.own < 0 || document.hidden) return;
    const { x, y } = this.client.world.interpolated("Position", this.own);
    const { camera } = this.view;
    this.client.sendInput("Pilot", this.steering.read(camera.screenX(x), camera.screenY(y)));
  }

  #report(now) {
    this.nextReport = now + REPORT_SECONDS;
    if (this.controls.state.touch && !this.touch) {
      this.touch = true;
      this.hud.hint(true);
    }
    this.view.camera.coveredBelow = this.touch ? this.#thumbRoom() : 0;
    this.#learnHues();
    const { dataset } = document.body;
    dataset.players = String(this.client.players.size);
    dataset.entities = String(this.client.world.rows("Position").length);
    dataset.health = String(this.own < 0 ? 0 : this.hud.points);
    dataset.score = String(this.scores.own);
  }

  /** Keep each ship's colour for the time its player has no ship. */
  #learnHues() {
    const { world } = this.client;
    const { hue } = world.columns("Ship");
    for (const row of world.rows("Ship")) this.hues.set(world.owner[row], hue[row]);
  }

  /** Return the height thumbs cover: on a tall screen there is room to move up. */
  #thumbRoom() {
    const { width, height } = this.view.camera;
    return height > width ? Math.min(190, height * 0.24) : 0;
  }

  #setState(state) {
    this.state = state;
    document.body.dataset.state = state;
  }
}
