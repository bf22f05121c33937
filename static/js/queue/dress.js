// What a card gets in the browser: its id as data, whose it is, names that tell its controls apart, and approving by a click. The server
// sends the same card to everybody, two hundred on one page: what can be told from the rest of it is told here.

import { titleOf } from "./cards.js";
import { isKnownAbout } from "./facets.js";
import { alsoReady } from "../page/parts.js";

const { base, pilot } = document.body.dataset;

function dress(root) {
  for (const card of root.querySelectorAll(".card")) {
    const title = titleOf(card);
    card.dataset.requestId = card.id.slice("card-".length);
    card.toggleAttribute("data-mine", card.dataset.assignedTo === pilot);
    if (isKnownAbout(card.dataset)) markExpertise(card);
    // A card that takes the place of one keeps what somebody may be about to press.
    if (approveOf(document.getElementById(card.id))) offer(card);
    for (const control of card.querySelectorAll(".pick, .card-acts button")) name(control, title);
  }
}

function markExpertise(card) {
  if (card.querySelector(".expert")) return;
  const mark = document.createElement("span");
  mark.className = "expert";
  mark.title = "Your expertise";
  mark.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#i-expertise" /></svg><span class="sr-only">your expertise</span>';
  card.querySelector(".card-meta").prepend(mark);
}

const approveOf = (card) => card?.querySelector(".approve-now");

function name(control, title) {
  control.setAttribute("aria-label", `${control.textContent || "Select"} ${title}`);
}

// Shown on the card that somebody is on (queue.css), and made only there.
function offer(card) {
  if (!card || !("quick" in card.dataset) || approveOf(card)) return;
  const button = document.createElement("button");
  button.className = "button small approve-now";
  button.setAttribute("form", "quick");
  button.setAttribute("formaction", `${base}interventions/${encodeURIComponent(card.dataset.requestId)}/decide`);
  button.dataset.verb = "approve-now";
  button.textContent = "Approve";
  name(button, titleOf(card));
  card.querySelector(".card-acts").prepend(button);
}

export function begin() {
  alsoReady(dress);
  dress(document);
  for (const kind of ["pointerover", "focusin"]) {
    document.addEventListener(kind, ({ target }) => offer(target.closest?.(".card")));
  }
}
