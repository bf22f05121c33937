// What the page says besides what it shows: to screen readers, in toasts, in the window's title and icon.

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

export function toast(text) {
  const box = document.createElement("p");
  box.className = "toast";
  box.textContent = text;
  document.getElementById("toasts").append(box);
  announce(text, { urgent: true });
  setTimeout(() => box.remove(), 8000);
}

const plainTitle = document.title;
const icon = document.getElementById("favicon");
let badge = null;

// "(2!)": two critical ones wait; "(14)": none is critical. The icon says the same in colour.
export function titleCount(critical, total) {
  const mark = critical ? `(${critical}!) ` : total ? `(${total}) ` : "";
  document.title = mark + plainTitle;
  showIcon(critical ? "critical" : total ? "waiting" : "quiet");
  if (total !== badge) showBadge(total);
  badge = total;
}

function showIcon(name) {
  const href = icon.dataset[name];
  if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}

// On the icon of the installed app. Where it is not installed the browser may refuse; nothing is lost then.
function showBadge(total) {
  const done = total ? navigator.setAppBadge?.(total) : navigator.clearAppBadge?.();
  done?.catch(() => {});
}
