// The one dialog of the console: a sheet that the server made, over the page.

import { stands } from "./keymap.js";

const dialog = document.getElementById("dialog");
let opener = null;

export function show(content) {
  opener = document.activeElement;
  dialog.replaceChildren(content);
  htmx.process(dialog);
  dialog.showModal();
}

export function close() {
  dialog.close();
}

export function begin() {
  dialog.addEventListener("click", (event) => {
    if (event.target !== dialog && !event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    if (opener?.checkVisibility() && !opener.disabled) opener.focus({ preventScroll: true });
    else document.getElementById("main").focus({ preventScroll: true });
  });
  dialog.addEventListener("keydown", (event) => {
    if (!stands(event, "commit")) return;
    const commit = dialog.querySelector("form .commit:not(:disabled)");
    if (!commit) return;
    event.preventDefault();
    commit.form.requestSubmit(commit);
  });
}
