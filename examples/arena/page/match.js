// SPDX-License-Identifier: MIT
/**
 * One connection's worth of play: from the first frame to the last.
 *
 * Ties the client to what is seen, heard and steered. The body's data
 * attributes (state, players, entities, health, score, beams) say what the
 * page shows, for styles and for tests.
 */

import { seenLength } from "./beams.js";
import { SHIP_SIZE } from "./effects.js";
import { Feed } from "./feed.js";
import { predictShip } from "./flight.js";
import { Hud } from "./hud.js";
import { Minimap } from "./minimap.js";
import { Moments } from "./moments.js";
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
    this.moments = new Moments();
    this.ended = [];
    const { flight, predicting } = predictShip(client);
    this.flight = flight;
    this.predicting = predicting;
    /** Whether to show where the server last said that the own ship was. */
    this.showsGhost = false;
    this.view = new View(stage, client, { calm, isThrusting: () => flight.isThrusting });
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
    this.endInputs = client.on("tick", () => this.#sendInput());
  }

  /** Stop drawing and sending: the connection is gone. */
  end() {
    cancelAnimationFrame(this.frameRequest);
    this.endInputs();
    for (const part of [this.view, this.hud, this.feed, this.steering]) part.dispose();
    this.#setState("closed");
  }

  #subscribe() {
    const { client, feed } = this;
    client.on("spawned", (entity) => this.#spawned(entity));
    client.on("despawned", (entity) => this.#despawned(entity));
    client.on("snapshot", (tick) => this.#tellEnds(tick));
    client.on("player_entered", (player) => feed.entered(player));
    client.on("player_exited", (player) => this.#exited(player));
    client.on("event", (name, value, tick) => {
      if (name === "Explosion") this.#exploded(value, tick);
      if (name === "Kill") this.#killed(value, tick);
      if (name === "Beam") this.#beamed(value, tick);
    });
    client.on("event_cancelled", (name, { hue }, tick) => {
      if (name === "Beam") this.view.beams.cancel(tick, hue);
    });
  }

  #spawned(entity) {
    const { world } = this.client;
    this.view.entered(entity);
    if (!entity.components.includes("Projectile")) return;
    const { x: xs, y: ys } = world.columns("Position");
    const [x, y] = [xs[entity.row], ys[entity.row]];
    this.moments.at(this.client.tick, () => this.sounds.shot(this.#distance(x, y)));
  }

  /** Keep where a shot ends until it is known in which tick that was. */
  #despawned({ row, components }) {
    const { world } = this.client;
    this.view.left({ components });
    if (!components.includes("Projectile")) return;
    const { x, y } = world.columns("Position");
    this.ended.push([x[row], y[row], world.columns("Projectile").hue[row]]);
  }

  #tellEnds(tick) {
    for (const [x, y, hue] of this.ended.splice(0)) {
      this.moments.at(tick, () => this.view.effects.hit(x, y, hue));
    }
  }

  #exited(player) {
    this.feed.exited(player);
    this.view.labels.forget(player.id);
    this.hues.delete(player.id);
  }

  /** Show it when the view gets there; but the own ship is gone at once. */
  #exploded(explosion, tick) {
    const isOwn = explosion.size === SHIP_SIZE && explosion.hue === this.hues.get(this.client.playerId);
    this.moments.at(isOwn ? -Infinity : tick, () => {
      this.view.explode(explosion);
      this.sounds.explosion(this.#distance(explosion.x, explosion.y), explosion.size);
    });
  }

  /** An own beam is told in the own tick, before the server knows of it: it is seen at once. */
  #beamed(beam, tick) {
    const isPredicted = tick > this.client.tick;
    const length = isPredicted ? seenLength(this.client.view, beam, this.own) : beam.length;
    this.moments.at(isPredicted ? -Infinity : tick, () => {
      this.view.shine({ ...beam, length }, tick);
      this.sounds.beam(this.#distance(beam.x, beam.y));
    });
  }

  #killed(kill, tick) {
    const isOwn = kill.victim === this.client.playerId;
    this.moments.at(isOwn ? -Infinity : tick, () => this.feed.killed(kill));
    if (!isOwn) return;
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
    this.client.advance();
    this.moments.reach(this.client.view.tick);
    this.#findOwn(now);
    this.view.draw(now, dt, this.own, this.showsGhost ? this.ghost : null);
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

  /** @returns {{x: number, y: number, angle: number} | null} where the server last said we were */
  get ghost() {
    if (this.own < 0) return null;
    const place = this.predicting.ghost("Position", this.own);
    const heading = this.predicting.ghost("Heading", this.own);
    return place && heading && { ...place, ...heading };
  }

  /** @returns {[string, string][]} how far the drawn ship is from there, for the graph */
  get ghostFigures() {
    const { ghost } = this;
    if (ghost === null) return [["Ghost, dashed", "-"]];
    const { x, y } = this.client.view.columns("Position");
    const away = Math.hypot(x[this.own] - ghost.x, y[this.own] - ghost.y);
    return [["Ghost, dashed", `${away.toFixed(2)} m behind`]];
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
    this.hud.setBeam(this.predicting.world.columns("Gun").beam_ready[this.own] - this.client.ownTick);
  }

  /** Say what the ship does in this tick; a page that is not looked at lets go of everything. */
  #sendInput() {
    const { x, y } = this.client.view.columns("Position");
    const { camera } = this.view;
    const [shipX, shipY] = this.own < 0 ? [camera.x, camera.y] : [x[this.own], y[this.own]];
    const held = this.steering.read(camera.screenX(shipX), camera.screenY(shipY));
    this.client.sendInput("Pilot", document.hidden ? HANDS_OFF : held);
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
    dataset.beams = String(this.view.beams.shown);
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
