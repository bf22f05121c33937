// The history: narrowed in place as one chooses, told of what is newer, and found again as it was left.

import { live } from "../live/live.js";
import { complain, getPart } from "../page/parts.js";
import { announce } from "../page/tell.js";
import { ownZone } from "../page/times.js";

const ENDS = new Set(["approved", "rejected", "expired", "cancelled"]);
let newest = 0;
let newer = 0;

export const shown = () => document.getElementById("history");
const byId = (id) => document.getElementById(id);
const form = () => byId("search");
const path = () => new URL(form().action).pathname;
const asked = () => new URLSearchParams(location.search);

// What the fields ask for, as short as an address should be.
function wanted() {
  const query = new URLSearchParams([...new FormData(form())].filter(([, value]) => value.trim()));
  query.delete(query.has("since") || query.has("until") ? "last" : "zone");
  return query;
}

async function show(address) {
  const mine = ++newest;
  const fresh = await getPart(address);
  if (mine === newest) put(fresh.getElementById("history"));
}

// The fields are made anew with the list; the hand that chose is still on its own, and goes on typing there.
function put(fresh) {
  const hand = shown().contains(document.activeElement) ? document.activeElement : null;
  const { id, value } = hand ?? {};
  const isTyping = hand?.matches("input[type=text], input[type=date]");
  shown().replaceWith(fresh);
  newer = 0;
  dress();
  const again = id ? byId(id) : null;
  if (again && isTyping) again.value = value;
  again?.focus({ preventScroll: true });
  announce(byId("found")?.textContent.trim().replace(/\s+/g, " ") ?? shown().querySelector(".problems b").textContent);
}

function narrow(query) {
  const text = String(query);
  if (text === String(asked())) return;
  history.pushState(null, "", path() + (text && `?${text}`));
  show(location.href).catch(complain);
}

function dress() {
  if (!asked().has("zone")) byId("zone").value = ownZone();
  shown().querySelector(".days").title = `Days in ${byId("zone").value}`;
}

function onChange({ target }) {
  // A year half typed is no day yet.
  if (target.form === form() && target.id !== "q" && target.checkValidity()) narrow(wanted());
}

function onClick(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target.closest?.("#history a");
  if (!link) return;
  if (link.classList.contains("line-title")) return remember(link);
  if (!("narrow" in link.dataset)) return;
  event.preventDefault();
  const { searchParams } = new URL(link.href);
  if (link.id === "clear" || !searchParams.has("q")) form().elements.q.value = searchParams.get("q") ?? "";
  if (link.id === "newer") show(link.href).catch(complain);
  else narrow(searchParams);
}

// Coming back finds the line that was opened; where one had scrolled to the browser knows.
function remember(link) {
  history.replaceState({ ...history.state, line: link.closest(".line").dataset.requestId }, "");
}

function findAgain() {
  const lines = [...shown().querySelectorAll(".line")];
  const line = lines.find(({ dataset }) => dataset.requestId === history.state?.line);
  line?.querySelector(".line-title").focus({ preventScroll: true });
}

function onEvent({ detail: { type } }) {
  if (!ENDS.has(type) || !byId("newer")) return;
  newer += 1;
  tellNewer(newer === 1 ? "1 newer decision: show" : `${newer} newer decisions: show`);
}

function tellNewer(text) {
  byId("newer-text").textContent = text;
  byId("newer").hidden = false;
}

// After an interruption: the position of now. The list itself stays as it is until it is asked for.
export async function refresh(position) {
  const fresh = await getPart(location.href, position ? `${position.epoch}:${position.seq}` : "");
  const there = fresh?.getElementById("history");
  if (!there) return null;
  const first = (root) => root.querySelector(".line")?.dataset.requestId;
  if (byId("newer") && first(there) !== first(shown())) tellNewer("Newer decisions: show");
  return { seq: Number(there.dataset.seq), epoch: there.dataset.epoch };
}

export function begin() {
  dress();
  findAgain();
  form().addEventListener("submit", (event) => {
    event.preventDefault();
    narrow(wanted());
  });
  document.addEventListener("change", onChange);
  document.addEventListener("click", onClick);
  live.addEventListener("event", onEvent);
  addEventListener("popstate", () => {
    form().elements.q.value = asked().get("q") ?? "";
    show(location.href).then(findAgain).catch(complain);
  });
}
