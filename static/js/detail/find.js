// Where in the context a word stands: marked, counted, gone through with Enter. Looks in keys and values, or the raw JSON.

// One letter may stand in a context sixty thousand times; nobody goes through more than this.
const MAX_HITS = 500;
const field = () => document.getElementById("context-search");
const context = () => field()?.closest(".context");
let hits = [];
let at = 0;

function clear() {
  const touched = new Set();
  for (const mark of context().querySelectorAll("mark")) {
    touched.add(mark.parentElement);
    mark.replaceWith(...mark.childNodes);
  }
  for (const element of touched) element.normalize();
  hits = [];
}

function texts() {
  const places = context().classList.contains("is-raw") ? ".raw code" : ".tree :is(.key, .value)";
  const found = [];
  for (const place of context().querySelectorAll(places)) {
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (!walker.currentNode.parentElement.matches(".rest, .faint, .sr-only")) found.push(walker.currentNode);
  }
  return found;
}

function markIn(text, pattern) {
  const parts = [];
  let from = 0;
  for (const { 0: word, index } of text.data.matchAll(pattern)) {
    if (hits.length >= MAX_HITS) break;
    const mark = document.createElement("mark");
    mark.textContent = word;
    hits.push(mark);
    parts.push(text.data.slice(from, index), mark);
    from = index + word.length;
  }
  if (from) text.replaceWith(...parts, text.data.slice(from));
}

// What is typed, marked anew; the first place is shown.
export function find() {
  clear();
  const word = field().value.trim();
  if (word) {
    const pattern = new RegExp(word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "giu");
    for (const text of texts()) markIn(text, pattern);
  }
  at = 0;
  show();
}

function show() {
  const word = field().value.trim();
  const all = hits.length < MAX_HITS ? hits.length : `${MAX_HITS} or more`;
  document.getElementById("context-hits").textContent = !word ? "" : hits.length ? `${at + 1} of ${all}` : none();
  const hit = hits[at];
  for (const mark of context().querySelectorAll("mark.current")) mark.classList.remove("current");
  if (!hit) return;
  hit.classList.add("current");
  for (let holder = hit.closest("details"); holder; holder = holder.parentElement.closest("details")) holder.open = true;
  bringIntoSight(hit);
}

// Scrolls what holds the context and nothing around it: `scrollIntoView` would move the whole frame as well.
function bringIntoSight(hit) {
  const page = document.scrollingElement;
  let box = context().parentElement;
  while (box && !(box.scrollHeight > box.clientHeight && /auto|scroll/.test(getComputedStyle(box).overflowY))) box = box.parentElement;
  const top = box ? Math.max(box.getBoundingClientRect().top, 0) : 0;
  const height = (box ?? page).clientHeight;
  const place = hit.getBoundingClientRect();
  // The middle half: what sticks to the upper and lower edge covers the rest.
  const isInSight = place.top > top + height / 4 && place.bottom < top + height / 2;
  if (!isInSight) (box ?? page).scrollBy({ top: place.top - top - height / 3 });
  const pre = hit.closest("pre");
  if (pre) pre.scrollTop += hit.getBoundingClientRect().top - pre.getBoundingClientRect().top - pre.clientHeight / 3;
}

// A tree that is cut does not hold everything.
function none() {
  return context().querySelector(".tree .rest") && !context().classList.contains("is-raw") ? "none here; see Raw" : "none";
}

function step(by) {
  if (!hits.length) return;
  at = (at + by + hits.length) % hits.length;
  show();
}

function onKeyDown(event) {
  if (event.target !== field()) return;
  if (event.key === "Enter") {
    event.preventDefault();
    step(event.shiftKey ? -1 : 1);
  } else if (event.key === "Escape" && field().value) {
    event.preventDefault();
    // Only the search is left, not the request.
    event.stopPropagation();
    field().value = "";
    find();
  }
}

export function begin() {
  document.addEventListener("keydown", onKeyDown, { capture: true });
  document.addEventListener("input", ({ target }) => target === field() && find());
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-find]");
    if (button) step(button.dataset.find === "next" ? 1 : -1);
  });
}
