// The list: cards that change in place, arrivals, tombstones, and a fresh list where one is needed.

import * as arrivals from "./arrivals.js";
import * as beside from "./beside.js";
import * as bulk from "./bulk.js";
import { cardOf, focus, focusNear, insert, lanes, pick, titleOf } from "./cards.js";
import { restVerbs } from "../live/connection.js";
import { count } from "./counts.js";
import * as facets from "./facets.js";
import { isHeld, live } from "../live/live.js";
import { morph } from "../page/morph.js";
import { complain, getPart, parse } from "../page/parts.js";
import * as place from "./place.js";
import { announceArrival } from "../page/tell.js";

const TOMBSTONE = 4000;
const ASK_AGAIN = 400;
const me = document.body.dataset.pilot;
let asking = null;
let newest = 0;

function onEvent({ detail: frame }) {
  const { card, tombstone } = frame.html;
  const fresh = parse(card ?? tombstone ?? "").firstElementChild;
  if (!fresh) return;
  const known = cardOf(frame.request_id);
  if (arrivals.isWaiting(frame.request_id)) {
    if (card && facets.fits(fresh)) arrivals.wait(fresh);
    else arrivals.forget(frame.request_id);
  } else if (known) {
    if (card) change(known, fresh);
    else bury(known, fresh, frame.actor === me);
  } else if (card && facets.fits(fresh)) {
    if (frame.type === "created" && !frame.imported) tellArrival(fresh);
    if (facets.holdsWords(fresh)) arrivals.arrive(fresh);
    else askAgain();
  }
  settle();
}

// The words searched for may stand where a card does not show them.
function askAgain() {
  clearTimeout(asking);
  asking = setTimeout(lookAgain, ASK_AGAIN);
}

// Not on a page that its pilot holds still.
function lookAgain() {
  if (!isHeld()) refresh(null).catch(() => {});
}

export function change(known, fresh) {
  const isMoving = known.dataset.priority !== fresh.dataset.priority || known.classList.contains("tombstone");
  if (isMoving) {
    const wasPicked = pick(known)?.checked;
    known.remove();
    if (insert(fresh) && wasPicked) pick(fresh).checked = true;
  } else {
    morph(known, fresh);
    if (!facets.fits(known)) leave(known);
  }
  settle();
}

// It no longer fits what the list is narrowed to: it stays readable for as long as a tombstone would.
function leave(card) {
  card.classList.add("leaving");
  setTimeout(() => {
    if (!facets.fits(card)) vanish(card);
    else card.classList.remove("leaving");
  }, TOMBSTONE);
}

function tellArrival(card) {
  announceArrival(card.dataset.priority, titleOf(card));
}

export function bury(known, tombstone, isMine) {
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
    settle();
    // What an empty queue says (the last decision, the first steps) is the server's to know, and what a lane goes on with.
    if (!lanes().querySelector(".card, .tombstone") || lanes().querySelector(".lane .cards > .more:first-child")) lookAgain();
  }, 250);
}

// What follows from the cards and from the address, after either has changed.
function settle() {
  beside.mark();
  facets.mark();
  restVerbs(lanes());
  bulk.show();
  count();
}

function onTiles({ detail: frame }) {
  morph(document.getElementById("tiles"), parse(frame.html).firstElementChild);
  facets.mark();
  count();
}

// The list as it is now. Null where nothing has happened since `position`.
export async function refresh(position) {
  const known = position ? `${position.epoch}:${position.seq}` : "";
  const address = facets.queue();
  const fresh = await getPart(address, known);
  // Another list was asked for meanwhile: what it brings is as new.
  if (fresh === null || address !== facets.queue()) return null;
  const list = fresh.getElementById("lanes");
  await loadAsFar(list, (lane) => document.querySelectorAll(`#${lane.id} .card`).length);
  arrivals.hold(list);
  morph(document.getElementById("tiles"), fresh.getElementById("tiles"));
  morph(lanes(), list);
  settle();
  return { seq: Number(lanes().dataset.seq), epoch: lanes().dataset.epoch };
}

// Lanes that were loaded further than their first page stay so.
export async function loadAsFar(list, wanted) {
  for (const lane of list.querySelectorAll(".lane")) {
    let more = lane.querySelector(".more");
    while (more && lane.querySelectorAll(".card").length < wanted(lane)) {
      more.replaceWith(await getPart(more.querySelector("a").href));
      more = lane.querySelector(".more");
    }
  }
}

async function onClick(event) {
  const link = event.target.closest(".more a");
  if (!link) return;
  event.preventDefault();
  try {
    const rest = await getPart(link.href);
    const [first] = rest.querySelectorAll(".card");
    link.closest(".more").replaceWith(rest);
    if (first) focus(first);
    settle();
  } catch (error) {
    complain(error);
  }
}

// The list that the address asks for; of several asked for at once only the newest is shown.
export async function showList() {
  const mine = ++newest;
  lanes().setAttribute("aria-busy", "true");
  try {
    const fresh = await getPart(facets.queue());
    if (mine !== newest) return;
    arrivals.forgetAll();
    facets.showing();
    for (const id of ["tabs", "facets", "lanes"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
    morph(document.getElementById("tiles"), fresh.getElementById("tiles"));
    lanes().scrollTop = 0;
    settle();
  } finally {
    if (mine === newest) lanes().removeAttribute("aria-busy");
  }
}

export function begin() {
  live.addEventListener("event", onEvent);
  live.addEventListener("tiles", onTiles);
  document.getElementById("show-arrivals").addEventListener("click", () => {
    arrivals.showAll();
    settle();
  });
  document.addEventListener("click", onClick);
  beside.begin({ showList });
  bulk.begin();
  settle();
  place.begin({ loadAsFar }).catch(complain);
}
