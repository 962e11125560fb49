// SPDX-License-Identifier: MIT
/** Apply what a sender sent to a world, and show the world after each step. */

import { WireError } from "./numbers.js";
import { decode } from "./schemas.js";
import * as protocol from "./protocol.js";
import { bytesOf, marked } from "./values.js";
import { World } from "./world.js";

const schemaOf = (name) => [...protocol.messages.values()].find((schema) => schema.name === name);

function apply(world, { kind, bytes }, happened) {
  const payload = bytesOf(bytes);
  const gone = (entity) => happened.push(["despawned", entity.row, entity.components]);
  if (kind === "Snapshot") return world.applySnapshot(payload);
  const message = decode(schemaOf(kind), payload);
  if (kind === "Despawned") return world.applyDespawned(message, gone);
  for (const entity of world.applySpawned(message, gone)) {
    happened.push([entity.replaced ? "replaced" : "spawned", entity.row, entity.components]);
  }
}

/** Everything that can be seen of the living rows. */
function shown(world) {
  const rows = [...world.rows()];
  return rows.map((row) => {
    const components = {};
    for (const { name, fields } of protocol.components) {
      if (!world.has(name, row)) continue;
      const columns = world.columns(name);
      components[name] = fields.map((field) => marked(valueAt(columns[field.name], field, row)));
    }
    return { row, generation: world.generation[row], owner: world.owner[row], components };
  });
}

function valueAt(column, field, row) {
  if (field.kind === "quaternion") return Array.from(column.subarray(4 * row, 4 * row + 4));
  return field.kind === "flag" ? column[row] === 1 : column[row];
}

function attempted(action) {
  try {
    action();
    return false;
  } catch (error) {
    if (error instanceof WireError) return true;
    throw error;
  }
}

export function run({ capacity, steps, ask = [] }) {
  let tick = 0;
  const world = new World(protocol.components, capacity, () => tick);
  const answers = steps.map((step) => {
    const happened = [];
    const refused = attempted(() => apply(world, step, happened));
    return { refused, happened, world: step.show ? shown(world) : null };
  });
  const interpolated = ask.map((question) => {
    tick = question.tick;
    return marked({ ...world.interpolated(question.component, question.row) });
  });
  const queries = protocol.components.map(({ name }) => [...world.rows(name)]);
  return { answers, interpolated, queries };
}
