// What was typed and not sent: kept for each request as long as the tab lives, since another may be looked at meanwhile.

const NEVER_KEPT = new Set(["csrfmiddlewaretoken", "version", "content_hash"]);
// By request and form; each is [name, value] of all that the form would send.
const drafts = new Map();
const FORMS = { decide: "#decide", note: ".note-form" };

const key = (name) => `${document.getElementById("detail").dataset.requestId} ${name}`;
const formOf = (name) => document.querySelector(`#detail ${FORMS[name]}`);

function keep({ target }) {
  for (const [name, selector] of Object.entries(FORMS)) {
    const form = target.closest?.(`#detail ${selector}`);
    if (form) drafts.set(key(name), [...new FormData(form)].filter(([field]) => !NEVER_KEPT.has(field)));
  }
}

export function forget(name) {
  drafts.delete(key(name));
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
  const draft = form && drafts.get(key(name));
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
}
