// One request, open in the pane or on its page: two steps to a decision, a claim kept alive, news beside what is typed.

import { restVerbs } from "../live/connection.js";
import * as drafts from "./drafts.js";
import { isHeld, isReachable, live } from "../live/live.js";
import { stands } from "../page/keymap.js";
import { morph } from "../page/morph.js";
import { getPart, parse, post, SignedOut } from "../page/parts.js";
import { announce } from "../page/tell.js";
import { localize } from "../page/times.js";

const RENEW_EVERY = 4 * 60 * 1000;
const me = document.body.dataset.pilot;
let refreshing = null;

export const shown = () => document.getElementById("detail");
const form = () => document.getElementById("decide");

// Somebody is deciding: nothing of theirs may be replaced.
export const isTyping = () => form()?.querySelector("[name=verdict]:checked") != null;

// The server's answer to the form shows all there is to show, and puts the focus where the next key is heard.
const isSending = () => form()?.matches(".htmx-request") ?? false;

function onEvent({ detail: frame }) {
  const detail = shown();
  if (detail?.dataset.requestId !== frame.request_id) return;
  const entry = parse(frame.html.entry ?? "").firstElementChild;
  if (entry && !document.getElementById(entry.id)) document.getElementById("timeline").append(entry);
  if (frame.html.tombstone && isTyping() && frame.actor !== me) announce("This request was decided", { urgent: true });
  refreshSoon();
}

function refreshSoon() {
  clearTimeout(refreshing);
  refreshing = setTimeout(() => (isSending() ? refreshSoon() : refresh().catch(() => {})), 30);
}

// The facts as they are now; a form somebody is typing in stays as it is.
export async function refresh() {
  const detail = shown();
  if (!detail) return null;
  const fresh = (await getPart(detail.dataset.address)).getElementById("detail");
  if (shown()?.dataset.requestId !== fresh.dataset.requestId) return null;
  if (isSending()) return void refreshSoon();
  for (const name of ["status", "seq", "epoch", "expiresAt", "renew"]) {
    if (name in fresh.dataset) shown().dataset[name] = fresh.dataset[name];
    else delete shown().dataset[name];
  }
  if (!lost() && lost(fresh)) announce(lost(fresh).textContent, { urgent: true });
  for (const id of ["detail-head", "decision-title", "decision-notice", "timeline"]) swap(id, fresh);
  if (!document.getElementById("claims")?.contains(document.activeElement)) swap("claims", fresh);
  if (!isTyping()) {
    swap("decision-form", fresh);
    shown().dataset.version = fresh.dataset.version;
  } else if (fresh.querySelector("[data-final]")) {
    close();
  }
  htmx.process(shown());
  restVerbs(shown());
  return { seq: Number(fresh.dataset.seq), epoch: fresh.dataset.epoch };
}

// What tells that the pilot's own claim is theirs no more.
const lost = (root = shown()) => root.querySelector("#decision-notice .lost b");

function swap(id, fresh) {
  const old = document.getElementById(id);
  const next = fresh.querySelector(`#${id}`);
  if (old && next) morph(old, next);
  else if (old) old.remove();
  else if (next) document.getElementById("decision").append(next);
}

// It can no longer be decided; what was typed stays to be read and copied.
function close() {
  form().classList.add("closed");
  form().querySelector("label[for=reason]").textContent = "What you typed";
  for (const button of form().querySelectorAll(".commit")) button.remove();
  for (const field of form().querySelectorAll("textarea, input")) field.readOnly = true;
}

function onExpired({ target }) {
  if (!shown()?.contains(target)) return;
  announce("The time to decide has run out", { urgent: true });
  // The database's clock has the last word; it is a moment behind at most.
  setTimeout(() => refresh().catch(() => {}), 300);
  for (const button of shown().querySelectorAll("[data-verb]:not([data-verb=comment])")) button.disabled = true;
}

// By a key or from the palette: the same first step as the button's. False where there is nothing to choose.
export function choose(verdict) {
  const radio = form()?.querySelector(`[name=verdict][value=${verdict}]`);
  if (!radio) return false;
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

// Puts the form away; what is typed in it stays.
export function unchoose() {
  const radio = form()?.querySelector("[name=verdict]:checked");
  if (!radio) return false;
  radio.checked = false;
  shown().focus({ preventScroll: true });
  return true;
}

// First step: choosing opens the form. Arrow keys only move between the two.
let isArrow = false;

function onChange({ target }) {
  if (target.name !== "verdict" || isArrow) return;
  const fields = form().querySelectorAll(".decide-body :is(input:not([type=hidden]), textarea, select)");
  [...fields].find((field) => field.offsetParent !== null)?.focus();
}

function onKeyDown(event) {
  isArrow = event.key.startsWith("Arrow");
  if (!event.target.closest?.("#decide")) return;
  if (stands(event, "commit")) {
    event.preventDefault();
    commit();
  } else if (event.key === "Enter" && event.target.matches("input")) {
    // No single key commits.
    event.preventDefault();
    if (event.target.name === "verdict") event.target.click();
  }
}

export function commit() {
  const button = [...form().querySelectorAll(".commit")].find((one) => one.offsetParent !== null && !one.disabled);
  if (button) form().requestSubmit(button);
}

// After an answer of the server to one of the forms here.
function onSwapped({ detail: { target, xhr } }) {
  localize(document.getElementById("main"));
  restVerbs();
  if (!shown() || target.id !== "detail") return;
  if (xhr.status < 300) {
    if (xhr.responseURL.endsWith("/decide")) drafts.forget("decide");
    if (xhr.responseURL.endsWith("/comment")) drafts.forget("note");
    drafts.restore();
    shown().focus({ preventScroll: true });
    const verdict = shown().querySelector("[data-final] p")?.textContent.replace(/\s+/g, " ").trim();
    if (verdict) announce(verdict);
  } else {
    const wrong = shown().querySelector("[aria-invalid=true]") ?? shown().querySelector("#decision [role=alert]");
    wrong?.scrollIntoView({ block: "nearest" });
    if (wrong?.matches("input, textarea, select")) wrong.focus();
  }
}

// A request was opened beside the list.
export function opened() {
  restVerbs(shown());
  drafts.restore();
  shown().focus({ preventScroll: true });
  renew();
}

// An open page keeps its pilot's claim.
async function renew() {
  const address = shown()?.dataset.renew;
  if (!address || !isReachable()) return;
  try {
    await post(address);
    if (!isHeld()) await refresh();
  } catch (error) {
    if (!(error instanceof SignedOut)) return;
  }
}

export function begin() {
  live.addEventListener("event", onEvent);
  document.addEventListener("chameleon:expired", onExpired);
  document.addEventListener("change", onChange);
  drafts.begin();
  document.addEventListener("keydown", onKeyDown, { capture: true });
  document.addEventListener("keyup", () => (isArrow = false));
  document.body.addEventListener("htmx:afterSwap", onSwapped);
  setInterval(renew, RENEW_EVERY);
  renew();
}
