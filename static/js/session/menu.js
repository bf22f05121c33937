// What is chosen in the account menu or on the sheet of keys is the pilot's, on each device: the server is told.

import { complain, post } from "../page/parts.js";
import { toast } from "../page/tell.js";

// Whoever goes through the choices by arrow keys means the last one.
const SETTLED = 500;
const { base } = document.body.dataset;
const timers = new Map();

// `fields` as the form of that page of settings has them.
export async function save(page, fields) {
  try {
    const response = await post(`${base}settings/${page}`, { body: new URLSearchParams(fields) });
    if (response.ok) toast("Saved", { isGood: true });
    else toast(response.status === 422 ? await response.text() : "It was not saved; try again.");
    return response.ok;
  } catch (error) {
    complain(error);
    return false;
  }
}

async function onDuty({ target }) {
  if (!(await save("duty", { on_duty: target.checked ? "on" : "off" }))) target.checked = !target.checked;
  const mark = document.getElementById("off-duty");
  // Hours are the server's to reckon: of a pilot outside of theirs that is still true.
  if (mark.dataset.state === "outside" && target.checked) mark.textContent = "Outside working hours";
  else mark.textContent = "Off duty";
  mark.hidden = target.checked && mark.dataset.state !== "outside";
}

export function begin() {
  document.getElementById("on-duty")?.addEventListener("change", onDuty);
  for (const choice of document.querySelectorAll("[data-looks]")) {
    choice.addEventListener("change", ({ target: { name, value } }) => {
      clearTimeout(timers.get(name));
      timers.set(name, setTimeout(save, SETTLED, "display", { [name]: value }));
    });
  }
}
