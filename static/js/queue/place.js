// Where somebody was in the list, kept with its entry in the browser's history: coming back finds it as it was left.

import { cardOf, focus, here, lanes } from "./cards.js";

let loadAsFar;

export function save() {
  const shown = {};
  for (const lane of lanes().querySelectorAll(".lane")) shown[lane.id] = lane.querySelectorAll(".card").length;
  const place = { card: here()?.dataset.requestId, listTop: lanes().scrollTop, pageTop: scrollY, shown };
  history.replaceState({ ...history.state, place }, "");
}

export async function restore() {
  const place = history.state?.place;
  if (!place) return;
  await loadAsFar(lanes(), (lane) => place.shown[lane.id] ?? 0);
  lanes().scrollTop = place.listTop;
  scrollTo(0, place.pageTop);
  const card = place.card && cardOf(place.card);
  if (card) focus(card);
}

export async function begin(queue) {
  ({ loadAsFar } = queue);
  history.scrollRestoration = "manual";
  // Before another page takes over: a link was followed, or the phone put the browser away.
  addEventListener("pagehide", save);
  document.addEventListener("click", save, { capture: true });
  await restore();
}
