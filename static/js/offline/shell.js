// The shell: says since when there is no way to the server, tries again by itself and by hand, and asks for the page
// anew once the server answers. What the page then shows is of that moment; nothing was kept for it here.

const SECOND = 1000;
const DAY = 24 * 3600 * SECOND;
const LONGEST_WAIT = 30 * SECOND;
const PATIENCE = 10 * SECOND;
const ASKED = "/health";
// Written by installed.js.
const REACHED = "reached";

const { own, home } = document.body.dataset;
const reason = document.getElementById("reason");
const since = document.getElementById("since");
const next = document.getElementById("next");
const button = document.getElementById("try");
const told = document.getElementById("told");

let attempt = 0;
let dueAt = 0;
let isTrying = false;

const clock = (options) => new Intl.DateTimeFormat("en-GB", options);

function showSince() {
  const moment = Number(localStorage.getItem(REACHED)) || performance.timeOrigin;
  const isRecent = Date.now() - moment < DAY && new Date(moment).getDate() === new Date().getDate();
  const day = isRecent ? "" : `${clock({ day: "numeric", month: "short" }).format(moment)}, `;
  since.dateTime = new Date(moment).toISOString();
  since.textContent = day + clock({ hour: "2-digit", minute: "2-digit" }).format(moment);
}

function showReason() {
  reason.textContent = navigator.onLine ? "The server does not answer." : "This device has no network.";
}

function tick() {
  const left = Math.max(0, Math.ceil((dueAt - Date.now()) / SECOND));
  next.textContent = isTrying ? "Trying now" : `Next try in ${left} s`;
  if (!isTrying && left === 0) attend();
}

// Full jitter, so that a server that comes back is not asked by everybody at once.
function rest() {
  dueAt = Date.now() + SECOND + Math.random() * Math.min(LONGEST_WAIT, SECOND * 2 ** ++attempt);
  tick();
}

async function attend({ byHand = false } = {}) {
  if (isTrying) return;
  isTrying = true;
  tick();
  const isBack = await answers();
  if (isBack) return goOn();
  isTrying = false;
  showReason();
  if (byHand) told.textContent = `Still offline at ${clock({ timeStyle: "medium" }).format(Date.now())}`;
  rest();
}

// A portal that asks for a room number answers as well, with a page of its own.
async function answers() {
  try {
    const response = await fetch(ASKED, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    return response.ok && (await response.json()).status === "healthy";
  } catch {
    return false;
  }
}

function goOn() {
  told.textContent = "Connected again";
  // Opened by its own address the shell stands for no page.
  if (location.pathname === own) location.replace(home);
  else location.reload();
}

showSince();
showReason();
rest();
setInterval(tick, SECOND);
button.addEventListener("click", () => {
  attempt = 0;
  attend({ byHand: true });
});
addEventListener("online", () => attend());
addEventListener("offline", showReason);
document.addEventListener("visibilitychange", () => document.hidden || attend());
// How many wait is not known now.
navigator.clearAppBadge?.().catch(() => {});
