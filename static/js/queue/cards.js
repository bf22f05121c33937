// Where the cards are on the page, and which one is meant.

export const lanes = () => document.getElementById("lanes");
export const cardOf = (requestId) => document.getElementById(`card-${requestId}`);
export const linkOf = (card) => card?.querySelector(".card-title a");
export const cards = () => [...lanes().querySelectorAll(".card")];
export const pick = (card) => card.querySelector(".pick");

// The card somebody is on: the focused one, else the one that is open beside the list.
export function here() {
  const focused = document.activeElement?.closest?.(".card, .tombstone");
  return focused ?? lanes()?.querySelector(".card-title a[aria-current]")?.closest(".card") ?? null;
}

const askedAt = (card) => card.querySelector("time[data-time=ago]").dateTime;

// By age: a new one comes to the end of its lane, where nothing above it moves. False: its place is not on this page.
export function insert(card) {
  const list = document.querySelector(`#lane-${card.dataset.priority} .cards`);
  const later = [...list.querySelectorAll(".card")].find((other) => askedAt(other) > askedAt(card));
  const more = list.querySelector(".more");
  // The lane goes on beyond what is loaded.
  if (!later && more) return false;
  list.insertBefore(card, later ?? more);
  card.classList.add("arrived");
  return true;
}

export function focus(card) {
  const link = linkOf(card);
  if (!link) return false;
  link.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
  return true;
}

// After `row` has gone: the next card, else the last one, else the list itself.
export function focusNear(row) {
  const all = cards();
  const next = all.find((card) => row.compareDocumentPosition(card) & Node.DOCUMENT_POSITION_FOLLOWING);
  focus(next ?? all.at(-1)) || document.getElementById("main").focus({ preventScroll: true });
}

// The card `steps` further down from the one somebody is on; the first one where they are on none. Where a lane goes on
// beyond what is loaded, it is loaded (queue.js) and its first card is the next.
export function move(steps) {
  const all = cards();
  const now = here();
  if (!now) return focus(all[steps > 0 ? 0 : all.length - 1]);
  const rows = [...lanes().querySelectorAll(".card, .tombstone, .more")];
  const ways = steps > 0 ? rows.slice(rows.indexOf(now) + 1) : rows.slice(0, rows.indexOf(now)).reverse();
  const next = ways.find((row) => row.matches(steps > 0 ? ".card, .more" : ".card"));
  if (!next?.matches(".more")) return focus(next);
  next.querySelector("a").click();
  return true;
}

// Without the priority, which is there for those who hear it.
export const titleOf = (card) =>
  [...card.querySelector(".card-title a").childNodes].slice(1).map((node) => node.textContent).join("").trim();
