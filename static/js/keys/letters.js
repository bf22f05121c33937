// Whether single letters are commands: whoever dictates, or hits keys by chance, can switch them off.

const NAME = "letters";

export const lettersOn = () => localStorage.getItem(NAME) !== "off";
export const setLetters = (isOn) => (isOn ? localStorage.removeItem(NAME) : localStorage.setItem(NAME, "off"));

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
const words = { ArrowDown: "↓", ArrowUp: "↑", Enter: "↵", Escape: "Esc", Shift: "⇧", Mod: isApple ? "⌘" : "Ctrl", Alt: "Alt" };

// The keys of a command as they are printed on a keyboard, in <kbd>.
export function printed(keys) {
  return keys.split(/[ +](?=.)/).map((part) => {
    const kbd = document.createElement("kbd");
    kbd.textContent = words[part] ?? (/^(Mod|Alt)\+/.test(keys) ? part.toUpperCase() : part);
    return kbd;
  });
}
