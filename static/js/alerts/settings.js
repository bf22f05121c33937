// What this device wants to be alerted to: kept in the browser, for a desk with loudspeakers is not a phone in a pocket.

export const PRIORITIES = ["critical", "high", "normal", "low"];
const KEY = "alerts";
const MUTE_FOR = 15 * 60 * 1000;
const DEFAULTS = {
  sound: { critical: true, high: true, normal: false, low: false },
  desktop: { critical: false, high: false, normal: false, low: false },
  volume: 60,
  mutedUntil: 0,
};

// "change" when anything is different, also by the hand of another tab, or when the quiet ends.
export const changes = new EventTarget();
export let wanted = read();
let quietEnds = null;

export const isMuted = () => Date.now() < wanted.mutedUntil;

export function set(channel, priority, isOn) {
  save({ ...wanted, [channel]: { ...wanted[channel], [priority]: isOn } });
}

export function setVolume(volume) {
  save({ ...wanted, volume });
}

export function setMuted(isQuiet) {
  save({ ...wanted, mutedUntil: isQuiet ? Date.now() + MUTE_FOR : 0 });
}

// Whatever stands there, perhaps of another version or by another hand: only what makes sense is taken from it.
function read() {
  let stored = null;
  try {
    stored = JSON.parse(localStorage.getItem(KEY));
  } catch {
    // Not JSON, or no storage at all.
  }
  const { volume, mutedUntil } = stored ?? {};
  return {
    sound: switches("sound", stored),
    desktop: switches("desktop", stored),
    volume: Number.isInteger(volume) && volume >= 0 && volume <= 100 ? volume : DEFAULTS.volume,
    mutedUntil: Number.isFinite(mutedUntil) && mutedUntil <= Date.now() + MUTE_FOR ? mutedUntil : 0,
  };
}

function switches(channel, stored) {
  const choice = (priority) => {
    const chosen = stored?.[channel]?.[priority];
    return typeof chosen === "boolean" ? chosen : DEFAULTS[channel][priority];
  };
  return Object.fromEntries(PRIORITIES.map((priority) => [priority, choice(priority)]));
}

function save(next) {
  wanted = next;
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // No storage: it holds for as long as the page is open.
  }
  tell();
}

function tell() {
  clearTimeout(quietEnds);
  if (isMuted()) quietEnds = setTimeout(tell, wanted.mutedUntil - Date.now());
  changes.dispatchEvent(new Event("change"));
}

addEventListener("storage", ({ key }) => {
  if (key !== KEY && key !== null) return;
  wanted = read();
  tell();
});
if (isMuted()) tell();
