// How the page fetches its own parts, and makes any fragment ready to be shown.

import { toast } from "./tell.js";
import { localize } from "./times.js";

const { base, pilot } = document.body.dataset;
const PATIENCE = 10000;
const finishers = [localize];

export class SignedOut extends Error {}
export class Unreachable extends Error {}

// The token rotates at sign-in, perhaps in another tab: it is read from the cookie each time.
export const csrfToken = () => /(?:^|; )csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";

// As whom the page asks: if somebody else has signed in meanwhile, nothing is done in their name.
export const asked = () => ({ "X-Pilot": pilot });

// `finish(root)` is called with each fragment before anybody sees it.
export const alsoReady = (finish) => finishers.push(finish);

export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  // A fragment from the socket names no organization; the page does.
  for (const link of template.content.querySelectorAll('[href^="interventions/"], .tile[href^="?"]')) {
    link.setAttribute("href", base + link.getAttribute("href"));
  }
  for (const button of template.content.querySelectorAll('[formaction^="interventions/"]')) {
    button.setAttribute("formaction", base + button.getAttribute("formaction"));
  }
  for (const finish of finishers) finish(template.content);
  return template.content;
}

// The fragment at `address`; null where nothing has happened since `position`.
export async function getPart(address, position = "") {
  const response = await ask(address, { headers: position ? { "X-Position": position } : {} });
  if (response.status === 204) return null;
  // A part may say what is wrong with what was asked for.
  if (!response.ok && response.status !== 422) throw new Unreachable(String(response.status));
  return parse(await response.text());
}

// The text at `address`, where that is all there is.
export async function getText(address) {
  const response = await ask(address, {});
  if (!response.ok) throw new Unreachable(String(response.status));
  return response.text();
}

// Where an address that only leads on leads to.
export async function whereTo(address) {
  const response = await ask(address, {});
  if (response.status !== 204) throw new Unreachable(String(response.status));
  return response.headers.get("Location");
}

export async function post(address, { target = "", body } = {}) {
  return ask(address, { method: "POST", body, headers: { "X-CSRFToken": csrfToken(), "HX-Target": target } });
}

async function ask(address, options) {
  const headers = { "HX-Request": "true", ...asked(), ...options.headers };
  let response;
  try {
    response = await fetch(address, { ...options, headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    throw new Unreachable(error.message);
  }
  if (response.status === 401) {
    document.dispatchEvent(new Event("chameleon:signed-out"));
    throw new SignedOut();
  }
  return response;
}

// What the pilot is told where a part did not come; whatever else went wrong is an error of ours.
export function complain(error) {
  if (error instanceof SignedOut) return;
  toast("The server did not answer; nothing was changed.");
  if (!(error instanceof Unreachable)) throw error;
}
