// Which keys stand for which command for this pilot (interventions/keymap.py), and how an event of the keyboard is called
// among them: `a`, `?`, `Shift+Enter`, `Mod+k` (Ctrl, on a Mac ⌘), `Alt+l`, `g d` (one after the other).

export const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
const stated = JSON.parse(document.getElementById("keysheet")?.dataset.keymap ?? "[]");
export const known = stated.map(([id, group, name, keys]) => ({ id, group, name, keys }));

export const keysOf = (id) => known.find((command) => command.id === id)?.keys ?? [];
export const stands = (event, id) => keysOf(id).includes(nameOf(event));

const text = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const words = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", Enter: "↵", Escape: "Esc", Shift: "⇧" };
Object.assign(words, { Mod: isApple ? "⌘" : "Ctrl", Alt: "Alt" });

export function nameOf(event) {
  // What AltGr makes is a sign like any other.
  const isGraph = event.getModifierState?.("AltGraph") ?? false;
  const isMod = !isGraph && (isApple ? event.metaKey : event.ctrlKey);
  if (!isGraph && (isApple ? event.ctrlKey : event.metaKey)) return "";
  if (!isGraph && event.altKey) return isMod ? "" : withAlt(event);
  const isNamed = event.key.length > 1;
  const parts = [isMod && "Mod", event.shiftKey && isNamed && "Shift", isMod && !isNamed ? event.key.toLowerCase() : event.key];
  return parts.filter(Boolean).join("+");
}

// Some keyboards write with Alt ("@", "ł"): where text is typed, that comes first.
function withAlt({ key, code, target }) {
  if (/^[a-z]$/i.test(key)) return `Alt+${key.toLowerCase()}`;
  return !target.closest?.(text) && code.startsWith("Key") ? `Alt+${code.slice(3).toLowerCase()}` : "";
}

// The parts of a key as they are printed on a keyboard.
export function partsOf(key) {
  if (/^\p{Lu}$/u.test(key)) return [words.Shift, key];
  const isCombined = /^(Mod|Alt)\+/.test(key);
  return key.split(/[ +](?=.)/).map((part) => words[part] ?? (isCombined ? part.toUpperCase() : part));
}
