// Does the sign-in behind this page still stand? It does while the server gives the page an access token.
//
// The token is kept in memory only: got by the refresh cookie, else by the session; renewed before its end by one tab
// of the browser and told to the others. A refused renewal is how the page learns that it has been signed out.

import { csrfToken } from "../page/parts.js";

const EARLY = 5 * 60 * 1000;
const LOOK_EVERY = 10000;
const LONGEST_WAIT = 60000;
const PATIENCE = 10000;
// How long another tab has to tell the token it holds.
const ANSWER_WITHIN = 200;
// Says no more than whose tokens the cookie renews, which no script can read: another's is not asked with.
const MARK = "renewable";
const { pilot, organization } = document.body.dataset;
const mine = `${pilot} in ${organization}`;

// "ended" with a `reason` ("ended", "other" pilot, "left" the organization, "factor" missing), and "regained".
export const session = new EventTarget();

const tabs = new BroadcastChannel("chameleon");
let token = null;
let isStanding = true;
let asking = null;
let attempt = 0;
let restUntil = 0;

export const stands = () => isStanding;

// Asks the server now, for something has changed: true while the sign-in stands, false when it has ended, null where
// the server cannot say.
export const ask = () => renew(Date.now());

// Tells the other tabs that somebody signed in or out.
export const tellTabs = () => tabs.postMessage({ kind: "changed" });

export function begin() {
  tabs.onmessage = ({ data }) => hear(data);
  tabs.postMessage({ kind: "wanted", pilot, organization });
  setTimeout(look, ANSWER_WITHIN);
  setInterval(look, LOOK_EVERY);
  addEventListener("online", () => {
    restUntil = 0;
    look();
  });
  addEventListener("focus", comeBack);
  document.addEventListener("visibilitychange", () => document.hidden || comeBack());
  document.addEventListener("chameleon:signed-out", ask);
}

// Timers of a hidden tab, or of a machine that slept, come late.
function comeBack() {
  if (isStanding) look();
  else ask();
}

function look() {
  const isDue = !token || Date.now() >= token.renewAt;
  if (isStanding && isDue && Date.now() >= restUntil) renew(0);
}

function hear({ kind, ...said }) {
  if (kind === "changed") ask();
  if (said.pilot !== pilot || said.organization !== organization) return;
  if (kind === "token") take(said.token);
  if (kind === "wanted" && token) tabs.postMessage({ kind: "token", pilot, organization, token });
}

function renew(since) {
  asking ??= alone(() => (isFresh(since) ? null : getToken()))
    .then(heed)
    .catch(rest)
    .finally(() => (asking = null));
  return asking;
}

// One tab at a time. Outside secure contexts there are no locks; the server then forgives for ten seconds.
const alone = (work) => (navigator.locks ? navigator.locks.request("chameleon-token", work) : work());

// Another tab may have got one while this one waited for its turn.
const isFresh = (since) => token !== null && Date.now() < token.renewAt && token.since > since;

async function getToken() {
  if (localStorage.getItem(MARK) === mine) {
    // Until the answer is here nobody knows whether the cookie is still the newest, and an old one must not be shown.
    localStorage.removeItem(MARK);
    const response = await post("/api/token/refresh");
    if (response.status >= 429) localStorage.setItem(MARK, mine);
    if (response.status !== 401) return response;
  }
  return post("/api/token");
}

// `keepalive`: the new cookie must arrive although the page is left meanwhile.
const post = (address) =>
  fetch(address, {
    method: "POST",
    headers: { "X-Organization": organization, "X-CSRFToken": csrfToken() },
    cache: "no-store",
    keepalive: true,
    signal: AbortSignal.timeout(PATIENCE),
  });

async function heed(response) {
  if (response === null) return true;
  const said = await response.json();
  if (response.ok) return said.pilot_id === pilot ? keep(said.access) : lose("other", said.pilot_id);
  if (said.code === "second_factor_required") return lose("factor");
  if (said.code === "no_membership" || response.status === 404) return lose("left");
  if (response.status === 401 || response.status === 403) return lose("ended");
  throw new Error(`renewal: ${response.status}`);
}

function keep(access) {
  localStorage.setItem(MARK, mine);
  const { iat, exp } = JSON.parse(atob(access.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  const life = (exp - iat) * 1000;
  const since = Date.now();
  const got = { access, since, renewAt: since + life - Math.min(EARLY, life / 3) };
  tabs.postMessage({ kind: "token", pilot, organization, token: got });
  return take(got);
}

function take(got) {
  token = got;
  attempt = 0;
  if (!isStanding) {
    isStanding = true;
    session.dispatchEvent(new Event("regained"));
  }
  return true;
}

function lose(reason, who = "") {
  token = null;
  isStanding = false;
  session.dispatchEvent(new CustomEvent("ended", { detail: { reason, who } }));
  return false;
}

// The server does not answer, or cannot now: again after a while, sooner when the network is back.
function rest() {
  restUntil = Date.now() + Math.random() * Math.min(LONGEST_WAIT, 1000 * 2 ** ++attempt);
  return null;
}
