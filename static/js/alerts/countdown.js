// Says when the time to decide grows short, for what its pilot is at: focused, open, or claimed by them.
//
// The countdowns on the page are no live regions: they would talk every second.

import { titleOf } from "../queue/cards.js";
import { announce } from "../page/tell.js";
import { now } from "../page/times.js";

const SECOND = 1000;
const MARKS = [
  [30 * SECOND, "30 seconds left"],
  [60 * SECOND, "1 minute left"],
  [300 * SECOND, "5 minutes left"],
];
// Whoever comes to a request later than this after a mark sees the countdown and needs no word of it.
const FRESH = 5 * SECOND;
const me = document.body.dataset.pilot;
// The shortest mark that is past, by request and its deadline: one that is extended counts anew.
const past = new Map();

function watched() {
  const focused = document.activeElement?.closest(".card");
  const claimed = document.querySelectorAll(`.card[data-status=IN_PROGRESS][data-assigned-to="${CSS.escape(me)}"]`);
  const open = document.getElementById("detail");
  const isOpen = open && ["PENDING", "IN_PROGRESS"].includes(open.dataset.status);
  return [focused, ...claimed, isOpen && open].filter((place) => place && deadlineOf(place));
}

// NaN where there is none.
const deadlineOf = (place) => Date.parse(place.querySelector("time[data-time=left]")?.dateTime);

const nameOf = (place) => (place.id === "detail" ? document.getElementById("detail-title").textContent : titleOf(place));

function look() {
  for (const place of watched()) {
    const left = deadlineOf(place) - now();
    const mark = left > 0 && MARKS.find(([time]) => left <= time);
    if (mark) pass(place, left, mark);
  }
}

function pass(place, left, [time, text]) {
  const key = `${place.dataset.requestId} ${deadlineOf(place)}`;
  const before = past.get(key);
  if (before <= time) return;
  past.set(key, time);
  // Known from a longer mark, it was watched on: a tab in the background looks rarely and may be late.
  if (before || left > time - FRESH) announce(`${text}: ${nameOf(place)}`);
}

export function begin() {
  setInterval(look, SECOND);
}
