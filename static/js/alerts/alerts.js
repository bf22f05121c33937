// Which arrivals are worth a sound or a word on the desktop, and which tab of this browser gives it.

import { isMuted, PRIORITIES, setMuted, wanted } from "./settings.js";
import { titleOf } from "../queue/cards.js";
import * as desktop from "./desktop.js";
import { live } from "../live/live.js";
import { getText, parse } from "../page/parts.js";
import { mayPlay, play } from "./sounds.js";
import { announce } from "../page/tell.js";
import { shortTime } from "../page/times.js";

// What comes at about the same time is one alert, of the most urgent of it.
const GATHER = 250;
const APART = 3000;
const { base, pilot, organization } = document.body.dataset;

// "held back" where the browser lets this page make no sound, "sounding" where it does again.
export const alerts = new EventTarget();

// One tab of each organization: without locks (outside secure contexts) each for itself.
const leads = { sound: !navigator.locks, desktop: !navigator.locks };
let loud = [];
let told = [];
let allowed = "all";
let last = 0;
let timer = null;

export function toggleMute() {
  setMuted(!isMuted());
  announce(isMuted() ? `Alerts muted until ${shortTime(wanted.mutedUntil)}` : "Alerts no longer muted");
}

// New, or handed to this pilot by somebody else; not what was taken over, which happened before.
function concerns(frame) {
  if (frame.imported || frame.actor === pilot) return false;
  return frame.type === "created" || (frame.type === "assigned" && frame.assigned_to === pilot);
}

function onHeard({ detail: frame }) {
  if (!concerns(frame) || isMuted()) return;
  const { priority } = frame;
  if (wanted.sound[priority]) loud.push(priority);
  if (wanted.desktop[priority] && leads.desktop) told.push(arrivalOf(frame));
  if (loud.length || told.length) schedule();
}

function arrivalOf({ request_id: requestId, priority, assigned_to: assignee, html }) {
  const card = parse(html.card ?? "").firstElementChild;
  return { requestId, priority, title: card ? titleOf(card) : "", isMine: assignee === pilot };
}

function schedule() {
  // The timers of a hidden tab may be a minute late: what can be said at once is.
  const wait = Math.max(document.hidden ? 0 : GATHER, last + APART - Date.now());
  if (wait === 0) flush();
  else timer ??= setTimeout(flush, wait);
}

// Off duty and in quiet hours nothing rings, or critical ones only; the pilot may have said so on another device.
async function mayRing() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  try {
    allowed = await getText(`${base}settings/ringing?${new URLSearchParams({ zone })}`);
  } catch {
    // As it was when the server last said so: silence would be the worse mistake.
  }
  return (priority) => allowed === "all" || (allowed === "critical" && priority === "critical");
}

async function flush() {
  clearTimeout(timer);
  timer = null;
  last = Date.now();
  const [sounds, words] = [loud, told];
  loud = [];
  told = [];
  // As they came; the server takes a moment to answer.
  const isSeen = desktop.isWatchedAnywhere();
  const rings = await mayRing();
  const urgent = PRIORITIES.find((priority) => sounds.includes(priority) && rings(priority));
  const arrivals = words.filter(({ priority }) => rings(priority));
  if (urgent) sound(urgent);
  if (arrivals.length && !(await isSeen)) desktop.notify(arrivals);
}

async function sound(priority) {
  if (!mayPlay()) return tell("held back");
  if (leads.sound) tell((await play(priority, wanted.volume)) ? "sounding" : "held back");
}

export async function test(priority) {
  tell((await play(priority, wanted.volume)) ? "sounding" : "held back");
  if (wanted.desktop[priority]) desktop.showExample(priority);
}

// Held for as long as the page is open; then it is the next one's.
function lead(what) {
  if (leads[what]) return;
  navigator.locks.request(`chameleon-${what}-${organization}`, () => {
    leads[what] = true;
    return new Promise(() => {});
  });
}

// A tab that may not sound must not keep the others from it.
function leadSound() {
  if (!mayPlay()) return;
  lead("sound");
  tell("sounding");
  removeEventListener("pointerup", leadSound, { capture: true });
  removeEventListener("keyup", leadSound, { capture: true });
}

function tell(name) {
  alerts.dispatchEvent(new Event(name));
}

export function begin() {
  addEventListener("pointerup", leadSound, { capture: true });
  addEventListener("keyup", leadSound, { capture: true });
  leadSound();
  lead("desktop");
  desktop.begin();
  live.addEventListener("heard", onHeard);
}
