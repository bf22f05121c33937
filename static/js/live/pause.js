// The page held still by its pilot: a button in the chip, and a key.

import { isHeld, live, pause, resume } from "./live.js";
import { announce } from "../page/tell.js";

const button = document.getElementById("pause");

export function togglePause() {
  if (isHeld()) resume();
  else pause();
  announce(isHeld() ? "Live updates paused" : "Live updates resumed");
}

function show({ detail: { isPaused } }) {
  const text = isPaused ? "Resume live updates" : "Pause live updates";
  button.title = `${text}${button.dataset.key}`;
  button.querySelector("span").textContent = text;
  button.querySelector("use").setAttribute("href", isPaused ? "#i-resume" : "#i-pause");
}

export function begin() {
  button.hidden = false;
  button.addEventListener("click", togglePause);
  live.addEventListener("pause", show);
}
