// Reasons that stand ready: a button puts its text into the reason, where the caret is or at the end.

function insert(field, text) {
  // Where nobody has been yet, the browser's caret stands before the first character.
  const isNew = field.selectionEnd === 0;
  const from = isNew ? field.value.length : field.selectionStart;
  const to = isNew ? from : field.selectionEnd;
  const before = /\S$/.test(field.value.slice(0, from)) ? " " : "";
  const after = /^\S/.test(field.value.slice(to)) ? " " : "";
  field.setRangeText(before + text + after, from, to, "end");
  field.focus();
  // As if it had been typed: it is kept, and previewed.
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export function begin() {
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-canned]");
    if (button) insert(button.form.elements.action_reason, button.textContent.trim());
  });
}
