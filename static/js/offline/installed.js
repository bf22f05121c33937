// What the page leaves for the time without a network: a worker that holds the shell, and when the server was last
// reached. Nothing of what it shows. Where the worker is subscribed to be notified, the server learns whose it is now.

import { lastReached } from "../live/live.js";
import { post } from "../page/parts.js";
import { stands } from "../session/session.js";

// When everything the visit needs has long been loaded.
const LATE = 5000;
const NOTE_EVERY = 15000;
// The shell reads it.
const REACHED = "reached";

export function begin() {
  setTimeout(register, LATE);
  setInterval(note, NOTE_EVERY);
  addEventListener("pagehide", note);
  note();
}

// Without HTTPS there are no workers, and some browsers have them switched off: the page does without.
async function register() {
  try {
    await navigator.serviceWorker?.register("/sw.js");
    await claim();
  } catch {
    // As the server does not answer, the page says anyway.
  }
}

async function claim() {
  const registration = await navigator.serviceWorker?.getRegistration();
  const subscription = await registration?.pushManager?.getSubscription();
  if (!subscription) return;
  const { endpoint } = subscription;
  await post(`${document.body.dataset.base}settings/devices/seen`, { body: new URLSearchParams({ endpoint }) });
}

// After a sign-out elsewhere nothing is left behind anew.
function note() {
  if (stands()) localStorage.setItem(REACHED, lastReached());
}
