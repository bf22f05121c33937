// Listens to the keyboard and runs the command that a key stands for.

import { begin as beginCommands, commands, isHere, isPossible } from "./commands.js";
import * as detail from "../detail/detail.js";
import * as keysheet from "./keysheet.js";
import { lettersOn } from "./letters.js";
import { nameOf } from "../page/keymap.js";
import * as palette from "./palette.js";

const SEQUENCE = 1500;
// Arrows, Enter and Escape mean something to every field; in the list they are ours.
const fields = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
let first = null;
let firstAt = 0;

const isLetter = (keys) => !/^(Mod|Alt)\+|^(Shift\+)?[A-Z]\w+$/.test(keys);

function onKeyDown(event) {
  if (event.defaultPrevented || event.isComposing || event.repeat) return;
  const name = nameOf(event);
  // Among the fields of an open decision a letter is meant for one of them, also while a button there has the focus.
  const isTyping = event.target.closest?.(fields) != null || (detail.isTyping() && event.target.closest?.("#decide"));
  if (isTyping && isLetter(name)) return;
  const command = find(name);
  if (!command || isOwn(event, name) || (isTyping && !command.typing)) return;
  if (!command.dialog && document.querySelector("dialog[open]")) return;
  event.preventDefault();
  command.run();
}

function find(name) {
  const since = Date.now() - firstAt;
  const sequence = first && since < SEQUENCE ? `${first} ${name}` : null;
  first = null;
  if (isLetter(name) && !lettersOn()) return null;
  const possible = commands.filter(isPossible);
  const stands = (wanted) => possible.find(({ keys }) => keys.includes(wanted));
  const found = (sequence && stands(sequence)) ?? stands(name);
  if (!found && commands.some(({ keys }) => keys.some((key) => key.startsWith(`${name} `)))) {
    first = name;
    firstAt = Date.now();
  }
  return found;
}

// Keys that buttons, links, menus and radio buttons know by themselves; arrows scroll wherever no card is.
function isOwn({ target }, name) {
  if (name === "Enter") return !target.closest?.(".card-title a");
  if (name === "Shift+Enter") return target.closest?.("button, summary") != null;
  if (name.startsWith("Arrow")) return !target.closest?.(".card, .tombstone");
  return false;
}

export function begin() {
  beginCommands();
  document.addEventListener("keydown", onKeyDown);
  palette.begin(commands.filter(({ id }) => id !== "palette"), isPossible);
  keysheet.begin(commands.filter(isHere));
  // From the list by a key, where there was no room beside it.
  const verdict = /^#(approve|reject)$/.exec(location.hash)?.[1];
  if (verdict && detail.choose(verdict)) history.replaceState(history.state, "", location.pathname + location.search);
}
