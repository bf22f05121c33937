// The search field and the menus that narrow the list, applied as one chooses or types.

import { narrow } from "./beside.js";
import { current } from "./facets.js";

const PAUSE = 250;
let typing = null;
// One search is one step back, however many letters it took.
let isGoingOn = false;

const form = () => document.getElementById("search");

function search() {
  clearTimeout(typing);
  const q = form().elements.q.value.trim();
  if (q === current().q) return;
  narrow({ q }, { isSame: isGoingOn });
  isGoingOn = true;
}

async function onChange({ target }) {
  if (!target.matches(".facet :is(select, input)")) return;
  await narrow({ [target.name]: target.type === "checkbox" && !target.checked ? "" : target.value });
  // The menu was made anew with the list; the hand that chose is still on it.
  document.querySelector(`.facet [name=${target.name}]`)?.focus();
}

export function begin() {
  form().addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  form().elements.q.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(search, PAUSE);
  });
  form().elements.q.addEventListener("blur", () => (isGoingOn = false));
  document.addEventListener("change", onChange);
  addEventListener("popstate", () => (form().elements.q.value = current().q));
}
