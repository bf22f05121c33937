// "Notify this device": what this browser can do, whether it does, and the way there. The browser is asked only after
// a click, and told nothing that would let it decide.

const root = document.getElementById("push");
const form = root.querySelector("form[data-push]");
const wrong = document.getElementById("push-wrong");
const { key } = root.dataset;

const isApple = /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Mac/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
const isInstalled = matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;
const isAble = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

function show(state) {
  for (const one of root.querySelectorAll("[data-push]")) one.hidden = one.dataset.push !== state;
}

async function look() {
  if (!isSecureContext) return show("insecure");
  if (isApple && !isInstalled && !isAble) return show("install");
  if (!isAble) return show("unsupported");
  if (Notification.permission === "denied") return show("denied");
  const line = await lineHere();
  if (line) line.querySelector("[data-here]").hidden = false;
  show(line ? "on" : "off");
}

// The line of the list that this browser is: pages hold what an endpoint hashes to, never the endpoint.
async function lineHere() {
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  if (!subscription || !isOurs(subscription)) return null;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(subscription.endpoint));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return root.querySelector(`[data-endpoint="${hex}"]`);
}

// False for one that was made with a key of before: nothing would reach it.
function isOurs({ options }) {
  const given = options?.applicationServerKey;
  if (!given) return true;
  const text = btoa(String.fromCharCode(...new Uint8Array(given)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") === key;
}

async function subscribe() {
  await navigator.serviceWorker.register("/sw.js");
  const { pushManager } = await navigator.serviceWorker.ready;
  const before = await pushManager.getSubscription();
  if (before && isOurs(before)) return before;
  await before?.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

async function onSubmit(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  complain("");
  try {
    if ((await Notification.requestPermission()) === "granted") await send(await subscribe());
    else await look();
  } catch (error) {
    complain(`The browser could not be subscribed: ${error.message}`);
  } finally {
    button.disabled = false;
  }
}

async function send(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries({ endpoint, ...keys })) body.set(name, value);
  const response = await fetch(form.action, { method: "POST", body, cache: "no-store", redirect: "manual" });
  if (response.status === 204) location.reload();
  else complain(response.status === 422 ? await response.text() : "The server did not take it. Load this page again.");
}

function complain(text) {
  wrong.textContent = text;
  wrong.hidden = !text;
}

form.addEventListener("submit", onSubmit);
look();
