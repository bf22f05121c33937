// A verb on a card. What comes back is the server's word; the socket tells the same to everybody else.

import { focus } from "./cards.js";
import { parse, post } from "../page/parts.js";
import { bury, change, complain } from "./queue.js";
import { toast } from "../page/tell.js";

// Approving from the list asks once more, in place.
function onClick(event) {
  const approve = event.target.closest("[data-verb=approve-now]");
  if (!approve || approve.dataset.asked) return;
  event.preventDefault();
  approve.dataset.asked = "yes";
  approve.textContent = "Approve now";
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.className = "button small cancel-approve";
  cancel.textContent = "Cancel";
  cancel.addEventListener("click", () => withdraw(approve, cancel));
  approve.closest(".card").classList.add("asking");
  approve.after(cancel);
  approve.focus();
}

function withdraw(approve, cancel) {
  const card = approve.closest(".card");
  cancel.remove();
  if (!card) return;
  delete approve.dataset.asked;
  approve.textContent = "Approve";
  card.classList.remove("asking");
  focus(card);
}

function onKeyDown(event) {
  const cancel = event.key === "Escape" && event.target.closest?.(".card.asking")?.querySelector(".cancel-approve");
  if (!cancel) return;
  event.stopPropagation();
  cancel.click();
}

function bodyOf(button, card) {
  if (button.dataset.verb !== "approve-now") return new URLSearchParams();
  return new URLSearchParams({ verdict: "approve", version: card.dataset.version });
}

async function onSubmit(event) {
  event.preventDefault();
  const button = event.submitter;
  const card = button.closest(".card");
  button.disabled = true;
  try {
    const response = await post(button.getAttribute("formaction"), { target: "quick", body: bodyOf(button, card) });
    const fresh = parse(await response.text()).firstElementChild;
    if (!response.ok) {
      toast([409, 422].includes(response.status) ? fresh.textContent : "The server refused; nothing was changed.");
      button.disabled = false;
    } else if (card.isConnected) {
      focus(card);
      if (fresh.matches(".card")) change(card, fresh);
      else bury(card, fresh, true);
    }
  } catch (error) {
    button.disabled = false;
    complain(error);
  }
}

export function begin() {
  document.getElementById("lanes").parentElement.addEventListener("click", onClick);
  document.addEventListener("keydown", onKeyDown, { capture: true });
  document.getElementById("quick").addEventListener("submit", onSubmit);
}
