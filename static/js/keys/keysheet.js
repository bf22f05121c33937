// The sheet that lists the keys of this page, and the switch for single letters.

import { lettersOn, printed, setLetters } from "./letters.js";

const sheet = document.getElementById("keysheet");
let commands = [];

export function show() {
  const list = document.getElementById("keysheet-list");
  const groups = [...new Set(commands.map(({ group }) => group))];
  list.replaceChildren(...groups.map((name) => section(name, commands.filter(({ group }) => group === name))));
  document.getElementById("letters").checked = lettersOn();
  sheet.showModal();
}

function section(name, group) {
  const box = document.createElement("section");
  const title = document.createElement("h3");
  title.textContent = name;
  const rows = document.createElement("dl");
  for (const { keys, name: what } of group) {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    term.textContent = what;
    const value = document.createElement("dd");
    keys.forEach((one, index) => value.append(...(index ? [" or "] : []), ...printed(one)));
    if (!keys.length) value.append("no key");
    row.append(term, value);
    rows.append(row);
  }
  box.append(title, rows);
  return box;
}

export function begin(all) {
  commands = all;
  document.getElementById("open-keysheet").addEventListener("click", show);
  document.getElementById("letters").addEventListener("change", ({ target }) => setLetters(target.checked));
  sheet.addEventListener("click", ({ target }) => {
    if (target === sheet || target.closest("[data-close]")) sheet.close();
  });
}
