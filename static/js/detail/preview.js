// What the agent will receive if one decides now, as one types: status, reason, and the answer with its types.

const form = () => document.getElementById("decide");
const wide = matchMedia("(min-width: 641px)");
// As the pilot last had it; on a phone the room is for the reason.
let isOpen = wide.matches;

function valueOf(part) {
  const { kind } = part.dataset;
  const field = part.querySelector("input:checked, textarea, select, input:not([type=radio])");
  if (kind === "boolean") return field.checked;
  const text = field?.value ?? "";
  if (text === "") return undefined;
  if (kind !== "string") return Number(text);
  // The browser's field has no seconds and no zone; its label says UTC.
  return field.type === "datetime-local" && text.length === 16 ? `${text}:00Z` : text;
}

function answer(preview) {
  if (preview.dataset.standing) return JSON.parse(preview.dataset.standing);
  const parts = [...form().querySelectorAll("[data-key]")];
  if (!parts.length) return null;
  return Object.fromEntries(parts.map((part) => [part.dataset.key, valueOf(part)]));
}

function text(verdict, preview) {
  const missing = Number(preview.dataset.missing);
  if (verdict === "approve" && missing) return `nothing yet: ${missing} more ${missing > 1 ? "approvals are" : "approval is"} needed`;
  const reason = form().elements.action_reason.value;
  const standing = preview.dataset.standing ? JSON.parse(preview.dataset.standing) : null;
  const received = {
    status: verdict === "approve" ? "APPROVED" : "REJECTED",
    action_reason: reason.trim() ? reason : null,
    response: verdict === "approve" ? answer(preview) : standing,
  };
  return JSON.stringify(received, null, 2);
}

function show() {
  const verdict = form()?.querySelector("[name=verdict]:checked")?.value;
  const preview = form()?.querySelector(".preview");
  if (!verdict || !preview) return;
  if (!preview.dataset.ready) preview.open = isOpen;
  preview.dataset.ready = "yes";
  preview.querySelector("code").textContent = text(verdict, preview);
}

export function begin() {
  const changed = ({ target }) => target.closest?.("#decide") && show();
  document.addEventListener("input", changed);
  document.addEventListener("change", changed);
  document.addEventListener("click", ({ target }) => {
    const summary = target.closest?.(".preview > summary");
    if (summary) isOpen = !summary.parentElement.open;
  });
  // After the detail has put back what was typed and not sent.
  document.body.addEventListener("htmx:afterSwap", show);
  show();
}
