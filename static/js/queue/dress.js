// What a card gets in the browser: its id as data, whose it is, names that tell its controls apart, and approving by a click. The server
// sends the same card to everybody, two hundred on one page: what can be told from the rest of it is told here.

import { titleOf } from "./cards.js";
import { alsoReady } from "../page/parts.js";

const { base, pilot } = document.body.dataset;

function dress(root) {
  for (const card of root.querySelectorAll(".card")) {
    const title = titleOf(card);
    card.dataset.requestId = card.id.slice("card-".length);
    card.toggleAttribute("data-mine", card.dataset.assignedTo === pilot);
    if ("quick" in card.dataset) card.querySelector(".card-acts").prepend(approve(card));
    for (const control of card.querySelectorAll(".pick, .card-acts button")) {
      control.setAttribute("aria-label", `${control.textContent || "Select"} ${title}`);
    }
  }
}

function approve({ dataset }) {
  const button = document.createElement("button");
  button.className = "button small approve-now";
  button.setAttribute("form", "quick");
  button.setAttribute("formaction", `${base}interventions/${encodeURIComponent(dataset.requestId)}/decide`);
  button.dataset.verb = "approve-now";
  button.textContent = "Approve";
  return button;
}

export function begin() {
  alsoReady(dress);
  dress(document);
}
