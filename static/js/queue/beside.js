// The pane beside the list: which request the address names, and how one gets there and back.

import { cardOf, focus, lanes, linkOf } from "./cards.js";
import * as detail from "../detail/detail.js";
import * as facets from "./facets.js";
import { complain, getPart } from "../page/parts.js";
import * as place from "./place.js";

const { base } = document.body.dataset;
export const wide = matchMedia("(min-width: 1100px)");
let showList;
let newest = 0;

const pane = () => document.getElementById("pane");
const shown = () => pane()?.querySelector("#detail")?.dataset.requestId;
let emptyPane;

// Which card the pane shows.
export function mark() {
  for (const link of lanes().querySelectorAll(".card-title a[aria-current]")) link.removeAttribute("aria-current");
  if (shown()) cardOf(shown())?.querySelector(".card-title a")?.setAttribute("aria-current", "true");
}

// Opens a request beside the list where there is room, else on its own page.
export async function open(address) {
  const url = new URL(address, location.origin);
  const target = url.pathname + facets.query();
  if (!wide.matches) return location.assign(target);
  place.save();
  history.pushState(null, "", target);
  return load(target).catch(complain);
}

// Of several opened one after the other only the last is shown.
async function load(address) {
  const mine = ++newest;
  const fresh = await getPart(address);
  if (mine !== newest) return;
  pane().replaceChildren(fresh);
  htmx.process(pane());
  pane().scrollTop = 0;
  mark();
  detail.opened();
}

export function close() {
  const requestId = shown();
  if (!requestId) return false;
  history.pushState(null, "", facets.queue());
  newest++;
  empty();
  focus(cardOf(requestId)) || document.getElementById("main").focus({ preventScroll: true });
  return true;
}

function empty() {
  pane().replaceChildren(...emptyPane.map((node) => node.cloneNode(true)));
  mark();
}

// The list is narrowed in another way. What is open stays open where the new list holds it or somebody types in it.
export async function narrow(changes, { isSame = false } = {}) {
  const path = shown() ? location.pathname : base;
  if (isSame) history.replaceState(history.state, "", path + facets.query(changes));
  else history.pushState(null, "", path + facets.query(changes));
  try {
    await showList();
    if (shown() && !cardOf(shown()) && !pane().querySelector("[name=verdict]:checked")) {
      history.replaceState(null, "", facets.queue());
      empty();
    }
  } catch (error) {
    complain(error);
  }
}

function onClick(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const opens = event.target.closest(".card-title a, .pane a.step") ?? linkOf(event.target.closest(".card time")?.closest(".card"));
  const tab = event.target.closest("a[data-tab]")?.dataset.tab;
  const tile = event.target.closest("a.tile[data-priority]")?.dataset.priority;
  const changes =
    (tab && { tab }) ||
    (tile && { priority: tile === facets.current().priority ? "" : tile }) ||
    (event.target.closest("[data-clear]") && facets.nothing);
  if (opens) open(opens.href);
  else if (event.target.closest(".pane .close")) close();
  else if (changes) narrow(changes);
  else return;
  event.preventDefault();
}

// Back and forward: the address says which list and which request.
async function onPopState() {
  if (!facets.isShown()) await showList();
  if (location.pathname === base) {
    empty();
    await place.restore();
  } else if (wide.matches) {
    await load(location.pathname + facets.query());
  } else {
    location.reload();
  }
}

export function begin(queue) {
  ({ showList } = queue);
  emptyPane = [...pane().childNodes].map((node) => node.cloneNode(true));
  document.addEventListener("click", onClick);
  addEventListener("popstate", () => onPopState().catch(complain));
  mark();
}
