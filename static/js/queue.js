// The list: cards that change in place, arrivals that wait while somebody reads, tombstones, tabs.

import * as beside from "./beside.js";
import { cardOf, lanes, tab, titleOf } from "./cards.js";
import { restVerbs } from "./connection.js";
import { live } from "./live.js";
import { morph } from "./morph.js";
import { getPart, parse, post, SignedOut } from "./parts.js";
import { announceArrival, titleCount, toast } from "./tell.js";

const TOMBSTONE = 4000;
const body = document.body.dataset;
const hovers = matchMedia("(hover: hover)");
// Arrivals that wait, by request_id.
const waiting = new Map();

const fits = {
  all: () => true,
  mine: (card) => card.dataset.assignedTo === body.pilot,
  unclaimed: (card) => card.dataset.assignedTo === "",
};

// Somebody is in the list: nothing may move under their hand or eye.
function isBusy() {
  const list = lanes();
  if (!list.querySelector(".card")) return false;
  const selection = getSelection();
  return (
    (hovers.matches && list.matches(":hover")) ||
    list.contains(document.activeElement) ||
    scrollY > 60 ||
    list.scrollTop > 60 ||
    (!selection.isCollapsed && list.contains(selection.anchorNode))
  );
}

function onEvent({ detail: frame }) {
  const { card, tombstone } = frame.html;
  const fresh = parse(card ?? tombstone ?? "").firstElementChild;
  if (!fresh) return;
  const known = cardOf(frame.request_id);
  if (waiting.has(frame.request_id)) {
    if (card && fits[tab()](fresh)) waiting.set(frame.request_id, fresh);
    else waiting.delete(frame.request_id);
    showWaiting();
  } else if (known) {
    if (card) change(known, fresh);
    else bury(known, fresh, frame.actor === body.pilot);
  } else if (card && fits[tab()](fresh)) {
    arrive(fresh, frame.type === "created");
  }
  count();
}

function change(known, fresh) {
  const isMoving = known.dataset.priority !== fresh.dataset.priority || known.classList.contains("tombstone");
  if (isMoving) {
    known.remove();
    insert(fresh);
  } else {
    morph(known, fresh);
    if (!fits[tab()](known)) leave(known);
  }
  beside.mark();
  restVerbs(lanes());
}

// It has left this tab: it stays readable for as long as a tombstone would.
function leave(card) {
  card.classList.add("leaving");
  setTimeout(() => {
    if (!fits[tab()](card)) vanish(card);
    else card.classList.remove("leaving");
  }, TOMBSTONE);
}

function arrive(card, isNew) {
  if (isNew) tellArrival(card);
  if (isBusy()) {
    waiting.set(card.dataset.requestId, card);
    showWaiting();
  } else {
    insert(card);
  }
}

function tellArrival(card) {
  announceArrival(card.dataset.priority, titleOf(card));
}

// By age: a new one comes to the end of its lane, where nothing above it moves.
function insert(card) {
  const list = document.querySelector(`#lane-${card.dataset.priority} .cards`);
  const later = [...list.querySelectorAll(".card")].find((other) => other.dataset.createdAt > card.dataset.createdAt);
  const more = list.querySelector(".more");
  // The lane goes on beyond what is loaded: its end is not on this page.
  if (!later && more) return;
  list.insertBefore(card, later ?? more);
  card.classList.add("arrived");
  restVerbs(card);
}

function bury(known, tombstone, isMine) {
  if (known.classList.contains("tombstone")) {
    morph(known, tombstone);
    return;
  }
  const hadFocus = known.contains(document.activeElement);
  known.replaceWith(tombstone);
  if (hadFocus && isMine) {
    focusNear(tombstone);
  } else if (hadFocus) {
    // Somebody else finished it: the focus stays where its pilot put it.
    tombstone.tabIndex = -1;
    tombstone.focus({ preventScroll: true });
  }
  setTimeout(() => vanish(tombstone), TOMBSTONE);
}

function vanish(row) {
  if (row.contains(document.activeElement)) {
    row.addEventListener("focusout", () => setTimeout(() => vanish(row)), { once: true });
    return;
  }
  row.classList.add("going");
  setTimeout(() => {
    row.remove();
    count();
    // What an empty queue says (the last decision, the first steps) is the server's to know.
    if (!lanes().querySelector(".card, .tombstone")) refresh(null).catch(() => {});
  }, 250);
}

function focusNear(row) {
  const links = [...lanes().querySelectorAll(".card-title a")];
  const next = links.find((link) => row.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING);
  (next ?? links.at(-1) ?? document.getElementById("main")).focus({ preventScroll: true });
}

function showWaiting() {
  const bar = document.getElementById("arrivals");
  const critical = [...waiting.values()].filter((card) => card.dataset.priority === "critical").length;
  bar.hidden = waiting.size === 0;
  bar.classList.toggle("critical", critical > 0);
  document.getElementById("arrivals-text").textContent =
    `${waiting.size} new` + (critical ? `, ${critical} critical` : "");
}

export function showArrivals() {
  const cards = [...waiting.values()];
  waiting.clear();
  showWaiting();
  cards.forEach(insert);
  count();
  const first = cards.find((card) => card.isConnected);
  first?.scrollIntoView({ block: "nearest" });
  first?.querySelector(".card-title a").focus({ preventScroll: true });
}

// Lane heads, tabs and title. The tiles are the organization's truth; what a tab narrows is counted here.
function count() {
  const figures = document.getElementById("tiles").dataset;
  const assigned = JSON.parse(figures.assigned);
  const total = ["critical", "high", "normal", "low"].reduce((sum, priority) => sum + Number(figures[priority]), 0);
  const taken = Object.values(assigned).reduce((sum, number) => sum + number, 0);
  setText("waiting", total);
  setText("mine-count", assigned[body.pilot] ?? 0);
  setText("unclaimed-count", total - taken);
  titleCount(Number(figures.critical), total);
  for (const lane of document.querySelectorAll(".lane")) countLane(lane, figures);
}

function countLane(lane, figures) {
  const head = lane.querySelector("[data-count]");
  const { priority } = lane.dataset;
  const shown = lane.querySelectorAll(".card:not(.leaving)").length;
  const held = [...waiting.values()].filter((card) => card.dataset.priority === priority).length;
  const hasMore = lane.querySelector(".more") !== null;
  const counted = hasMore ? Number(head.dataset.count) : shown + held;
  head.textContent = tab() === "all" && hasMore ? figures[priority] : counted;
}

function setText(id, value) {
  const element = document.getElementById(id);
  if (element && element.textContent !== String(value)) element.textContent = value;
}

function onTiles({ detail: frame }) {
  morph(document.getElementById("tiles"), parse(frame.html).firstElementChild);
  count();
}

// The list as it is now. Null where nothing has happened since `position`.
export async function refresh(position) {
  const known = position ? `${position.epoch}:${position.seq}` : "";
  const fresh = await getPart(`${body.base}?tab=${tab()}`, known);
  if (fresh === null) return null;
  const list = fresh.getElementById("lanes");
  await loadAsFar(list);
  keepCalm(list);
  morph(document.getElementById("tiles"), fresh.getElementById("tiles"));
  morph(lanes(), list);
  beside.mark();
  count();
  restVerbs(lanes());
  htmx.process(lanes());
  return { seq: Number(lanes().dataset.seq), epoch: lanes().dataset.epoch };
}

// Lanes that were loaded further than their first page stay so.
async function loadAsFar(list) {
  for (const lane of list.querySelectorAll(".lane")) {
    const shown = document.querySelectorAll(`#${lane.id} .card`).length;
    let more = lane.querySelector(".more");
    while (more && lane.querySelectorAll(".card").length < shown) {
      more.replaceWith(await getPart(more.querySelector("a").href));
      more = lane.querySelector(".more");
    }
  }
}

// Also what a refresh brings waits while somebody is in the list.
function keepCalm(list) {
  waiting.clear();
  if (isBusy()) {
    for (const card of list.querySelectorAll(".card")) {
      if (cardOf(card.dataset.requestId)) continue;
      waiting.set(card.dataset.requestId, card);
      card.remove();
    }
  }
  showWaiting();
}

async function showTab(address) {
  const fresh = await getPart(address);
  waiting.clear();
  showWaiting();
  for (const id of ["tiles", "tabs", "lanes"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
  htmx.process(lanes());
  beside.mark();
  count();
}

// A verb on a card. What comes back is the server's word; the socket tells the same to everybody else.
async function onQuick(event) {
  event.preventDefault();
  const button = event.submitter;
  const card = button.closest(".card");
  button.disabled = true;
  try {
    const response = await post(button.getAttribute("formaction"), { target: "quick" });
    const fresh = parse(await response.text()).firstElementChild;
    if (response.ok) {
      card.querySelector(".card-title a").focus({ preventScroll: true });
      change(card, fresh);
    } else {
      toast(response.status === 409 ? fresh.textContent : "The server refused; nothing was changed.");
      button.disabled = false;
    }
  } catch (error) {
    button.disabled = false;
    complain(error);
  }
}

function complain(error) {
  if (!(error instanceof SignedOut)) toast("The server did not answer; nothing was changed.");
}

export function begin() {
  live.addEventListener("event", onEvent);
  live.addEventListener("tiles", onTiles);
  document.getElementById("quick").addEventListener("submit", onQuick);
  document.getElementById("show-arrivals").addEventListener("click", showArrivals);
  document.body.addEventListener("htmx:afterSettle", () => {
    beside.mark();
    count();
  });
  beside.begin({ showTab, complain });
  count();
}
