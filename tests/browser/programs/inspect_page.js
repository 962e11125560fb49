// SPDX-License-Identifier: MIT
/** Show answers on the page that inspects a server, without a browser. */

/** As much of an element as the page uses. */
class Element {
  textContent = "";
  hidden = false;
  title = "";
  children = [];
  dataset = {};
  classList = { add() {} };
  style = { setProperty() {} };
  #attributes = new Map([["aria-pressed", "false"]]);
  #listeners = new Map();
  #value = "";

  constructor(tag = "") {
    this.tag = tag;
  }

  get value() {
    return this.#value;
  }

  set value(text) {
    this.#value = text;
  }

  get options() {
    return this.children;
  }

  append(...children) {
    this.children.push(...children);
  }

  replaceChildren(...children) {
    this.children = children;
  }

  getAttribute(name) {
    return this.#attributes.get(name);
  }

  setAttribute(name, text) {
    this.#attributes.set(name, text);
  }

  addEventListener(name, listener) {
    this.#listeners.set(name, listener);
  }

  /** Do what a user does. */
  act(name, event = {}) {
    return this.#listeners.get(name)({ preventDefault() {}, ...event });
  }

  getContext() {
    return null;
  }
}

/** Let every promise that can go on do so. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Run the page.
 *
 * @param {{ answers: Record<string, [number, any]>, deeds: any[][] }} argument what the
 *   server answers to each path, and what the user does: element, event, its value
 */
export async function run({ answers, deeds }) {
  const elements = new Map();
  const get = (id) => elements.get(id) ?? elements.set(id, new Element()).get(id);
  const asked = [];
  const timers = [];
  Object.assign(globalThis, {
    document: {
      hidden: false,
      body: new Element(),
      getElementById: get,
      createElement: (tag) => new Element(tag),
      addEventListener() {},
    },
    addEventListener() {},
    devicePixelRatio: 1,
    getComputedStyle: () => ({ getPropertyValue: () => "", fontFamily: "" }),
    Option: class {
      constructor(text, value) {
        Object.assign(this, { text, value });
      }
    },
    setTimeout: (again) => timers.push(again),
    clearTimeout() {},
    async fetch(path, { headers }) {
      asked.push([path, headers.authorization ?? ""]);
      const [status, answer] = answers[path] ?? [404, { error: `no ${path}` }];
      return { status, json: async () => answer };
    },
  });
  get("access").hidden = true;
  get("report").hidden = true;
  await import("./inspect.js");
  await settle();
  for (const [id, event, value] of deeds) {
    if (id === "time") timers.pop()();
    else if (event === "enter") get(id).value = value;
    else get(id).act(event, value);
    await settle();
  }
  const lines = (id) => get(id).children.map((row) => row.children.map((c) => c.textContent));
  const { state } = document.body.dataset;
  delete globalThis.document; // or this program would be taken for a page
  return {
    asked,
    state,
    notice: get("notice").textContent,
    players: get("player").options.map((option) => option.text),
    chosen: get("player").value,
    isHidden: { access: get("access").hidden, report: get("report").hidden },
    figures: lines("figures"),
    types: lines("types"),
    components: lines("components"),
    talkers: lines("talkers"),
    title: get("detail-title").textContent,
    decided: get("decided").textContent,
    rows: lines("rows"),
    timers: timers.length,
  };
}
