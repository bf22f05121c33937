// What is selected in the list, and one verb for all of it: asked once more, then a result for each.

import { cards, focus, here, pick } from "./cards.js";
import { show as showDialog } from "../page/dialog.js";
import { parse, post } from "../page/parts.js";
import { toast } from "../page/tell.js";

const bar = document.getElementById("bulk");
let last = null;
let complain;

const selected = () => cards().filter((card) => pick(card).checked);
export const isSelecting = () => bar !== null && selected().length > 0;

export function show() {
  const count = selected().length;
  document.body.toggleAttribute("data-selecting", count > 0);
  const text = `${count} selected`;
  const label = document.getElementById("bulk-count");
  if (label.textContent !== text) label.textContent = text;
}

export function toggle(card = here()) {
  if (!card || !pick(card)) return;
  pick(card).checked = !pick(card).checked;
  last = card;
  show();
}

export function clear() {
  const [first, ...others] = selected();
  const wasInBar = bar.contains(document.activeElement);
  for (const card of [first, ...others]) pick(card).checked = false;
  show();
  if (wasInBar) focus(first);
}

function selectAll() {
  for (const card of cards()) pick(card).checked = true;
  show();
}

// With Shift all between the last one and this one follow.
function onClick(event) {
  const card = event.target.closest(".pick")?.closest(".card");
  if (!card) return;
  const all = cards();
  if (event.shiftKey && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(card)].sort((one, other) => one - other);
    for (const between of all.slice(from, to + 1)) pick(between).checked = event.target.checked;
  }
  last = card;
  show();
}

async function onSubmit(event) {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(bar, event.submitter));
  try {
    const response = await post(bar.action, { body });
    if (![200, 422].includes(response.status)) return toast("The server refused; nothing was changed.");
    const answer = parse(await response.text());
    const done = answer.querySelector("[data-done]");
    // A claim that went well everywhere shows in the list; there is nothing more to read.
    if (done && !done.querySelector("li:not([data-result=done])")) return finish(done);
    if (done) finish(done);
    showDialog(answer);
  } catch (error) {
    complain(error);
  }
}

// Those that were done are selected no more; the others stay, to be tried again or opened.
function finish(done) {
  const gone = new Set([...done.querySelectorAll("[data-result=done]")].map((line) => line.dataset.requestId));
  for (const card of selected()) if (gone.has(card.dataset.requestId)) pick(card).checked = false;
  toast(done.querySelector("h2").textContent, { isGood: true });
  show();
}

export function begin(queue) {
  ({ complain } = queue);
  bar.addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
  document.getElementById("select-all").addEventListener("click", selectAll);
  document.getElementById("select-none").addEventListener("click", clear);
  document.body.addEventListener("htmx:afterSwap", ({ detail: { elt } }) => {
    const done = elt.matches?.("[data-done]") ? elt : document.querySelector("#dialog [data-done]");
    if (done && !done.dataset.told) {
      done.dataset.told = "yes";
      finish(done);
      done.querySelector("[data-close]").focus();
    }
  });
  show();
}

