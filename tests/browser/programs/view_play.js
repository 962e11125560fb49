// SPDX-License-Identifier: MIT
/** Show a view what a script tells, and note what it draws. */

import { Told } from "./blocks.js";
import * as protocol from "./protocol.js";
import { marked } from "./values.js";
import { View } from "./view.js";
import { World } from "./world.js";

/** Have the world show rows, each {component: values}, as a snapshot would. */
function tell(world, rows) {
  for (const [row, { generation = 1, owner = 0, ...components }] of Object.entries(rows)) {
    const at = Number(row);
    if (world.generation[at] !== generation) world.vacate(at);
    world.occupy(at, generation, owner);
    for (const store of world.stores) {
      const values = components[store.codec.name];
      store.present[at] = values === undefined ? 0 : 1;
      if (values !== undefined) store.showValues(at, values);
    }
  }
  world.reshaped();
}

const steps = {
  arrive: (world, view, { tick, rows, gone = [], viewTick }) => {
    tell(world, rows);
    for (const row of gone) world.vacate(row);
    const told = [...Object.keys(rows).map(Number), ...gone];
    const states = Object.keys(rows).length;
    view.arrived(tick, {
      rows: told, told: told.map((_, n) => (n < states ? Told.STATE : Told.LEFT)), count: told.length,
    }, viewTick);
  },
  draw: (world, view, { viewTick, now, ask }) => {
    view.update(viewTick, now);
    return ask.map(([name, row]) => marked({ ...view.values(name, row) }));
  },
  show: (world, view, { row, mode }) => view.show(row, mode),
  own: (world, view, { component, row, previous, newest, fraction }) => {
    const id = world.idOf(component);
    const { codec } = world.stores[id];
    const columns = [previous, newest].map((values) => {
      const made = codec.columns(world.capacity);
      for (const { name } of codec.fields) made[name].set([values[name]].flat(), row * [values[name]].flat().length);
      return made;
    });
    const isDrawn = view.putOwn(id, row, ...columns, fraction);
    return { isDrawn, values: marked({ ...view.values(component, row) }) };
  },
  sight: (world, view, { viewTick }) => view.sight(viewTick),
  rows: (world, view, { names }) => view.rows(...names),
  who: (world, view, { row }) => [view.generationOf(row), view.ownerOf(row)],
  follow: (world, view, { rows }) => view.follow(rows),
};

export function run({ script, capacity = 300, playerId = 1 }) {
  const world = new World(protocol.components, capacity);
  const view = world.view = new View(world, 10, playerId);
  return script.map((step) => {
    try {
      return steps[step.do](world, view, step) ?? null;
    } catch (error) {
      return { thrown: error.message };
    }
  });
}
