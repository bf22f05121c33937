// What time it is on the server, and how moments read to this pilot: relative, counted down, in their own zone.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const PRESSING = 5 * MINUTE;

let skew = 0;
const stated = document.body.dataset.timezone;
// Until its pilot chooses one it is the browser's; so it is where the server knows a zone that the browser does not.
const timeZone = stated && isKnown(stated) ? stated : undefined;
const me = document.body.dataset.pilot;

function isKnown(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat("en-GB", { timeZone: zone }));
  } catch {
    return false;
  }
}

// The name of the zone that moments are shown in.
export const ownZone = () => timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

// Made when first needed: a page that shows only ages needs none, and a phone takes a while to make one.
function formatter(options) {
  let made;
  return { format: (moment) => (made ??= new Intl.DateTimeFormat("en-GB", { ...options, timeZone })).format(moment) };
}

const timeOfDay = formatter({ timeStyle: "medium" });
const hourMinute = formatter({ hour: "2-digit", minute: "2-digit" });
const day = formatter({ day: "numeric", month: "short" });
const dayOfYear = formatter({ day: "numeric", month: "short", year: "numeric" });
const whole = formatter({ dateStyle: "full", timeStyle: "long" });

export const now = () => Date.now() + skew;

export function setClock(serverTime) {
  skew = Date.parse(serverTime) - Date.now();
  tick();
}

export const shortTime = (moment) => hourMinute.format(moment);

const manners = {
  ago(moment) {
    const passed = Math.max(0, now() - moment);
    if (passed < 5 * SECOND) return "just now";
    if (passed < MINUTE) return `${Math.floor(passed / SECOND)} s ago`;
    if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
    if (passed < DAY) return `${Math.floor(passed / HOUR)} h ago`;
    return passed < 7 * DAY ? `${Math.floor(passed / DAY)} d ago` : day.format(moment);
  },
  age(moment) {
    const passed = Math.max(0, now() - moment);
    if (passed < MINUTE) return `${Math.floor(passed / SECOND)} s`;
    if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min`;
    return passed < 2 * DAY ? `${Math.floor(passed / HOUR)} h` : `${Math.floor(passed / DAY)} d`;
  },
  left(moment) {
    const left = moment - now();
    if (left <= 0) return "expired";
    if (left < PRESSING) {
      const seconds = Math.ceil(left / SECOND);
      return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
    }
    if (left < 2 * HOUR) return `${Math.floor(left / MINUTE)} min left`;
    return left < 2 * DAY ? `${Math.floor(left / HOUR)} h left` : `${Math.floor(left / DAY)} d left`;
  },
  day: (moment) => `${dayOfYear.format(moment)}, ${hourMinute.format(moment)}`,
  clock(moment) {
    const isToday = day.format(moment) === day.format(now());
    return isToday ? timeOfDay.format(moment) : `${day.format(moment)} ${hourMinute.format(moment)}`;
  },
};

function show(element) {
  const moment = Date.parse(element.dateTime);
  const manner = element.dataset.time;
  const text = manners[manner](moment);
  if (element.textContent !== text) element.textContent = text;
  if (manner !== "left") return;
  const left = moment - now();
  element.classList.toggle("soon", left < PRESSING);
  if (left <= 0) expire(element);
}

function expire(element) {
  element.closest(".card")?.classList.add("expired");
  if (!element.isConnected || element.dataset.told) return;
  element.dataset.told = "yes";
  element.dispatchEvent(new CustomEvent("chameleon:expired", { bubbles: true }));
}

// Makes the times and names below `root` this reader's own.
export function localize(root) {
  for (const element of root.querySelectorAll("time[data-time]")) show(element);
  for (const name of root.querySelectorAll("[data-pilot]")) {
    if (name.dataset.pilot === me && name !== document.body) name.textContent = "you";
  }
  // Until then a moment on a card holds its room and shows nothing (queue.css).
  if (root === document) document.documentElement.classList.remove("localizing");
}

let isOnPaper = false;

function tick() {
  if (isOnPaper) return;
  for (const element of document.querySelectorAll("time[data-time]:not([data-time=clock])")) show(element);
}

// In full where a pointer rests on it; written for hundreds at once it would keep a page from being shown.
document.addEventListener("pointerover", ({ target }) => {
  const element = target.closest?.("time[data-time]");
  if (element) element.title = whole.format(Date.parse(element.dateTime));
});

// On paper nothing goes on, and nobody knows who "you" was: moments and names are printed in full.
addEventListener("beforeprint", () => {
  isOnPaper = true;
  for (const name of document.querySelectorAll("body [data-pilot]")) if (name.dataset.pilot === me) name.textContent = me;
  for (const element of document.querySelectorAll("time[data-time]:not([data-time=age])")) {
    const until = element.dataset.time === "left" ? "until " : "";
    element.textContent = until + manners.day(Date.parse(element.dateTime));
  }
});
addEventListener("afterprint", () => {
  isOnPaper = false;
  localize(document);
});

if (document.body.dataset.now) skew = Date.parse(document.body.dataset.now) - Date.now();
setInterval(tick, SECOND);
