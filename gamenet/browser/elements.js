// SPDX-License-Identifier: MIT
/**
 * Make DOM elements without markup: what players call themselves, and what servers say,
 * is only ever text.
 */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [properties] set on the element; "class" is its class
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") made.className = String(value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}
