// SPDX-License-Identifier: MIT
/** Tables and figures of the page that shows what players are sent; all of it is text. */

/**
 * Fill a table.
 *
 * @param {HTMLElement} table
 * @param {any[][]} lines the first one is the head; a cell is text, a number, or an
 *   object with a share from 0 to 1, which is shown as a bar, too
 */
export function fillTable(table, [head, ...lines]) {
  const isNumber = head.map((_, i) => lines.length > 0 && lines.every((line) => counts(line[i])));
  const names = head.map((text, i) => cell("th", text, isNumber[i]));
  const rows = lines.map((line) => row(line.map((value, i) => cell("td", value, isNumber[i]))));
  table.replaceChildren(row(names), ...rows);
}

/** @param {any} value */
function counts(value) {
  return typeof value === "object" || /^(-|-?[\d.]+)$/.test(String(value));
}

/** @param {HTMLElement[]} cells */
function row(cells) {
  const line = document.createElement("tr");
  line.append(...cells);
  return line;
}

/** @param {string} tag @param {any} value @param {boolean} isNumber */
function cell(tag, value, isNumber) {
  const made = document.createElement(tag);
  if (isNumber) made.classList.add("number");
  if (typeof value === "object") {
    const percent = `${(value.share * 100).toFixed(1)} %`;
    made.classList.add("share");
    made.style.setProperty("--share", percent.replace(" ", ""));
    made.textContent = percent;
  } else {
    made.textContent = String(value);
    made.title = made.textContent;
  }
  return made;
}

/** Show a few figures, each with what it is. @param {HTMLElement} place @param {any[][]} figures */
export function showFigures(place, figures) {
  place.replaceChildren(
    ...figures.map(([name, value]) => {
      const made = document.createElement("div");
      const label = document.createElement("span");
      const shown = document.createElement("strong");
      label.textContent = name;
      shown.textContent = String(value);
      made.append(label, shown);
      return made;
    }),
  );
}
