// The dialog in which one signs in again, over a page that stays as it is: what is typed there is neither sent nor lost.

import { csrfToken } from "../page/parts.js";
import { ask, session, stands, tellTabs } from "./session.js";
import { announce } from "../page/tell.js";

const TRY_AGAIN = 5000;
const WINDOW = "chameleon-sign-in";
const LOCAL = "local:";
const me = document.body.dataset.pilot;
const dialog = document.getElementById("sign-in");
let reason;
let who;
// Where the pilot was: a button that rests meanwhile loses the focus by itself.
let place = null;

const step = (name) => dialog.querySelector(`[data-step=${name}]`);

// What the sign-in is over for, and what can be done; also by hand, after the dialog was put away.
export async function open() {
  if (dialog.open || stands()) return;
  const response = await fetch(dialog.dataset.address, { cache: "no-store" }).catch(() => null);
  if (!response?.ok) {
    setTimeout(open, TRY_AGAIN);
    return;
  }
  const html = await response.text();
  if (dialog.open || stands()) return;
  dialog.innerHTML = html;
  show(reason);
  dialog.showModal();
  focusFirst();
}

function onEnded({ detail }) {
  if (!dialog.contains(document.activeElement)) place = document.activeElement;
  const isNews = detail.reason !== reason || detail.who !== who;
  ({ reason, who } = detail);
  if (dialog.open && isNews) show(reason);
  else if (isNews || !dialog.dataset.putAway) open();
}

function onRegained() {
  reason = undefined;
  delete dialog.dataset.putAway;
  if (!dialog.open) return;
  dialog.close();
  dialog.replaceChildren();
  setTimeout(() => document.activeElement === document.body && place?.focus());
  announce("Signed in again");
}

function show(name) {
  for (const one of dialog.querySelectorAll("[data-step]")) one.hidden = one.dataset.step !== name;
  for (const named of step(name).querySelectorAll("[data-who]")) named.textContent = who;
  for (const named of step(name).querySelectorAll("[data-me]")) named.textContent = me;
  const field = step(name).querySelector("[name=login]");
  if (field && !field.value && me.startsWith(LOCAL)) field.value = me.slice(LOCAL.length);
  dialog.setAttribute("aria-labelledby", step(name).querySelector("h2").id);
  focusFirst();
}

// The way this pilot came in by, where it is there; else the first.
function focusFirst() {
  const fields = dialog.querySelectorAll("input:not([type=hidden]), button, a");
  const seen = [...fields].filter((field) => field.offsetParent !== null);
  const provider = me.split(":").slice(0, -1).join("/");
  const theirs = seen.find((field) => field.closest("form")?.getAttribute("action").includes(`/${provider}/login/`));
  (theirs ?? seen.find((field) => field.matches("input") && !field.value) ?? seen[0])?.focus();
}

async function onSubmit(event) {
  const form = event.target;
  if (form.closest(".providers")) {
    form.target = WINDOW;
    form.elements.csrfmiddlewaretoken.value = csrfToken();
    openWindow();
    return;
  }
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  complain(form, "");
  button.disabled = true;
  try {
    await send(form);
  } catch {
    complain(form, "The server did not answer; try again.");
  } finally {
    button.disabled = false;
  }
}

// Where the answer comes from says how it went: the end of the way in, its second step, or the form once more.
async function send(form) {
  const body = new URLSearchParams(new FormData(form));
  // A tab that opened its dialog at the same moment may have got another.
  body.set("csrfmiddlewaretoken", csrfToken());
  const headers = { "X-CSRFToken": csrfToken() };
  const response = await fetch(form.action, { method: "POST", body, headers, cache: "no-store" });
  const { done, login, code } = dialog.dataset;
  const { pathname } = new URL(response.url);
  if (pathname === done) {
    tellTabs();
    await ask();
  } else if (pathname === code && form.action !== response.url) {
    step("code").querySelector("form").action = response.url;
    for (const link of step("code").querySelectorAll("a[data-window]")) link.href = response.url;
    show("code");
  } else if (pathname === login || pathname === code) {
    complain(form, await complaintOf(response));
  } else {
    step("elsewhere").querySelector("a[data-window]").href = response.url;
    show("elsewhere");
  }
}

// In the words of the page that a browser without script would show.
async function complaintOf(response) {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const said = [...page.querySelectorAll("main :is([role=alert], .error)")].map((one) => one.textContent.trim());
  if (said.length) return said.join(" ");
  return response.status === 429 ? "Too many tries. Wait a few minutes, then try again." : "That did not work; try again.";
}

function complain(form, text) {
  const place = form.querySelector("[role=alert]");
  place.textContent = text;
  place.hidden = !text;
  for (const field of form.querySelectorAll("input[aria-describedby]")) {
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  if (text) [...form.querySelectorAll("input:not([type=hidden])")].at(-1)?.select();
}

// In a window of its own the way may lead over other sites; it comes back to a page that tells this one.
function openWindow() {
  window.open("", WINDOW, "popup,width=480,height=720");
}

function onClick(event) {
  const { target } = event;
  if (target.closest("a[data-window]")) openWindow();
  else if (target.closest("[data-close]")) dialog.close();
  else if (target.closest("[data-reload]")) location.reload();
}

export function begin() {
  session.addEventListener("ended", onEnded);
  session.addEventListener("regained", onRegained);
  dialog.addEventListener("submit", onSubmit);
  dialog.addEventListener("click", onClick);
  dialog.addEventListener("close", () => {
    if (!stands()) dialog.dataset.putAway = "yes";
  });
}
