// The tags of a pilot's field: what is typed becomes a box that is ticked, at each comma and at Enter. Which of them may be
// is the server's to say, once they are saved.

const field = document.getElementById("tags-added");
const list = document.getElementById("tags");

const boxOf = (tag) => [...list.querySelectorAll("[name=tag]")].find(({ value }) => value === tag);

function add(tag) {
  const known = boxOf(tag);
  if (known) return void (known.checked = true);
  const label = document.createElement("label");
  label.className = "tag-pick";
  const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "tag", value: tag, checked: true });
  const text = document.createElement("span");
  text.dir = "auto";
  text.textContent = tag;
  label.append(box, text);
  list.append(label);
}

// All that is complete; the rest stays to be typed on.
function take(isWhole) {
  const parts = field.value.split(",");
  const rest = isWhole ? "" : parts.pop().trimStart();
  for (const tag of parts.map((part) => part.trim()).filter(Boolean)) add(tag);
  field.value = rest;
}

export function begin() {
  if (!field) return;
  const button = document.getElementById("tags-add");
  button.hidden = false;
  button.addEventListener("click", () => {
    take(true);
    field.focus();
  });
  field.addEventListener("input", () => field.value.includes(",") && take(false));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !field.value.trim()) return;
    event.preventDefault();
    take(true);
  });
}
