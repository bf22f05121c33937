// New requests that wait until their pilot looks up from the list: nothing may move under a hand or an eye.

import { cardOf, cards, focus, insert, lanes } from "./cards.js";
import { restVerbs } from "../live/connection.js";

const hovers = matchMedia("(hover: hover)");
// By request_id.
const waiting = new Map();

export const isWaiting = (requestId) => waiting.has(requestId);
export const waitingIn = (priority) => [...waiting.values()].filter((card) => card.dataset.priority === priority).length;

// Somebody is in the list.
export function isBusy() {
  const list = lanes();
  if (!list.querySelector(".card")) return false;
  const selection = getSelection();
  return (
    (hovers.matches && list.matches(":hover")) ||
    list.contains(document.activeElement) ||
    list.querySelector(".pick:checked") !== null ||
    scrollY > 60 ||
    list.scrollTop > 60 ||
    (!selection.isCollapsed && list.contains(selection.anchorNode))
  );
}

// Waits while somebody is in the list, else takes its place in it.
export function arrive(card) {
  if (isBusy()) wait(card);
  else place(card);
}

export function wait(card) {
  waiting.set(card.dataset.requestId, card);
  show();
}

export function forget(requestId) {
  if (waiting.delete(requestId)) show();
}

export function forgetAll() {
  waiting.clear();
  show();
}

// What a fresh list brings and this page does not show yet waits, too, while somebody is in it.
export function hold(list) {
  waiting.clear();
  if (isBusy()) {
    for (const card of list.querySelectorAll(".card")) {
      if (cardOf(card.dataset.requestId)) continue;
      waiting.set(card.dataset.requestId, card);
      card.remove();
    }
  }
  show();
}

export function showAll() {
  const arrived = [...waiting.values()];
  waiting.clear();
  show();
  arrived.forEach(place);
  const first = cards().find((card) => arrived.includes(card));
  if (first) focus(first);
}

function place(card) {
  if (insert(card)) restVerbs(card);
}

function show() {
  const bar = document.getElementById("arrivals");
  const critical = waitingIn("critical");
  bar.hidden = waiting.size === 0;
  bar.classList.toggle("critical", critical > 0);
  document.getElementById("arrivals-text").textContent =
    `${waiting.size} new` + (critical ? `, ${critical} critical` : "");
}
