// What the page says besides what it shows: to screen readers, in toasts, in the window's title and icon.

const QUIET = 5000;
// What comes at about the same time is said together.
const GATHER = 300;
const waiting = { assertive: [], polite: [] };
let arrivals = [];
let last = 0;
let timer = null;

// At most one announcement in five seconds; what comes meanwhile is said together.
export function announce(text, { urgent = false } = {}) {
  waiting[urgent ? "assertive" : "polite"].push(text);
  schedule(urgent ? 0 : GATHER);
}

// Counted until it is their turn: "2 new requests", and the critical ones before all else.
export function announceArrival(priority, title) {
  arrivals.push({ isCritical: priority === "critical", title });
  schedule(GATHER);
}

function schedule(wait) {
  timer ??= setTimeout(say, Math.max(wait, last + QUIET - Date.now()));
}

function say() {
  timer = null;
  last = Date.now();
  countArrivals();
  const id = waiting.assertive.length ? "assertive" : "polite";
  document.getElementById(id).textContent = [...new Set(waiting[id])].join(". ");
  waiting[id] = [];
  if (waiting.polite.length) schedule(0);
}

function countArrivals() {
  const critical = arrivals.filter(({ isCritical }) => isCritical);
  const others = arrivals.length - critical.length;
  arrivals = [];
  if (critical.length === 1) waiting.assertive.push(`New critical request: ${critical[0].title}`);
  else if (critical.length) waiting.assertive.push(`${critical.length} new critical requests`);
  if (others) waiting.polite.push(others === 1 ? "New request" : `${others} new requests`);
}

export function toast(text, { isGood = false } = {}) {
  const box = document.createElement("p");
  box.className = isGood ? "toast good" : "toast";
  box.textContent = text;
  document.getElementById("toasts").append(box);
  announce(text, { urgent: !isGood });
  setTimeout(() => box.remove(), 8000);
}

const plainTitle = document.title;
const icon = document.getElementById("favicon");
let badge = null;

// "(2!)": two critical ones wait; "(14)": none is critical. The icon says the same in colour.
export function titleCount(critical, total) {
  const mark = critical ? `(${critical}!) ` : total ? `(${total}) ` : "";
  document.title = mark + plainTitle;
  showIcon(critical ? "critical" : total ? "waiting" : "quiet");
  if (total !== badge) showBadge(total);
  badge = total;
}

function showIcon(name) {
  const href = icon.dataset[name];
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}

// On the icon of the installed app. Where it is not installed the browser may refuse; nothing is lost then.
function showBadge(total) {
  const done = total ? navigator.setAppBadge?.(total) : navigator.clearAppBadge?.();
  done?.catch(() => {});
}
