// What the address narrows the list to, and which cards fit it. The address is the only place where that is kept.

const { base, pilot } = document.body.dataset;
const names = ["tab", "priority", "type", "tag", "expertise", "role", "assignee", "q"];
const plain = { tab: "all" };

export function current() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(names.map((name) => [name, query.get(name) || plain[name] || ""]));
}

// The query of an address in the list as it is narrowed, with `changes` on top; "" for the whole queue.
export function query(changes = {}) {
  const wanted = { ...current(), ...changes };
  const given = names.filter((name) => wanted[name] && wanted[name] !== plain[name]);
  return given.length ? `?${new URLSearchParams(given.map((name) => [name, wanted[name]]))}` : "";
}

// Which list the page shows; the address may already say another.
let shown = query();
export const isShown = () => shown === query();

export function showing() {
  shown = query();
  sessionStorage.setItem("queue", shown);
}
export const isWhole = () => query() === "";
export const queue = (changes) => base + query(changes);
export const nothing = { priority: "", type: "", tag: "", expertise: "", role: "", assignee: "", q: "" };

// Whether one of a card's tags is of the pilot's field.
const expertise = new Set(JSON.parse(document.body.dataset.expertise));
const tagsOf = ({ tags }) => (tags === "[]" ? [] : JSON.parse(tags));
export const isKnownAbout = (card) => expertise.size > 0 && tagsOf(card).some((tag) => expertise.has(tag));

const matches = {
  tab: (card, tab) => tab === "all" || card.assignedTo === (tab === "mine" ? pilot : ""),
  priority: (card, priority) => card.priority === priority,
  type: (card, type) => card.type === type,
  tag: (card, tag) => tagsOf(card).includes(tag),
  expertise: isKnownAbout,
  role: (card, role) => card.needs === role,
  assignee: (card, assignee) => card.assignedTo === assignee,
};

// Whether the list as it is narrowed holds this card; what was searched for is the server's to find.
export function fits(card) {
  const wanted = current();
  return Object.entries(matches).every(([name, match]) => !wanted[name] || match(card.dataset, wanted[name]));
}

// Words as the server parts and folds them (interventions/search.py), as far as a browser can tell.
const UNWRITTEN = /[\u0300-\u036f\ufe00-\ufe0f\p{Cf}]/gu;
const wordsOf = (text) => text.normalize("NFKD").toLowerCase().replace(UNWRITTEN, "").match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];

// Whether every word that is searched for stands on the card itself, or one that begins with it; where it does not, it
// may stand in what the card does not show. A single letter begins nothing; symbols are left to the server.
export function holdsWords(card) {
  const { q } = current();
  if (!q.trim()) return true;
  // The last text of the link: its first one is the priority, which is not searched.
  const shown = [card.querySelector(".card-title a").lastChild, card.querySelector(".uow")].map((node) => node.textContent);
  const there = wordsOf([...shown, ...tagsOf(card.dataset), card.id.slice("card-".length)].join(" "));
  const wanted = wordsOf(q);
  const holds = (word) => there.some((each) => each === word || (word.length > 1 && each.startsWith(word)));
  return wanted.length > 0 && wanted.every(holds) && !/\p{So}/u.test(q);
}

// Makes tiles, navigation and the search's hidden fields say what the address says.
export function mark() {
  const { tab, priority } = current();
  toggle(".tile[data-priority]", (tile) => tile.dataset.priority === priority, "true");
  toggle(".place[data-tab]", (place) => place.dataset.tab === (tab === "mine" ? "mine" : "all"), "page");
}

function toggle(selector, isCurrent, value) {
  for (const element of document.querySelectorAll(selector)) {
    if (isCurrent(element)) element.setAttribute("aria-current", value);
    else element.removeAttribute("aria-current");
  }
}

// From the team's or one's own pages the way leads back to the list as it was left in this tab.
export function begin({ hasList }) {
  if (hasList) return void showing();
  for (const link of document.querySelectorAll("a[data-go=d]")) link.href = base + (sessionStorage.getItem("queue") ?? "");
}
