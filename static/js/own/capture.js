// A key for a command, taken as it is pressed: what may be is the server's to say, once it is saved.

import { isApple, nameOf } from "../page/keymap.js";

const held = new Set(["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Dead", "Process", "Unidentified"]);
let button = null;

const fieldOf = ({ dataset: { captures } }) => document.getElementById(captures);

function listen(mine) {
  stop();
  button = mine;
  button.textContent = "Press a key…";
  button.setAttribute("aria-pressed", "true");
  document.getElementById("captured").textContent = "Press a key, or Esc to leave it as it is";
}

function stop() {
  if (!button) return;
  button.textContent = "Press";
  button.removeAttribute("aria-pressed");
  button = null;
}

function onKeyDown(event) {
  if (!button || event.isComposing || held.has(event.key)) return;
  // The way out of here stays what it is.
  if (event.key === "Tab") return stop();
  event.preventDefault();
  event.stopPropagation();
  const field = fieldOf(button);
  const name = event.key === "Escape" ? "" : nameOf(event);
  stop();
  document.getElementById("captured").textContent = name ? `${name} is chosen, not saved yet` : "Left as it is";
  if (!name) return;
  field.value = name.replace("Mod", isApple ? "Cmd" : "Ctrl");
  field.focus();
}

export function begin() {
  for (const each of document.querySelectorAll("button[data-captures]")) {
    each.hidden = false;
    each.addEventListener("click", () => listen(each));
    each.addEventListener("blur", stop);
  }
  addEventListener("keydown", onKeyDown, { capture: true });
}
