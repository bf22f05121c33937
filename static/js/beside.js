// The pane beside the list, and the addresses of both: which tab, which request.

import { cardOf, lanes, tab } from "./cards.js";

const { base } = document.body.dataset;
const wide = matchMedia("(min-width: 1100px)");
let showTab;
let complain;

const pane = () => document.getElementById("pane");
let emptyPane;

// Which card the pane shows, and which tab the list.
export function mark() {
  const shown = pane().querySelector("#detail")?.dataset.requestId;
  for (const link of lanes().querySelectorAll(".card-title a[aria-current]")) link.removeAttribute("aria-current");
  if (shown) cardOf(shown)?.querySelector("a")?.setAttribute("aria-current", "true");
  for (const place of document.querySelectorAll(".place[data-tab]")) {
    if (place.dataset.tab === tab()) place.setAttribute("aria-current", "page");
    else place.removeAttribute("aria-current");
  }
}

async function openBeside(address) {
  await htmx.ajax("GET", address, { target: "#pane", swap: "innerHTML" });
  pane().scrollTop = 0;
  mark();
}

function closePane() {
  pane().replaceChildren(...emptyPane.map((node) => node.cloneNode(true)));
  mark();
}

function onClick(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const card = event.target.closest(".card-title a");
  const tabLink = event.target.closest("a[data-tab]");
  const close = event.target.closest(".pane .close");
  if (card && wide.matches) {
    event.preventDefault();
    history.pushState(null, "", withTab(card.href));
    openBeside(card.href).catch(complain);
  } else if (close) {
    event.preventDefault();
    const requestId = pane().querySelector("#detail").dataset.requestId;
    history.pushState(null, "", withTab(base));
    closePane();
    cardOf(requestId)?.querySelector("a")?.focus({ preventScroll: true });
  } else if (tabLink) {
    event.preventDefault();
    history.pushState(null, "", tabLink.href);
    closePane();
    showTab(tabLink.href).catch(complain);
  }
}

function withTab(address) {
  const url = new URL(address, location.origin);
  if (tab() === "all") url.searchParams.delete("tab");
  else url.searchParams.set("tab", tab());
  return url;
}

// Back and forward: the address says which tab and which request.
async function onPopState() {
  const wanted = new URLSearchParams(location.search).get("tab") ?? "all";
  if (wanted !== tab()) await showTab(withOnlyTab(wanted));
  if (location.pathname === base) closePane();
  else if (wide.matches) await openBeside(location.pathname);
  else location.reload();
}

const withOnlyTab = (wanted) => `${base}?tab=${wanted}`;

export function begin(queue) {
  ({ showTab, complain } = queue);
  emptyPane = [...pane().childNodes].map((node) => node.cloneNode(true));
  document.addEventListener("click", onClick);
  addEventListener("popstate", () => onPopState().catch(complain));
  mark();
}
