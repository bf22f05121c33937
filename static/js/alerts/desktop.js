// Words on the desktop: for a pilot who looks at another window. They open a request, they never decide one.

import { cardOf } from "../queue/cards.js";
import { isTyping } from "../detail/detail.js";

const { base, organization } = document.body.dataset;
const WATCHED = "chameleon-watched";
// Gives back the lock by which other tabs know that this one is looked at.
let leave = null;
// What came since somebody last looked, and the notice that says it.
let unseen = [];
let shown = null;

export const isPossible = () => "Notification" in window && isSecureContext;
export const permission = () => (isPossible() ? Notification.permission : "impossible");
export const askPermission = () => Notification.requestPermission();

const isWatched = () => !document.hidden && document.hasFocus();

// Another tab of this browser may be the one that is looked at.
export async function isWatchedAnywhere() {
  if (isWatched()) return true;
  const { held } = (await navigator.locks?.query()) ?? { held: [] };
  return held.some(({ name }) => name === WATCHED);
}

function look() {
  if (!isWatched()) {
    leave?.();
    leave = null;
    return;
  }
  unseen = [];
  shown?.close();
  shown = null;
  if (leave || !navigator.locks) return;
  const left = new Promise((done) => (leave = done));
  navigator.locks.request(WATCHED, { mode: "shared" }, () => left);
}

// `arrivals` are `{requestId, priority, title, isMine}`. One notice for all that nobody has seen yet.
export function notify(arrivals) {
  if (permission() !== "granted") return;
  unseen.push(...arrivals);
  show(unseen);
}

export function showExample(priority) {
  if (permission() === "granted") put(`New ${priority} request`, "This is what an alert looks like.", () => {});
}

function show(arrivals) {
  const [only] = arrivals;
  if (arrivals.length > 1) put(counted(arrivals), "", () => {});
  else put(only.isMine ? "A request was assigned to you" : `New ${only.priority} request`, only.title, () => open(only));
}

function counted(arrivals) {
  const critical = arrivals.filter(({ priority }) => priority === "critical").length;
  return `${arrivals.length} new requests${critical ? `, ${critical} critical` : ""}`;
}

function put(title, body, onClick) {
  try {
    // Silent: whether it sounds is chosen apart from this.
    shown = new Notification(title, { body, tag: `chameleon-${organization}`, silent: true });
  } catch {
    // Some phones know notifications, but none by a page.
    return;
  }
  const mine = shown;
  mine.onclick = () => {
    window.focus();
    mine.close();
    onClick();
  };
}

// Beside the list where it is there. A page on which somebody is deciding is not left.
function open({ requestId }) {
  const link = cardOf(requestId)?.querySelector(".card-title a");
  if (link) link.click();
  else if (!isTyping()) location.assign(`${base}interventions/${encodeURIComponent(requestId)}`);
}

export function begin() {
  addEventListener("focus", look);
  addEventListener("blur", look);
  document.addEventListener("visibilitychange", look);
  look();
}
