// The one socket of this tab: applies what happens in order, and finds back after every kind of interruption.
//
// The socket is a hint; the database is the record. The page knows the position (`seq`) it shows. Frames are applied
// strictly one after the other; on a gap, after a restore or when the server says so, the page's parts are fetched
// anew. Without a socket they are fetched every five seconds. While the pilot has paused the page, frames are heard and
// held, and nothing is fetched.

import { SignedOut } from "../page/parts.js";
import { ask, session } from "../session/session.js";
import { setClock } from "../page/times.js";

const PING_AFTER = 15000;
const PONG_WITHIN = 10000;
const HEALTHY_AFTER = 10000;
const POLL_EVERY = 5000;
const LONGEST_WAIT = 30000;
const MOST_HELD = 500;
const ENDED = { 4401: "Signed out", 4403: "No access" };

export const live = new EventTarget();

let address;
let refreshPage;
let position;
let socket = null;
let attempt = 0;
let isCatchingUp = false;
// Something has happened that only fetching anew can show.
let isBehind = false;
let isPaused = false;
// Frames that wait, by seq: a socket that comes back tells some of them again.
const held = new Map();
let heldTiles = null;
let heardSeq = 0;
let heardAt = 0;
let pingedAt = 0;
let retryAt = 0;
let reachedAt = Date.now();
let timers = {};
let status = "connecting";

// `refresh(position)` fetches the page's parts and gives the position they show, null where nothing has happened.
export function start({ url, seq, epoch, refresh }) {
  address = url;
  position = { seq: Number(seq), epoch };
  heardSeq = position.seq;
  refreshPage = refresh;
  open();
  setInterval(watch, 5000);
  addEventListener("online", retry);
  addEventListener("offline", () => lost({ isOffline: true }));
  addEventListener("pagehide", () => socket?.close());
  document.addEventListener("visibilitychange", () => !document.hidden && status !== "ended" && retry());
  session.addEventListener("ended", ({ detail: { reason } }) => end(["left", "factor"].includes(reason) ? 4403 : 4401));
  session.addEventListener("regained", () => {
    // The server has just answered: verbs work again before there is a socket.
    say("reconnecting", { retryAt: Date.now() });
    retry();
  });
}

export const isReachable = () => status === "live" || status === "connecting" || status === "reconnecting";

export const lastReached = () => reachedAt;

export const isHeld = () => isPaused;

// From now on nothing moves but what the pilot does; `resume` shows what came meanwhile, in order.
export function pause() {
  isPaused = true;
  clearTimeout(timers.poll);
  tellPause();
}

export function resume() {
  isPaused = false;
  const mustFetch = isBehind;
  isBehind = false;
  if (mustFetch) held.clear();
  applyHeld();
  if (heldTiles) tell("tiles", heldTiles);
  heldTiles = null;
  if (status === "reconnecting" || status === "offline") poll();
  else if (mustFetch) catchUp();
  tellPause();
}

// At once, by the pilot's hand or because the network is back.
export function retry() {
  if (socket && socket.readyState === WebSocket.CONNECTING) return;
  if (status === "live") return;
  clearTimeout(timers.retry);
  open();
  poll();
}

// Only while the line is open: what is told so is about this moment, and not kept for another.
export function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function open() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const query = new URLSearchParams({ since: position.seq, epoch: position.epoch });
  const mine = new WebSocket(`${scheme}://${location.host}${address}?${query}`);
  socket = mine;
  pingedAt = 0;
  heardAt = Date.now();
  mine.onmessage = (message) => mine === socket && hear(JSON.parse(message.data));
  mine.onclose = (event) => mine === socket && closed(event.code);
}

function hear(frame) {
  heardAt = Date.now();
  reachedAt = heardAt;
  if (frame.kind === "hello") greet(frame);
  else if (frame.kind === "event") take(frame);
  else if (frame.kind === "tiles" && isPaused) heldTiles = frame;
  else if (frame.kind === "tiles") tell("tiles", frame);
  else if (frame.kind === "presence" || frame.kind === "presence_all") tell("presence", frame);
  else if (frame.kind === "resync") catchUp();
}

function greet(frame) {
  if (frame.pilot_id !== document.body.dataset.pilot) {
    hangUp();
    return void signedOut();
  }
  setClock(frame.now);
  // The role may have changed since the page was made; the server decides anyway.
  if (frame.role) document.body.dataset.role = frame.role;
  clearTimeout(timers.poll);
  timers.healthy = setTimeout(() => (attempt = 0), HEALTHY_AFTER);
  say("live");
  if (frame.epoch !== position.epoch || frame.seq < position.seq) catchUp();
}

function take(frame) {
  if (frame.seq <= position.seq) return;
  hearOnce(frame);
  if (isCatchingUp || isPaused) {
    hold(frame);
  } else if (frame.seq === position.seq + 1) {
    position.seq = frame.seq;
    tell("event", frame);
  } else {
    hold(frame);
    catchUp();
  }
}

// "heard" comes at once and once for each event, also where showing it has to wait.
function hearOnce(frame) {
  if (frame.seq <= heardSeq) return;
  heardSeq = frame.seq;
  tell("heard", frame);
  // What the pilot did themselves shows at once. It is applied again in its turn, which changes nothing then.
  if (isPaused && isMine(frame)) tell("event", frame);
}

const isMine = (frame) => frame.actor === document.body.dataset.pilot;

function hold(frame) {
  if (isPaused && (isBehind || held.size >= MOST_HELD)) {
    isBehind = true;
    held.clear();
  } else {
    held.set(frame.seq, frame);
  }
  if (isPaused) tellPause();
}

function applyHeld() {
  const frames = [...held.values()].sort((one, other) => one.seq - other.seq);
  held.clear();
  frames.forEach(take);
}

function tellPause() {
  const waiting = [...held.values()].filter((frame) => frame.seq > position.seq && !isMine(frame)).length;
  tell("pause", { isPaused, waiting, isOver: isPaused && isBehind ? MOST_HELD : 0 });
}

// Fetches what the page shows and goes on from there with the frames that came meanwhile.
async function catchUp() {
  isBehind = true;
  if (isPaused) return tellPause();
  if (isCatchingUp) return;
  isCatchingUp = true;
  isBehind = false;
  const { epoch } = position;
  try {
    position = (await refreshPage(null)) ?? position;
    reachedAt = Date.now();
  } catch {
    held.clear();
    fail();
    return;
  } finally {
    isCatchingUp = false;
  }
  heardSeq = position.epoch === epoch ? Math.max(heardSeq, position.seq) : position.seq;
  applyHeld();
  if (isPaused) tellPause();
  else if (isBehind) catchUp();
}

function fail() {
  if (socket?.readyState === WebSocket.OPEN) socket.close(4000);
}

function closed(code) {
  clearTimeout(timers.healthy);
  socket = null;
  if (code === 4401) signedOut();
  else if (code in ENDED) end(code);
  else lost({});
}

// This session is over; another may stand: the pilot has signed in anew in another tab.
async function signedOut() {
  if ((await ask()) !== false) lost({});
}

function end(code) {
  clearTimeout(timers.retry);
  clearTimeout(timers.poll);
  hangUp();
  say("ended", { text: ENDED[code] });
}

function hangUp() {
  const gone = socket;
  socket = null;
  gone?.close();
}

function lost({ isOffline = false }) {
  const wait = Math.random() * Math.min(LONGEST_WAIT, 1000 * 2 ** attempt++);
  retryAt = Date.now() + wait;
  clearTimeout(timers.retry);
  timers.retry = setTimeout(open, wait);
  if (status === "live" || status === "connecting") {
    clearTimeout(timers.poll);
    timers.poll = setTimeout(poll, POLL_EVERY);
  }
  if (isOffline) say("offline", { since: reachedAt });
  else if (status !== "offline") say("reconnecting", { retryAt });
}

// While there is no socket: the page's parts every five seconds, and with them the truth about the connection.
async function poll() {
  clearTimeout(timers.poll);
  if (status === "live" || isPaused) return;
  try {
    const found = await refreshPage(position);
    if (status === "live") return;
    position = found ?? position;
    reachedAt = Date.now();
    say("reconnecting", { retryAt });
  } catch (error) {
    if (error instanceof SignedOut && (await ask()) === false) return;
    if (status !== "live") say("offline", { since: reachedAt });
  }
  timers.poll = setTimeout(poll, POLL_EVERY);
}

// A line that is cut without a word looks open for minutes: whoever does not answer a ping is gone. Timers of hidden
// tabs run once a minute, so only an unanswered ping counts, not silence.
function watch() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const time = Date.now();
  if (pingedAt > heardAt) {
    if (time - pingedAt < PONG_WITHIN) return;
    const dead = socket;
    closed(4000);
    dead.close(4000);
  } else if (time - heardAt >= PING_AFTER) {
    pingedAt = time;
    send({ kind: "ping" });
  }
}

function say(next, detail = {}) {
  status = next;
  tell("connection", { status, ...detail });
}

function tell(name, detail) {
  live.dispatchEvent(new CustomEvent(name, { detail }));
}
