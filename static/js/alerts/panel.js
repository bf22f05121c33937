// The bell and what is behind it: what this device is to be alerted to.

import { changes, isMuted, set, setVolume, wanted } from "./settings.js";
import { alerts, test, toggleMute } from "./alerts.js";
import { askPermission, permission } from "./desktop.js";
import { shortTime } from "../page/times.js";

const bell = document.getElementById("bell");
const panel = document.getElementById("alerts");
const volume = document.getElementById("alerts-volume");
const mute = document.getElementById("alerts-mute");
const HELD_BACK = "The browser holds the sound back: it wants a click or a key on this page first, or sound is blocked for this site.";
const permissions = {
  granted: "",
  default: "Ticking Desktop asks the browser whether this page may show notifications.",
  denied: "The browser blocks notifications of this site. Allow them in the site’s settings, beside the address, then tick again.",
  impossible: "This browser shows no notifications for this page.",
};
let isHeldBack = false;

const rows = () => panel.querySelectorAll("[data-priority]");

function show() {
  for (const row of rows()) {
    for (const box of row.querySelectorAll("input")) {
      const isDesktop = box.dataset.channel === "desktop";
      box.checked = wanted[box.dataset.channel][row.dataset.priority] && (!isDesktop || permission() === "granted");
      box.disabled = isDesktop && permission() === "impossible";
    }
  }
  volume.value = wanted.volume;
  setText("alerts-permission", permissions[permission()]);
  setText("alerts-held", isHeldBack ? HELD_BACK : "");
  showMuted();
}

function showMuted() {
  const until = isMuted() ? `Muted until ${shortTime(wanted.mutedUntil)}` : "";
  const name = ["Alerts", until.toLowerCase(), isHeldBack ? "silent until you click" : ""].filter(Boolean).join(", ");
  setText("alerts-muted", until);
  mute.textContent = until ? "Unmute" : "Mute for 15 minutes";
  bell.title = name;
  bell.setAttribute("aria-label", name);
  bell.classList.toggle("held-back", isHeldBack);
  bell.querySelector("use").setAttribute("href", until ? "#i-bell-off" : "#i-bell");
}

function setText(id, text) {
  const element = document.getElementById(id);
  if (element.textContent !== text) element.textContent = text;
}

// The browser is asked only now that somebody wants it.
async function onChange({ target }) {
  if (target === volume) return setVolume(Number(volume.value));
  const { channel } = target.dataset;
  const { priority } = target.closest("[data-priority]").dataset;
  const isOn = target.checked;
  const isAllowed = channel !== "desktop" || !isOn || (await askPermission()) === "granted";
  set(channel, priority, isOn && isAllowed);
}

function onClick({ target }) {
  const button = target.closest("[data-test]");
  if (button) test(button.closest("[data-priority]").dataset.priority);
}

function hold(isHeld) {
  isHeldBack = isHeld;
  show();
}

export function begin() {
  bell.hidden = false;
  panel.addEventListener("change", onChange);
  panel.addEventListener("click", onClick);
  panel.addEventListener("beforetoggle", show);
  mute.addEventListener("click", toggleMute);
  changes.addEventListener("change", show);
  alerts.addEventListener("held back", () => hold(true));
  alerts.addEventListener("sounding", () => hold(false));
  show();
  // The page of notifications leads here.
  if (location.hash === "#alerts") panel.showPopover?.();
}
