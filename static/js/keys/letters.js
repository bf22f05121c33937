// Whether single letters are commands: whoever dictates, or hits keys by chance, can switch them off.

import { partsOf } from "../page/keymap.js";
import { save } from "../session/menu.js";

const NAME = "letters";
const { letters: stated } = document.documentElement.dataset;

const remember = (isOn) => (isOn ? localStorage.removeItem(NAME) : localStorage.setItem(NAME, "off"));

// What the pilot chose on whatever device; remembered, so that other tabs follow at once.
if (stated) remember(stated === "on");

export const lettersOn = () => localStorage.getItem(NAME) !== "off";

export function setLetters(isOn) {
  remember(isOn);
  save("keys", { letters: isOn ? "on" : "off" });
}

// The keys of a command as they are printed on a keyboard, in <kbd>.
export function printed(key) {
  return partsOf(key).map((part) => {
    const kbd = document.createElement("kbd");
    kbd.textContent = part;
    return kbd;
  });
}
