// What was typed and not sent: kept for each request as long as the tab lives, since another may be looked at meanwhile,
// on a phone on a page of its own. Signing out clears it (told.js).

const NEVER_KEPT = new Set(["csrfmiddlewaretoken", "version", "content_hash"]);
const FORMS = { decide: "#decide", note: ".note-form" };
const { pilot, base } = document.body.dataset;

// By pilot, organization, request and form; each is [name, value] of all that the form would send.
const key = (name) => `draft ${pilot} ${base} ${document.getElementById("detail").dataset.requestId} ${name}`;
const formOf = (name) => document.querySelector(`#detail ${FORMS[name]}`);

function keep({ target }) {
  for (const [name, selector] of Object.entries(FORMS)) {
    const form = target.closest?.(`#detail ${selector}`);
    if (form) store(key(name), [...new FormData(form)].filter(([field]) => !NEVER_KEPT.has(field)));
  }
}

function store(place, draft) {
  try {
    sessionStorage.setItem(place, JSON.stringify(draft));
  } catch {
    // Megabytes of drafts: what is typed now is worth more than all that was left before.
    for (const other of Object.keys(sessionStorage)) if (other.startsWith("draft ")) sessionStorage.removeItem(other);
    sessionStorage.setItem(place, JSON.stringify(draft));
  }
}

export function forget(name) {
  sessionStorage.removeItem(key(name));
}

// Puts it back into forms that the server has just made; one that comes back with what was posted is left as it is.
export function restore() {
  if (!document.getElementById("detail")) return;
  const isChosen = formOf("decide")?.querySelector("[name=verdict]:checked");
  if (!isChosen) fill("decide");
  fill("note");
}

function fill(name) {
  const form = formOf(name);
  const draft = form && JSON.parse(sessionStorage.getItem(key(name)));
  if (!draft) return;
  // A box that was unticked is not among what a form sends.
  const values = new FormData();
  for (const [field, value] of draft) values.append(field, value);
  for (const field of form.querySelectorAll(":is(input, textarea, select)[name]:not([type=hidden])")) {
    if (field.type === "radio" || field.type === "checkbox") field.checked = values.getAll(field.name).includes(field.value);
    else if (values.has(field.name)) field.value = values.get(field.name);
  }
}

export function begin() {
  document.addEventListener("input", keep);
  document.addEventListener("change", keep);
  restore();
}
