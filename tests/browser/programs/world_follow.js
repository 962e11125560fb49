// SPDX-License-Identifier: MIT
/** Apply snapshots to a world, and show the world after each. */

import { BaselineMissing } from "./blocks.js";
import { WireError } from "./numbers.js";
import * as protocol from "./protocol.js";
import { Replica } from "./replica.js";
import { bytesOf, marked } from "./values.js";
import { View } from "./view.js";
import { World } from "./world.js";

/** Apply one snapshot; say what became of it, and what happened. */
function apply(replica, bytes, happened, view, viewTick) {
  const departed = (event, { row, generation, components }) => happened.push([event, row, generation, components]);
  try {
    const applied = replica.apply(bytesOf(bytes), departed);
    if (applied === null) return "late";
    view.arrived(applied.tick, applied.told, viewTick);
    for (const [event, entity] of applied.happened) {
      const { row, generation, components, added = [], removed = [], previous = null } = entity;
      if (event === "reshaped") happened.push([event, row, added, removed]);
      else if (event === "reowned") happened.push([event, row, previous, entity.owner]);
      else happened.push([event, row, generation, components]);
    }
    return "taken";
  } catch (error) {
    if (error instanceof BaselineMissing) return "missing";
    if (error instanceof WireError) return "refused";
    throw error;
  }
}

/** Everything that can be seen of the living rows. */
function shown(world) {
  const rows = [...world.rows()];
  return rows.map((row) => {
    const components = {};
    for (const { name, fields } of protocol.components) {
      if (!world.has(name, row)) continue;
      const values = world.values(name, row);
      components[name] = fields.map((field) => marked(values[field.name]));
    }
    return { row, generation: world.generation[row], owner: world.owner[row], components };
  });
}

/** `viewTick` is the moment that is drawn when the messages arrive. */
export function run({ capacity, steps, watch = [], ask = [], viewTick = -1 }) {
  const changes = [];
  const world = new World(protocol.components, capacity);
  world.view = new View(world, 1);
  const replica = new Replica(protocol.components, world);
  for (const [component, field] of watch) {
    replica.watch(component, field, (row, value, old) => changes.push([component, field, row, value, old]));
  }
  const answers = steps.map(({ bytes, show }) => {
    const happened = [];
    const result = apply(replica, bytes, happened, world.view, viewTick);
    for (const [callback, ...values] of replica.takeCalls()) callback(...values);
    const asked = replica.needsEverything;
    replica.needsEverything = false;
    const queries = show ? protocol.components.map(({ name }) => [...world.rows(name)]) : null;
    const told = { result, asked, happened, changes: marked(changes.splice(0)) };
    return { ...told, queries, world: show ? shown(world) : null };
  });
  const interpolated = ask.map((question) => {
    world.view.update(question.tick, 0);
    return marked({ ...world.interpolated(question.component, question.row) });
  });
  return { answers, interpolated };
}
