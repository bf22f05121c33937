// What can be done from the keyboard: each with its keys, its name in the palette and on the sheet, and what it does.
// Each is also a button, a link or a field of the page.

import { toggleMute } from "../alerts/alerts.js";
import * as beside from "../queue/beside.js";
import * as bulk from "../queue/bulk.js";
import { cards, here, linkOf, move, pick } from "../queue/cards.js";
import * as detail from "../detail/detail.js";
import * as facets from "../queue/facets.js";
import * as keysheet from "./keysheet.js";
import * as palette from "./palette.js";
import { togglePause } from "../live/pause.js";
import { announce, toast } from "../page/tell.js";

const priorities = ["", "critical", "high", "normal", "low"];
const byId = (id) => document.getElementById(id);
const hasList = () => byId("lanes") !== null;
// Where the page is about the log.
const hasBell = () => byId("bell") !== null;
const hasDetail = () => detail.shown() !== undefined && detail.shown() !== null;
const inPane = () => detail.shown()?.closest("#pane") != null;
const onCard = () => document.activeElement?.closest?.(".card") ?? null;
// The request that is meant: the card somebody is on, else the one that is open.
const meant = () => (hasList() ? here() : null);
const isOpen = (card) => detail.shown()?.dataset.requestId === card.dataset.requestId;

async function decide(verdict) {
  const card = onCard() ?? (hasDetail() ? null : meant());
  if (card && !isOpen(card)) {
    if (!beside.wide.matches) return location.assign(`${linkOf(card).href.split("?")[0]}${facets.query()}#${verdict}`);
    await beside.open(linkOf(card).href);
  }
  if (detail.choose(verdict)) return;
  toast(byId("decision-notice")?.textContent.trim() || byId("decision-form")?.textContent.trim() || "Nothing to decide.");
}

function claim() {
  const card = onCard();
  const verb = card
    ? card.querySelector(card.hasAttribute("data-mine") ? ".release" : ".claim")
    : byId("claims")?.querySelector("[data-verb=claim], [data-verb=release], [data-verb=take-over]");
  if (verb && !verb.disabled) verb.click();
  else toast("This cannot be claimed.");
}

function nextUnclaimed() {
  if (!hasList()) return byId("next-unclaimed")?.click();
  const free = cards().find((card) => card.dataset.assignedTo === "" && !isOpen(card) && mayDecide(card));
  if (free) beside.open(linkOf(free).href);
  else announce("Nothing is unclaimed");
}

const mayDecide = ({ dataset }) => document.body.dataset.role === "ADMIN" || dataset.needs !== "ADMIN";

async function copyLink() {
  const address = meant() ? linkOf(meant()).href.split("?")[0] : location.href.split("?")[0];
  try {
    await navigator.clipboard.writeText(address);
    toast("Link copied", { isGood: true });
  } catch {
    toast(`The browser does not let it be copied: ${address}`);
  }
}

function nextPriority() {
  const { priority } = facets.current();
  beside.narrow({ priority: priorities[(priorities.indexOf(priority) + 1) % priorities.length] });
}

function back() {
  const typing = document.activeElement?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select");
  if (typing && !typing.closest("#decide")) return leave(typing);
  if (detail.unchoose()) return;
  if (bulk.isSelecting()) return bulk.clear();
  if (inPane()) beside.close();
  else if (hasDetail()) up();
}

// Out of a field: back to where one was in the list or the request.
function leave(field) {
  field.blur();
  if (hasDetail()) detail.shown().focus({ preventScroll: true });
}

function up() {
  if (inPane()) beside.close();
  else document.querySelector(".back")?.click();
}

const go = (place) => document.querySelector(`[data-go=${place}]`)?.click();
const has = (place) => () => document.querySelector(`[data-go=${place}]`) !== null;

export const commands = [
  { group: "Anywhere", keys: ["?"], name: "Show the keys", run: keysheet.show },
  { group: "Anywhere", keys: ["Mod+k"], name: "Find a command", run: palette.show },
  { group: "Anywhere", keys: ["/"], name: "Search requests", run: () => byId("q").focus() },
  { group: "Anywhere", keys: ["g d"], name: "Go to the queue", on: has("d"), run: () => go("d") },
  { group: "Anywhere", keys: ["g h"], name: "Go to the history", on: has("h"), run: () => go("h") },
  { group: "Anywhere", keys: ["g a"], name: "Go to analytics", on: has("a"), run: () => go("a") },
  { group: "Anywhere", keys: ["g t"], name: "Go to the team", on: has("t"), run: () => go("t") },
  { group: "Anywhere", keys: ["g s"], name: "Go to settings", on: has("s"), run: () => go("s") },
  { group: "Anywhere", keys: ["Alt+l"], name: "Pause live updates, or go on", on: hasBell, run: togglePause },
  { group: "Anywhere", keys: ["m"], name: "Mute alerts for 15 minutes", on: hasBell, run: toggleMute },
  { group: "Anywhere", keys: ["Escape"], name: "Back, or put away", run: back },

  { group: "Queue", keys: ["j", "ArrowDown"], name: "Next in the list", on: hasList, run: () => move(1) },
  { group: "Queue", keys: ["k", "ArrowUp"], name: "Previous in the list", on: hasList, run: () => move(-1) },
  { group: "Queue", keys: ["Enter"], name: "Open beside the list", on: hasList, when: onCard, run: () => linkOf(onCard()).click() },
  {
    group: "Queue",
    keys: ["Shift+Enter"],
    name: "Open as a page",
    on: hasList,
    when: () => onCard() ?? inPane(),
    run: () => location.assign(onCard() ? linkOf(onCard()).href.split("?")[0] + facets.query() : location.href),
  },
  { group: "Queue", keys: ["x"], name: "Select", on: hasList, when: () => meant() && pick(meant()), run: () => bulk.toggle() },
  { group: "Queue", keys: ["n"], name: "Next unclaimed by urgency", run: nextUnclaimed },
  { group: "Queue", keys: ["."], name: "Show what is new", on: hasList, run: () => byId("show-arrivals").click() },
  { group: "Queue", keys: ["p"], name: "Narrow to a priority", on: hasList, run: nextPriority },

  { group: "Request", keys: ["a"], name: "Approve…", when: () => meant() || hasDetail(), run: () => decide("approve") },
  { group: "Request", keys: ["r"], name: "Reject…", when: () => meant() || hasDetail(), run: () => decide("reject") },
  { group: "Request", keys: ["Mod+Enter"], name: "Commit the decision", when: hasDetail, run: detail.commit },
  { group: "Request", keys: ["c"], name: "Claim or release", when: () => meant() || hasDetail(), run: claim },
  { group: "Request", keys: ["]"], name: "Next request", when: hasDetail, run: () => byId("following")?.click() },
  { group: "Request", keys: ["["], name: "Previous request", when: hasDetail, run: () => byId("previous")?.click() },
  {
    group: "Request",
    keys: ["f"],
    name: "Find in the context",
    when: () => byId("context-search"),
    run: () => byId("context-search").focus(),
  },
  { group: "Request", keys: ["y"], name: "Copy the link", when: () => meant() || hasDetail(), run: copyLink },
  { group: "Request", keys: ["u"], name: "Back to the queue", when: hasDetail, run: up },
];

// `on`: which pages have it; `when`: whether it can be done just now.
export const isHere = ({ on }) => !on || on();
export const isPossible = (command) => isHere(command) && (!command.when || Boolean(command.when()));
