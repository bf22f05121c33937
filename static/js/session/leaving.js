// A page without a socket does not hear that it was signed out. Before it leaves for a form's answer it asks: what is
// typed would be gone with the page.

import { csrfToken } from "../page/parts.js";
import { ask, stands } from "./session.js";
import { open } from "./sign_in.js";

const asked = new WeakSet();

// Holds what `submit` would send until the server has said that the sign-in stands; then it goes by itself.
export function askFirst(submit) {
  const form = submit.target;
  const isPosted = (form.getAttribute("method") ?? "").toLowerCase() === "post" && !form.hasAttribute("hx-post");
  if (!isPosted || asked.delete(form)) return;
  hold(submit);
  sendOnceAsked(form, submit.submitter);
}

export function hold(submit) {
  submit.preventDefault();
  submit.stopImmediatePropagation();
}

async function sendOnceAsked(form, button) {
  if ((await ask()) === false) return;
  asked.add(form);
  // It rotates at sign-in; the page's own is of before.
  const token = form.elements.namedItem("csrfmiddlewaretoken");
  if (token) token.value = csrfToken();
  form.requestSubmit(button);
}

function onSubmit(submit) {
  if (!submit.target.matches(".own-form")) return;
  if (stands()) return askFirst(submit);
  hold(submit);
  open();
}

// For pages that have no other script of a sign-in: the forms of the own settings.
export function begin() {
  document.addEventListener("submit", onSubmit, { capture: true });
}
