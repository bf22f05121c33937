// The page held still by its pilot: a button in the chip and Alt+L.

import { isHeld, live, pause, resume } from "./live.js";
import { announce } from "../page/tell.js";

const button = document.getElementById("pause");

export function togglePause() {
  if (isHeld()) resume();
  else pause();
  announce(isHeld() ? "Live updates paused" : "Live updates resumed");
}

// Some keyboards write with Alt and this key ("@", "ł"): where text is typed, that comes first.
function isKey(event) {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.getModifierState("AltGraph")) return false;
  const isText = event.target.closest?.("input, textarea, select, [contenteditable]");
  return event.key.toLowerCase() === "l" || (!isText && event.code === "KeyL");
}

function show({ detail: { isPaused } }) {
  const text = isPaused ? "Resume live updates" : "Pause live updates";
  button.title = `${text} (Alt+L)`;
  button.querySelector("span").textContent = text;
  button.querySelector("use").setAttribute("href", isPaused ? "#i-resume" : "#i-pause");
}

export function begin() {
  button.hidden = false;
  button.addEventListener("click", togglePause);
  live.addEventListener("pause", show);
  document.addEventListener("keydown", (event) => {
    if (!isKey(event)) return;
    event.preventDefault();
    if (!event.repeat) togglePause();
  });
}
