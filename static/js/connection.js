// The chip that says how things stand with the server, and the verbs that rest while there is no way to it.

import { isReachable, live, retry } from "./live.js";
import { announce, toast } from "./tell.js";
import { shortTime } from "./times.js";

const NOTICEABLE = 10000;
const chip = document.getElementById("connection");
const label = document.getElementById("connection-label");
const button = document.getElementById("connection-retry");
let state = { status: "connecting" };
let lostAt = null;
let isLossTold = false;

const texts = {
  connecting: () => "Connecting",
  live: () => "Live",
  reconnecting: () => `Reconnecting in ${Math.max(0, Math.ceil((state.retryAt - Date.now()) / 1000))} s`,
  offline: () => `Offline since ${shortTime(state.since)}, read-only`,
  ended: () => state.text,
};

function show() {
  chip.dataset.state = state.status;
  const text = texts[state.status]();
  if (label.textContent !== text) label.textContent = text;
  button.hidden = state.status === "live" || state.status === "connecting";
  if (lostAt && !isLossTold && Date.now() - lostAt > NOTICEABLE) {
    isLossTold = true;
    announce("Connection lost", { urgent: true });
  }
}

// Buttons that change something, below `root`: off while nothing could be changed.
export function restVerbs(root = document) {
  for (const verb of root.querySelectorAll("[data-verb]")) {
    const isResting = !isReachable();
    if (isResting) verb.title = "Not possible while there is no connection";
    else if (verb.disabled) verb.removeAttribute("title");
    verb.disabled = isResting;
  }
}

live.addEventListener("connection", ({ detail }) => {
  state = detail;
  if (detail.status === "live") {
    if (isLossTold) announce("Connected again");
    lostAt = null;
    isLossTold = false;
  } else {
    lostAt ??= Date.now();
  }
  show();
  restVerbs();
});

document.addEventListener(
  "submit",
  (event) => {
    if (isReachable()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    toast("There is no connection; nothing was sent.");
  },
  { capture: true },
);

export function begin() {
  button.addEventListener("click", retry);
  setInterval(show, 1000);
  show();
}
