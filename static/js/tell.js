// What the page says besides what it shows: to screen readers, in toasts, in the window's title.

const QUIET = 5000;
const waiting = { polite: [], assertive: [] };
let last = 0;
let timer = null;

// At most one announcement in five seconds; what comes meanwhile is said together.
export function announce(text, { urgent = false } = {}) {
  waiting[urgent ? "assertive" : "polite"].push(text);
  timer ??= setTimeout(say, Math.max(0, last + QUIET - Date.now()));
}

function say() {
  timer = null;
  last = Date.now();
  for (const [id, texts] of Object.entries(waiting)) {
    if (!texts.length) continue;
    document.getElementById(id).textContent = [...new Set(texts)].join(". ");
    texts.length = 0;
  }
}

export function toast(text, { isGood = false } = {}) {
  const box = document.createElement("p");
  box.className = isGood ? "toast good" : "toast";
  box.textContent = text;
  document.getElementById("toasts").append(box);
  announce(text, { urgent: !isGood });
  setTimeout(() => box.remove(), 8000);
}

const plainTitle = document.title;

// "(2!)": two critical ones wait; "(14)": none is critical.
export function titleCount(critical, total) {
  const mark = critical ? `(${critical}!) ` : total ? `(${total}) ` : "";
  document.title = mark + plainTitle;
}
