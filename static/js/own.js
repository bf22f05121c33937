// On the pages of the own account: moments in the pilot's zone, what this device's is, tags added as one types, keys
// taken from the keyboard, and a sign-in that is begun anew over what is typed.

import * as capture from "./own/capture.js";
import * as leaving from "./session/leaving.js";
import { localize } from "./page/times.js";
import * as session from "./session/session.js";
import * as signIn from "./session/sign_in.js";
import * as tags from "./own/tags.js";

const device = document.getElementById("device-zone");
if (device) device.textContent = ` (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
// On a phone the navigation is one row, longer than the screen.
const here = document.querySelector(".own-nav [aria-current]");
const row = here?.closest("ul");
if (row) row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
localize(document);
tags.begin();
capture.begin();
// Below an organization only: what concerns its pilot alone, as a second factor, may be just what it waits for.
if (document.body.dataset.organization) {
  session.begin();
  signIn.begin();
  leaving.begin();
}
