// The palette: every command and every request on the page, found by typing a part of its name.

import { cards, linkOf } from "../queue/cards.js";
import { printed } from "./letters.js";

const MOST = 12;
const dialog = document.getElementById("palette");
const input = document.getElementById("palette-input");
const list = document.getElementById("palette-list");
let commands = [];
let isPossible;
let focusedBefore = null;
let chosen = 0;

export function show() {
  focusedBefore = document.activeElement;
  input.value = "";
  render();
  dialog.showModal();
}

// What was possible where the focus was when the palette was opened.
function offers() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fit = (name) => words.every((word) => name.toLowerCase().includes(word));
  const verbs = usable.filter(({ name }) => fit(name));
  const requests = document.getElementById("lanes") && words.length ? cards().filter((card) => fit(card.textContent)) : [];
  const opening = requests.map((card) => ({
    name: linkOf(card).textContent.trim(),
    keys: [],
    run: () => linkOf(card).click(),
  }));
  return [...verbs, ...opening].slice(0, MOST);
}

let usable = [];
let shown = [];

function render() {
  if (!dialog.open) usable = commands.filter(isPossible);
  shown = offers();
  chosen = 0;
  list.replaceChildren(...shown.map(option));
  document.getElementById("palette-none").hidden = shown.length > 0;
  mark();
}

function option({ name, keys }, index) {
  const item = document.createElement("li");
  item.id = `palette-${index}`;
  item.setAttribute("role", "option");
  const label = document.createElement("span");
  label.dir = "auto";
  label.textContent = name;
  item.append(label, ...(keys.length ? printed(keys[0]) : []));
  return item;
}

function mark() {
  [...list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
  const item = list.children[chosen];
  if (item) input.setAttribute("aria-activedescendant", item.id);
  else input.removeAttribute("aria-activedescendant");
  item?.scrollIntoView({ block: "nearest" });
}

function onKeyDown(event) {
  const steps = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (steps && shown.length) {
    event.preventDefault();
    chosen = (chosen + steps + shown.length) % shown.length;
    mark();
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault();
    run(chosen);
  }
}

function run(index) {
  const command = shown[index];
  if (!command) return;
  dialog.close();
  // What the command is about is where the focus was.
  if (focusedBefore?.isConnected) focusedBefore.focus({ preventScroll: true });
  command.run();
}

export function begin(all, possible) {
  commands = all;
  isPossible = possible;
  document.getElementById("open-palette").addEventListener("click", show);
  input.addEventListener("input", render);
  input.addEventListener("keydown", onKeyDown);
  list.addEventListener("click", ({ target }) => run([...list.children].indexOf(target.closest("li"))));
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
}
