// The service worker: where a page cannot be reached, the shell stands in for it. It is classic script, served as /sw.js
// with KEPT before it: the release, the shell's address, the files that the shell names, and an icon
// (chameleon/offline.py).
//
// Nothing but these is ever kept. Whatever a pilot sees comes from the server, or is not shown. What is pushed is shown
// as a notification; a click on one leads to a page and decides nothing.

const CACHE = `shell-${KEPT.release}`;

addEventListener("install", (event) => event.waitUntil(keep()));
addEventListener("activate", (event) => event.waitUntil(takeOver()));
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(page(event));
  else if (KEPT.files.includes(new URL(request.url).pathname)) event.respondWith(file(request));
});

async function keep() {
  // `no-cache`: while somebody develops, files change under one name. Those of a release come from the browser's cache.
  const shell = await fetch(KEPT.shell, { cache: "no-cache", credentials: "omit" });
  if (!shell.ok) throw new Error(`The shell answers ${shell.status}.`);
  // Servers are updated one after the other. What does not fit together is not kept; the browser comes again.
  if (!(await shell.clone().text()).includes(`data-release="${KEPT.release}"`)) throw new Error("Of another release.");
  const cache = await caches.open(CACHE);
  await cache.addAll(KEPT.files);
  await cache.put(KEPT.shell, shell);
  await skipWaiting();
}

async function takeOver() {
  // The page is asked for while the worker is still being started.
  await registration.navigationPreload?.enable();
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  await clients.claim();
}

// Whatever the server answers is the answer; the shell is for no answer at all.
async function page({ request, preloadResponse }) {
  try {
    return (await preloadResponse) ?? (await fetch(request));
  } catch (error) {
    const shell = await caches.match(KEPT.shell);
    if (shell) return shell;
    throw error;
  }
}

async function file(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request);
    if (kept) return kept;
    throw error;
  }
}

addEventListener("push", (event) => event.waitUntil(notify(event.data)));
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.path));
});
addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

// Whatever comes is shown: browsers take the permission from whoever is told and shows nothing.
function notify(data) {
  const { title = "Chameleon", body = "A request waits.", path = "/", urgent = false, tag = "" } = read(data);
  return registration.showNotification(title, {
    body,
    tag: tag || "chameleon",
    renotify: true,
    requireInteraction: urgent,
    icon: KEPT.icon,
    badge: KEPT.icon,
    data: { path },
  });
}

function read(data) {
  try {
    return data.json() ?? {};
  } catch {
    return {};
  }
}

// The tab that shows it already, else a new one: where somebody is writing a reason they stay.
async function open(path) {
  const address = new URL(path ?? "/", location.origin);
  const target = address.origin === location.origin ? address : new URL("/", location.origin);
  const tabs = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const tab = tabs.find(({ url }) => new URL(url).pathname === target.pathname);
  return tab ? tab.focus() : clients.openWindow(target.href);
}

// The browser has given up the subscription of before. The server takes the new one from whoever names the old one.
async function renew({ oldSubscription, newSubscription }) {
  if (!oldSubscription) return;
  const { applicationServerKey } = oldSubscription.options;
  const made = newSubscription ?? (await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }));
  const { endpoint, keys } = made.toJSON();
  const body = new URLSearchParams({ old: oldSubscription.endpoint, endpoint, ...keys });
  await fetch("/push/moved", { method: "POST", body });
}
