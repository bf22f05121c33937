// The chip that says how things stand with the server, and the verbs that rest while there is no way to it.

import { isReachable, live, retry } from "./live.js";
import { askFirst, hold } from "../session/leaving.js";
import { session, stands } from "../session/session.js";
import { open } from "../session/sign_in.js";
import { announce, toast } from "../page/tell.js";
import { shortTime } from "../page/times.js";

const NOTICEABLE = 10000;
const chip = document.getElementById("connection");
const label = document.getElementById("connection-label");
const button = document.getElementById("connection-retry");
// A page without a socket says when it was made.
const made = label.textContent;
let state = { status: "static" };
let pause = { isPaused: false };
let lostAt = null;
let isLossTold = false;
let isStatic = false;

const texts = {
  static: () => made,
  connecting: () => "Connecting",
  live: () => "Live",
  reconnecting: () => `Reconnecting in ${Math.max(0, Math.ceil((state.retryAt - Date.now()) / 1000))} s`,
  offline: () => `Offline since ${shortTime(state.since)}, read-only`,
  ended: () => state.text,
  paused: () => `Paused${waitingText()}${state.status === "reconnecting" ? ", reconnecting" : ""}`,
};

function waitingText() {
  if (pause.isOver) return `, over ${pause.isOver} waiting`;
  return pause.waiting ? `, ${pause.waiting} waiting` : "";
}

// That there is no way to the server is worth more than that the page is paused.
const shownStatus = () => (pause.isPaused && isReachable() ? "paused" : state.status);

function show() {
  const status = shownStatus();
  chip.dataset.state = status;
  const text = texts[status]();
  if (label.textContent !== text) label.textContent = text;
  button.hidden = ["static", "live", "connecting", "paused"].includes(status);
  button.textContent = stands() ? "Retry" : "Sign in";
  if (lostAt && !isLossTold && Date.now() - lostAt > NOTICEABLE) {
    isLossTold = true;
    announce("Connection lost", { urgent: true });
  }
}

const mayAct = () => stands() && isReachable();

// Buttons that change something, below `root`: off while nothing could be changed.
export function restVerbs(root = document) {
  for (const verb of root.querySelectorAll("[data-verb]")) {
    const isResting = !mayAct();
    if (isResting) verb.title = "Not possible while there is no connection";
    else if (verb.disabled) verb.removeAttribute("title");
    verb.disabled = isResting;
  }
}

function hear(next) {
  state = next;
  if (next.status === "live" || next.status === "static") {
    if (isLossTold) announce("Connected again");
    lostAt = null;
    isLossTold = false;
  } else if (next.status !== "ended") {
    lostAt ??= Date.now();
  }
  show();
  restVerbs();
}

live.addEventListener("connection", ({ detail }) => hear(detail));
live.addEventListener("pause", ({ detail }) => {
  pause = detail;
  show();
});

document.addEventListener(
  "submit",
  (event) => {
    if (event.target.closest("#sign-in")) return;
    if (mayAct()) {
      if (isStatic) askFirst(event);
      return;
    }
    hold(event);
    if (stands()) toast("There is no connection; nothing was sent.");
    else open();
  },
  { capture: true },
);

export function begin({ hasSocket }) {
  button.addEventListener("click", () => (stands() ? retry() : open()));
  setInterval(show, 1000);
  if (hasSocket) return hear({ status: "connecting" });
  isStatic = true;
  session.addEventListener("ended", () => hear({ status: "ended", text: "Signed out" }));
  session.addEventListener("regained", () => hear({ status: "static" }));
}
