// Where the console's script begins: what every page does, then what this one is about.

import * as alerts from "./alerts/alerts.js";
import * as alertsPanel from "./alerts/panel.js";
import * as connection from "./live/connection.js";
import * as context from "./detail/context.js";
import * as countdown from "./alerts/countdown.js";
import * as detail from "./detail/detail.js";
import * as dialog from "./page/dialog.js";
import * as dress from "./queue/dress.js";
import * as facets from "./queue/facets.js";
import * as filters from "./queue/filters.js";
import * as find from "./detail/find.js";
import * as installed from "./offline/installed.js";
import * as menu from "./session/menu.js";
import * as keys from "./keys/keys.js";
import { live, start } from "./live/live.js";
import { asked, csrfToken, getPart, parse, SignedOut } from "./page/parts.js";
import * as past from "./history/history.js";
import * as pause from "./live/pause.js";
import * as presence from "./live/presence.js";
import * as preview from "./detail/preview.js";
import * as queue from "./queue/queue.js";
import * as quick from "./queue/quick.js";
import * as reasons from "./detail/reasons.js";
import * as session from "./session/session.js";
import * as signIn from "./session/sign_in.js";
import { titleCount, toast } from "./page/tell.js";
import { localize } from "./page/times.js";

const page = document.body.dataset;
const hasQueue = document.getElementById("lanes") !== null;
const hasHistory = past.shown() !== null;

// Everything on the page that shows the log, and the earliest position any of it stands at.
async function refresh(position) {
  const shown = [];
  if (hasQueue) {
    const list = await queue.refresh(position);
    if (list === null) return null;
    shown.push(list);
  }
  if (detail.shown()) shown.push(await detail.refresh());
  if (hasHistory) shown.push(await past.refresh(position));
  const places = shown.filter(Boolean);
  return places.length ? places.reduce((first, other) => (other.seq < first.seq ? other : first)) : null;
}

// Where there is no list the tiles still tell how many wait.
const waiting = document.getElementById("waiting");
live.addEventListener("tiles", ({ detail: { html } }) => {
  if (hasQueue) return;
  const { critical, high, normal, low } = parse(html).firstElementChild.dataset;
  waiting.textContent = [critical, high, normal, low].reduce((sum, n) => sum + Number(n), 0);
  titleCount(Number(critical), Number(waiting.textContent));
});

// htmx

const SAID = {
  403: "You may not do this.",
  503: "The database cannot answer just now; try again in a moment.",
};

document.body.addEventListener("htmx:configRequest", ({ detail: request }) => {
  Object.assign(request.headers, asked(), { "X-CSRFToken": csrfToken() });
  delete request.parameters.csrfmiddlewaretoken;
});
document.body.addEventListener("htmx:beforeSwap", async ({ detail: { xhr } }) => {
  // Where the sign-in stands after all it began anew just now, and the answer was to the one before.
  if (xhr.status === 401 && (await session.ask()) !== false) toast("Nothing was recorded; try again.");
});
document.body.addEventListener("htmx:sendError", () => toast("The server did not answer; nothing was recorded."));
document.body.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
  toast(SAID[xhr.status] ?? "Something went wrong; nothing was recorded.");
});

// The kill switch opens over the page; without script its link is a page of its own.

document.getElementById("kill-switch")?.addEventListener("click", async (event) => {
  event.preventDefault();
  try {
    dialog.show(await getPart(event.currentTarget?.href ?? `${page.base}kill-switch`));
  } catch (error) {
    if (!(error instanceof SignedOut)) toast("The server did not answer.");
  }
});

// Between two parts of the beginning, so that a slow phone answers the thumb that is already there. A message to
// oneself and no timer: those of a hidden page wait.
function breath() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resume) => {
    port1.onmessage = resume;
    port2.postMessage(null);
  });
}

// Menus close when one looks elsewhere.

document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

localize(document);
session.begin();
signIn.begin();
facets.begin({ hasList: hasQueue });
dialog.begin();
detail.begin();
context.begin();
find.begin();
reasons.begin();
preview.begin();
await breath();
if (hasQueue) {
  dress.begin();
  queue.begin();
  quick.begin();
  filters.begin();
} else {
  titleCount(Number(waiting.dataset.critical), Number(waiting.textContent));
}
if (hasHistory) past.begin();
keys.begin();
menu.begin();
await breath();
// A page that shows nothing of the log needs no socket.
const hasSocket = Boolean(page.seq);
connection.begin({ hasSocket });
if (hasSocket) {
  presence.begin();
  pause.begin();
  alerts.begin();
  alertsPanel.begin();
  countdown.begin();
  start({ url: page.socket, seq: page.seq, epoch: page.epoch, refresh });
}
installed.begin();
