// The context as a tree: one row at a time takes the focus, and can be copied with its path; all opens and closes.

import { find } from "./find.js";
import { announce } from "../page/tell.js";

const context = () => document.querySelector("#detail .context");
const rows = () => [...context().querySelectorAll(".tree .pair")];
// The one row that Tab leads to, as long as this tree stands.
let current = null;
let tools = null;

// What the agent sent, read back from a text in which invisible characters show as their code points.
export function truth(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.matches(".control")) return String.fromCodePoint(parseInt(node.textContent.slice(2), 16));
  return [...node.childNodes].map(truth).join("");
}

// The keys and numbers that lead from the whole to the row.
function segments(row) {
  const item = row.closest("li");
  const list = item.parentElement;
  const outer = list.parentElement.closest(".tree li")?.querySelector(":scope > details > .pair");
  const own = list.matches(".items") ? [...list.children].indexOf(item) : truth(row.querySelector(".key"));
  return [...(outer ? segments(outer) : []), own];
}

const escaped = (text) =>
  JSON.stringify(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""),
  );

// `order.lines[2].sku`; a key that is no plain name is quoted.
export function pathOf(row) {
  const written = segments(row).map((part) => {
    if (typeof part === "number") return `[${part}]`;
    return /^[A-Za-z_$][\w$]*$/.test(part) ? `.${part}` : `[${escaped(part)}]`;
  });
  return written.join("").replace(/^\./, "");
}

// From the raw JSON, which is whole where the tree is cut. Numbers as they are written there: a browser would round some.
function valueOf(row) {
  const whole = JSON.parse(truth(context().querySelector(".raw code")));
  const value = segments(row).reduce((inside, part) => inside[part], whole);
  if (typeof value === "string") return value;
  return typeof value === "object" ? JSON.stringify(value, null, 2) : truth(row.querySelector(".value"));
}

async function copy(button) {
  const row = button.closest("li").querySelector(".pair");
  const isPath = button.dataset.copy === "path";
  try {
    await navigator.clipboard.writeText(isPath ? pathOf(row) : valueOf(row));
  } catch {
    announce("The browser does not let it be copied");
    return;
  }
  announce(isPath ? "Path copied" : "Value copied");
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1500);
}

function makeTools() {
  const box = document.createElement("span");
  box.className = "row-tools";
  box.setAttribute("role", "group");
  for (const what of ["path", "value"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.dataset.copy = what;
    button.textContent = `Copy ${what}`;
    box.append(button);
  }
  return box;
}

// The two buttons belong to the row that is looked at: they come after it, so that Tab leads from one to the other.
function place(row) {
  const item = row?.closest("li");
  if (!item || !navigator.clipboard) tools?.remove();
  else if (tools?.parentElement !== item) {
    tools ??= makeTools();
    tools.setAttribute("aria-label", pathOf(row));
    item.append(tools);
  }
}

function reach(row, isReached) {
  row.tabIndex = isReached ? 0 : -1;
  for (const link of row.querySelectorAll("a")) link.tabIndex = isReached ? 0 : -1;
}

function makeCurrent(row) {
  if (current && current !== row) reach(current, false);
  current = row;
  reach(row, true);
  if (row.matches("summary")) return;
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", `${pathOf(row)}: ${row.querySelector(".value").textContent.slice(0, 200)}`);
}

// Once for each tree: without script its summaries and links are reached one by one, with it as one.
function prepare() {
  if (!context() || context().dataset.ready) return;
  context().dataset.ready = "yes";
  current = null;
  for (const row of rows()) reach(row, false);
  makeCurrent(rows()[0]);
}

const isSeen = (row) => row.checkVisibility();

function neighbour(row, key) {
  const seen = rows().filter(isSeen);
  const at = seen.indexOf(row);
  const outer = () => row.closest("ul").closest("details")?.querySelector(":scope > .pair");
  const holder = row.matches("summary") ? row.parentElement : null;
  if (key === "ArrowRight" && holder && !holder.open) return void (holder.open = true);
  if (key === "ArrowLeft" && holder?.open) return void (holder.open = false);
  const places = { ArrowDown: seen[at + 1], ArrowUp: seen[at - 1], Home: seen[0], End: seen.at(-1) };
  return { ...places, ArrowRight: holder && seen[at + 1], ArrowLeft: outer() }[key];
}

const KEYS = new Set(["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Home", "End"]);

function onKeyDown(event) {
  const row = event.target.closest?.(".context .pair");
  if (!row || !KEYS.has(event.key) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  event.preventDefault();
  // The page's own arrow keys are for elsewhere.
  event.stopPropagation();
  neighbour(row, event.key)?.focus();
}

function onFocusIn({ target }) {
  const row = target.closest?.(".context .pair");
  if (!row) return;
  makeCurrent(row);
  place(row);
}

function onPointerOver({ target }) {
  // Who is at the buttons by keyboard keeps them.
  if (tools?.querySelector(":focus-visible")) return;
  const within = target.closest?.(".context .tree");
  const row = within && (target.closest(".pair") ?? target.closest(".row-tools")?.parentElement.querySelector(".pair"));
  if (row) place(row);
  else if (!within && tools?.isConnected) place(document.activeElement?.closest?.(".context .pair"));
}

const acts = {
  expand: () => openAll(true),
  collapse: () => openAll(false),
  raw: () => showRaw(!context().classList.contains("is-raw")),
};

function openAll(isOpen) {
  for (const holder of context().querySelectorAll(".tree details")) holder.open = isOpen;
  if (!isSeen(current)) makeCurrent(rows().find(isSeen));
}

function showRaw(isRaw) {
  context().classList.toggle("is-raw", isRaw);
  context().querySelector(".raw").open = isRaw;
  context().querySelector("[data-tree=raw]").setAttribute("aria-pressed", isRaw);
  find();
}

function onClick({ target }) {
  const button = target.closest?.(".context button");
  if (button?.dataset.copy) copy(button);
  else if (button) acts[button.dataset.tree]?.();
}

export function begin() {
  document.addEventListener("keydown", onKeyDown, { capture: true });
  document.addEventListener("focusin", onFocusIn);
  document.addEventListener("pointerover", onPointerOver);
  document.addEventListener("click", onClick);
  // A click must not take the focus from where one is working.
  document.addEventListener("mousedown", (event) => event.target.closest?.(".row-tools") && event.preventDefault());
  document.body.addEventListener("htmx:afterSwap", prepare);
  prepare();
}
