// How many wait: in the lanes' heads, on the tabs, in the navigation and in the window's title.

import { waitingIn } from "./arrivals.js";
import { isWhole } from "./facets.js";
import { titleCount } from "../page/tell.js";

const { pilot } = document.body.dataset;
const priorities = ["critical", "high", "normal", "low"];

// The tiles are the organization's truth; what the address narrows is counted here.
export function count() {
  const figures = document.getElementById("tiles").dataset;
  const assigned = JSON.parse(figures.assigned);
  const total = priorities.reduce((sum, priority) => sum + Number(figures[priority]), 0);
  const taken = Object.values(assigned).reduce((sum, number) => sum + number, 0);
  setText("waiting", total);
  setText("mine-count", assigned[pilot] ?? 0);
  setText("unclaimed-count", total - taken);
  titleCount(Number(figures.critical), total);
  for (const lane of document.querySelectorAll(".lane")) countLane(lane, figures);
}

function countLane(lane, figures) {
  const head = lane.querySelector("[data-count]");
  const { priority } = lane.dataset;
  const isLong = lane.querySelector(".more") !== null;
  const here = lane.querySelectorAll(".card:not(.leaving)").length + waitingIn(priority);
  // A lane that goes on beyond this page was counted by the server.
  const text = !isLong ? here : isWhole() ? written(figures[priority]) : head.dataset.count;
  if (head.textContent !== String(text)) head.textContent = text;
}

// The first number written in somebody's manner costs a phone more than all the rest here.
const written = (number) => (number < 1000 ? String(number) : Number(number).toLocaleString("en"));

function setText(id, value) {
  const element = document.getElementById(id);
  if (element && element.textContent !== written(value)) element.textContent = written(value);
}
