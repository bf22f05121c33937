// What each command of the keyboard does. Its name and its keys are said in interventions/keymap.py, under the same id.
// Each is also a button, a link or a field of the page.

import { toggleMute } from "../alerts/alerts.js";
import * as detail from "../detail/detail.js";
import { togglePause } from "../live/pause.js";
import { known } from "../page/keymap.js";
import { complain, whereTo } from "../page/parts.js";
import { toast } from "../page/tell.js";
import * as beside from "../queue/beside.js";
import * as bulk from "../queue/bulk.js";
import { here, linkOf, move, pick } from "../queue/cards.js";
import * as facets from "../queue/facets.js";
import * as keysheet from "./keysheet.js";
import * as palette from "./palette.js";

const priorities = ["", "critical", "high", "normal", "low"];
const { base } = document.body.dataset;
const byId = (id) => document.getElementById(id);
const hasList = () => byId("lanes") !== null;
// Where the page is about the log.
const hasBell = () => byId("bell") !== null;
const hasDetail = () => detail.shown() != null;
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
    : byId("claims")?.querySelector("[data-verb=claim], [data-verb=release]");
  if (verb && !verb.disabled) verb.click();
  else toast("This cannot be claimed.");
}

// The server knows best: the most urgent one may wait to be shown, or be further down than the list is loaded.
async function nextUnclaimed() {
  const besides = detail.shown()?.dataset.requestId ?? "";
  const query = new URLSearchParams([...new URLSearchParams(facets.query()), ["besides", besides]]);
  try {
    const address = await whereTo(`${base}unclaimed?${query}`);
    if (address.split("?")[0] === base) toast("Nothing is unclaimed.", { isGood: true });
    else if (hasList()) await beside.open(address);
    else location.assign(address);
  } catch (error) {
    complain(error);
  }
}

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

// `on`: which pages have it; `when`: whether it can be done just now; `typing`: also from a field; `dialog`: also over
// the page.
const does = {
  sheet: { run: keysheet.show },
  palette: { typing: true, run: palette.show },
  search: { run: () => byId("q").focus() },
  go_queue: { on: has("d"), run: () => go("d") },
  go_history: { on: has("h"), run: () => go("h") },
  go_team: { on: has("t"), run: () => go("t") },
  go_settings: { on: has("s"), run: () => go("s") },
  pause: { on: hasBell, typing: true, dialog: true, run: togglePause },
  mute: { on: hasBell, run: toggleMute },
  back: { typing: true, run: back },

  next: { on: hasList, run: () => move(1) },
  previous: { on: hasList, run: () => move(-1) },
  open: { on: hasList, when: onCard, run: () => linkOf(onCard()).click() },
  open_page: {
    on: hasList,
    when: () => onCard() ?? inPane(),
    run: () => location.assign(onCard() ? linkOf(onCard()).href.split("?")[0] + facets.query() : location.href),
  },
  select: { on: hasList, when: () => meant() && pick(meant()), run: () => bulk.toggle() },
  next_unclaimed: { run: nextUnclaimed },
  show_new: { on: hasList, run: () => byId("show-arrivals").click() },
  priority: { on: hasList, run: nextPriority },

  approve: { when: () => meant() || hasDetail(), run: () => decide("approve") },
  reject: { when: () => meant() || hasDetail(), run: () => decide("reject") },
  commit: { when: hasDetail, run: detail.commit },
  claim: { when: () => meant() || hasDetail(), run: claim },
  next_request: { when: hasDetail, run: () => byId("following")?.click() },
  previous_request: { when: hasDetail, run: () => byId("previous")?.click() },
  find: { when: () => byId("context-search"), run: () => byId("context-search").focus() },
  copy_link: { when: () => meant() || hasDetail(), run: copyLink },
  up: { when: hasDetail, run: up },
};

export const commands = known.map((command) => ({ ...command, ...does[command.id] }));

export const isHere = ({ on }) => !on || on();
export const isPossible = (command) => isHere(command) && (!command.when || Boolean(command.when()));

// The button of the page does as the key does.
export function begin() {
  byId("next-unclaimed")?.addEventListener("click", (event) => {
    event.preventDefault();
    nextUnclaimed();
  });
}
