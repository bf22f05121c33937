// Who else looks at a request, or writes a decision on it: told of this page, and shown on cards and in the detail.
//
// It is about this moment only. The server forgets who does not repeat it, and the page forgets what it has not heard.

import { live, send } from "./live.js";
import { alsoReady } from "../page/parts.js";

// What stays so from one look to the next has settled: a request that is only passed by is not told.
const LOOK_EVERY = 500;
const REPEAT_AFTER = 20000;
const AWAY_AFTER = 60000;
const STALE_AFTER = 45000;
const NAMED = 2;
const NOWHERE = JSON.stringify({ kind: "viewing", request_id: null, writing: false });

const me = document.body.dataset.pilot;
// Characters that reorder, hide or fake text.
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

// The others, by request_id.
const others = new Map();
let isLive = false;
let seen = NOWHERE;
let said = NOWHERE;
let saidAt = 0;
let hiddenAt = 0;
let forgetting = null;

// What this page says of itself

function sight() {
  const detail = document.getElementById("detail");
  const isAway = document.hidden && Date.now() - hiddenAt > AWAY_AFTER;
  if (!detail || isAway || detail.offsetParent === null) return NOWHERE;
  const writing = detail.querySelector("#decide:not(.closed) [name=verdict]:checked") !== null;
  return JSON.stringify({ kind: "viewing", request_id: detail.dataset.requestId, writing });
}

function look() {
  const now = sight();
  const hasSettled = now === seen;
  seen = now;
  if (!isLive || !hasSettled) return;
  const isDue = now !== NOWHERE && Date.now() - saidAt > REPEAT_AFTER;
  if (now === said && !isDue) return;
  send(JSON.parse(now));
  said = now;
  saidAt = Date.now();
}

// What it hears of others

function onFrame({ detail: frame }) {
  if (frame.kind === "presence_all") others.clear();
  for (const { request_id, viewers } of frame.requests ?? [frame]) {
    const strangers = viewers.filter(({ pilot_id }) => pilot_id !== me);
    if (strangers.length) others.set(request_id, strangers);
    else others.delete(request_id);
  }
  show();
}

function onConnection({ detail: { status } }) {
  isLive = status === "live";
  if (isLive) {
    // A new socket: nothing was said over it yet, and how things stand comes with its greeting.
    said = NOWHERE;
    clearTimeout(forgetting);
    forgetting = null;
  } else {
    forgetting ??= setTimeout(() => {
      others.clear();
      show();
    }, STALE_AFTER);
  }
}

// How it is shown. Nothing here is a live region: who comes and goes is there to be seen, not to be announced.

export function show(root = document) {
  for (const card of root.querySelectorAll(".card[data-request-id]")) {
    const viewers = others.get(card.dataset.requestId);
    const chip = card.querySelector(".viewing");
    if (!viewers) chip?.remove();
    else if (chip?.dataset.shown !== keyOf(viewers)) {
      if (chip) chip.replaceWith(chipOf(card, viewers));
      else card.querySelector(".card-meta").append(chipOf(card, viewers));
    }
  }
  const line = root.querySelector("#viewers");
  if (line) showLine(line, others.get(line.closest("#detail").dataset.requestId) ?? []);
}

const keyOf = (viewers) => JSON.stringify(viewers);

function chipOf(card, viewers) {
  const chip = make("span", "who viewing");
  // By it morph.js finds the chip again in a fresh card.
  chip.id = `viewing-${card.dataset.requestId}`;
  chip.dataset.shown = keyOf(viewers);
  const writing = viewers.filter((viewer) => viewer.writing);
  const [first] = writing.length ? writing : viewers;
  const sentence = make("span", "sr-only");
  sentence.append(...sentenceOf(viewers));
  chip.title = sentence.textContent;
  const brief = make("span", "who");
  brief.ariaHidden = "true";
  const isCounted = viewers.length > 1 && !first.writing;
  brief.append(make("span", "disc", isCounted ? String(viewers.length) : initials(first.pilot_id)));
  brief.append(make("span", "what", briefly(first, viewers.length)));
  chip.append(brief, sentence);
  chip.classList.toggle("writing", first.writing);
  return chip;
}

function briefly(first, count) {
  if (!first.writing) return "viewing";
  return count > 1 ? `writing, ${count - 1} more` : "writing";
}

function showLine(line, viewers) {
  if (line.dataset.shown === keyOf(viewers)) return;
  line.dataset.shown = keyOf(viewers);
  line.replaceChildren(...sentenceOf(viewers));
  line.title = line.textContent;
  line.classList.toggle("writing", viewers.some(({ writing }) => writing));
}

// "olga is writing a decision, otto and vera are viewing", each name apart from the text around it.
function sentenceOf(viewers) {
  const writing = viewers.filter((viewer) => viewer.writing);
  const viewing = viewers.filter((viewer) => !viewer.writing);
  const parts = [];
  if (writing.length) parts.push(...namesOf(writing), " writing a decision");
  if (writing.length && viewing.length) parts.push(", ");
  if (viewing.length) parts.push(...namesOf(viewing), " viewing");
  return parts;
}

function namesOf(viewers) {
  const named = viewers.slice(0, viewers.length > NAMED + 1 ? NAMED : NAMED + 1);
  const names = named.map(({ pilot_id }) => make("bdi", "", spelled(shortName(pilot_id))));
  const rest = viewers.length - named.length;
  if (rest) names.push(`${rest} others`);
  const joined = new Intl.ListFormat("en-GB")
    .formatToParts(names.map(() => "x"))
    .map(({ type, value }) => (type === "element" ? names.shift() : value));
  return [...joined, viewers.length > 1 ? " are" : " is"];
}

const shortName = (pilotId) => pilotId.slice(pilotId.lastIndexOf(":") + 1) || pilotId;
const spelled = (text) =>
  text.replace(invisible, (one) => `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);

// As the server draws them on a claimed card.
function initials(pilotId) {
  const words = shortName(pilotId).match(/[\p{L}\p{N}_]+/gu) ?? [];
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => [...word][0]) : [...(words[0] ?? "")].slice(0, 2);
  return letters.join("").toUpperCase();
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

// The chip lies above the link that covers its card, so that it can say who; a click is meant for the link all the same.
function onClick(event) {
  const card = event.target.closest?.(".card .viewing")?.closest(".card");
  card?.querySelector(".card-title a").dispatchEvent(new MouseEvent("click", event));
}

export function begin() {
  live.addEventListener("presence", onFrame);
  live.addEventListener("connection", onConnection);
  // A fragment shows it before it is on the page: so a card that is made anew does not flicker.
  alsoReady(show);
  document.body.addEventListener("htmx:afterSwap", () => show());
  document.addEventListener("click", onClick);
  document.addEventListener("visibilitychange", () => (hiddenAt = Date.now()));
  setInterval(() => {
    look();
    // What was fetched a while ago and put on the page just now.
    show();
  }, LOOK_EVERY);
}
